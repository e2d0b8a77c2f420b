"""Saving what a lost ledger contains, which only the process that has it open can still read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from klingbot.common import private_files
from klingbot.store.backend.database import DatabaseError

_MARK = ".rescued-"


def copy(connection: sqlite3.Connection, path: Path, now: int) -> Path:
    """Copy what that connection reads to a new file beside `path`, and return it. Raises OSError, sqlite3.Error."""
    moment = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}{_MARK}{moment}")
    os.close(private_files.create(target))
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as saved:
            connection.backup(saved)
            saved.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    return target


def copies(path: Path) -> list[Path]:
    """Return the copies that were saved of that ledger, oldest first."""
    return sorted(path.absolute().parent.glob(f"{path.name}{_MARK}*"))


def refuse_to_begin_anew(path: Path) -> None:
    """Raise DatabaseError where a new ledger would take the place of one that was deleted by mistake."""
    if path.exists():
        return
    if saved := copies(path):
        raise DatabaseError(
            f"The ledger {path} was deleted while a bot used it. What it contained then is in {saved[-1]}. Rename that "
            f"to {path.name} and start again. To begin with an empty ledger, move the copy to another folder."
        )
    log = Path(f"{path.resolve()}-wal")
    if log.exists() and log.stat().st_size:
        raise DatabaseError(
            f"The ledger {path} is missing, but its log {log.name} is there. Put the ledger back beside it, or restore "
            f"a backup and delete {log.name}. To begin with an empty ledger, delete {log.name}."
        )
