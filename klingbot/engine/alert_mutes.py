"""Acknowledging and snoozing a budget's alert thread. The thread's row has all of it, so a restart forgets nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from klingbot.domain.alert_history import AlertThread, AlertThreadRef, Mute
from klingbot.domain.budgets import Removal
from klingbot.domain.periods import PeriodKind
from klingbot.engine import alerts
from klingbot.engine.core import Engine
from klingbot.store import Transaction, alert_threads, budgets
from klingbot.store.alert_threads import KeptAlertThread


@dataclass(frozen=True, slots=True)
class Changed:
    """The alert thread as its message shows it from now on."""

    story: AlertThread


@dataclass(frozen=True, slots=True)
class NoStory:
    """There is none of that budget and period in that channel."""


@dataclass(frozen=True, slots=True)
class PeriodOver:
    """Its period has ended: nothing more is told of it."""

    story: AlertThread


@dataclass(frozen=True, slots=True)
class AlreadyAcknowledged:
    by: Mute


@dataclass(frozen=True, slots=True)
class BudgetGone:
    """The budget that the alert was about was removed; perhaps there is a new one of its scope."""

    removal: Removal


@dataclass(frozen=True, slots=True)
class Moved:
    """The budget's alerts go to another channel since."""

    story: AlertThread


Outcome = Changed | NoStory | PeriodOver | AlreadyAcknowledged | BudgetGone | Moved
_Over = NoStory | PeriodOver | BudgetGone | Moved


def acknowledge(engine: Engine, ref: AlertThreadRef, *, by: str) -> Outcome:
    """Keeps what is new in the thread for the rest of the period, except that the limit is exceeded."""
    with engine.store.write() as tx:
        kept = _open(tx, engine, ref)
        if not isinstance(kept, KeptAlertThread):
            return kept
        until = kept.content.standing.period.end
        return _mute(tx, kept, Mute(by, engine.clock(), until, acknowledged=True))


def snooze(engine: Engine, ref: AlertThreadRef, *, by: str) -> Outcome:
    """The same until tomorrow."""
    with engine.store.write() as tx:
        kept = _open(tx, engine, ref)
        if not isinstance(kept, KeptAlertThread):
            return kept
        now = engine.clock()
        until = engine.calendar.period(PeriodKind.DAILY, now).end
        return _mute(tx, kept, Mute(by, now, until, acknowledged=False))


def unmute(engine: Engine, ref: AlertThreadRef) -> Outcome:
    """Tells the channel again."""
    with engine.store.write() as tx:
        kept = _open(tx, engine, ref)
        if not isinstance(kept, KeptAlertThread):
            return kept
        return _write(tx, kept, replace(kept.content, muted=None, at=engine.clock()))


def _open(tx: Transaction, engine: Engine, ref: AlertThreadRef) -> KeptAlertThread | _Over:
    removal = budgets.last_removal(tx, ref.scope, ref.kind)
    if removal and ref.generation < removal.times:
        return BudgetGone(removal)
    kept = alert_threads.find(tx, ref)
    if kept is None:
        return NoStory()
    if kept.content.moved_to:
        return Moved(kept.content)
    over = kept.content.closed or engine.clock() >= kept.content.standing.period.end
    return PeriodOver(kept.content) if over else kept


def _mute(tx: Transaction, kept: KeptAlertThread, muted: Mute) -> Changed | AlreadyAcknowledged:
    before = kept.content.muted
    if before and before.acknowledged:
        return AlreadyAcknowledged(before)
    return _write(tx, kept, replace(kept.content, muted=muted, at=muted.at))


def _write(tx: Transaction, kept: KeptAlertThread, story: AlertThread) -> Changed:
    alerts.rewrite(tx, kept, story)
    return Changed(story)
