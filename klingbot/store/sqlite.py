"""The SQLite file: how it is opened, how a transaction runs, how its schema is brought up to date.

Durability: WAL with `synchronous=FULL`, so that what was acknowledged survives kill -9 and power loss.

Writers: SQLite lets one write at a time. Turns in the process and `flock` on a side file between processes make them
queue, and keep two connections from writing or checkpointing at the same instant (SQLite's WAL-reset bug,
fixed in 3.51.3). `BEGIN IMMEDIATE` is what keeps the money right; the queue is what keeps it quick.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klingbot.store.database import (
    PATIENCE_SECONDS,
    Database,
    DatabaseError,
    NotKeptError,
    Transaction,
    UncertainError,
)
from klingbot.store.light import sqlite_utils
from klingbot.store.parameters import by_place
from klingbot.store.steps import missing, refuse_newer
from klingbot.store.turns import Turns
from migrations.migrations import migrations

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA mmap_size = 0",
)


_BUSY = "Another process keeps the ledger's file; nothing was kept."
_TROUBLE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0001, 0.002
"""Seconds between two looks at another process's lock: short ones are fair enough, and one wait could not be ended."""

VERSION = sqlite3.sqlite_version_info
"""Of the SQLite that this Python brings."""


@dataclass(frozen=True, slots=True)
class Modes:
    """How the bot's own connections keep what was acknowledged."""

    journal: str
    synchronous: int
    """SQLite's number: 2 is FULL."""


class _Turn:
    """Whose turn it is to write: one thread of this process, and no other process meanwhile."""

    def __init__(self, path: Path) -> None:
        self._threads = Turns()
        self._file = path.open("w")

    def __enter__(self) -> None:
        self.take(None)

    def __exit__(self, *_: object) -> None:
        self.hand_on()

    def take(self, due: float | None) -> None:
        """Waits until then (of the monotonic clock), or without end. Raises NotKeptError."""
        if not self._threads.take(None if due is None else due - time.monotonic()):
            raise NotKeptError(_BUSY)
        try:
            self._lock(due)
        except BaseException:
            self._threads.hand_on()
            raise

    def hand_on(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.hand_on()

    def close(self) -> None:
        self._file.close()

    def _lock(self, due: float | None) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | (0 if due is None else fcntl.LOCK_NB))
                return
            except BlockingIOError:
                if due is not None and time.monotonic() > due:
                    raise NotKeptError(_BUSY) from None
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _tell(trouble: BaseException | None, *, committing: bool = False) -> None:
    """Raises what the file's own trouble means for a transaction: NotKeptError, UncertainError. Else nothing."""
    code = getattr(trouble, "sqlite_errorcode", 0) & 0xFF  # without the details that SQLite adds above
    if code not in _TROUBLE:
        return
    if committing and code == sqlite3.SQLITE_IOERR:  # it may be on the disk all the same
        raise UncertainError(f"The disk failed as the ledger's file was written ({trouble}).") from trouble
    raise NotKeptError(f"The ledger's file could not be written; nothing was kept ({trouble}).") from trouble


class SqliteTransaction:
    """`BEGIN IMMEDIATE`: nobody else writes to the file meanwhile."""

    # A context manager of its own, without generators: a hold spends a tenth less time around its statements.
    __slots__ = ("_patient", "_turn", "abandoned", "db")

    def __init__(self, db: sqlite_utils.Database, turn: _Turn, patient: bool) -> None:
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
            self._turn = _Turn(Path(f"{path}.lock"))
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
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
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


def steps_missing(db: Database) -> list[str]:
    """The schema's steps that this file has not been through yet."""
    known = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    applied = db.execute("SELECT name FROM _sqlite_migrations").fetchall() if db.execute(known).fetchone() else []
    return missing(row["name"] for row in applied)


def modes(path: Path) -> Modes:
    """Opens the file for writing, as the bot does, and changes nothing in it. Raises DatabaseError."""
    with closing(SqliteStore(path)) as store:
        pragmas = [store.read().execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        return Modes(*pragmas)


def faults(db: Database) -> list[str]:
    """What SQLite itself finds wrong: torn pages, broken indexes, rows that refer to nothing."""
    said = [str(row[0]) for row in db.execute("PRAGMA integrity_check").fetchall()]
    orphans = db.execute("PRAGMA foreign_key_check").fetchall()
    return [line for line in said if line != "ok"] + [f"{row[0]} row {row[1]} refers to no {row[2]}" for row in orphans]


def tables(db: Database) -> list[str]:
    """All that belong to the ledger."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_' ORDER BY name"
    return [row["name"] for row in db.execute(sql).fetchall()]


def defer_references(tx: Transaction) -> None:
    """Rows may refer to rows that come later in this transaction."""
    tx.execute("PRAGMA defer_foreign_keys = ON")


def go_on_counting(tx: Transaction, tables: list[str]) -> None:
    """Numbers that the database gives go on after the highest: SQLite's do so by themselves."""
