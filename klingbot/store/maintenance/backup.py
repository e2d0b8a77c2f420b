"""A copy of the ledger's file, made while the bot writes to it, and proved before it has its name."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from klingbot.common import private_files
from klingbot.store.backend.database import Database, DatabaseError
from klingbot.store.backend.location import Place
from klingbot.store.backend.sqlite import faults, snapshot
from klingbot.store.maintenance import totals_proof


class BackupError(Exception):
    """The backup was not made; the message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was read back: sound, its totals proved by its entries, and as many rows as were copied."""

    path: Path
    size: int
    """Bytes."""
    rows: dict[str, int]
    """How many rows each table has."""


def back_up(source: Place, target: Path) -> Backup:
    """Copies the ledger as it is at this moment. Raises BackupError, DatabaseError.

    The copy is one file, complete in itself. It gets its name only once it is on the disk and proved.
    """
    if not isinstance(source, Path):
        raise BackupError(
            "The ledger is in PostgreSQL, which makes its own copies: "
            f'pg_dump --format=custom --file={target} "$DATABASE_URL"'
        )
    _refuse_overwriting(target)
    unproved = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        rows = _copy(source, unproved)
        _prove(unproved, rows)
        size = _to_the_disk(unproved)
        _refuse_overwriting(target)
        unproved.rename(target)
        _to_the_disk(target.parent)
    except OSError as e:
        raise BackupError(f"{target} could not be written ({e.strerror}).") from e
    finally:
        unproved.unlink(missing_ok=True)
    return Backup(target, size, rows)


def _refuse_overwriting(target: Path) -> None:
    if target.exists():
        raise BackupError(f"{target} is there already and is not overwritten. Choose another name.")


def _copy(source: Path, target: Path) -> dict[str, int]:
    """SQLite's online backup, in one step under one snapshot: it neither stops writers nor is disturbed by them."""
    with snapshot(source) as db:
        rows = _counted(db)
        os.close(private_files.create(target))
        try:
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                db.conn.backup(copy)
                _give_an_id_of_its_own(copy)
                # One file without a log beside it; the bot turns it to WAL again when it opens it.
                copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as e:
            raise BackupError(f"The copy could not be written ({e}).") from e
    return rows


def _give_an_id_of_its_own(copy: sqlite3.Connection) -> None:
    """Let a bot notice when the copy is written over the ledger that it has open."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = '_ledger'").fetchone():
        copy.execute("UPDATE _ledger SET id = lower(hex(randomblob(16)))")


def _prove(path: Path, rows: dict[str, int]) -> None:
    try:
        with snapshot(path) as db:
            wrong = [*faults(db), *(f"the total of {m.scope} is off" for m in totals_proof.mismatches(db))]
            copied = _counted(db)
    except DatabaseError as e:
        raise BackupError(f"The copy cannot be read back ({e}).") from e
    if copied != rows:
        wrong.append(f"{rows} rows were to be copied, and {copied} were")
    if wrong:
        raise BackupError(f"The copy is not sound: {wrong[0]}. Run python bot.py doctor on the original.")


def _counted(db: Database) -> dict[str, int]:
    names = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: db.execute(f'SELECT count(*) AS n FROM "{name}"').fetchone()["n"] for name in names}


def _to_the_disk(path: Path) -> int:
    """Waits until the file or folder is durable; its size in bytes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)
