"""The form behind the button *Write off*: it asks for the reason that stands in the ledger."""

from __future__ import annotations

import json

from klingbot.blocks.modals import write_off_modal as blocks
from klingbot.domain.jobs import Job
from klingbot.engine import stuck_jobs
from klingbot.engine.stuck_jobs import WrittenOff
from klingbot.slack.context import Answer, Click, Desk, Opens, Private
from klingbot.slack.features import queue_commands
from klingbot.slack.interactions.form_values import Filled, Mistakes, Taken

WHO = "write jobs off"
"""What only admins can do."""


def opened(desk: Desk, click: Click) -> Answer:
    job = stuck_jobs.look(desk.engine, click.value)
    if isinstance(job, Job):
        return Opens(blocks.write_off(job, click.response_url))
    return Private(queue_commands.said(job, desk, click.value))


def submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    reason = " ".join((form.values.get("reason") or "").split())
    if not reason:
        return Mistakes({"reason": "Say why nobody waits any more."})
    memory = json.loads(form.memory)
    outcome = stuck_jobs.write_off(desk.engine, memory["job"], by=form.user_id, reason=reason)
    said = queue_commands.said(outcome, desk, memory["job"])
    return Taken(said, memory["response_url"], rewrites=isinstance(outcome, WrittenOff))
