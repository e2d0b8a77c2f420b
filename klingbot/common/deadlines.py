"""Limits on the time and the bytes of a whole network call.

A socket's own time-out is about each receive, so a server that sends one byte a second keeps a thread for hours. Here a
caller states a limit for everything a call does (`within`), and sockets made by `connect` obey it at each step.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 20_000_000
"""More than any answer of Slack's or Kling's API has."""


@dataclass(slots=True)
class Limit:
    """Remainder of a call's time and of the bytes that it may receive."""

    ends: float
    """By `time.monotonic`."""
    bytes_left: int

    def seconds_left(self) -> float:
        """Return the time that is left, which is above zero. Raises TimeoutError."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took too long")
        return left

    def received(self, count: int) -> None:
        """Count received bytes. Raises ConnectionAbortedError when they are too many."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise ConnectionAbortedError("the answer was too long")


_current: ContextVar[Limit | None] = ContextVar("limit", default=None)


def current() -> Limit | None:
    """Return the limit of the call that this thread is making."""
    return _current.get()


@contextmanager
def within(seconds: float, most_bytes: int = MOST_BYTES) -> Iterator[Limit]:
    """Limit everything inside to so many seconds in total; inside another limit, the nearer end counts."""
    outer = _current.get()
    ends = time.monotonic() + seconds
    limit = Limit(ends if outer is None else min(ends, outer.ends), most_bytes)
    token = _current.set(limit)
    try:
        yield limit
    finally:
        _current.reset(token)


class _Obeying:
    """The steps of a socket, each of which gets no more time than the call has left.

    Sending has no time-out but that: with a per-step one, a large body would fail on a slow uplink.
    """

    _step_seconds: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        self._step_seconds = value
        super().settimeout(value)  # type: ignore[misc]

    def recv_into(self, *args: Any, **more: Any) -> int:
        limit = self._wait_for_step(self._step_seconds)
        count: int = super().recv_into(*args, **more)  # type: ignore[misc]
        if limit is not None:
            limit.received(count)
        return count

    def recv(self, *args: Any, **more: Any) -> bytes:
        limit = self._wait_for_step(self._step_seconds)
        received: bytes = super().recv(*args, **more)  # type: ignore[misc]
        if limit is not None:
            limit.received(len(received))
        return received

    def send(self, *args: Any, **more: Any) -> int:
        self._wait_for_step(None)
        sent: int = super().send(*args, **more)  # type: ignore[misc]
        return sent

    def sendall(self, *args: Any, **more: Any) -> None:
        self._wait_for_step(None)
        super().sendall(*args, **more)  # type: ignore[misc]

    def _wait_for_step(self, most: float | None) -> Limit | None:
        limit = _current.get()
        if limit is None:
            super().settimeout(self._step_seconds)  # type: ignore[misc]
            return None
        left = limit.seconds_left()
        super().settimeout(left if most is None else min(most, left))  # type: ignore[misc]
        return limit


class LimitedSocket(_Obeying, socket.socket):
    """A socket that obeys the limit of the call it is used for."""


class LimitedTlsSocket(_Obeying, ssl.SSLSocket):
    """The same under TLS."""

    def do_handshake(self, block: bool = False) -> None:
        self._wait_for_step(self._step_seconds)
        super().do_handshake(block)


def limited(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a TLS context wrap sockets so that they obey limits; return it."""
    context.sslsocket_class = LimitedTlsSocket
    return context


def connect(
    address: tuple[str, int],
    timeout: Any = None,
    source_address: tuple[str, int] | None = None,
) -> LimitedSocket:
    """Connect as `socket.create_connection` does, where `timeout` is for all of a host's addresses together.

    The time is shared out among the addresses that are left, so that one which does not answer leaves time for the
    next. Raises OSError; TimeoutError when the time is over.
    """
    step = timeout if isinstance(timeout, int | float) else None
    ends = None if step is None else time.monotonic() + step
    limit = _current.get()
    if limit is not None:
        ends = limit.ends if ends is None else min(ends, limit.ends)
    found = addresses(*address, timeout=_left(ends))
    for position, info in enumerate(found):
        left = _left(ends)
        share = None if left is None else left / (len(found) - position)
        try:
            return _connected(info, share, step, source_address)
        except OSError:
            if position == len(found) - 1:
                raise
    raise OSError(f"{address[0]} has no address")


def addresses(host: str, port: int, *, timeout: float | None) -> list[Any]:
    """Return what `socket.getaddrinfo` knows of a host, waiting no longer than `timeout`. Raises OSError.

    A look-up cannot be interrupted. One that takes longer ends by itself in a thread of its own.
    """
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"the address of {host} was not found in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _left(ends: float | None) -> float | None:
    if ends is None:
        return None
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("connecting took too long")
    return left


def _connected(
    info: Any, share: float | None, step: float | None, source_address: tuple[str, int] | None
) -> LimitedSocket:
    family, kind, protocol, _, target = info
    made = LimitedSocket(family, kind, protocol)
    try:
        made.settimeout(share)
        if source_address:
            made.bind(source_address)
        made.connect(target)
        made.settimeout(step)
    except BaseException:
        made.close()
        raise
    return made
