"""Counts of overdue work. Everything here reads what waits, and no history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klingbot.store.backend import metadata
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.circuit_breakers import ACCOUNT
from klingbot.store.jobs import LIVE

Late = tuple[int, int]
"""How many there are, and when the oldest should have been done."""

_CLOSED = "gate closed "
_EPISODE = "overdue"


def note_closed(tx: Transaction, gate: str, *, at: int) -> None:
    """Note that Kling took no jobs at that instant, of this model or of the account."""
    metadata.put(tx, f"{_CLOSED}{gate}", str(at))


def submissions(db: Database, before: int) -> Late | None:
    """Return the jobs due before that instant whose model Kling has not refused to take since."""
    closed = _closed_since(db, before)
    if ACCOUNT in closed:
        return None
    sql = f"""
        SELECT model, count(*) AS n, min(due_at) AS since FROM jobs
        WHERE state = 'held' AND {LIVE} AND due_at <= :before GROUP BY model"""
    rows = db.execute(sql, {"before": before}).fetchall()
    return _sum((row["n"], row["since"]) for row in rows if row["model"] not in closed)


def unasked(db: Database, state: str, before: int) -> Late | None:
    """Return the jobs of that state about which Kling should have been asked before that instant."""
    sql = f"""
        SELECT count(*) AS n, min(due_at) AS since FROM jobs
        WHERE state = :state AND {LIVE} AND due_at <= :before"""
    return _late(db.execute(sql, {"state": state, "before": before}).fetchone())


def unanswered(db: Database, before: int) -> Late | None:
    """Return the jobs about which Kling has been asked in vain since then; none while it refuses the account."""
    if ACCOUNT in _closed_since(db, before):
        return None
    sql = f"""
        SELECT count(*) AS n, min(unanswered_since) AS since FROM jobs
        WHERE state IN ('submitting', 'submitted') AND {LIVE} AND written_off_at IS NULL
          AND unanswered_since <= :before"""
    return _late(db.execute(sql, {"before": before}).fetchone())


def clips(db: Database, before: int) -> Late | None:
    """Return the clips that were wanted before that instant and are not in Slack."""
    sql = "SELECT count(*) AS n, min(wanted_at) AS since FROM clips WHERE wanted_at <= :before"
    return _late(db.execute(sql, {"before": before}).fetchone())


def messages(db: Database, before: int) -> Late | None:
    """Return the messages that could have been sent before that instant; one in quiet hours cannot."""
    sql = """
        SELECT count(*) AS n, min(coalesce(ready_at, created_at)) AS since FROM outbox
        WHERE state = 'waiting' AND substr(line, 1, 6) <> 'quiet ' AND coalesce(ready_at, created_at) <= :before"""
    return _late(db.execute(sql, {"before": before}).fetchone())


def requests(db: Database, before: int) -> Late | None:
    """Return the requests for an increase that should have expired before that instant."""
    sql = """
        SELECT count(*) AS n, min(expires_at) AS since FROM increases
        WHERE state = 'pending' AND expires_at <= :before"""
    return _late(db.execute(sql, {"before": before}).fetchone())


def round_(db: Database, name: str, before: int, now: int) -> Late | None:
    """Return whether what is done once a day should have been done before that instant, and nobody is doing it."""
    sql = """
        SELECT count(*) AS n, min(due_at) AS since FROM rounds
        WHERE name = :name AND due_at <= :before AND lease_until <= :now"""
    return _late(db.execute(sql, {"name": name, "before": before, "now": now}).fetchone())


def episode(db: Database) -> str | None:
    """Return what was noted about the overdue work that the admins hear of, or None while nothing is overdue."""
    return metadata.get(db, _EPISODE) or None


def put_episode(tx: Transaction, noted: str | None) -> None:
    """Replace that note; None: nothing is overdue any more."""
    metadata.put(tx, _EPISODE, noted or "")


def _closed_since(db: Database, then: int) -> set[str]:
    """Return the gates that have been closed since that instant, for however short a time."""
    gates = db.execute("SELECT name FROM gates WHERE opens_at IS NULL OR opens_at > :then", {"then": then}).fetchall()
    prefix = {"prefix": _CLOSED, "length": len(_CLOSED)}
    noted = db.execute("SELECT name, value FROM facts WHERE substr(name, 1, :length) = :prefix", prefix).fetchall()
    recent = {row["name"].removeprefix(_CLOSED) for row in noted if int(row["value"]) > then}
    return recent | {row["name"] for row in gates}


def _late(row: Any) -> Late | None:
    return (row["n"], row["since"]) if row["n"] else None


def _sum(found: Iterable[Late]) -> Late | None:
    counted = list(found)
    return (sum(n for n, _ in counted), min(since for _, since in counted)) if counted else None
