"""The SQLite file: how it is opened, how a transaction runs, how its schema is brought up to date.

Durability: WAL with `synchronous=FULL`, so that what was acknowledged survives kill -9 and power loss.

Writers: SQLite lets one write at a time. A lock in the process and `flock` on a side file between processes make them
queue fairly, and keep two connections from writing or checkpointing at the same instant (SQLite's WAL-reset bug,
fixed in 3.51.3). `BEGIN IMMEDIATE` is what keeps the money right; the queue is what keeps it quick.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from migrations.migrations import migrations

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA mmap_size = 0",
)


class DatabaseError(Exception):
    """The database cannot be used; the message says why and what to do, for a person."""


class Transaction:
    """One write transaction: everything executed in it is committed together, or nothing is."""

    __slots__ = ("abandoned", "db")

    def __init__(self, db: Database) -> None:
        self.db = db
        self.abandoned = False

    def execute(self, sql: str, params: dict[str, Any] | None = None) -> sqlite3.Cursor:
        return self.db.execute(sql, params)

    def abandon(self) -> None:
        """Roll everything back when the transaction ends."""
        self.abandoned = True


class Store:
    """The ledger's file. Safe to share between threads, and between processes on one machine."""

    def __init__(self, path: Path) -> None:
        """Opens the file, creating it if need be, and migrates it. Raises DatabaseError."""
        self.path = path
        self._threads = threading.local()
        self._readers: weakref.WeakSet[Database] = weakref.WeakSet()
        self._writing = threading.Lock()
        try:
            self._lock_file = Path(f"{path}.lock").open("w")  # noqa: SIM115 (held as long as the store)
            with self._alone():  # turning a new file to WAL does not wait for others who do the same
                self._writer = _connect(path)
            self._migrate()
        except (OSError, sqlite3.Error) as e:
            raise DatabaseError(
                f"The database {path} cannot be opened for writing ({e}). "
                "Check that KLINGBOT_DB names a file in a folder that exists and that the bot may write to."
            ) from e

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A write transaction, durable once the block ends. An exception or `abandon()` rolls it back."""
        with self._alone():
            self._writer.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._writer)
            try:
                yield transaction
                if not transaction.abandoned:
                    self._writer.execute("COMMIT")
            finally:
                # Also after a COMMIT that failed (a full disk), which leaves the transaction open.
                if self._writer.conn.in_transaction:
                    self._writer.execute("ROLLBACK")

    def read(self) -> Database:
        """This thread's connection for reading; each statement sees the last commit."""
        reader: Database | None = getattr(self._threads, "reader", None)
        if reader is None:
            reader = self._threads.reader = _connect(self.path)
            self._readers.add(reader)
        return reader

    def close(self) -> None:
        with self._alone():
            for connection in (*self._readers, self._writer):
                connection.conn.close()
        self._lock_file.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._writing:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _migrate(self) -> None:
        """Applies what is pending, in one transaction, so that two processes starting at once do it once."""
        known = {step.name for step in migrations.pending(Database(memory=True))}
        with self.write() as tx:
            applied = {step.name for step in migrations.applied(tx.db)}
            if newer := sorted(applied - known):
                raise DatabaseError(
                    f"The database {self.path} was made by a newer Klingbot (it has {', '.join(newer)}). "
                    "Run that version again, or restore a backup from before the upgrade."
                )
            migrations.apply(tx.db)
            # Writes nothing, but a file that may only be read is noticed now and not at somebody's first command.
            tx.execute("DELETE FROM facts WHERE 1 = 0")


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return Database(connection)
