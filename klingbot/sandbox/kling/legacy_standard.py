"""The local Kling's legacy standard: the model is in the body, durations and charges are strings.

Source: kling.ai/document-api, the pages of `/v1/videos/…`.
"""

from __future__ import annotations

from typing import Any

from klingbot.sandbox.kling.local_tasks import LocalTask
from klingbot.sandbox.kling.models import BY_LEGACY_NAME, RETIRED, KlingModel, Way
from klingbot.sandbox.kling.pictures import MEGABYTES_LEGACY, frame
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

WAYS: dict[str, Way] = {"text2video": "text", "image2video": "image", "omni-video": "omni"}

_PROMPT_LIMIT = 2500
_MODES = {"std": "720p", "pro": "1080p", "4k": "4k"}
_EVERYWHERE = {"model_name", "prompt", "duration", "mode", "sound", "external_task_id", "callback_url"}
_FIELDS: dict[Way, set[str]] = {
    "text": _EVERYWHERE | {"negative_prompt", "aspect_ratio"},
    "image": _EVERYWHERE | {"negative_prompt", "image"},
    "omni": _EVERYWHERE | {"aspect_ratio", "image_list"},
}
_STATUS_WORDS = {"succeeded": "succeed"}


def read(endpoint: str, body: Fields) -> Ask:
    """The ask in a `POST /v1/videos/{endpoint}`. Raises Refusal."""
    way = WAYS[endpoint]
    only(body, _FIELDS[way])
    model = _model(body.get("model_name", "kling-v1"), way, endpoint)
    if "negative_prompt" in body:
        text(body["negative_prompt"], _PROMPT_LIMIT, "negative_prompt")
    ask = Ask(
        model=model,
        prompt=text(body.get("prompt"), _PROMPT_LIMIT, "prompt"),
        seconds=_seconds(model, body.get("duration", "5")),
        resolution=_MODES[one_of(body.get("mode", "std"), _MODES, "mode")],
        with_sound=_sound(model, body),
        with_shots=False,
        aspect=one_of(body.get("aspect_ratio", "16:9"), ASPECTS, "aspect_ratio"),
        external_id=external_id(body.get("external_task_id", "")),
        callback_url=callback_url(body.get("callback_url", "")),
    )
    _check_image(way, body)
    return sold(ask)


def created(task: LocalTask, now: float) -> Fields:
    """The `data` of a reply to a create."""
    return {
        "task_id": task.task_id,
        "task_status": _word(task, now),
        "task_info": {"external_task_id": task.ask.external_id} if task.ask.external_id else {},
        "created_at": round(task.taken_at * 1000),
        "updated_at": round(task.updated_at(now) * 1000),
    }


def shown(task: LocalTask, now: float, url: str) -> Fields:
    """The `data` of a reply to a query; `url` is where the video is, once there is one."""
    data = created(task, now) | {"task_status_msg": task.message(now), "task_result": {}}
    if task.status(now) == "succeeded":
        video = {"id": f"video-{task.task_id}", "url": url, "duration": str(task.ask.seconds)}
        data |= {"task_result": {"videos": [video]}, "final_unit_deduction": str(task.charge(now))}
    return data


def _word(task: LocalTask, now: float) -> str:
    status = task.status(now)
    return _STATUS_WORDS.get(status, status)


def _model(name: Any, way: Way, endpoint: str) -> KlingModel:
    if not isinstance(name, str):
        raise invalid("model_name", name)
    if name in RETIRED:
        raise Refusal(1203, f"model {name} is no longer available")
    model = BY_LEGACY_NAME.get(name)
    if model is None:
        raise invalid("model_name", name)
    if way not in model.ways:
        raise Refusal(1201, f"model_name {name} is not supported by {endpoint}")
    return model


def _seconds(model: KlingModel, duration: Any) -> int:
    if not isinstance(duration, str) or duration not in {str(each) for each in model.seconds}:
        raise invalid("duration", duration)
    return int(duration)


def _sound(model: KlingModel, body: Fields) -> bool:
    if "sound" not in body:
        return False
    if model.sound == "never":
        raise Refusal(1201, f"sound is not supported by {model.legacy_name}")
    return one_of(body["sound"], ("on", "off"), "sound") == "on"


def _check_image(way: Way, body: Fields) -> None:
    if way == "image":
        frame(body.get("image"), "image", MEGABYTES_LEGACY)
    for item in body.get("image_list", []):
        if not isinstance(item, dict) or item.get("type") != "first_frame":
            raise invalid("image_list", item)
        frame(item.get("image_url"), "image_list.image_url", MEGABYTES_LEGACY)
