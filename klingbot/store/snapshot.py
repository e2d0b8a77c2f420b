"""One unchanging view of the ledger's file, read-only, however busy the bot is beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from klingbot.store.database import DatabaseError

Snapshot = Database
"""A connection that only reads."""


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """The file as it is now; what is committed during the block is not seen. Neither creates nor migrates it.

    A connection that only reads never writes a checkpoint, so it is safe beside any writer. Raises DatabaseError, also
    for what SQLite finds wrong during the block.
    """
    if not path.is_file():
        raise DatabaseError(
            f"There is no database {path}. KLINGBOT_DB names the file; the bot makes it when it starts."
        )
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=10, isolation_level=None, uri=True)
    except sqlite3.Error as e:
        raise DatabaseError(f"The database {path} cannot be opened for reading ({e}).") from e
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield Database(connection)
    except sqlite3.Error as e:
        raise DatabaseError(f"The database {path} cannot be read ({e}).") from e
    finally:
        connection.close()
