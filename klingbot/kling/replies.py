"""What Kling's replies mean. Pure: a reply in, a named ending out."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from klingbot.kling import errors
from klingbot.kling.outcomes import Accepted, AlreadyTaken, LookUp, Rejected, ReplyLost, Unreachable
from klingbot.kling.task_json import fields_of, read_tasks, text_of
from klingbot.kling.tasks import Task
from klingbot.kling.wire import Question

log = logging.getLogger(__name__)

_SERVER_ERRORS = (5000, 5001, 5002)
_ID_TAKEN = re.compile(r"external.?task.?id.*(exist|duplicat|repeat)", re.IGNORECASE | re.DOTALL)
"""Kling's words, in both standards: `External_task_id … already exists` (seen live, September 2026)."""
_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer. `code` is None when it carried no code of Kling's (a proxy's error page, say)."""

    http_status: int
    code: int | None
    message: str
    request_id: str
    data: Any
    kling_time: datetime | None

    def __str__(self) -> str:
        code = "no code" if self.code is None else f"code {self.code}"
        return f"HTTP {self.http_status}, {code}"


def read(http_status: int, content: bytes, date_header: str | None) -> Reply:
    """The reply in an HTTP answer."""
    try:
        envelope = json.loads(content)
    except ValueError:
        envelope = None
    fields = fields_of(envelope)
    code = fields.get("code")
    return Reply(
        http_status=http_status,
        code=code if type(code) is int else None,
        message=text_of(fields.get("message")),
        request_id=text_of(fields.get("request_id")),
        data=fields.get("data"),
        kling_time=_time(date_header),
    )


def created(reply: Reply) -> Accepted | Rejected | ReplyLost:
    """How a create ended.

    A code that is not in Kling's docs says nothing about whether the task was taken, whatever its HTTP status. Read
    as a refusal it could hide a charge; read as "not taken" it could buy the video twice. So it counts as a lost
    reply: looking the task up is free and settles the matter.
    """
    if reply.code == errors.OK:
        data = fields_of(reply.data)
        task_id = text_of(data.get("task_id")) or text_of(data.get("id"))
        return Accepted(task_id) if task_id else ReplyLost("Kling answered yes without naming the task")
    if reply.code == errors.BAD_VALUE and _ID_TAKEN.search(reply.message):
        return AlreadyTaken("Kling says that it has this job already")
    refused = errors.rejection(reply.code, reply.message, reply.request_id)
    return refused or ReplyLost(f"Kling's answer did not say whether it took the task ({reply})")


def looked_up(reply: Reply, question: Question, *, legacy: bool) -> LookUp | Rejected | Unreachable:
    """What a look-up taught about the ids it asked for."""
    if reply.code == errors.OK:
        return _listed(reply.data, question)
    if legacy and _says_absent(reply.code, question):
        return LookUp({}, frozenset(question.ids))
    refused = errors.rejection(reply.code, reply.message, reply.request_id)
    server_error = reply.code in _SERVER_ERRORS or reply.http_status >= 500
    return refused or Unreachable(f"Kling did not answer a look-up ({reply})", answered=True, server_error=server_error)


def _says_absent(code: int | None, question: Question) -> bool:
    """Return whether Kling says that it has no task of that id. The legacy standard asks for one id, by path.

    Kling's answer is 1201, `Task not found by id/external id: …` (seen live, September 2026). About an id that is
    well-formed, a bad value can mean nothing else.
    """
    if code == errors.BAD_VALUE:
        return all(_WELL_FORMED_ID.fullmatch(each) for each in question.ids)
    return code == errors.NOT_FOUND


def _listed(data: Any, question: Question) -> LookUp:
    if data == []:
        return LookUp({}, frozenset(question.ids))
    tasks: dict[str, Task] = {}
    for task in read_tasks(data):
        for asked in _asked_as(task, question):
            if asked in tasks:
                log.error("Kling made two tasks of %s: %s and %s", asked, tasks[asked].task_id, task.task_id)
            tasks.setdefault(asked, task)
    return LookUp(tasks, frozenset())


def _asked_as(task: Task, question: Question) -> set[str]:
    """The ids of the question that this task answers. Kling may leave the job's id out; then only one can be meant."""
    if task.job_id is None and len(question.ids) == 1:
        return set(question.ids)
    return {task.task_id, task.job_id or ""} & set(question.ids)


def _time(date_header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date_header) if date_header else None
    except ValueError:
        return None
