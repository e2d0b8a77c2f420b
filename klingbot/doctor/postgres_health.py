"""Whether the ledger's PostgreSQL database can be reached, is durable and sound."""

from __future__ import annotations

from collections.abc import Callable

from klingbot.doctor.findings import Finding, failed, listed, ok, warning
from klingbot.store import Database, DatabaseError, snapshot
from klingbot.store.backend import postgres
from klingbot.store.backend.location import DatabaseUrl


def check(place: DatabaseUrl, ledger: Callable[[Database], list[Finding]]) -> list[Finding]:
    """What can be said of the database, and `ledger` of what is in it. It is not migrated."""
    try:
        with snapshot(place) as db:
            version = ok("PostgreSQL", postgres.version(db))
            if missing := postgres.steps_missing(db):
                return [version, _outdated(place, missing)]
            found = [_durability(db, place), *ledger(db)]
        postgres.PostgresStore(place).close()  # opens it for writing, as the bot does, and changes nothing
        return [version, *found]
    except DatabaseError as e:
        return [failed("database", str(e), "Look at DATABASE_URL, at the server, and at the way to it.")]


def _outdated(place: DatabaseUrl, missing: list[str]) -> Finding:
    said = f"{place} has yet to go through {', '.join(missing)}"
    return warning("database", said, "Run python bot.py migrate (starting the bot does it too), then look again.")


def _durability(db: Database, place: DatabaseUrl) -> Finding:
    loose = postgres.durability(db)
    if not loose:
        return ok("database", f"{place} keeps what it has acknowledged, also through a crash")
    fix = "Set them back to on for this database: without them a crash may lose holds that people were told of."
    return failed("database", f"{place} is kept with {', '.join(loose)}", fix)


def integrity(db: Database, now: int) -> Finding:
    faults = postgres.faults(db)
    if not faults:
        return ok("integrity", "every reference is sound; pg_amcheck looks at pages and indexes")
    return failed("integrity", listed(faults), "Stop the bot and restore a backup made before the damage.")
