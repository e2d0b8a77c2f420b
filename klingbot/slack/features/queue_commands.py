"""`/kling jobs`, and what admins do with jobs that wait or are stuck: `thaw`, `cancel waiting`, `keep-waiting`,
`write-off`."""

from __future__ import annotations

import logging

from klingbot.blocks import job_lists as blocks
from klingbot.blocks import jobs as job_blocks
from klingbot.blocks.message import Message
from klingbot.blocks.text import mention
from klingbot.engine import job_queue, stuck_jobs
from klingbot.engine.cancellation import NoSuchJob
from klingbot.engine.stuck_jobs import NotStuck, StillWaiting, WrittenOff
from klingbot.slack.command_line.types import CancelWaiting, Jobs, KeepWaiting, Thaw, UserRef, WriteOff
from klingbot.slack.context import Answer, Asker, Click, Desk, Private, Rewritten

log = logging.getLogger(__name__)

Outcome = StillWaiting | WrittenOff | NoSuchJob | NotStuck


def show(desk: Desk, asker: Asker, command: Jobs) -> Message:
    if command.everybody:
        return blocks.queue(
            job_queue.queue(desk.engine, None), desk.engine.calendar, whose="Everybody's jobs", own=False
        )
    user_id = desk.directory.user_id(command.of) if isinstance(command.of, UserRef) else asker.user_id
    own = user_id == asker.user_id
    whose = "Your jobs" if own else f"Jobs of {mention(user_id)}"
    return blocks.queue(job_queue.queue(desk.engine, user_id), desk.engine.calendar, whose=whose, own=own)


def thaw(desk: Desk, asker: Asker, command: Thaw) -> Message:
    log.info("%s opens the way to Kling by hand", asker.user_id)
    return blocks.thawed(job_queue.thaw(desk.engine))


def cancel_waiting(desk: Desk, asker: Asker, command: CancelWaiting) -> Message:
    return blocks.waiting_cancelled(job_queue.cancel_waiting(desk.engine, by=asker.user_id))


def keep_waiting(desk: Desk, asker: Asker, command: KeepWaiting) -> Message:
    return said(stuck_jobs.keep_waiting(desk.engine, command.job, after_ms=desk.stuck_ms), desk, command.job)


def keep_waiting_clicked(desk: Desk, click: Click) -> Answer:
    """The buttons go once something was decided; the other admins still have theirs, which then say so."""
    outcome = stuck_jobs.keep_waiting(desk.engine, click.value, after_ms=desk.stuck_ms)
    told = said(outcome, desk, click.value)
    return Rewritten(told) if isinstance(outcome, StillWaiting) else Private(told)


def write_off(desk: Desk, asker: Asker, command: WriteOff) -> Message:
    outcome = stuck_jobs.write_off(desk.engine, command.job, by=asker.user_id, reason=command.reason)
    return said(outcome, desk, command.job)


def said(outcome: Outcome, desk: Desk, job_id: str) -> Message:
    match outcome:
        case NoSuchJob():
            return job_blocks.no_such_job(job_id)
        case NotStuck():
            return blocks.not_stuck(outcome, desk.engine.calendar)
        case StillWaiting():
            return blocks.still_waiting(outcome, desk.engine.calendar)
        case WrittenOff():
            return blocks.written_off(outcome)
