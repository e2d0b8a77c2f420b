"""The form behind the button *Write off*: it asks for the reason that stands in the ledger."""

from __future__ import annotations

import json

from klingbot.blocks.modals import write_off_modal as blocks
from klingbot.domain.jobs import Job
from klingbot.engine import stuck_jobs
from klingbot.engine.stuck_jobs import WrittenOff
from klingbot.slack import queueing
from klingbot.slack.desk import Answer, Click, Desk, Opens, Private
from klingbot.slack.filled import Filled, Mistakes, Taken

WHO = "write jobs off"
"""What only admins can do."""


def opened(desk: Desk, click: Click) -> Answer:
    job = stuck_jobs.look(desk.engine, click.value)
    if isinstance(job, Job):
        return Opens(blocks.write_off(job, click.response_url))
    return Private(queueing.said(job, desk, click.value))


def submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    reason = " ".join((form.values.get("reason") or "").split())
    if not reason:
        return Mistakes({"reason": "Say why nobody waits any more."})
    memory = json.loads(form.memory)
    outcome = stuck_jobs.write_off(desk.engine, memory["job"], by=form.user_id, reason=reason)
    said = queueing.said(outcome, desk, memory["job"])
    return Taken(said, memory["response_url"], rewrites=isinstance(outcome, WrittenOff))
