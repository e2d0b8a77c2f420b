"""The local Kling's new standard: the model is in the path, durations are numbers, charges are rows of `billing`.

Source: kling.ai/document-api, the pages of `/text-to-video/…`, `/image-to-video/…`, `/omni-video/…` and `/tasks`.
"""

from __future__ import annotations

from typing import Any

from klingbot.sandbox.kling.local_tasks import LocalTask
from klingbot.sandbox.kling.models import BY_PATH_NAME, KlingModel, Way
from klingbot.sandbox.kling.pictures import MEGABYTES_NEW, frame
from klingbot.sandbox.kling.refusals import Refusal
from klingbot.sandbox.kling.task_requests import (
    ASPECTS,
    Ask,
    Fields,
    callback_url,
    external_id,
    invalid,
    one_of,
    only,
    sold,
    text,
)

WAYS: dict[str, Way] = {"text-to-video": "text", "image-to-video": "image", "omni-video": "omni"}


def read(endpoint: str, path_name: str, body: Fields) -> Ask:
    """The ask in a `POST /{endpoint}/{path_name}`. Raises Refusal."""
    way = WAYS[endpoint]
    model = BY_PATH_NAME.get(path_name)
    if model is None or way not in model.ways:
        raise Refusal(1203, f"model {path_name} does not exist")
    only(body, {"prompt" if way == "text" else "contents", "settings", "options"})
    prompt, has_frame = _prompt_and_frame(way, body)
    settings, options = _object(body, "settings"), _object(body, "options")
    only(settings, _settings_of(model, has_frame=has_frame), "settings.")
    only(options, {"external_task_id", "callback_url", "watermark_info"}, "options.")
    ask = Ask(
        model=model,
        prompt=text(prompt, model.image_prompt_limit if has_frame else model.prompt_limit, "prompt"),
        seconds=_seconds(model, settings.get("duration", 5)),
        resolution=one_of(settings.get("resolution", "720p"), model.resolutions, "settings.resolution"),
        with_sound=_sound(model, settings),
        with_shots=_shots(model, settings),
        aspect=one_of(settings.get("aspect_ratio", "16:9"), ASPECTS, "settings.aspect_ratio"),
        external_id=external_id(options.get("external_task_id", "")),
        callback_url=callback_url(options.get("callback_url", "")),
    )
    return sold(ask)


def created(task: LocalTask, now: float) -> Fields:
    """The `data` of a reply to a create."""
    return {
        "id": task.task_id,
        "status": task.status(now),
        "create_time": round(task.taken_at * 1000),
        "update_time": round(task.updated_at(now) * 1000),
        "external_id": task.ask.external_id,
    }


def shown(task: LocalTask, now: float, url: str) -> Fields:
    """One item of a reply to `GET /tasks`; `url` is where the video is, once there is one."""
    outputs = []
    if task.status(now) == "succeeded":
        # Files come out a frame longer than what was asked for.
        outputs = [{"type": "video", "id": f"video-{task.task_id}", "url": url, "duration": f"{task.ask.seconds}.041"}]
    item = created(task, now) | {"message": task.message(now), "outputs": outputs, "billing": []}
    charge = task.charge(now)
    if charge is not None:
        item["billing"] = [{"charge_type": "unit", "amount": str(charge), "package_type": "video"}]
    return item


def _prompt_and_frame(way: Way, body: Fields) -> tuple[Any, bool]:
    """The prompt, and whether there is a first frame."""
    if way == "text":
        return body.get("prompt"), False
    contents = body.get("contents")
    if not isinstance(contents, list) or not all(isinstance(item, dict) for item in contents):
        raise invalid("contents", contents)
    by_type = {str(item.get("type")): item for item in contents}
    if len(by_type) < len(contents) or not by_type.keys() <= {"prompt", "first_frame"}:
        raise invalid("contents.type", [item.get("type") for item in contents])
    has_frame = "first_frame" in by_type
    if way == "image" and not has_frame:
        raise Refusal(1201, "contents first_frame is required")
    if has_frame:
        frame(by_type["first_frame"].get("url"), "contents.url", MEGABYTES_NEW)
    return by_type.get("prompt", {}).get("text"), has_frame


def _settings_of(model: KlingModel, *, has_frame: bool) -> set[str]:
    settings = {"resolution", "duration"}
    if not has_frame:  # else the video takes the shape of its first frame
        settings.add("aspect_ratio")
    if model.sound == "switch":
        settings.add("audio")
    if model.has_shots:
        settings.add("multi_shot")
    return settings


def _seconds(model: KlingModel, duration: Any) -> int:
    if type(duration) is not int or duration not in model.seconds:
        raise invalid("settings.duration", duration)
    return duration


def _sound(model: KlingModel, settings: Fields) -> bool:
    if model.sound != "switch":
        return model.sound == "always"
    return one_of(settings.get("audio", "off"), ("native", "off"), "settings.audio") == "native"


def _shots(model: KlingModel, settings: Fields) -> bool:
    shots = settings.get("multi_shot", model.has_shots)
    if not isinstance(shots, bool):
        raise invalid("settings.multi_shot", shots)
    return shots


def _object(body: Fields, field: str) -> Fields:
    value = body.get(field, {})
    if not isinstance(value, dict):
        raise invalid(field, value)
    return value
