"""The way in for connections to the web server: each waits here until it has sent a whole head.

Anyone can open connections, thousands a second, and a bot that is busy with strangers keeps its users waiting. So what
costs anything (a transport, a parser, a task) is made only for a connection that has asked something. Those that have
not are bare sockets. There is room for so many; where it is full, the one that has waited longest is closed.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

log = logging.getLogger(__name__)

QUEUED_BY_THE_SYSTEM = 4_096
"""Connections that the operating system keeps for us until they are accepted."""
ACCEPTING_SECONDS = 0.01
"""How long connections are taken from that queue before the loop looks at what else there is to do. Each takes some
30 µs; a number would leave the queue full whenever the loop has much else to do."""
HEAD_SECONDS = 5.0
MOST_HEAD_BYTES = 16_384
MOST_HEAD_LINES = 100
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_READ_BYTES = 65_536
_REST_SECONDS = 0.25
"""How long the gate stays shut when the process has no descriptors left and none can be freed."""
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class HeadTooLargeError(Exception):
    """More headers than anybody needs who has something to say."""

    answer = _REFUSAL


def head_length(received: bytes | bytearray, new: int) -> int | None:
    """Return how long the head is; None while it is not whole. `new`: how many bytes came last.

    Raises HeadTooLargeError.
    """
    found = _HEAD_ENDS.search(received, max(0, len(received) - new - 3))
    end = found.end() if found else len(received)
    if end > MOST_HEAD_BYTES or received.count(b"\n", 0, end) > MOST_HEAD_LINES:
        raise HeadTooLargeError
    return end if found else None


@dataclass(eq=False, slots=True)
class _Waiting:
    """A connection that has yet to send a whole head."""

    connection: socket.socket
    since: float
    received: bytearray = field(default_factory=bytearray)


class Gate:
    """A listening socket and the connections that wait behind it. Used on one event loop only.

    It takes the place of asyncio's own server, which accepts without a limit, and which tries on thousands of times a
    second, logging each, when there are no descriptors left.
    """

    def __init__(self, listener: socket.socket, room: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._listener = listener
        self._room = room
        self._clock = clock
        self._waiting: dict[_Waiting, None] = {}

    def open(self, admit: Callable[[socket.socket, bytes], None]) -> None:
        """Accept from now on. `admit` takes each connection that has sent a head, with all that it has sent."""
        self._loop = asyncio.get_running_loop()
        self._admit = admit
        self._listener.setblocking(False)
        self._listener.listen(QUEUED_BY_THE_SYSTEM)
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept no more, and close what waits. As asyncio's servers do it."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
        self._drop(len(self._waiting))

    async def wait_closed(self) -> None:
        """Return at once: nothing is left to wait for."""

    def sweep(self) -> None:
        """Close every connection that has waited for too long."""
        late = self._clock() - HEAD_SECONDS
        for waiting in [each for each in self._waiting if each.since < late]:
            self._end(waiting)

    def _accept(self) -> None:
        ends = self._clock() + ACCEPTING_SECONDS
        while self._clock() < ends:
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            connection.setblocking(False)
            self._begin(_Waiting(connection, self._clock()))

    def _begin(self, waiting: _Waiting) -> None:
        self._waiting[waiting] = None
        if self._read(waiting):
            self._loop.add_reader(waiting.connection.fileno(), self._more, waiting)
            self._drop(len(self._waiting) - self._room)

    def _more(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._read(waiting)

    def _read(self, waiting: _Waiting) -> bool:
        """Read what there is. Return whether the connection has to wait for more."""
        try:
            data = waiting.connection.recv(_READ_BYTES)
            waiting.received += data
            length = head_length(waiting.received, len(data))
        except (BlockingIOError, InterruptedError):
            return True
        except HeadTooLargeError as error:
            _say(waiting.connection, error.answer)
        except OSError:
            pass
        else:
            if data and length is None:
                return True
            if data:
                self._forget(waiting)
                self._admit(waiting.connection, bytes(waiting.received))
                return False
        self._end(waiting)
        return False

    def _rest(self, error: OSError) -> None:
        """The process has no descriptors left: free some, or wait for others to."""
        if error.errno not in _OUT_OF_DESCRIPTORS:
            log.warning("a connection could not be accepted: %s", error.strerror)
            return
        log.warning("connections have to wait: %s", error.strerror)
        if self._waiting:
            self._drop(len(self._waiting) // 2 + 1)
            return
        self._loop.remove_reader(self._listener)
        self._loop.call_later(_REST_SECONDS, self._open_again)

    def _open_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _drop(self, count: int) -> None:
        """Close so many connections, those first that have waited longest."""
        for waiting in list(islice(self._waiting, max(0, count))):
            self._end(waiting)

    def _end(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        waiting.connection.close()

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.pop(waiting, None)
        self._loop.remove_reader(waiting.connection.fileno())  # by its number: asyncio describes a socket at length


def _say(connection: socket.socket, answer: bytes) -> None:
    try:
        connection.send(answer)
    except OSError:
        return
