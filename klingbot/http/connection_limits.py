"""Connections that have asked the web server something: how many there may be, and how long each may keep it waiting.

Anyone may connect, so whoever is slow must not keep out whoever is not. A connection is in one of four stages, and each
stage but the answer has room for so many; where it is full, the connection that has been there longest is closed. A
request that came whole is never closed for another: see `request_bodies`. Before its first request a connection waits
at the `connection_gate`.
"""

from __future__ import annotations

import asyncio
import re
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from klingbot.http.connection_gate import HEAD_SECONDS, HeadTooLargeError, head_length

MOST_CHUNK_LINES = 2_000
"""Lines in a chunked body, as it comes over the wire: each chunk has two, and costs time however short it is."""
_IS_CHUNKED = re.compile(rb"\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_FEWEST, _MOST, _MOST_AT_GATE = 2, 64, 2_000


class Stage(Enum):
    """Stage of a connection: what the server waits for."""

    HEAD = auto()
    """For the head of a second or later request to be complete."""
    BODY = auto()
    """For a request's body to be complete."""
    ANSWER = auto()
    """For our answer to be made and taken."""
    IDLE = auto()
    """For the next request."""


SECONDS: Mapping[Stage, float] = {Stage.HEAD: HEAD_SECONDS, Stage.BODY: 5, Stage.ANSWER: 30, Stage.IDLE: 5}
"""How long a connection may be in a stage. Slack itself waits three seconds for an answer."""


@dataclass(frozen=True, slots=True)
class Room:
    """Numbers of connections that a server has room for: together two thirds of what the process may open.

    The ledger, Slack and Kling need descriptors as well.
    """

    gate: int
    """Bare sockets. Those that come faster than their room lasts push each other out before they can say anything."""
    stage: int
    """For each stage but the answer."""
    answers: int
    """Requests in work."""

    @classmethod
    def within(cls, descriptors: int) -> Room:
        """Return the room in a process that may open so many descriptors."""
        share = (descriptors - 64) // 15
        stage = min(_MOST, max(_FEWEST, share))
        return cls(gate=min(_MOST_AT_GATE, max(_FEWEST, share) * 3), stage=stage, answers=4 * stage)


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft if 0 <= soft <= 1_000_000 else 1_000_000


class Connections:
    """The connections of one server, by stage, those first that have been there longest. Used on its loop only."""

    def __init__(self, room: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._room = room
        self._clock = clock
        self._since: dict[Stage, dict[BoundedProtocol, float]] = {stage: {} for stage in Stage}

    def enter(self, connection: BoundedProtocol, stage: Stage) -> None:
        """Note that a connection begins a stage. Where there is no room for it, close the oldest there."""
        there = self._since[stage]
        there[connection] = self._clock()
        if stage is not Stage.ANSWER and len(there) > self._room:
            self._close(next(iter(there)))

    def leave(self, connection: BoundedProtocol) -> None:
        """Forget a connection."""
        self._since[connection.stage].pop(connection, None)

    def sweep(self) -> None:
        """Close every connection that has been in its stage for too long."""
        now = self._clock()
        for stage, there in self._since.items():
            for connection in [each for each, since in there.items() if now - since > SECONDS[stage]]:
                self._close(connection)

    def end(self) -> None:
        """Close every connection that has no whole request: the server stops."""
        for stage in (Stage.HEAD, Stage.BODY, Stage.IDLE):
            for connection in list(self._since[stage]):
                self._close(connection)

    def _close(self, connection: BoundedProtocol) -> None:
        self.leave(connection)
        connection.transport.abort()


class BoundedProtocol(H11Protocol):
    """One connection: its stage is known, each request's head is bounded, and it has one request at a time."""

    def __init__(self, *args: Any, connections: Connections, received: bytes = b"", **options: Any) -> None:
        """`received` is what it has sent already: a whole head, at least."""
        super().__init__(*args, **options)
        self.stage = Stage.HEAD
        self._connections = connections
        self._first = received
        self._head = bytearray()
        self._lines_left: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._move(Stage.HEAD)
        if self._first:
            first, self._first = self._first, b""
            self.data_received(first)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.stage is Stage.ANSWER:
            self._end_after_answer()
            return
        if self.stage is Stage.BODY:
            if self._has_too_many_chunks(data):
                return
        else:
            self._head += data
            if not self._head_is_whole(len(data)):
                return
            data, self._head = bytes(self._head), bytearray()
        super().data_received(data)
        self._look()

    def _head_is_whole(self, new: int) -> bool:
        """Return whether the request's headers are all there. Where they are too many, refuse and close."""
        self._unset_keepalive_if_required()
        if self.stage is Stage.IDLE:
            self._move(Stage.HEAD)
        try:
            length = head_length(self._head, new)
        except HeadTooLargeError as error:
            self.transport.write(error.answer)
            self.transport.close()
            return False
        if length is None:
            return False
        self._lines_left = MOST_CHUNK_LINES if _IS_CHUNKED.search(self._head, 0, length) else None
        return not self._has_too_many_chunks(self._head[length:])

    def _has_too_many_chunks(self, data: bytes | bytearray) -> bool:
        """Return whether a body comes in so many chunks that reading them would cost too much; then close."""
        if self._lines_left is None:
            return False
        self._lines_left -= data.count(b"\n")
        if self._lines_left >= 0:
            return False
        self.transport.abort()
        return True

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            if self.stage is not Stage.BODY:
                self._move(Stage.BODY)
        elif self.conn.their_state not in (h11.IDLE, h11.ERROR):
            self._move(Stage.ANSWER)
            if self.conn.trailing_data[0]:
                self._end_after_answer()

    def _end_after_answer(self) -> None:
        """Take no second request before the first is answered: neither Slack, Kling nor a proxy sends one."""
        self.cycle.keep_alive = False
        self.flow.pause_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._move(Stage.IDLE)

    def send_400_response(self, msg: str) -> None:
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # an answer has begun already
            self.transport.abort()

    def _move(self, stage: Stage) -> None:
        self._connections.leave(self)
        self.stage = stage
        self._connections.enter(self, stage)
