"""Instants in the ledger that no correct clock can have written, and how they are corrected.

A system clock that was ahead for a moment leaves work that would wait for as long as it was ahead. Every column with an
instant is listed here: with the longest time that it may lie in the future, or with the reason why nothing waits for
it. A test compares the list with the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from klingbot.store.backend.database import Database, Transaction
from klingbot.store.jobs import LIVE

TOLERANCE_MS = 300_000
"""How much the clocks of two machines that share a ledger may differ. Below that, nothing is corrected."""

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000


class Kind(StrEnum):
    DUE = "due"
    """Something is done then. Corrected to now: doing it early harms nothing, each is judged again when it is done."""
    LEASE = "lease"
    """Somebody works on it until then. Corrected to a whole lease from now: it must not end under its holder."""
    PAST = "past"
    """When something happened. Corrected to now."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A column, in the rows that match `where`, and how far ahead of now it may be at most."""

    table: str
    column: str
    kind: Kind
    ahead_ms: int
    where: str = "1 = 1"


@dataclass(frozen=True, slots=True)
class Longest:
    """The waits that the settings decide on."""

    poll_ms: int = 60 * _SECOND
    """Between two questions to Kling about one job."""
    stuck_ms: int = _DAY
    """For which an admin can choose to go on waiting for a job."""


_QUIET = "substr(line, 1, 6) = 'quiet '"  # store.outbox.QUIET
_WAITING = "state = 'waiting'"


def instants(longest: Longest) -> list[Instant]:
    """Return every column of instants that something waits for."""
    due, lease, past = Kind.DUE, Kind.LEASE, Kind.PAST
    with_kling = f"state IN ('submitting', 'submitted') AND {LIVE}"
    soon = "written_off_at IS NULL AND failures = 0"  # the others are asked about rarely
    return [
        Instant("jobs", "due_at", due, _MINUTE, f"state = 'held' AND {LIVE}"),
        Instant("jobs", "due_at", due, max(longest.poll_ms, 90 * _SECOND), f"{with_kling} AND {soon}"),
        Instant("jobs", "due_at", due, _HOUR, with_kling),
        Instant("jobs", "lease_until", lease, _MINUTE, LIVE),
        Instant("jobs", "posted_at", past, 0, LIVE),
        Instant("jobs", "submitted_at", past, 0, LIVE),
        Instant("jobs", "finished_at", past, 0, LIVE),
        Instant("jobs", "finished_at", past, 0, "finished_at IS NOT NULL AND prompt <> ''"),
        Instant("jobs", "written_off_at", past, 0, LIVE),
        Instant("jobs", "unanswered_since", past, 0, LIVE),
        Instant("jobs", "show_at", due, 10 * _MINUTE, "show_at IS NOT NULL"),
        # Slack may ask for a longer pause than this. Then it is asked once too early, and asks again.
        Instant("outbox", "due_at", due, 10 * _MINUTE, f"{_WAITING} AND NOT {_QUIET}"),
        Instant("outbox", "due_at", due, 25 * _HOUR, _WAITING),
        Instant("outbox", "lease_until", lease, 40 * _SECOND, _WAITING),
        Instant("outbox", "created_at", past, 0, _WAITING),
        Instant("outbox", "ready_at", past, 0, _WAITING),
        Instant("lines", "rests_until", due, 10 * _MINUTE),
        Instant("clips", "due_at", due, 3 * _MINUTE),
        Instant("clips", "lease_until", lease, 5 * _MINUTE),
        Instant("clips", "wanted_at", past, 0),
        Instant("gates", "opens_at", due, 10 * _MINUTE),
        Instant("gates", "probe_until", lease, _MINUTE),
        Instant("rounds", "due_at", due, 25 * _HOUR),
        Instant("rounds", "lease_until", lease, 2 * _HOUR),
        Instant("digests", "lease_until", lease, 90 * _SECOND),
        Instant("digests", "set_at", past, 0),
        Instant("stuck", "waiting_until", due, max(longest.stuck_ms, _DAY)),
    ]


_HISTORY = "says when something happened; nothing waits for it"
EXEMPT: Mapping[str, str] = {
    "jobs.asked_at": "chose the periods that the job counts in; its place in the queue is due_at",
    "job_messages.said_at": "engine/job_message_updates.py waits for no instant of the future",
    "increases.expires_at": "a request that stays open for longer can still be decided",
    "increases.asked_at": _HISTORY,
    "increases.decided_at": _HISTORY,
    "refused_requests.refused_at": "the row is only deleted later",
    "grants.granted_at": "a grant counts by its dates",
    "budgets.set_at": _HISTORY,
    "budget_removals.removed_at": _HISTORY,
    "quiet_hours.set_at": _HISTORY,
    "outbox.sent_at": _HISTORY,
    "gates.closed_at": _HISTORY,
    "audit.changed_at": _HISTORY,
    "unsound.found_at": _HISTORY,
    "findings.found_at": _HISTORY,
    "findings.charged_at": "Kling's own time",
    "packs.ends_at": "Kling's own time",
    "packs.read_at": _HISTORY,
}


def correct(tx: Transaction, *, now: int, longest: Longest) -> list[str]:
    """Correct every instant that is too far ahead of now, and return the columns where there were any.

    One query tells whether there are any, because this runs with every heartbeat.
    """
    listed = instants(longest)
    found = [listed[place] for place in _too_far_ahead(tx, listed, now)]
    for each in found:
        tx.execute(
            f"UPDATE {each.table} SET {each.column} = :correct WHERE {each.where} AND {each.column} > :limit",
            {"correct": now + (each.ahead_ms if each.kind is Kind.LEASE else 0), "limit": _limit(each, now)},
        )
    return list(dict.fromkeys(f"{each.table}.{each.column}" for each in found))


def extend(tx: Transaction, *, now: int, by: int) -> None:
    """Let what must not end early last as long as it was meant to, before a clock that showed `now` moves ahead.

    Leases, and the time for which a request to Kling may still be under way after it left.
    """
    for each in instants(Longest()):
        if each.kind is Kind.LEASE:
            later = f"{each.column} = {each.column} + :by"
            running = f"{each.where} AND {each.column} > :now"
            tx.execute(f"UPDATE {each.table} SET {later} WHERE {running}", {"by": by, "now": now})
    tx.execute(
        f"UPDATE jobs SET posted_at = posted_at + :by, due_at = due_at + :by WHERE state = 'submitting' AND {LIVE}",
        {"by": by},
    )


def _too_far_ahead(db: Database, listed: Iterable[Instant], now: int) -> list[int]:
    """Return the places in the list of those that some row breaks."""
    looks, limits = [], {}
    for place, each in enumerate(listed):
        exists = f"SELECT 1 FROM {each.table} WHERE {each.where} AND {each.column} > :limit_{place}"
        looks.append(f"SELECT {place} AS place WHERE EXISTS ({exists})")
        limits[f"limit_{place}"] = _limit(each, now)
    return [row["place"] for row in db.execute(" UNION ALL ".join(looks), limits).fetchall()]


def _limit(instant: Instant, now: int) -> int:
    return now + instant.ahead_ms + TOLERANCE_MS
