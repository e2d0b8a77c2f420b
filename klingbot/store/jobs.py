"""Rows of `jobs`: the queue of the submitter, and what became of every request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from klingbot.domain.jobs import Job, JobState
from klingbot.domain.money import Amount
from klingbot.store import circuit_breakers
from klingbot.store.backend.database import Database, Transaction

_PLAIN = [f.name for f in fields(Job) if f.name not in ("quote", "settled")]
_COMES_LATER = {
    "tries",
    "route",
    "posted_at",
    "task_id",
    "submitted_at",
    "finished_at",
    "video_url",
    "written_off_at",
    "reason",
    "unanswered_since",
    "failures",
    "problem",
    "cancel_by",
    "cancel_response_url",
}
_AT_FIRST = [name for name in _PLAIN if name not in _COMES_LATER]
_COLUMNS = [*_AT_FIRST, "quote_millicredits", "quote_microusd", "show_at"]
_INSERT = f"""
    INSERT INTO jobs ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in _COLUMNS)})
    ON CONFLICT (id) DO NOTHING"""

# The condition of the index `jobs_live`, word for word: only then does SQLite look there and not through all history.
LIVE = "state IN ('held', 'submitting', 'submitted')"
ENDED = "state IN ('succeeded', 'failed', 'released')"  # likewise, of `jobs_ended` and `jobs_ended_of_user`
_CLAIM = """
    UPDATE jobs SET lease_until = :lease_until
    WHERE id IN (
      SELECT id FROM jobs
      WHERE state = :state AND {live} AND due_at <= :now AND lease_until <= :now
        {condition}
      ORDER BY due_at LIMIT :most)
    AND lease_until <= :now
    RETURNING *"""
_GATED = "EXISTS (SELECT 1 FROM gates WHERE gates.name IN ('account', jobs.model))"
_OPEN = """
        AND NOT EXISTS (
          SELECT 1 FROM gates
          WHERE gates.name IN ('account', jobs.model) AND (gates.opens_at IS NULL OR gates.opens_at > :now))"""
_UNTRIED = """
        AND NOT EXISTS (
          SELECT 1 FROM gates WHERE gates.name IN ('account', jobs.model) AND gates.probe_until > :now)"""
_WANTED = "AND cancel_by IS NULL"
_OF_ROUTE = "AND coalesce(route, '') = :route"

# What a move leaves to be told in Slack: at once, where somebody reads it.
_SHOWN = "show_at = CASE channel_id WHEN '' THEN NULL ELSE 0 END"

_UNWANTED = "state = 'held' AND cancel_by IS NOT NULL"  # likewise, of `jobs_cancel_wished`
_MAY_BE_THERE = f"""
    {LIVE} AND written_off_at IS NULL AND (state = 'submitting' OR (state = 'held' AND tries > 0))"""

_PROBE = f"""
    SELECT 1 FROM gates
    WHERE opens_at <= :now AND EXISTS (
      SELECT 1 FROM jobs
      WHERE state = 'held' AND {LIVE} AND due_at <= :now AND gates.name IN ('account', jobs.model))"""


def under_way_for(db: Database, project: str) -> int:
    """Return how many of a project's jobs wait or are at Kling."""
    sql = f"SELECT count(*) AS n FROM jobs WHERE {LIVE} AND project = :project"
    return int(db.execute(sql, {"project": project}).fetchone()["n"])


def insert(tx: Transaction, job: Job) -> bool:
    """A new job. False when one of that id is there already: a repeated request."""
    row = {name: getattr(job, name) for name in _AT_FIRST}
    row |= {"quote_millicredits": job.quote.millicredits, "quote_microusd": job.quote.microusd}
    row["show_at"] = job.asked_at if job.channel_id else None
    return tx.execute(_INSERT, row).rowcount == 1


def get(db: Database, job_id: str) -> Job | None:
    row = db.execute("SELECT * FROM jobs WHERE id = :id", {"id": job_id}).fetchone()
    return of_row(row) if row else None


def succeeded(db: Database) -> Iterator[Job]:
    """Every job that was paid for, oldest first. Reads all history."""
    return map(of_row, db.execute("SELECT * FROM jobs WHERE state = 'succeeded' ORDER BY asked_at, id"))


def any_due(db: Database, state: JobState, now: int) -> bool:
    """Whether `claim` might find something: a look that takes no lock."""
    sql = f"SELECT 1 FROM jobs WHERE state = :state AND {LIVE} AND due_at <= :now AND lease_until <= :now LIMIT 1"
    return db.execute(sql, {"state": state, "now": now}).fetchone() is not None


def any_probe_due(db: Database, now: int) -> bool:
    """Whether a due job waits before a gate that has come due: nobody knows yet whether Kling takes jobs again."""
    return db.execute(_PROBE, {"now": now}).fetchone() is not None


