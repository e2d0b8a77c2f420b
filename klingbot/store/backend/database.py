"""What a ledger's database offers, whichever backend keeps it. `sqlite/` and `postgres/` are the two.

A statement is SQL that both take, with parameters written `:name`; rows are read by column name or position. A write
transaction owns the ledger from its first statement to its last: what it reads stays true until it commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from klingbot.domain.ledger_faults import LedgerFault
from klingbot.store.backend.location import Place

PATIENCE_SECONDS = 2.2
"""For a transaction or a reading from its first wait to its end. Slack gives three seconds for the whole answer."""


class DatabaseError(Exception):
    """The database cannot be used; the message says why and what to do, for a person."""


class AwayError(DatabaseError):
    """The server could not be reached when the ledger was to be opened: later it may."""


class NotKeptError(DatabaseError):
    """A transaction of which nothing is in the ledger; `fault` says why."""

    def __init__(self, message: str, fault: LedgerFault = LedgerFault.AWAY) -> None:
        super().__init__(message)
        self.fault = fault


class LedgerLostError(NotKeptError):
    """A transaction that was refused because its record would be lost; `reason` says why and names no place."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, LedgerFault.LOST)
        self.reason = reason


class UncertainError(DatabaseError):
    """The connection broke as the transaction was committed: nobody knows whether it is in the ledger.

    Every use case may be run again to find out, because it changes nothing the second time.
    """


class Rows(Protocol):
    """What a statement came to."""

    @property
    def rowcount(self) -> int: ...

    @property
    def description(self) -> Any:
        """A sequence for each column; its name comes first."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """Takes statements: one that reads, or a write transaction."""

    def execute(self, sql: str, params: dict[str, Any] | None = None, /) -> Rows: ...


class Transaction(Database, Protocol):
    """One write transaction: everything executed in it is committed together, or nothing is."""

    def abandon(self) -> None:
        """Roll everything back when the transaction ends."""


class Part:
    """A part of a transaction that can be abandoned alone, while the rest goes on."""

    __slots__ = ("_tx", "abandoned")

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.abandoned = False

    def execute(self, sql: str, params: dict[str, Any] | None = None, /) -> Rows:
        return self._tx.execute(sql, params)

    def abandon(self) -> None:
        self.abandoned = True


@contextmanager
def part(tx: Transaction) -> Iterator[Part]:
    """What `tx` does in this block, kept with it, or abandoned alone. An exception abandons everything."""
    tx.execute("SAVEPOINT part")
    begun = Part(tx)
    yield begun
    if begun.abandoned:
        tx.execute("ROLLBACK TO part")
    tx.execute("RELEASE part")


class Store(Protocol):
    """An open ledger. Safe to share between threads, and the ledger between processes."""

    @property
    def place(self) -> Place: ...

    def write(self, *, patient: bool = False) -> AbstractContextManager[Transaction]:
        """A write transaction, durable once the block ends. An exception or `abandon()` rolls it back.

        It breaks off in time for Slack's three seconds, unless it is `patient`: for what reads all history.
        Raises NotKeptError, UncertainError.
        """

    def read(self, *, patient: bool = False) -> Database:
        """For reading, on this thread; each statement sees the last commit. Its statements raise NotKeptError."""

    def view(self) -> AbstractContextManager[Database]:
        """For reading several things of one moment, on this thread: what is committed during the block is not seen."""

    def rescue(self, now: int) -> str | None:
        """Save what a lost ledger contains, and return what to do in a sentence; None where there is nothing to do."""

    def close(self) -> None: ...
