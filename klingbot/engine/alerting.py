"""Queues what must be said, in the transaction that made it true."""

from __future__ import annotations

from collections.abc import Iterable

from klingbot.budgets import OVER, TURNED_AWAY, Standing, marks
from klingbot.increases import Grant, Increase, IncreaseState
from klingbot.jobs import Job
from klingbot.outbox import (
    Content,
    Crossed,
    GrantEnded,
    IncreaseAsked,
    IncreaseClosed,
    JobFailed,
    JobWrittenOff,
    TurnedAway,
    VideoReady,
    kind_of,
    to_json,
)
from klingbot.store import Transaction, budgets, outbox


def note_crossings(tx: Transaction, standings: Iterable[Standing], at: int) -> None:
    """Announces each crossing once per budget, threshold and period; arms again what releases brought back below.

    Thresholds passed in one step are announced in one message.
    """
    for standing in standings:
        announced = budgets.announced(tx, standing) - {TURNED_AWAY}
        reached = marks(standing)
        budgets.rearm(tx, standing, announced - reached)
        new = sorted(reached - announced, key=_height)
        times = [budgets.announce(tx, standing, mark) for mark in new]
        if new:
            key = f"crossed {_name(standing)} {new[-1]} {times[-1]}"
            _put(tx, key, Crossed(standing, tuple(new)), at, channel_id=standing.budget.channel_id)


def note_turned_away(tx: Transaction, refused: Iterable[Standing], job: Job) -> None:
    """Announces, once per budget and period, that somebody was refused for want of it."""
    for standing in refused:
        _note_turned_away(tx, standing, job)


def video_ready(tx: Transaction, job: Job, standings: tuple[Standing, ...], at: int) -> None:
    if not job.channel_id:  # a script asked for it: nobody waits in Slack
        return
    place = {"channel_id": job.channel_id, "user_id": job.user_id, "response_url": job.response_url}
    _put(tx, f"video {job.id}", VideoReady(job, standings), at, **place)


def job_failed(tx: Transaction, job: Job, at: int) -> None:
    _to_requester(tx, f"failed {job.id}", JobFailed(job), at)


def job_written_off(tx: Transaction, job: Job, reason: str, at: int) -> None:
    _to_requester(tx, f"written off {job.id}", JobWrittenOff(job, reason), at)


def _to_requester(tx: Transaction, key: str, content: JobFailed | JobWrittenOff, at: int) -> None:
    if content.job.channel_id:
        _put(tx, key, content, at, user_id=content.job.user_id)


def to_admins(tx: Transaction, key: str, content: Content, at: int) -> None:
    _put(tx, key, content, at)


def _note_turned_away(tx: Transaction, standing: Standing, job: Job) -> None:
    if times := budgets.announce(tx, standing, TURNED_AWAY):
        content = TurnedAway(standing, job.quote, job.user_id)
        key = f"turned away {_name(standing)} {times}"
        _put(tx, key, content, job.asked_at, channel_id=standing.budget.channel_id)


def increase_asked(tx: Transaction, increase: Increase, standing: Standing) -> None:
    content = IncreaseAsked(increase, standing)
    _put(tx, f"increase {increase.id}", content, increase.asked_at, channel_id=standing.budget.channel_id)


def increase_closed(tx: Transaction, content: IncreaseClosed, standing: Standing | None, at: int) -> None:
    """The question is rewritten, so that nobody else decides it; and whoever asked hears of it."""
    increase = content.increase
    asked = f"increase {increase.id}"
    channel_id = standing.budget.channel_id if standing else None
    _put(tx, f"{asked} {increase.state}", content, at, channel_id=channel_id, replaces=asked)
    if increase.state is not IncreaseState.WITHDRAWN:
        _put(tx, f"{asked} {increase.state} to {increase.user_id}", content, at, user_id=increase.user_id)


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
    replaces: str | None = None,
) -> bool:
    place = {"channel_id": channel_id, "user_id": user_id, "response_url": response_url}
    bound = {"thread": thread, "replaces": replaces}
    return outbox.put(tx, key, kind_of(content), to_json(content), at=at, **place, **bound)


def _name(standing: Standing) -> str:
    return f"{standing.budget.scope} {standing.budget.kind} {standing.period.start}"


def _height(mark: str) -> float:
    return float("inf") if mark == OVER else float(mark)