def claim(tx: Transaction, state: JobState, *, now: int, lease_until: int, most: int) -> list[Job]:
    """Due jobs of that state, leased to the caller until `lease_until`; nobody else gets them before then.

    Held jobs come first come, first served, and only while no gate is closed before them.
    """
    return _claim(tx, state, _OPEN if state is JobState.HELD else "", now=now, lease_until=lease_until, most=most)


def claim_ungated(tx: Transaction, *, now: int, lease_until: int, most: int) -> list[Job]:
    """Lease held jobs before which there is no gate, as `claim` does."""
    condition = f"{_WANTED} AND NOT {_GATED}"
    return _claim(tx, JobState.HELD, condition, now=now, lease_until=lease_until, most=most)


def claim_probe(tx: Transaction, *, now: int, lease_until: int) -> Job | None:
    """Lease one held job that may try gates which have come due, while no other job tries them."""
    some = f"{_WANTED} AND {_GATED} {_OPEN} {_UNTRIED}"
    claimed = _claim(tx, JobState.HELD, some, now=now, lease_until=lease_until, most=1)
    for job in claimed:
        circuit_breakers.probe(tx, job.model, until=lease_until)
    return claimed[0] if claimed else None


def claim_of_one_route(tx: Transaction, state: JobState, *, now: int, lease_until: int, most: int) -> list[Job]:
    """Lease the due job that has waited longest, and more of its route; one alone on Kling's legacy standard."""
    sql = f"""
        SELECT coalesce(route, '') AS route FROM jobs
        WHERE state = :state AND {LIVE} AND due_at <= :now AND lease_until <= :now ORDER BY due_at LIMIT 1"""
    row = tx.execute(sql, {"state": state, "now": now}).fetchone()
    if row is None:
        return []
    most = 1 if row["route"].startswith("/v1/") else most
    return _claim(tx, state, _OF_ROUTE, now=now, lease_until=lease_until, most=most, route=row["route"])


def any_unwanted(db: Database, now: int) -> bool:
    """Whether `claim_unwanted` might find something: a look that takes no lock."""
    sql = f"SELECT 1 FROM jobs WHERE {_UNWANTED} AND {LIVE} AND lease_until <= :now LIMIT 1"
    return db.execute(sql, {"now": now}).fetchone() is not None


def claim_unwanted(tx: Transaction, *, now: int, lease_until: int, most: int) -> list[Job]:
    """Lease jobs that wait, that somebody wants cancelled and that Kling may have after all."""
    sql = f"""
        UPDATE jobs SET lease_until = :lease_until
        WHERE id IN (
          SELECT id FROM jobs WHERE {_UNWANTED} AND {LIVE} AND lease_until <= :now ORDER BY due_at LIMIT :most)
        RETURNING *"""
    claimed = tx.execute(sql, {"now": now, "lease_until": lease_until, "most": most}).fetchall()
    return [of_row(row) for row in claimed]


def want_cancelled(tx: Transaction, job_id: str, *, by: str, response_url: str | None) -> Job | None:
    """Note who wants a job cancelled that may be at Kling, unless somebody was first; None when it cannot be there.

    Nothing else changes: its lease and its due time belong to whoever is sending it or looking it up.
    """
    sql = f"""
        UPDATE jobs SET cancel_response_url = CASE WHEN cancel_by IS NULL THEN :url ELSE cancel_response_url END,
          cancel_by = coalesce(cancel_by, :by), {_SHOWN}
        WHERE id = :id AND {_MAY_BE_THERE} RETURNING *"""
    row = tx.execute(sql, {"id": job_id, "by": by, "url": response_url}).fetchone()
    return of_row(row) if row else None


def want_all_cancelled(tx: Transaction, *, by: str) -> int:
    """Note it for every job that may be at Kling and has not been taken; how many those are, old wishes included."""
    tx.execute(f"UPDATE jobs SET cancel_by = :by, {_SHOWN} WHERE {_MAY_BE_THERE} AND cancel_by IS NULL", {"by": by})
    sql = f"SELECT count(*) AS n FROM jobs WHERE {_MAY_BE_THERE} AND cancel_by IS NOT NULL"
    return int(tx.execute(sql, {}).fetchone()["n"])


def _claim(tx: Transaction, state: JobState, condition: str, *, now: int, **given: Any) -> list[Job]:
    sql = _CLAIM.format(live=LIVE, condition=condition)
    claimed = tx.execute(sql, {"state": state, "now": now, **given}).fetchall()
    return sorted((of_row(row) for row in claimed), key=lambda job: (job.due_at, job.asked_at))


def give_back(tx: Transaction, job_id: str, *, until: int) -> None:
    """Let the lease end at that instant, before which nobody takes the job up again."""
    tx.execute(f"UPDATE jobs SET lease_until = :until WHERE id = :id AND {LIVE}", {"id": job_id, "until": until})


