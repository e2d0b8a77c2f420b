"""Overdue work: finding it, and telling the admins once while it lasts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from klingbot.domain import digest_schedules
from klingbot.domain.notifications import WorkOverdue
from klingbot.domain.overdue_work import LATE_MS, Overdue, OverdueKind
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine import alerts
from klingbot.engine.core import Engine
from klingbot.store import Database, Transaction, digests, overdue_checks
from klingbot.store.backend import metadata

LOOK_MS = 60_000
"""How often `watch` is called. Work must be overdue at two looks: after a start it may be done within seconds."""
OVER_MS = 1_800_000
"""How long nothing must have been overdue before the admins hear of overdue work as of something new."""


def find(engine: Engine) -> list[Overdue]:
    """Return what is overdue now."""
    db, now = engine.store.read(), engine.clock()
    return find_in(db, engine.calendar, now, reconciles=engine.prices.kling_units)


def find_in(db: Database, calendar: Calendar, now: int, *, reconciles: bool) -> list[Overdue]:
    """Return what is overdue in that ledger. `reconciles`: whether Kling's bill is compared every day."""
    return [Overdue(kind, *late) for kind, late in _looks(db, calendar, now, reconciles) if late]


def _looks(
    db: Database, calendar: Calendar, now: int, reconciles: bool
) -> Iterator[tuple[OverdueKind, overdue_checks.Late | None]]:
    kind = OverdueKind
    before = {each: now - late_ms for each, late_ms in LATE_MS.items()}
    yield kind.SUBMISSION, overdue_checks.submissions(db, before[kind.SUBMISSION])
    yield kind.LOST_REPLY, overdue_checks.unasked(db, "submitting", before[kind.LOST_REPLY])
    yield kind.POLL, overdue_checks.unasked(db, "submitted", before[kind.POLL])
    yield kind.ANSWER, overdue_checks.unanswered(db, before[kind.ANSWER])
    yield kind.CLIP, overdue_checks.clips(db, before[kind.CLIP])
    yield kind.MESSAGE, overdue_checks.messages(db, before[kind.MESSAGE])
    yield kind.DIGEST, _digests(db, calendar, now)
    yield kind.REQUEST, overdue_checks.requests(db, before[kind.REQUEST])
    yield kind.PERIOD, _period_check(db, calendar, now)
    yield kind.NIGHTLY, overdue_checks.round_(db, "nightly", before[kind.NIGHTLY], now)
    if reconciles:
        yield kind.RECONCILIATION, overdue_checks.round_(db, "reconcile", before[kind.RECONCILIATION], now)


def _digests(db: Database, calendar: Calendar, now: int) -> overdue_checks.Late | None:
    """Return the digests that are late. One whose time was changed is late from then on."""
    found = (digest_schedules.due(schedule, calendar, now) for schedule in digests.schedules(db))
    due_at = [max(due.at, due.schedule.set_at) for due in found if due]
    late = [at for at in due_at if now - at >= LATE_MS[OverdueKind.DIGEST]]
    return (len(late), min(late)) if late else None


def _period_check(db: Database, calendar: Calendar, now: int) -> overdue_checks.Late | None:
    """Return whether a day has begun that nobody has noticed. A ledger that no bot has used has no day yet."""
    today = calendar.period(PeriodKind.DAILY, now)
    noticed = metadata.get(db, f"{today.kind} period")
    if noticed is None or int(noticed) >= today.start or now - today.start < LATE_MS[OverdueKind.PERIOD]:
        return None
    return 1, today.start


@dataclass(frozen=True, slots=True)
class _Episode:
    """Overdue work from the first look that found some until nothing has been overdue for OVER_MS."""

    first_at: int
    last_at: int
    """When something was overdue at last."""
    told: tuple[str, ...] = ()
    """The kinds that the admins have read of; empty before they have heard anything."""
    edits: int = 0

    @property
    def key(self) -> str:
        return f"overdue since {self.first_at}"


def watch(engine: Engine) -> None:
    """Tell the admins of overdue work, once; edit that message when more becomes overdue, and when it is over."""
    found = find(engine)
    if not found and overdue_checks.episode(engine.store.read()) is None:
        return
    now = engine.clock()
    with engine.store.write() as tx:
        before = _read(tx)
        after = _over(tx, before, now) if not found else _going_on(tx, before, found, now)
        overdue_checks.put_episode(tx, None if after is None else json.dumps(asdict(after)))


def _going_on(tx: Transaction, before: _Episode | None, found: list[Overdue], now: int) -> _Episode:
    if before is None or before.first_at > now:
        return _Episode(now, now)
    episode = replace(before, last_at=now)
    kinds = tuple(str(each.kind) for each in found)
    if not episode.told:
        if now - episode.first_at < LOOK_MS // 2:  # another bot's look
            return episode
        alerts.to_admins(tx, episode.key, WorkOverdue(tuple(found), now), now)
        return replace(episode, told=kinds)
    if set(kinds) <= set(episode.told):
        return episode
    return _edited(tx, replace(episode, told=tuple(sorted({*episode.told, *kinds}))), WorkOverdue(tuple(found), now))


def _over(tx: Transaction, before: _Episode | None, now: int) -> _Episode | None:
    if before is None or not before.told:
        return None
    if 0 <= now - before.last_at < OVER_MS:
        return before
    _edited(tx, before, WorkOverdue((), now))
    return None


def _edited(tx: Transaction, episode: _Episode, content: WorkOverdue) -> _Episode:
    edits = episode.edits + 1
    alerts.edit_for_admins(tx, f"{episode.key} edited {edits}", content, content.at, replaces=episode.key)
    return replace(episode, edits=edits)


def _read(tx: Transaction) -> _Episode | None:
    noted = overdue_checks.episode(tx)
    if noted is None:
        return None
    fields = json.loads(noted)
    return _Episode(**{**fields, "told": tuple(fields["told"])})
