"""Connections to PostgreSQL: how one is made, how long anybody waits on it, and those that are free."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from klingbot.domain.ledger_faults import LedgerFault
from klingbot.store.backend.database import DatabaseError, NotKeptError
from klingbot.store.backend.location import DatabaseUrl
from klingbot.store.backend.postgres.dialect import Row

MOST = 4
"""Connections of one process: one writes, the rest read. Small plans of hosted PostgreSQL allow twenty in all."""
AGAIN_SECONDS = 0.05
STALE_SECONDS = 300
"""Unused for longer than this, a connection may have been dropped without a word by something in between."""

_DEFAULTS = {
    "application_name": "klingbot",
    "client_encoding": "UTF8",
    "connect_timeout": 2,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_PASSING = ("57P", "53", "08")
"""SQLSTATE classes of troubles that pass: starting up, shutting down, too many connections, a broken one."""
_FAULTS = {
    "25006": LedgerFault.UNWRITABLE,  # read_only_sql_transaction
    "53100": LedgerFault.FULL,  # disk_full
    "53200": LedgerFault.BUSY,  # out_of_memory
    "53300": LedgerFault.BUSY,  # too_many_connections
    "55P03": LedgerFault.BUSY,  # lock_not_available
    "58030": LedgerFault.UNWRITABLE,  # io_error
}
_LASTING = ("FATAL", "SSL", "certificate", "private key", ": invalid ", "no password supplied")
"""In what libpq says of a server that refuses, a certificate that does not fit, an option that there is not."""

T = TypeVar("T")


class Connection(psycopg.Connection[Row]):
    """Waits for the server until `due` (of the monotonic clock), also for one that has stopped answering.

    No time-out of the server's own helps against a frozen server or a network that swallows packets.
    """

    due: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is None and self.due is not None:
            timeout = max(self.due - time.monotonic(), 0.001)
        return super().wait(gen, interval, timeout)

    @property
    def usable(self) -> bool:
        return not self.closed and self.info.transaction_status is TransactionStatus.IDLE


def connect(place: DatabaseUrl) -> Connection:
    """Raises DatabaseError for an address that cannot be read, psycopg.OperationalError for all other trouble."""
    try:
        given: dict[str, Any] = _DEFAULTS | conninfo_to_dict(place.url)
    except psycopg.ProgrammingError:  # which quotes what it could not read, and that may be the password
        raise DatabaseError(
            "DATABASE_URL cannot be read as a PostgreSQL address. In its user and password, characters such as "
            "@ : / # % must be percent-encoded; after a ? it may have only options that PostgreSQL knows."
        ) from None
    # Never prepared: a prepared `RETURNING *` breaks when another replica's upgrade adds a column, and PgBouncer's
    # transaction mode may have none.
    return Connection.connect(**given, autocommit=True, prepare_threshold=None, row_factory=_rows_by_name)


def passing(trouble: psycopg.Error) -> bool:
    """Whether to try again may help. What the server refuses (a password, a name) stays refused."""
    if trouble.sqlstate:
        return trouble.sqlstate.startswith(_PASSING)
    said = str(trouble)  # a connection that is refused comes without the server's code
    return "starting up" in said or "too many" in said or not any(words in said for words in _LASTING)


def lost(trouble: psycopg.Error, connection: Connection) -> bool:
    """Whether the database failed, and not the statement: after a failover a server may only read, for a while."""
    gone = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)
    return isinstance(trouble, gone) or connection.closed


def fault_of(trouble: psycopg.Error) -> LedgerFault:
    """Return what a person can do something about (PostgreSQL's docs, appendix A: error codes)."""
    return _FAULTS.get(trouble.sqlstate or "", LedgerFault.AWAY)


def plain(trouble: BaseException) -> str:
    """Its first line; the rest is for those who read PostgreSQL's own log."""
    return next(iter(str(trouble).strip().splitlines()), type(trouble).__name__)


class Connections:
    """At most MOST connections, each used by one thread at a time."""

    def __init__(self, place: DatabaseUrl, first: Connection) -> None:
        self.place = place
        self._free = [(first, time.monotonic())]
        self._connecting = ThreadPoolExecutor(MOST, "connect")
        self.places = threading.BoundedSemaphore(MOST)

    @contextmanager
    def one(self, due: float | None) -> Iterator[Connection]:
        """A connection for the block, which is used again unless it was left amid something. Raises NotKeptError."""
        if not self.places.acquire(timeout=_left(due)):
            raise NotKeptError(f"The database {self.place} is too busy.", LedgerFault.BUSY)
        try:
            connection = self._taken(due)
            try:
                connection.due = due
                yield connection
            finally:
                self._give_back(connection)
        finally:
            self.places.release()

    def close(self) -> None:
        while self._free:
            self._free.pop()[0].close()

    def _taken(self, due: float | None) -> Connection:
        while self._free:
            connection, since = self._free.pop()
            if time.monotonic() - since < STALE_SECONDS:
                return connection
            connection.close()
        while True:
            try:
                return self._connected(due)
            except psycopg.OperationalError as e:
                if not passing(e) or isinstance(e, psycopg.errors.ConnectionTimeout) or _left(due) < AGAIN_SECONDS:
                    raise NotKeptError(f"The database {self.place} cannot be reached ({plain(e)}).", fault_of(e)) from e
                time.sleep(AGAIN_SECONDS)

    def _connected(self, due: float | None) -> Connection:
        """A new one. psycopg gives each of a host's addresses two seconds at least, and Slack three to all of it."""
        coming = self._connecting.submit(connect, self.place)
        try:
            return coming.result(_left(due))
        except TimeoutError:
            coming.add_done_callback(_close)
            raise NotKeptError(f"The database {self.place} cannot be reached in time.") from None

    def _give_back(self, connection: Connection) -> None:
        if connection.usable:
            self._free.append((connection, time.monotonic()))
        else:
            connection.close()


def _close(come: Future[Connection]) -> None:
    """One for which nobody waits any more."""
    if come.exception() is None:
        come.result().close()


def _left(due: float | None) -> float:
    """Seconds; for those who wait without end, the longest wait for a connection."""
    return 30.0 if due is None else max(due - time.monotonic(), 0)


def _rows_by_name(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: Row(places, values)