def move(tx: Transaction, job_id: str, states: Iterable[JobState], **columns: Any) -> Job | None:
    """Sets those columns and ends the lease, if the job is in one of `states`; None when it is not.

    What comes back, never what the caller believed, says which amounts and periods the job has.
    """
    told = [_SHOWN] if columns.keys() & {"state", "written_off_at", "failures"} else []
    assignments = ", ".join([*(f"{name} = :{name}" for name in columns), *told])
    wanted = ", ".join(f"'{state}'" for state in states)
    sql = f"UPDATE jobs SET {assignments}, lease_until = 0 WHERE id = :id AND state IN ({wanted}) RETURNING *"
    row = tx.execute(sql, {**columns, "id": job_id}).fetchone()
    return of_row(row) if row else None


def live(db: Database, user_id: str | None, *, most: int) -> list[Job]:
    """Live jobs of one person, or of everybody, newest first."""
    whose = "" if user_id is None else "AND user_id = :user_id"
    sql = f"SELECT * FROM jobs WHERE {LIVE} {whose} ORDER BY asked_at DESC LIMIT :most"
    return [of_row(row) for row in db.execute(sql, {"user_id": user_id, "most": most}).fetchall()]


def ended(db: Database, user_id: str | None, *, most: int) -> list[Job]:
    """Jobs of one person, or of everybody, that have ended, newest first."""
    whose = "" if user_id is None else "AND user_id = :user_id"
    sql = f"SELECT * FROM jobs WHERE {ENDED} {whose} ORDER BY asked_at DESC LIMIT :most"
    return [of_row(row) for row in db.execute(sql, {"user_id": user_id, "most": most}).fetchall()]


def to_show(db: Database, now: int, *, most: int) -> list[Job]:
    """Jobs whose message may not say any more how they stand, those that wait longest to be looked at first."""
    sql = "SELECT * FROM jobs WHERE show_at IS NOT NULL AND show_at <= :now ORDER BY show_at LIMIT :most"
    return [of_row(row) for row in db.execute(sql, {"now": now, "most": most}).fetchall()]


def show(tx: Transaction, job_id: str, *, at: int | None) -> None:
    """When to look again whether its message still tells the truth; None: once the job has moved."""
    tx.execute("UPDATE jobs SET show_at = :at WHERE id = :id", {"at": at, "id": job_id})


def of_task(db: Database, task_id: str) -> Job | None:
    """The job of that task of Kling's."""
    row = db.execute("SELECT * FROM jobs WHERE task_id IS NOT NULL AND task_id = :id", {"id": task_id}).fetchone()
    return of_row(row) if row else None


def settled_in_units(db: Database, *, asked_from: int, finished_before: int) -> list[Job]:
    """Jobs asked for since then that were paid for in Kling's units and had ended by that instant."""
    sql = f"""
        SELECT * FROM jobs
        WHERE {ENDED} AND asked_at >= :asked_from AND state = 'succeeded' AND kling_units = 1
          AND settled_millicredits > 0 AND finished_at < :finished_before
        ORDER BY asked_at"""
    rows = db.execute(sql, {"asked_from": asked_from, "finished_before": finished_before}).fetchall()
    return [of_row(row) for row in rows]


def never_posted(tx: Transaction, *, most: int) -> list[Job]:
    """Jobs that wait and that Kling cannot have, oldest first."""
    sql = f"SELECT * FROM jobs WHERE state = 'held' AND {LIVE} AND tries = 0 ORDER BY due_at LIMIT :most"
    return [of_row(row) for row in tx.execute(sql, {"most": most}).fetchall()]


def ahead_of(db: Database, job: Job) -> int:
    """How many jobs wait before this one."""
    sql = f"SELECT count(*) AS n FROM jobs WHERE state = 'held' AND {LIVE} AND due_at < :due_at"
    return int(db.execute(sql, {"due_at": job.due_at}).fetchone()["n"])


def waiting(db: Database) -> int:
    """How many jobs wait for their turn at Kling."""
    sql = f"SELECT count(*) AS n FROM jobs WHERE state = 'held' AND {LIVE}"
    return int(db.execute(sql).fetchone()["n"])


def not_taken(db: Database) -> int:
    """How many jobs Kling has not taken so far: those that wait, and those that are just being sent."""
    sql = f"SELECT count(*) AS n FROM jobs WHERE state IN ('held', 'submitting') AND {LIVE}"
    return int(db.execute(sql).fetchone()["n"])


def of_row(row: Any) -> Job:
    """The job in a whole row of the table."""
    settled = row["settled_millicredits"]
    return Job(
        **{name: row[name] for name in _PLAIN}
        | {"audio": bool(row["audio"]), "omni": bool(row["omni"])}
        | {"kling_units": bool(row["kling_units"]), "state": JobState(row["state"])},
        quote=Amount(row["quote_millicredits"], row["quote_microusd"]),
        settled=None if settled is None else Amount(settled, row["settled_microusd"]),
    )
