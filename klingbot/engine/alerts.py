"""Queues what must be said, in the transaction that made it true.

The alerts of one budget in one period are one alert thread: the first is a message in its channel, which is edited
while the period lasts; later ones are replies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from klingbot.domain.alert_history import AlertEvent, AlertThread, Mute
from klingbot.domain.budgets import OVER, TURNED_AWAY, Budget, Standing, is_level, marks
from klingbot.domain.increases import Grant, Increase, IncreaseState
from klingbot.domain.jobs import Job
from klingbot.domain.notifications import (
    Alert,
    BudgetRemoved,
    CancelEnded,
    Content,
    Crossed,
    GrantEnded,
    IncreaseAsked,
    IncreaseClosed,
    JobFailed,
    JobWrittenOff,
    Renewed,
    TurnedAway,
    VideoReady,
    kind_of,
    to_json,
)
from klingbot.domain.periods import Period
from klingbot.engine.clips import PATIENCE_MS, announcement_of
from klingbot.store import Transaction, alert_threads, budgets, outbox, threshold_crossings, wanted_clips
from klingbot.store.alert_threads import KeptAlertThread


def note_crossings(tx: Transaction, standings: Sequence[Standing], at: int) -> None:
    """Announces each crossing once per budget, threshold and period; arms again what releases brought back below.

    Thresholds passed in one step are announced in one message.
    """
    for standing, known in zip(standings, threshold_crossings.announced_of_each(tx, standings), strict=True):
        announced, reached = set(filter(is_level, known)), marks(standing)
        if announced == reached:
            continue
        threshold_crossings.rearm(tx, standing, announced - reached)
        new = sorted(reached - announced, key=_height)
        times = [threshold_crossings.announce(tx, standing, mark) for mark in new]
        if new:
            key = f"crossed {_name(standing)} {new[-1]} {times[-1]}"
            tell(tx, key, Crossed(standing, tuple(new)), AlertEvent(new[-1], at))


def note_turned_away(tx: Transaction, refused: Iterable[Standing], job: Job) -> None:
    """Announces, once per budget and period, that somebody was refused for want of it.

    The refusal was an earlier transaction: a budget that was removed since then has nothing more to announce.
    """
    for standing in refused:
        if budgets.is_same(tx, standing.budget):
            _note_turned_away(tx, standing, job)


def note(tx: Transaction, alert: Alert, told: AlertEvent) -> bool:
    """Announces something that is not a level; False when it stands announced for this budget and period already."""
    times = threshold_crossings.announce(tx, alert.standing, told.mark)
    if times:
        tell(tx, f"{told.mark} {_name(alert.standing)} {times}", alert, told)
    return bool(times)


def tell(tx: Transaction, key: str, alert: Alert, told: AlertEvent) -> None:
    """Start the alert thread of this budget and period, or continue it by a reply and an edit of its first message.

    A first message that was not posted yet is only edited: there is nothing to reply to.
    """
    standing = alert.standing
    channel = standing.budget.channel_id
    story = alert_threads.of(tx, standing)
    if story is None:
        _put(tx, key, replace(alert, opens=True), told.at, channel_id=channel)
        alert_threads.begin(tx, key, AlertThread(standing, (told,), told.at))
        return
    root = outbox.find(tx, story.root)
    if root is None or not root.is_unsaid:
        aloud = _concerns_everyone(alert, story.content.muted, told.at)
        _put(tx, key, alert, told.at, channel_id=channel, thread=story.root, broadcast=aloud)
    before = tuple(each for each in story.content.told if each.mark != told.mark)
    rewrite(tx, story, replace(story.content, standing=standing, told=(*before, told), at=told.at, moved_to=""))


def rewrite(tx: Transaction, story: KeptAlertThread, content: AlertThread) -> None:
    """Queue an edit of the thread's first message to that content."""
    times = alert_threads.rewrite(tx, content)
    key = f"{story.root} rewritten {times}"
    _put(tx, key, content, content.at, channel_id=content.standing.budget.channel_id, replaces=story.root)


def refresh(tx: Transaction, standing: Standing, at: int) -> None:
    """Update the budget's alert thread, because the budget was changed."""
    story = alert_threads.of(tx, standing)
    if story is None or story.content.closed:
        return
    content = replace(story.content, standing=standing, moved_to="")
    if content != story.content:
        rewrite(tx, story, replace(content, at=at))


def renewed(tx: Transaction, content: Renewed, at: int) -> None:
    key = renewed_key(content.ended.budget, content.ended.period)
    _put(tx, key, content, at, channel_id=content.standing.budget.channel_id)


def renewed_key(budget: Budget, ended: Period) -> str:
    """Return the outbox key of the message that a budget is renewed after that period."""
    return f"renewed after {budget.scope} {budget.kind} {ended.start}"


