"""Removal of everything that belongs to a budget: its posted and queued alerts, and the requests for more."""

from __future__ import annotations

from dataclasses import replace

from klingbot.domain.alert_history import AlertThread
from klingbot.domain.budgets import Budget, Standing
from klingbot.domain.increases import IncreaseState
from klingbot.domain.notifications import (
    ALERTS,
    Alert,
    BudgetRemoved,
    Content,
    GrantEnded,
    IncreaseClosed,
    Renewed,
    from_json,
    kind_of,
    kind_of_type,
    to_json,
)
from klingbot.domain.periods import Period, PeriodKind
from klingbot.engine import alerts
from klingbot.store import Transaction, alert_threads, increases, outbox, outbox_leases
from klingbot.store.outbox import OutboxMessage

LONGEST_OPEN_MS = 63 * 86_400_000
"""The alert thread of an earlier period may still be open shortly after its end; the longest period is a month."""
_KINDS = tuple(kind_of_type(content) for content in (*ALERTS, GrantEnded))


def note(tx: Transaction, ended: Standing, last: Period, *, by: str, at: int) -> int:
    """Take back what was announced and asked about a budget that is removed; return how many requests that closed.

    `ended` is how the budget stood, `last` the period before that one. What waits to be said is dropped; the message
    about its alerts says that the budget was removed, and ends; requests for more are closed, and who asked is told.
    """
    content = BudgetRemoved(ended, by, at)
    dropped = _drop_unsaid(tx, content)
    _end_stories(tx, content, dropped)
    renewed = outbox.find(tx, alerts.renewed_key(ended.budget, last))
    if renewed and not renewed.is_dropped:
        alerts.budget_removed(tx, renewed.key, content, ended.budget.channel_id)
    return _close_requests(tx, ended, by=by, at=at)


def _drop_unsaid(tx: Transaction, content: BudgetRemoved) -> set[str]:
    """Drop the alerts that wait, and return their keys. One that is on its way says so if it has to be sent again."""
    budget, dropped = content.standing.budget, set()
    for message in outbox.unsaid_of(tx, _KINDS):
        if not _is_about(message, budget):
            continue
        if message.is_unsaid:
            outbox_leases.dropped(tx, message, at=content.at, problem="its budget was removed")
            dropped.add(message.key)
        else:
            outbox.reword(tx, message.id, kind_of(content), to_json(content))
    return dropped


def _is_about(message: OutboxMessage, budget: Budget) -> bool:
    try:
        about = _subject(from_json(message.kind, message.content))
    except (KeyError, ValueError, TypeError):  # it cannot be read: the notifier gives it up and says so
        return False
    return about == (budget.scope, budget.kind)


def _subject(content: Content) -> tuple[str, PeriodKind]:
    if isinstance(content, GrantEnded):
        return content.grant.scope, content.grant.kind
    assert isinstance(content, Alert | AlertThread | Renewed)
    budget = content.standing.budget
    return budget.scope, budget.kind


def _end_stories(tx: Transaction, content: BudgetRemoved, dropped: set[str]) -> None:
    budget = content.standing.budget
    for story in alert_threads.open_of(tx, budget.scope, budget.kind, since=content.at - LONGEST_OPEN_MS):
        alert_threads.remove(tx, story)
        if story.root not in dropped:
            channel_id = story.content.standing.budget.channel_id
            alerts.budget_removed(tx, story.root, _of_its_period(content, story.content), channel_id)


def _of_its_period(content: BudgetRemoved, story: AlertThread) -> BudgetRemoved:
    """Keep the figures of an earlier period in its own alert thread."""
    same = story.standing.period == content.standing.period
    return content if same else replace(content, standing=story.standing)


def _close_requests(tx: Transaction, ended: Standing, *, by: str, at: int) -> int:
    """Close what was asked of the budget. A video's approval is not; the admins decide about that from now on."""
    closed = 0
    for increase in increases.pending_of(tx, ended.budget.scope, ended.budget.kind):
        if not increase.raises:
            alerts.increase_shown_again(tx, increase, None, at)
            continue
        state = IncreaseState.EXPIRED
        gone = increases.close(tx, increase.id, state, by=by or None, at=at, budget_removed=True)
        assert gone is not None
        alerts.increase_closed(tx, IncreaseClosed(gone), ended, at)
        closed += 1
    return closed
