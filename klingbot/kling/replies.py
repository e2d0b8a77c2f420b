"""What Kling's replies mean. Pure: a reply in, a named ending out."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from klingbot.kling import errors
from klingbot.kling.json_values import fields_of, id_of, is_id, json_of, text_of
from klingbot.kling.outcomes import Accepted, AlreadyTaken, LookUp, Rejected, ReplyLost, Unreachable
from klingbot.kling.task_json import read_tasks
from klingbot.kling.tasks import Task
from klingbot.kling.wire import Question

log = logging.getLogger(__name__)

_SERVER_ERRORS = (5000, 5001, 5002)
_ID_TAKEN = re.compile(r"external.?task.?id.*(exist|duplicat|repeat)", re.IGNORECASE | re.DOTALL)
"""Kling's words, in both standards: `External_task_id … already exists` (seen live, September 2026)."""
_LONGEST_WISH_MS = 600_000
_MALFORMED = "Klingbot cannot read what Kling says about it"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer. `code` is None when it carried no code of Kling's (a proxy's error page, say)."""

    http_status: int
    code: int | None
    message: str
    request_id: str
    data: Any
    kling_time: datetime | None
    retry_after_ms: int | None = None
    """How long Kling wants to be left alone."""
    malformed: bool = False
    """Whether it began like an answer of Kling's and could not be read as one."""

    def __str__(self) -> str:
        code = "no code" if self.code is None else f"code {self.code}"
        return f"HTTP {self.http_status}, {code}"


def read(
    http_status: int, content: bytes | None, date_header: str | None, retry_after_header: str | None = None
) -> Reply:
    """Return the reply in an HTTP answer. `content` is None where it was too long to be one of Kling's."""
    envelope = None if content is None else json_of(content)
    fields = fields_of(envelope)
    code = fields.get("code")
    return Reply(
        http_status=http_status,
        code=code if type(code) is int else None,
        message=text_of(fields.get("message")),
        request_id=text_of(fields.get("request_id"), 100),
        data=fields.get("data"),
        kling_time=_time(date_header),
        retry_after_ms=_milliseconds(retry_after_header),
        malformed=envelope is None and (content is None or content.lstrip().startswith(b"{")),
    )


def created(reply: Reply) -> Accepted | Rejected | ReplyLost:
    """How a create ended.

    A code that is not in Kling's docs says nothing about whether the task was taken, whatever its HTTP status. Read
    as a refusal it could hide a charge; read as "not taken" it could buy the video twice. So it counts as a lost
    reply: looking the task up is free and settles the matter.
    """
    if reply.code == errors.OK:
        data = fields_of(reply.data)
        task_id = id_of(data.get("task_id")) or id_of(data.get("id"))
        return Accepted(task_id) if task_id else ReplyLost("Kling answered yes without naming the task")
    if reply.code == errors.BAD_VALUE and _ID_TAKEN.search(reply.message):
        return AlreadyTaken("Kling says that it has this job already, and does not show it")
    return _refused(reply) or ReplyLost(f"Kling's answer did not say whether it took the task ({reply})")


def looked_up(reply: Reply, question: Question, *, legacy: bool) -> LookUp | Rejected | Unreachable:
    """What a look-up taught about the ids it asked for."""
    if reply.code == errors.OK:
        return _listed(reply.data, question)
    if legacy and _says_absent(reply.code, question):
        return LookUp({}, frozenset(question.ids))
    if reply.malformed and reply.http_status < 300:
        return unclear(question)
    refused = errors.rejection(reply.code, reply.message, reply.request_id)
    server_error = reply.code is None or reply.code in _SERVER_ERRORS or reply.http_status >= 500
    return refused or Unreachable(f"Kling did not answer a look-up ({reply})", answered=True, server_error=server_error)


def _says_absent(code: int | None, question: Question) -> bool:
    """Return whether Kling says that it has no task of that id. The legacy standard asks for one id, by path.

    Kling's answer is 1201, `Task not found by id/external id: …` (seen live, September 2026). About an id that is
    well-formed, a bad value can mean nothing else.
    """
    if code == errors.BAD_VALUE:
        return all(is_id(each) for each in question.ids)
    return code == errors.NOT_FOUND


def _listed(data: Any, question: Question) -> LookUp | Unreachable:
    if data == []:
        return LookUp({}, frozenset(question.ids))
    tasks: dict[str, Task] = {}
    described = list(read_tasks(data))
    for task in described:
        for asked in _asked_as(task, question):
            tasks[asked] = _one_of(tasks.get(asked, task), task, asked)
    if not described or (not tasks and len(question.ids) == 1):
        return unclear(question)
    return LookUp(tasks, frozenset())


def unclear(question: Question) -> LookUp | Unreachable:
    """Return what an answer without any task teaches: only about a single id, whose task must be the odd one."""
    if len(question.ids) == 1:
        return LookUp({}, frozenset(), {question.ids[0]: _MALFORMED})
    return Unreachable("Kling's answer to a look-up could not be read", answered=True)


def _one_of(first: Task, second: Task, asked: str) -> Task:
    """Return the task that an id stands for, where Kling described two."""
    if first == second:
        return first
    if first.task_id != second.task_id:
        log.error("Kling made two tasks of %s: %s and %s", asked, first.task_id, second.task_id)
        return first
    return replace(first, status="processing", problem="Kling said two different things about it at once")


def _asked_as(task: Task, question: Question) -> set[str]:
    """The ids of the question that this task answers. Kling may leave the job's id out; then only one can be meant."""
    if task.job_id is None and len(question.ids) == 1:
        return set(question.ids)
    return {task.task_id, task.job_id or ""} & set(question.ids)


def _time(date_header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date_header) if date_header else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _refused(reply: Reply) -> Rejected | None:
    refused = errors.rejection(reply.code, reply.message, reply.request_id)
    return replace(refused, retry_after_ms=reply.retry_after_ms) if refused else None


def _milliseconds(seconds: str | None) -> int | None:
    """Return the wait that a Retry-After header asks for, as far as it is believed."""
    wished = (seconds or "").strip()
    if not (wished.isascii() and wished.isdecimal()):
        return None
    return max(1_000, min(int(wished[:9]) * 1_000, _LONGEST_WISH_MS))