def video_ready(tx: Transaction, job: Job, standings: tuple[Standing, ...], at: int) -> None:
    """The announcement waits until the clip is in Slack, but not for long."""
    if not job.channel_id:  # a script asked for it: nobody waits in Slack
        return
    key = announcement_of(job.id)
    _put(
        tx,
        key,
        VideoReady(job, standings),
        at,
        channel_id=job.channel_id,
        user_id=job.user_id,
        response_url=job.response_url,
        thread_ts=job.thread_ts,
    )
    wanted_clips.want(tx, job.id, key, at=at, until=at + PATIENCE_MS)


def job_failed(tx: Transaction, job: Job, at: int) -> None:
    _to_requester(tx, f"failed {job.id}", JobFailed(job), at)


def cancel_ended(tx: Transaction, job: Job, at: int, *, by: str, response_url: str | None, too_late: bool) -> None:
    """Queue the answer to the person who asked for the cancellation."""
    content = CancelEnded(job, too_late)
    _put(tx, f"cancel ended {job.id}", content, at, user_id=by, response_url=response_url)


def job_written_off(tx: Transaction, job: Job, reason: str, at: int) -> None:
    _to_requester(tx, f"written off {job.id}", JobWrittenOff(job, reason), at)


def _to_requester(tx: Transaction, key: str, content: JobFailed | JobWrittenOff, at: int) -> None:
    if content.job.channel_id:
        _put(tx, key, content, at, user_id=content.job.user_id)


def to_admins(tx: Transaction, key: str, content: Content, at: int) -> None:
    _put(tx, key, content, at)


def edit_for_admins(tx: Transaction, key: str, content: Content, at: int, *, replaces: str) -> None:
    """Let the message of the key `replaces`, which `to_admins` queued, say this from now on."""
    _put(tx, key, content, at, replaces=replaces)


def _note_turned_away(tx: Transaction, standing: Standing, job: Job) -> None:
    told = AlertEvent(TURNED_AWAY, job.asked_at, job.user_id, job.quote)
    note(tx, TurnedAway(standing, job.quote, job.user_id), told)


def increase_asked(tx: Transaction, increase: Increase, standing: Standing | None) -> None:
    channel_id = standing.budget.channel_id if standing else None
    content = IncreaseAsked(increase, standing)
    _put(tx, question_key(increase), content, increase.asked_at, channel_id=channel_id)


def question_key(increase: Increase) -> str:
    """Return the outbox key of the message that asks for an increase."""
    return f"increase {increase.id}"


def increase_closed(tx: Transaction, content: IncreaseClosed, standing: Standing | None, at: int) -> None:
    """The question is rewritten, so that nobody else decides it; and whoever asked hears of it."""
    increase = content.increase
    asked = question_key(increase)
    channel_id = standing.budget.channel_id if standing else None
    _put(tx, f"{asked} {increase.state}", content, at, channel_id=channel_id, replaces=asked)
    if increase.state is not IncreaseState.WITHDRAWN:
        _put(tx, f"{asked} {increase.state} to {increase.user_id}", content, at, user_id=increase.user_id)


def increase_shown_again(tx: Transaction, increase: Increase, standing: Standing | None, at: int) -> None:
    """Rewrite the question, because others decide it now."""
    asked = question_key(increase)
    approvers = " ".join(standing.budget.approvers) if standing else ""
    content = IncreaseAsked(replace(increase, request=None), standing)
    channel_id = standing.budget.channel_id if standing else None
    _put(tx, f"{asked} for {approvers} {at}", content, at, channel_id=channel_id, replaces=asked)


def budget_removed(tx: Transaction, key: str, content: BudgetRemoved, channel_id: str | None) -> None:
    """Say it in place of the message of that key, which is in that channel or was meant for it."""
    _put(tx, f"{key} removed", content, content.at, channel_id=channel_id, replaces=key)


def grant_ended(tx: Transaction, grant: Grant, standing: Standing | None, at: int) -> None:
    channel_id = standing.budget.channel_id if standing else None
    _put(tx, f"grant ended {grant.increase_id}", GrantEnded(grant, standing), at, channel_id=channel_id)


def _put(
    tx: Transaction,
    key: str,
    content: Content,
    at: int,
    *,
    channel_id: str | None = None,
    user_id: str | None = None,
    response_url: str | None = None,
    thread: str | None = None,
    thread_ts: str | None = None,
    replaces: str | None = None,
    broadcast: bool = False,
) -> bool:
    place = {"channel_id": channel_id, "user_id": user_id, "response_url": response_url}
    bound = {"thread": thread, "thread_ts": thread_ts, "replaces": replaces}
    return outbox.put(tx, key, kind_of(content), to_json(content), at=at, **place, **bound, broadcast=broadcast)


def _concerns_everyone(alert: Alert, muted: Mute | None, at: int) -> bool:
    """Whether a reply must not be hidden in a thread: nothing more can be started, and people are about to notice.

    Somebody who has taken note of the rest need not have thought of the limit being exceeded.
    """
    if muted and at < muted.until:
        return alert.standing.exceeded
    return alert.standing.used_up or isinstance(alert, TurnedAway)


def _name(standing: Standing) -> str:
    return f"{standing.budget.scope} {standing.budget.kind} {standing.period.start}"


def _height(mark: str) -> float:
    return float("inf") if mark == OVER else float(mark)
