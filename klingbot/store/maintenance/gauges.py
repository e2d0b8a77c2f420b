"""The ledger in a few numbers, for `/metrics`: what is live, and what is new since the last look. No history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from klingbot.domain.money import Amount
from klingbot.store import outbox
from klingbot.store.backend.database import Database
from klingbot.store.jobs import LIVE

_HOLDING = "CASE WHEN written_off_at IS NULL THEN 1 ELSE 0 END"


@dataclass(frozen=True, slots=True)
class Gauges:
    """As it stands. `oldest_at` is when the oldest waiting message was queued, in UTC epoch milliseconds."""

    live: Mapping[str, int]
    """Jobs by state, of the states that have yet to end."""
    held: Amount
    waiting: int
    oldest_at: int | None
    failed: int
    gates: tuple[str, ...]
    """Names of those that are closed, or wait for a probe to open them."""


def read(db: Database) -> Gauges:
    jobs = db.execute(f"""
        SELECT state, count(*) AS jobs, CAST(sum(quote_millicredits * {_HOLDING}) AS BIGINT) AS millicredits,
          CAST(sum(quote_microusd * {_HOLDING}) AS BIGINT) AS microusd
        FROM jobs WHERE {LIVE} GROUP BY state""").fetchall()
    oldest = db.execute("SELECT min(created_at) AS oldest_at FROM outbox WHERE state = 'waiting'").fetchone()
    messages = outbox.counts(db)
    return Gauges(
        live={row["state"]: row["jobs"] for row in jobs},
        held=Amount(sum(row["millicredits"] for row in jobs), sum(row["microusd"] for row in jobs)),
        waiting=messages["waiting"],
        oldest_at=oldest["oldest_at"],
        failed=messages["failed"],
        gates=tuple(row["name"] for row in db.execute("SELECT name FROM gates ORDER BY name").fetchall()),
    )


def last_entry(db: Database) -> int:
    """The id of the newest entry; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) AS id FROM entries").fetchone()["id"])


def ended(db: Database, *, after: int, upto: int) -> dict[str, int]:
    """How many jobs ended with the entries after that one, up to the other, by how they ended.

    One that was written off has ended once Kling's late charge is booked, and not by its release.
    """
    rows = db.execute(
        """
        SELECT jobs.state AS state, count(DISTINCT jobs.id) AS jobs FROM entries JOIN jobs ON jobs.id = entries.job_id
        WHERE entries.id > :after AND entries.id <= :upto AND entries.kind <> 'hold'
          AND jobs.state IN ('succeeded', 'failed', 'released')
        GROUP BY jobs.state""",
        {"after": after, "upto": upto},
    ).fetchall()
    return {row["state"]: row["jobs"] for row in rows}
