"""What is sent to Kling: paths and bodies, for both of its API generations. Pure.

The legacy standard names the model in the body and takes strings; the new standard names it in the path and takes
numbers (kling.ai/document-api). A route beginning with `/v1/` is legacy.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from klingbot.kling.tasks import TaskRequest

# Kling ignores a field that a model does not know, and a switch left out falls to its default. So each switch is sent
# except to the models known not to have it: a newer model must not surprise anybody with sound or with several shots.
_LEGACY_SILENT = {
    "kling-v1",
    "kling-v1-5",
    "kling-v1-6",
    "kling-v2-master",
    "kling-v2-1",
    "kling-v2-1-master",
    "kling-v2-5-turbo",
    "kling-video-o1",
}
_NEW_WITHOUT_SOUND_SWITCH = {"kling-2.5-turbo", "kling-o1", "kling-3.0-turbo"}
_NEW_WITHOUT_SHOTS = {"kling-2.5-turbo", "kling-2.6", "kling-o1", "kling-3.0-turbo"}

_MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}

MOST_IDS = 20
"""Kling answers one look-up for at most so many ids: more are refused with 1201 (seen live, September 2026)."""


def route(request: TaskRequest, *, api_key: bool) -> str:
    """Where to ask for the task: `/text-to-video/kling-2.6` (new standard) or `/v1/videos/text2video` (legacy).

    The new standard takes a plain API key only, and no negative prompt. Raises ValueError when neither standard can
    take the request: the price list should have refused it.
    """
    if api_key and request.new_name and not request.negative:
        return f"/{_new_endpoint(request)}/{request.new_name}"
    if request.legacy_name:
        return f"/v1/videos/{_legacy_endpoint(request)}"
    raise ValueError(f"no API of Kling's takes {request.new_name} with these options and credentials")


def is_legacy(route: str) -> bool:
    return route.startswith("/v1/")


def body(request: TaskRequest, route: str, callback_url: str | None = None) -> dict[str, Any]:
    """The JSON that creates the task at that route; Kling tells `callback_url` of each change of its status."""
    whole = _legacy_body(request) if is_legacy(route) else _new_body(request)
    if callback_url:
        options = whole if is_legacy(route) else whole["options"]
        options["callback_url"] = callback_url
    return whole


@dataclass(frozen=True, slots=True)
class Question:
    """One look-up call: where to GET, and the ids that its answer is about."""

    path: str
    ids: tuple[str, ...]


def questions(route: str, job_ids: Sequence[str], task_ids: Sequence[str]) -> list[Question]:
    """The calls that ask for all these tasks: in batches on the new standard, one by one on the legacy one.

    The new standard takes job ids or task ids, never both in one call.
    """
    if is_legacy(route):
        return [Question(f"{route}/{quote(each, safe='')}", (each,)) for each in (*job_ids, *task_ids)]
    return [*_batches("external_task_ids", job_ids), *_batches("task_ids", task_ids)]


def rest(question: Question, answered: Collection[str]) -> list[Question]:
    """The same question of the new standard about the ids that its answer left out; empty when it left out none."""
    left = [each for each in question.ids if each not in answered]
    return _batches(_parameter(question), left)


def halves(question: Question) -> list[Question]:
    """Return the same question of the new standard in two parts; empty when it is about one id alone."""
    middle = len(question.ids) // 2
    if not middle:
        return []
    return [_question(_parameter(question), ids) for ids in (question.ids[:middle], question.ids[middle:])]


def _parameter(question: Question) -> str:
    return question.path.removeprefix("/tasks?").partition("=")[0]


def _batches(parameter: str, ids: Sequence[str]) -> list[Question]:
    starts = range(0, len(ids), MOST_IDS)
    return [_question(parameter, tuple(ids[start : start + MOST_IDS])) for start in starts]


def _question(parameter: str, ids: tuple[str, ...]) -> Question:
    return Question(f"/tasks?{parameter}=" + ",".join(quote(each, safe="") for each in ids), ids)


def _new_endpoint(request: TaskRequest) -> str:
    if request.omni:
        return "omni-video"
    return "image-to-video" if request.image_url else "text-to-video"


def _legacy_endpoint(request: TaskRequest) -> str:
    if request.omni:
        return "omni-video"
    return "image2video" if request.image_url else "text2video"


def _new_body(request: TaskRequest) -> dict[str, Any]:
    settings: dict[str, Any] = {"resolution": request.resolution, "duration": request.duration_seconds}
    if not request.image_url:
        settings["aspect_ratio"] = request.aspect
    if request.new_name not in _NEW_WITHOUT_SOUND_SWITCH:
        settings["audio"] = "native" if request.audio else "off"
    if request.new_name not in _NEW_WITHOUT_SHOTS:
        settings["multi_shot"] = False
    return {**_new_prompt(request), "settings": settings, "options": {"external_task_id": request.job_id}}


def _new_prompt(request: TaskRequest) -> dict[str, Any]:
    if not request.omni and not request.image_url:
        return {"prompt": request.prompt}
    contents = [{"type": "prompt", "text": request.prompt}]
    if request.image_url:
        contents.append({"type": "first_frame", "url": request.image_url})
    return {"contents": contents}


def _legacy_body(request: TaskRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model_name": request.legacy_name,
        "prompt": request.prompt,
        "duration": str(request.duration_seconds),
        "mode": _MODES[request.resolution],
        "external_task_id": request.job_id,
    }
    if request.negative:
        body["negative_prompt"] = request.negative
    if request.legacy_name not in _LEGACY_SILENT:
        body["sound"] = "on" if request.audio else "off"
    return body | _legacy_frame(request)


def _legacy_frame(request: TaskRequest) -> dict[str, Any]:
    if not request.image_url:
        return {"aspect_ratio": request.aspect}
    if request.omni:
        return {"image_list": [{"image_url": request.image_url, "type": "first_frame"}]}
    return {"image": request.image_url}
