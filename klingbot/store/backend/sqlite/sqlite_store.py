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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from klingbot.common import private_files
from klingbot.common.sqlite_utils_loader import sqlite_utils
from klingbot.domain.ledger_faults import LedgerFault
from klingbot.store.backend import ledger_identity
from klingbot.store.backend.database import (
    PATIENCE_SECONDS,
    DatabaseError,
    LedgerLostError,
    NotKeptError,
    UncertainError,
)
from klingbot.store.backend.migration_steps import refuse_newer
from klingbot.store.backend.sql_parameters import by_place
from klingbot.store.backend.sqlite import rescue
from klingbot.store.backend.sqlite.file_guard import LedgerGuard, Loss, whereabouts
from klingbot.store.backend.sqlite.file_lock import Turn
from migrations.migrations import migrations

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA mmap_size = 0",
)
_READ_AND_WRITE = 0o666
_UNWRITABLE = LedgerFault.UNWRITABLE
_FAULTS = {
    sqlite3.SQLITE_BUSY: LedgerFault.BUSY,
    sqlite3.SQLITE_LOCKED: LedgerFault.BUSY,
    sqlite3.SQLITE_FULL: LedgerFault.FULL,
    sqlite3.SQLITE_IOERR: LedgerFault.UNWRITABLE,
    sqlite3.SQLITE_READONLY: LedgerFault.UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: LedgerFault.UNWRITABLE,
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _tell(trouble: BaseException | None, *, committing: bool = False) -> None:
    """Raise NotKeptError or UncertainError if the trouble is the file's own; otherwise return."""
    code = getattr(trouble, "sqlite_errorcode", 0) & 0xFF  # without the details that SQLite adds above
    if code in _DAMAGED:
        raise LedgerLostError(f"The ledger is lost: {Loss.CUT} ({trouble}). Nothing was kept.", Loss.CUT) from trouble
    fault = _FAULTS.get(code)
    if fault is None:
        return
    if committing and code == sqlite3.SQLITE_IOERR:  # it may be on the disk all the same
        raise UncertainError(f"The disk failed as the ledger's file was written ({trouble}).") from trouble
    raise NotKeptError(f"The ledger's file could not be written; nothing was kept ({trouble}).", fault) from trouble


class SqliteTransaction:
    """`BEGIN IMMEDIATE`: nobody else writes to the file meanwhile."""

    # A context manager of its own, without generators: a hold spends a tenth less time around its statements.
    __slots__ = ("_guard", "_patient", "_turn", "abandoned", "db")

    def __init__(self, db: sqlite_utils.Database, turn: Turn, guard: LedgerGuard, patient: bool) -> None:
        self.db = db
        self._turn = turn
        self._guard = guard
        self._patient = patient
        self.abandoned = False

    def __enter__(self) -> SqliteTransaction:
        self._take_turn()
        try:
            self._guard.check()
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

    def _take_turn(self) -> None:
        try:
            self._turn.take(None if self._patient else time.monotonic() + PATIENCE_SECONDS)
        except OSError as e:  # the lock cannot be made again where its folder is gone
            self._guard.check_place()
            raise NotKeptError(f"The ledger's lock cannot be used; nothing was kept ({e}).", _UNWRITABLE) from e


class SqliteReader(sqlite_utils.Database):
    """A connection that reads. Its statements raise NotKeptError, LedgerLostError."""

    def __init__(self, connection: sqlite3.Connection, guard: LedgerGuard) -> None:
        super().__init__(connection)
        self._guard = guard

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except sqlite3.DatabaseError as e:
            self._guard.check_files()  # SQLite's own words for a log that is gone say nothing of that
            _tell(e)
            raise


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
            rescue.refuse_to_begin_anew(path)
            private_files.ensure(path)
            # Like the files that SQLite keeps beside the ledger, the lock can be used by whoever can use the ledger.
            self._turn = Turn(Path(f"{path}.lock"), private_files.mode_of(path) & _READ_AND_WRITE)
            with self._turn:  # turning a new file to WAL does not wait for others who do the same
                self._writer = _connect(path)
                self._guard = LedgerGuard(path)
            self._migrate()
        except (OSError, sqlite3.Error) as e:
            raise DatabaseError(
                f"The database {path} cannot be opened for writing ({e}). "
                "Check that KLINGBOT_DB names a file in a folder that exists and that the bot may write to."
            ) from e

    def write(self, *, patient: bool = False) -> SqliteTransaction:
        return SqliteTransaction(self._writer, self._turn, self._guard, patient)

    def read(self, *, patient: bool = False) -> sqlite_utils.Database:
        """A connection of this thread's own."""
        reader: sqlite_utils.Database | None = getattr(self._threads, "reader", None)
        if reader is None:
            reader = self._threads.reader = self._opened()
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

    def rescue(self, now: int) -> str | None:
        """Save what a lost ledger contains, and return what to do in a sentence; None where there is nothing to do.

        Raises OSError, sqlite3.Error.
        """
        with self._turn:
            try:
                self._guard.check()
            except LedgerLostError as e:
                return self._rescued(Loss(e.reason), now)
        return None

    def close(self) -> None:
        connections = (*self._readers, self._writer)
        if self._is_lost():
            _keep_open(connections)
            return
        with self._turn:
            for connection in connections:
                connection.conn.close()
        self._turn.close()

    def _opened(self) -> sqlite_utils.Database:
        """Return a new connection to the same file. Raises LedgerLostError."""
        self._guard.check_files()
        connection = _connect(self.place)
        self._guard.check_place()
        return SqliteReader(connection.conn, self._guard)

    def _is_lost(self) -> bool:
        try:
            with self._turn:
                self._guard.check()
        except (LedgerLostError, OSError):
            return True
        return False

    def _rescued(self, loss: Loss, now: int) -> str:
        if loss in (Loss.CUT, Loss.OLDER, Loss.OTHER):
            return f"Stop the bot and restore the newest backup as {self.place}; then compare with Kling's bill."
        if loss is Loss.COMPANION and not self._guard.has_other_companions():
            # Everything that the log has goes into the file, which is all that the next start needs.
            self._writer.conn.execute("PRAGMA wal_checkpoint(FULL)")
            return f"Everything is in {self.place} itself. Restart the bot."
        if loss is Loss.UNSEEN:
            return f"Let the bot's user reach {self.place} again, and the bot goes on."
        where = whereabouts(self._guard.file_id)
        if where and loss is not Loss.COMPANION:
            return f"The ledger is at {where} now. Move it back, with the files beside it, and the bot goes on."
        saved = rescue.copy(self._writer.conn, self.place, now)
        return (
            f"Everything that it contained is saved in {saved}. Stop the bot, let {self.place.name} be that file, and "
            "start the bot again."
        )

    def _migrate(self) -> None:
        """Applies what is pending, in one transaction, so that two processes starting at once do it once."""
        with self.write() as tx:
            refuse_newer(self.place, (step.name for step in migrations.applied(tx.db)))
            migrations.apply(tx.db)
            ledger_identity.ensure(tx)
            # Writes nothing, but a file that may only be read is noticed now and not at somebody's first command.
            tx.execute("DELETE FROM facts WHERE 1 = 0")
        with self._turn:
            self._writer.conn.execute("PRAGMA wal_checkpoint(PASSIVE)")  # the file has its id from now on
            self._guard.remember_companions()


def _keep_open(connections: Sequence[sqlite_utils.Database]) -> None:
    """Leave the connections of a lost ledger open until the process has ended.

    SQLite deletes the log by its name when the last connection is closed, and that may be another bot's by now. What a
    daemon thread refers to is never closed.
    """
    threading.Thread(target=lambda kept: threading.Event().wait(), args=(connections,), daemon=True).start()


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
