"""What `doctor` asks of PostgreSQL itself."""

from __future__ import annotations

from klingbot.store.backend.database import Database
from klingbot.store.backend.migration_steps import missing

_DURABLE = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_apply", "remote_write")}
"""Settings under which an acknowledged commit survives a crash (postgresql.org, "Write Ahead Log")."""


def version(db: Database) -> str:
    return str(db.execute("SELECT current_setting('server_version') AS version").fetchone()["version"])


def durability(db: Database) -> list[str]:
    """The settings under which an acknowledged commit might be lost, like `fsync = off`."""
    sql = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
    found = {row["name"]: row["setting"] for row in db.execute(sql).fetchall()}
    return [f"{name} = {found[name]}" for name, good in _DURABLE.items() if found[name] not in good]


def steps_missing(db: Database) -> list[str]:
    """The schema's steps that this database has not been through yet."""
    there = db.execute("SELECT to_regclass('_migrations') IS NOT NULL AS there").fetchone()["there"]
    applied = db.execute("SELECT name FROM _migrations").fetchall() if there else []
    return missing(row["name"] for row in applied)


def faults(db: Database) -> list[str]:
    """Rows that refer to nothing. Its pages and indexes PostgreSQL checks itself, with `pg_amcheck`."""
    sql = "SELECT id FROM entries WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = entries.job_id) ORDER BY id"
    return [f"entries row {row['id']} refers to no jobs" for row in db.execute(sql).fetchall()]
