"""The SQLite file: how it is opened, how a transaction runs, how its schema is brought up to date.

Durability: WAL with `synchronous=FULL`, so that what was acknowledged survives kill -9 and power loss.

Writers: SQLite lets one write at a time. Turns in the process and `flock` on a side file between processes make them
queue, and keep two connections from writing or checkpointing at the same instant (SQLite's WAL-reset bug,
fixed in 3.51.3). `BEGIN IMMEDIATE` is what keeps the money right; the queue is what keeps it quick.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from klingbot import private_files
from klingbot.faults import LedgerFault
from klingbot.store.database import (
    PATIENCE_SECONDS,
    DatabaseError,
    NotKeptError,
    UncertainError,
)
from klingbot.store.light import sqlite_utils
from klingbot.store.parameters import by_place
from klingbot.store.sqlite.turn import Turn
from klingbot.store.steps import refuse_newer
from migrations.migrations import migrations

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA mmap_size = 0",
)
_READ_AND_WRITE = 0o666
_FAULTS = {
    sqlite3.SQLITE_BUSY: LedgerFault.BUSY,
    sqlite3.SQLITE_LOCKED: LedgerFault.BUSY,
    sqlite3.SQLITE_FULL: LedgerFault.FULL,
    sqlite3.SQLITE_IOERR: LedgerFault.UNWRITABLE,
    sqlite3.SQLITE_READONLY: LedgerFault.UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: LedgerFault.UNWRITABLE,
}


def _tell(trouble: BaseException | None, *, committing: bool = False) -> None:
    """Raise NotKeptError or UncertainError if the trouble is the file's own; otherwise return."""
    code = getattr(trouble, "sqlite_errorcode", 0) & 0xFF  # without the details that SQLite adds above
    fault = _FAULTS.get(code)
    if fault is None:
        return
    if committing and code == sqlite3.SQLITE_IOERR:  # it may be on the disk all the same
        raise UncertainError(f"The disk failed as the ledger's file was written ({trouble}).") from trouble
    raise NotKeptError(f"The ledger's file could not be written; nothing was kept ({trouble}).", fault) from trouble


class SqliteTransaction:
    """`BEGIN IMMEDIATE`: nobody else writes to the file meanwhile."""

    # A context manager of its own, without generators: a hold spends a tenth less time around its statements.
    __slots__ = ("_patient", "_turn", "abandoned", "db")

    def __init__(self, db: sqlite_utils.Database, turn: Turn, patient: bool) -> None:
        self.db = db
        self._turn = turn
        self._patient = patient
        self.abandoned = False

    def __enter__(self) -> SqliteTransaction:
        self._turn.take(None if self._patient else time.monotonic() + PATIENCE_SECONDS)
        try:
            self.db.conn.execute("BEGIN IMMEDIATE")
        except BaseException as e:
            self._turn.hand_on()
            _tell(e)
            raise
        return self

    def __exit__(self, _: object, trouble: BaseException | None, __: object) -> None:
        connection = self.db.conn
        try:
            if trouble is None and not self.abandoned:
                connection.execute("COMMIT")
        except sqlite3.OperationalError as e:
            _tell(e, committing=True)
            raise
        finally:
            # Also after a COMMIT that failed (a full disk), which leaves the transaction open.
            try:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            finally:
                self._turn.hand_on()
        _tell(trouble)

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, /) -> sqlite3.Cursor:
        numbered, in_order = by_place(sql)
        return self.db.conn.execute(numbered, in_order(params or {}))

    def abandon(self) -> None:
        self.abandoned = True


class SqliteStore:
    """The ledger's file. Safe to share between threads, and between processes on one machine."""

    def __init__(self, path: Path) -> None:
        """Opens the file, creating it if need be, and migrates it. Raises DatabaseError."""
        self.place = path
        self._threads = threading.local()
        self._readers: weakref.WeakSet[sqlite_utils.Database] = weakref.WeakSet()
        try:
            if path.is_dir():
                raise IsADirectoryError("it is a folder")
            private_files.ensure(path)
            # Like the files that SQLite keeps beside the ledger, the lock can be used by whoever can use the ledger.
            self._turn = Turn(Path(f"{path}.lock"), private_files.mode_of(path) & _READ_AND_WRITE)
            with self._turn:  # turning a new file to WAL does not wait for others who do the same
                self._writer = _connect(path)
            self._migrate()
        except (OSError, sqlite3.Error) as e:
            raise DatabaseError(
                f"The database {path} cannot be opened for writing ({e}). "
                "Check that KLINGBOT_DB names a file in a folder that exists and that the bot may write to."
            ) from e

    def write(self, *, patient: bool = False) -> SqliteTransaction:
        return SqliteTransaction(self._writer, self._turn, patient)

    def read(self, *, patient: bool = False) -> sqlite_utils.Database:
        """A connection of this thread's own."""
        reader: sqlite_utils.Database | None = getattr(self._threads, "reader", None)
        if reader is None:
            reader = self._threads.reader = _connect(self.place)
            self._readers.add(reader)
        return reader

    @contextmanager
    def view(self) -> Iterator[sqlite_utils.Database]:
        reader = self.read()
        reader.execute("BEGIN")
        try:
            yield reader
        finally:
            reader.execute("COMMIT")

    def close(self) -> None:
        with self._turn:
            for connection in (*self._readers, self._writer):
                connection.conn.close()
        self._turn.close()

    def _migrate(self) -> None:
        """Applies what is pending, in one transaction, so that two processes starting at once do it once."""
        with self.write() as tx:
            refuse_newer(self.place, (step.name for step in migrations.applied(tx.db)))
            migrations.apply(tx.db)
            # Writes nothing, but a file that may only be read is noticed now and not at somebody's first command.
            tx.execute("DELETE FROM facts WHERE 1 = 0")


def _connect(path: Path) -> sqlite_utils.Database:
    """Open the file, which must exist: SQLite would create one that everybody may read."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=PATIENCE_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return sqlite_utils.Database(connection)


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite_utils.Database]:
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
        yield sqlite_utils.Database(connection)
    except sqlite3.Error as e:
        raise DatabaseError(f"The database {path} cannot be read ({e}).") from e
    finally:
        connection.close()
