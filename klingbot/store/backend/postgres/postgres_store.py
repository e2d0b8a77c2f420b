"""The ledger in PostgreSQL: how a transaction runs.

Writers take turns, as they do with SQLite: each write transaction begins with one advisory lock for the whole ledger,
which PostgreSQL hands on in the order of asking. So what a transaction has read stays true until it commits, in every
use case and at READ COMMITTED, and no two can deadlock. It costs next to nothing: all holds meet at the workspace's
totals anyhow, and would wait for each other there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from klingbot.domain.ledger_faults import LedgerFault
from klingbot.store.backend import ledger_identity
from klingbot.store.backend.database import (
    PATIENCE_SECONDS,
    AwayError,
    Database,
    DatabaseError,
    LedgerLostError,
    NotKeptError,
    Rows,
    UncertainError,
)
from klingbot.store.backend.fair_lock import Turns
from klingbot.store.backend.location import DatabaseUrl
from klingbot.store.backend.postgres import schema
from klingbot.store.backend.postgres.connections import (
    MOST,
    Connection,
    Connections,
    connect,
    fault_of,
    lost,
    passing,
    plain,
)
from klingbot.store.backend.postgres.dialect import Row, statement, values

log = logging.getLogger(__name__)

START_SECONDS = 30
"""How long to wait at the start for a server that is itself just starting."""
TURN = int.from_bytes(b"klingbot")
"""The name of the advisory lock, which PostgreSQL keeps for each database apart."""

IDLE_MS, PATIENT_IDLE_MS = 3_000, 60_000
"""A writer that falls silent for so long amid a transaction loses it, and its turn."""
_BEGIN = """
    BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = {idle};
    SET LOCAL lock_timeout = {most}; SET LOCAL statement_timeout = {most}; SELECT pg_advisory_xact_lock({turn})"""
_WHICH = "SELECT id FROM _ledger"
"""Sent along with _BEGIN, so that to ask which ledger this is takes no time of its own."""
_VIEW = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TABLES_GONE = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
_NOTHING_KEPT = "40"
"""SQLSTATE class of a transaction that the server rolled back."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """All rows of a statement."""

    rows: Iterator[Row]
    rowcount: int
    description: Any

    def fetchone(self) -> Row | None:
        return next(self.rows, None)

    def fetchall(self) -> list[Row]:
        return list(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return self.rows


class PostgresTransaction:
    """One write transaction, which has the turn."""

    __slots__ = ("_connection", "abandoned")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.abandoned = False

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, /) -> Rows:
        return _run(self._connection, sql, params)

    def abandon(self) -> None:
        self.abandoned = True


class PostgresStore:
    """The ledger. Safe to share between threads; processes on any number of machines may have it open."""

    def __init__(self, place: DatabaseUrl) -> None:
        """Opens the database and migrates it. Raises DatabaseError."""
        self.place = place
        self._connections = Connections(place, _first(place))
        self._turns = Turns()
        self._ledger_id: str | None = None
        try:
            self._migrate()
            self._ledger_id = ledger_identity.get(self.read())
        except (psycopg.Error, NotKeptError) as e:
            raise DatabaseError(
                f"The database {place} cannot be opened for writing ({plain(e.__cause__ or e)}). "
                "Check that DATABASE_URL names a database of the bot's own, and a user who may create tables there."
            ) from e

    @contextmanager
    def write(self, *, patient: bool = False) -> Iterator[PostgresTransaction]:
        due = None if patient else time.monotonic() + PATIENCE_SECONDS
        idle, most = (PATIENT_IDLE_MS, 0) if patient else (IDLE_MS, round(PATIENCE_SECONDS * 1000))
        begin = _BEGIN.format(idle=idle, most=most, turn=TURN)
        with self._alone(due), self._begun(f"{begin}; {_WHICH}" if self._ledger_id else begin, due) as connection:
            transaction = PostgresTransaction(connection)
            try:
                yield transaction
            except psycopg.Error as e:
                if not lost(e, connection):
                    raise
                connection.close()
                raise NotKeptError(
                    f"The database {self.place} was lost; nothing was kept ({plain(e)}).", fault_of(e)
                ) from e
            if not transaction.abandoned:
                self._commit(connection)

    def read(self, *, patient: bool = False) -> Database:
        return _Reader(self._connections, patient)

    @contextmanager
    def view(self) -> Iterator[Database]:
        with self._begun(_VIEW, time.monotonic() + PATIENCE_SECONDS) as connection:
            try:
                yield PostgresTransaction(connection)
            except psycopg.OperationalError as e:
                raise NotKeptError(f"The database {self.place} cannot be read ({plain(e)}).", fault_of(e)) from e

    def rescue(self, now: int) -> str | None:
        """Return what to do about a lost ledger: its server has the content, and this process does not."""
        return f"Restore the database {self.place}, then restart the bot."

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _alone(self, due: float | None) -> Iterator[None]:
        """Threads of one process wait here, not each on a connection."""
        if not self._turns.take(None if due is None else due - time.monotonic()):
            raise NotKeptError(f"The database {self.place} is too busy; nothing was kept.", LedgerFault.BUSY)
        try:
            yield
        finally:
            self._turns.hand_on()

    @contextmanager
    def _begun(self, begin: str, due: float | None) -> Iterator[Connection]:
        """A connection in a transaction, which is rolled back unless it was committed in the block."""
        for last in _tries():
            with self._connections.one(due) as connection:
                try:
                    self._begin(connection, begin)
                except _TABLES_GONE as e:
                    raise _lost(self.place, "its tables are gone") from e
                except psycopg.OperationalError as e:  # as a rule a connection that was lost while nobody used it
                    connection.close()
                    if last or not passing(e) or _late(due):
                        raise NotKeptError(f"The database {self.place} gave no turn ({plain(e)}).", fault_of(e)) from e
                    continue
                try:
                    yield connection
                finally:
                    _roll_back(connection)
                return

    def _begin(self, connection: Connection, begin: str) -> None:
        """Begin a transaction, and see that it is one of the same ledger. Raises LedgerLostError."""
        answers = connection.execute(begin.encode())
        while answers.nextset():
            pass
        if not begin.endswith(_WHICH):
            return
        row = answers.fetchone()
        if row is None or row[0] != self._ledger_id:
            connection.close()
            raise _lost(self.place, "another ledger has taken its place")

    def _commit(self, connection: Connection) -> None:
        try:
            said = connection.execute("COMMIT").statusmessage
        except psycopg.OperationalError as e:
            if e.sqlstate and e.sqlstate.startswith(_NOTHING_KEPT):
                raise NotKeptError(f"The database {self.place} kept nothing ({plain(e)}).", fault_of(e)) from e
            raise UncertainError(f"The database {self.place} was lost while it committed ({plain(e)}).") from e
        if said != "COMMIT":  # PostgreSQL's answer when a statement had failed and the block went on
            raise RuntimeError(f"the transaction was not committed: {said}")

    def _migrate(self) -> None:
        with self.write(patient=True) as tx:
            schema.migrate(tx, self.place, self._keeps_others_out)

    def _keeps_others_out(self) -> bool:
        """Asked by whoever has the turn: whether another connection is refused the turn meanwhile."""
        with self._connections.one(time.monotonic() + PATIENCE_SECONDS) as another:
            row = another.execute(f"SELECT pg_try_advisory_xact_lock({TURN})".encode()).fetchone()
        return row is not None and not row[0]


@contextmanager
def snapshot(place: DatabaseUrl) -> Iterator[Database]:
    """The ledger as it is now, on a connection of its own; rows come as they are asked for. Raises DatabaseError."""
    try:
        with connect(place) as connection:
            connection.execute(_VIEW)
            yield _Snapshot(connection)
    except psycopg.Error as e:
        raise DatabaseError(f"The database {place} cannot be read ({plain(e)}).") from e


class _Reader:
    def __init__(self, connections: Connections, patient: bool) -> None:
        self._connections = connections
        self._patient = patient

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, /) -> Rows:
        due = None if self._patient else time.monotonic() + PATIENCE_SECONDS
        for last in _tries():
            with self._connections.one(due) as connection:
                try:
                    return _run(connection, sql, params)
                except _TABLES_GONE as e:
                    raise _lost(self._connections.place, "its tables are gone") from e
                except psycopg.OperationalError as e:
                    connection.close()
                    if last or not passing(e) or _late(due):
                        raise NotKeptError(f"The database cannot be read ({plain(e)}).", fault_of(e)) from e
        raise AssertionError("the last try returns or raises")


class _Snapshot:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = count()

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, /) -> Rows:
        cursor = self._connection.cursor(name=f"c{next(self._names)}")
        return cursor.execute(statement(sql), values(params or {}))


def _lost(place: DatabaseUrl, reason: str) -> LedgerLostError:
    return LedgerLostError(f"The ledger {place} is lost: {reason}. Nothing was kept.", reason)


def _run(connection: Connection, sql: str, params: Mapping[str, Any] | None) -> Fetched:
    cursor = connection.execute(statement(sql), values(params or {}))
    rows = cursor.fetchall() if cursor.description else []
    return Fetched(iter(rows), cursor.rowcount, cursor.description)


def _roll_back(connection: Connection) -> None:
    """Where that is still possible; a connection that is closed amid a transaction rolls it back too."""
    if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        try:
            connection.execute("ROLLBACK")
        except psycopg.OperationalError:
            connection.close()


def _tries() -> Iterator[bool]:
    """Says which try is the last: after each free connection and a new one have failed."""
    yield from [False] * MOST
    yield True


def _late(due: float | None) -> bool:
    return due is not None and time.monotonic() >= due


def _first(place: DatabaseUrl) -> Connection:
    """A connection, as soon as the server takes any. Raises DatabaseError."""
    due = time.monotonic() + START_SECONDS
    while True:
        try:
            return connect(place)
        except psycopg.OperationalError as e:
            if not passing(e):
                raise DatabaseError(f"The database {place} cannot be opened ({plain(e)}). Check DATABASE_URL.") from e
            if time.monotonic() > due:
                raise AwayError(
                    f"The database {place} could not be reached for {START_SECONDS} s ({plain(e)}). "
                    "Is the server running? Check DATABASE_URL."
                ) from e
            log.warning("the database %s cannot be reached yet (%s)", place, plain(e))
            time.sleep(1)
