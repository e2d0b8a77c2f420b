"""Digests: wanting them, and telling each once."""

from __future__ import annotations

from dataclasses import replace

from klingbot.domain import digest_schedules
from klingbot.domain.digest_schedules import NINE, Due, Schedule
from klingbot.domain.digests import Digest
from klingbot.domain.notifications import DigestReady, Named, kind_of, to_json
from klingbot.domain.periods import PeriodKind
from klingbot.engine.core import Engine
from klingbot.store import Transaction, audit, digests, outbox


def wanted(engine: Engine, scope: str | None = None) -> list[Schedule]:
    """Every schedule, or those of one scope."""
    return digests.schedules(engine.store.read(), scope)


def set_to(engine: Engine, scope: str, kind: PeriodKind, channel_id: str | None) -> Schedule | None:
    """The schedule that is there, if one is."""
    return digests.find(engine.store.read(), scope, kind, channel_id)


def want(
    engine: Engine, scope: str, kind: PeriodKind, channel_id: str | None, minute: int | None, *, by: str, why: str = ""
) -> Schedule:
    """Adds a schedule, or moves the one that is there to another time; without `minute` its time stays (first 09:00).

    The first digest of a new one is about the next period whose time comes.
    """
    now = engine.clock()
    with engine.store.write() as tx:
        known = digests.find(tx, scope, kind, channel_id)
        at = minute if minute is not None else known.minute if known else NINE
        over = digest_schedules.latest(engine.calendar, kind, at, now)
        new = Schedule(scope, kind, channel_id, at, engine.calendar.next(over).first_day, over.first_day, now)
        schedule = replace(known, minute=at, set_at=now) if known else new
        digests.put(tx, schedule, by=by)
        _note(tx, known, schedule, by=by, at=now, why=why)
        return schedule


def move(
    engine: Engine, was: Schedule, channel_id: str | None, minute: int, *, by: str, why: str = ""
) -> Schedule | None:
    """Brings it to another time or place, where it goes on from what it told last. None when `was` is not there.

    One that is there already, of the same scope and kind, becomes one with it.
    """
    now = engine.clock()
    with engine.store.write() as tx:
        removed = digests.remove(tx, was.scope, was.channel_id or "", was.kind)
        if not removed:
            return None
        moved = replace(removed[0], channel_id=channel_id, minute=minute, set_at=now)
        digests.put(tx, moved, by=by)
        _note(tx, removed[0], moved, by=by, at=now, why=why)
        return moved


def unwant(
    engine: Engine, scope: str, channel_id: str | None, kind: PeriodKind | None = None, *, by: str, why: str = ""
) -> list[Schedule]:
    """Ends that scope's digests, in one channel or everywhere; which those were. `""` is the default place."""
    with engine.store.write() as tx:
        removed = digests.remove(tx, scope, channel_id, kind)
        for each in removed:
            _note(tx, each, None, by=by, at=engine.clock(), why=why)
        return removed


def _note(tx: Transaction, before: Schedule | None, after: Schedule | None, *, by: str, at: int, why: str) -> None:
    either = before or after
    assert either is not None
    was, became = digest_schedules.in_words(before), digest_schedules.in_words(after)
    if was != became:
        what = f"{either.kind} digest"
        audit.note(tx, at=at, by=by, what=what, subject=either.scope, before=was, after=became, why=why)


def due(engine: Engine) -> list[Due]:
    """What should be told now."""
    now = engine.clock()
    found = (digest_schedules.due(schedule, engine.calendar, now) for schedule in wanted(engine))
    return [each for each in found if each]


def claim(engine: Engine, due: Due) -> bool:
    """Leases it to the caller, so that nobody else draws the same chart. False: somebody else has it."""
    with engine.store.write() as tx:
        return digests.claim(tx, due.schedule, now=engine.clock())


def postpone(engine: Engine, due: Due, *, after_ms: int) -> None:
    """Let it be claimed again after that, or after a whole lease where that ends sooner."""
    with engine.store.write() as tx:
        digests.lease(tx, due.schedule, until=engine.clock() + min(after_ms, digests.LEASE_MS))


def tell(engine: Engine, due: Due, digest: Digest, picture: str | None, names: tuple[Named, ...] = ()) -> bool:
    """Queues it, and moves its schedule on, in one transaction. False when it was told meanwhile.

    The figures are kept as they are: a digest that is sent again after trouble says the same again.
    """
    now, schedule = engine.clock(), due.schedule
    content = DigestReady(digest, due.at if due.late(now) else None, due.missed, picture, names)
    key = f"digest {schedule.scope} {schedule.kind} {schedule.channel_id or ''} {due.period.first_day}"
    with engine.store.write() as tx:
        if not digests.tell(tx, schedule, due.period.first_day):
            return False
        return outbox.put(tx, key, kind_of(content), to_json(content), at=now, channel_id=schedule.channel_id)
