"""Data → Block Kit. Pure: no clock, no SQL, no Slack SDK.

A room for each thing the bot talks about; each function returns a `Message` whose `text` says what its blocks say.
`render` is for what waits in the outbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from klingbot.blocks import (
    alert_messages,
    alert_thread,
    digests,
    first_budget_notice,
    increases,
    job_lists,
    job_message,
    jobs,
    outbox,
    overdue_notice,
    project_lists,
    reconciliation,
)
from klingbot.blocks.combined_alerts import together
from klingbot.blocks.message import Message, context
from klingbot.blocks.text import channel, mention, neutral
from klingbot.domain.alert_history import AlertThread
from klingbot.domain.notifications import (
    AlertTest,
    AlertTested,
    BillDiffers,
    BudgetRemoved,
    CancelEnded,
    Content,
    Crossed,
    DigestReady,
    GrantEnded,
    IncreaseAsked,
    IncreaseClosed,
    JobFailed,
    JobShown,
    JobStuck,
    JobWrittenOff,
    ModelRefused,
    PackEnding,
    PastProjects,
    Renewed,
    RunningOut,
    RunsUnlimited,
    Spiked,
    SubmittingResumed,
    SubmittingStopped,
    TurnedAway,
    Unsound,
    VideoReady,
    WorkOverdue,
)
from klingbot.domain.periods import Calendar

__all__ = ["Message", "render", "together", "with_detour"]

_RENDERERS: Mapping[type[Content], Callable[[Any, Calendar], Message]] = {
    AlertTest: outbox.test,
    AlertTested: outbox.tested,
    VideoReady: jobs.video_ready,
    JobShown: job_message.job_message,
    JobFailed: jobs.job_failed,
    CancelEnded: jobs.cancel_ended,
    JobStuck: job_lists.job_stuck,
    JobWrittenOff: job_lists.job_written_off,
    BillDiffers: reconciliation.bill_differs,
    PackEnding: reconciliation.pack_ending,
    Crossed: alert_messages.crossed,
    TurnedAway: alert_messages.turned_away,
    RunningOut: alert_messages.running_out,
    Spiked: alert_messages.spiked,
    AlertThread: alert_thread.story,
    Renewed: alert_messages.renewed,
    BudgetRemoved: alert_thread.budget_removed,
    PastProjects: project_lists.past,
    SubmittingStopped: alert_messages.submitting_stopped,
    SubmittingResumed: alert_messages.submitting_resumed,
    ModelRefused: alert_messages.model_refused,
    Unsound: alert_messages.unsound,
    WorkOverdue: overdue_notice.work_overdue,
    RunsUnlimited: first_budget_notice.runs_unlimited,
    DigestReady: digests.ready,
    IncreaseAsked: increases.asked,
    IncreaseClosed: increases.closed,
    GrantEnded: increases.grant_ended,
}
_CHANNEL = re.compile(r"[CGD][A-Z0-9]+")
_PERSON = re.compile(r"[UW][A-Z0-9]+")


def render(content: Content, calendar: Calendar) -> Message:
    """An outbox message as Slack shows it."""
    return _RENDERERS[type(content)](content, calendar)


def with_detour(said: Message, detour: str, *, answered: bool = False) -> Message:
    """The same, with a remark that it was meant for another place; `detour` is `PLACE: what Slack said`.

    `answered`: as a late answer to a command it stands in the very channel that did not take it.
    """
    place, _, problem = detour.partition(": ")
    if answered:
        return said.plus(context(f"Invite me (/invite @klingbot), or I cannot post here: {neutral(problem, 200)}"))
    if _PERSON.fullmatch(place):
        return said.plus(context(f"This was meant for {mention(place)}, who cannot be told ({neutral(problem, 200)})"))
    where = channel(place) if _CHANNEL.fullmatch(place) else "another place"
    return said.plus(context(f"This was meant for {where}, which did not take it ({neutral(problem, 200)})"))
