"""Asking for videos in tests, and the proof that the running totals are what the entries say."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from klingbot.domain.budgets import Total, scopes_of
from klingbot.domain.jobs import Job, Request
from klingbot.domain.notifications import Content, from_json
from klingbot.domain.periods import Period, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.domain.project_access import ProjectState
from klingbot.engine import Engine, job_requests, kling_results
from klingbot.engine.hold_outcomes import Held
from klingbot.store import Store, known_projects, ledger
from klingbot.store.backend import postgres, sqlite
from klingbot.store.backend.location import Place
from klingbot.store.backend.sqlite import SqliteStore
from klingbot.store.maintenance import totals_proof

REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)
"""What the backends raise for a row that the schema forbids."""
TEN_SECONDS = Wish("kling-pro", 10, "1080p")
"""40 credits ($2.40) on the list `credits`."""


def ask(
    request_id: str, wish: Wish = TEN_SECONDS, *, user_id: str = "U1", project: str | None = "marketing"
) -> Request:
    return Request(request_id, user_id, "C1", "a fox in the snow", wish, project)


def hold(engine: Engine, request_id: str, wish: Wish = TEN_SECONDS, **options: Any) -> Job:
    """A hold that is meant to succeed, for a project that an admin has created if it takes one."""
    if project := options.get("project", "marketing"):
        create(engine.store, project)
    outcome = job_requests.hold(engine, ask(request_id, wish, **options))
    assert isinstance(outcome, Held), outcome
    return outcome.job


def create(store: Store, *names: str) -> None:
    """Let members spend for these projects, as an admin does with `/kling project new`."""
    missing = [name for name in names if known_projects.state(store.read(), name) is not ProjectState.OPEN]
    if missing:
        with store.write() as tx:
            for name in missing:
                known_projects.decide(tx, name, is_open=True)


def submit(engine: Engine, job: Job) -> Job:
    """Kling takes it."""
    posting = kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=engine.clock() + 90_000)
    assert posting is not None
    taken = kling_results.submitted(engine, posting, f"task-{job.id}", due_at=engine.clock() + 5_000)
    assert taken is not None
    return taken


def settle(engine: Engine, job: Job, units: str | None = None) -> Job:
    """Kling takes it and makes the video."""
    charged = None if units is None else Decimal(units)
    done = kling_results.succeeded(engine, submit(engine, job), units=charged, video_url="https://kling.test/v.mp4")
    assert done is not None
    return done


def total(engine: Engine, scope: str, period: Period) -> Total:
    return ledger.total(engine.store.read(), scope, period)


def nine_totals(engine: Engine, job: Job) -> dict[tuple[str, PeriodKind], Total]:
    """Every total that the job counts in."""
    periods = engine.calendar.periods(job.asked_at)
    scopes = scopes_of(job.user_id, job.project)
    return {(scope, period.kind): total(engine, scope, period) for scope in scopes for period in periods}


def queued(store: Store, kind: type[Content]) -> list[Any]:
    """The contents of that kind in the outbox, oldest first."""
    rows = store.read().execute("SELECT kind, content FROM outbox ORDER BY id").fetchall()
    contents = [from_json(row["kind"], json.loads(row["content"])) for row in rows]
    return [content for content in contents if isinstance(content, kind)]


def slack_takes_everything(store: Store) -> None:
    """From now on each message is delivered the moment it is queued."""
    statements = _DELIVERED_IN_SQLITE if isinstance(store, SqliteStore) else _DELIVERED_IN_POSTGRES
    with store.write() as tx:
        for statement in statements:
            tx.execute(statement)


_DELIVERED_IN_SQLITE = (
    """
    CREATE TRIGGER delivered AFTER INSERT ON outbox BEGIN
      UPDATE outbox SET state = 'sent', sent_to = 'C1', sent_ts = '1.' || NEW.id WHERE id = NEW.id;
    END""",
)
_DELIVERED_IN_POSTGRES = (
    """
    CREATE FUNCTION delivered() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.state = 'sent'; NEW.sent_to = 'C1'; NEW.sent_ts = concat('1.', NEW.id); RETURN NEW;
    END $$""",
    "CREATE TRIGGER delivered BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION delivered()",
)


def rows_of(db: Any, table: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in db.execute(f"SELECT * FROM {table}").fetchall())


def env_of(place: Place) -> dict[str, str]:
    """The settings that name it."""
    return {"KLINGBOT_DB": str(place)} if isinstance(place, Path) else {"DATABASE_URL": place.url}


def everything(store: Store) -> list[list[tuple[Any, ...]]]:
    """Every row of every table that says what happened."""
    tables = ("jobs", "entries", "totals", "daily_spend", "budgets", "crossings", "projects", "outbox", "facts")
    return [rows_of(store.read(), table) for table in tables]


def prove(store: Store) -> None:
    """Totals and daily spend equal what their entries add up to, and the file is sound."""
    with store.write() as tx:
        assert totals_proof.mismatches(tx) == []
        kept = rows_of(tx, "totals"), rows_of(tx, "daily_spend")
        totals_proof.rebuild(tx)
        assert (rows_of(tx, "totals"), rows_of(tx, "daily_spend")) == kept
        assert (sqlite.faults(tx) if isinstance(store.place, Path) else postgres.faults(tx)) == []
        tx.abandon()
