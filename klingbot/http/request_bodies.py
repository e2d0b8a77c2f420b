"""Requests to the web server: a body of bounded size is read whole before anything else sees the request.

How long a body may take is bounded in `connection_limits`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY_BYTES = 524_288
"""Slack's largest legal payloads: a view of 250 kB and, with a message, 40,000 characters of text that come twice, both
encoded (docs.slack.dev). What people send to a bot is a few kilobytes."""
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 1_048_576
"""So much of a refused body is still read, and thrown away: a connection that is closed while the other side sends
would lose the answer on its way."""


class _GoneError(Exception):
    """The client went away before its request was whole."""


class _TooLargeError(Exception):
    """The body is longer than any that could be meant."""


class RequestLimits:
    """ASGI middleware: 413 for bodies that are too long, 503 when too many requests are in work."""

    def __init__(self, app: ASGIApp, most_in_work: int) -> None:
        self._app = app
        self._most_in_work = most_in_work
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _whole(scope, receive)
        except _GoneError:
            return
        except _TooLargeError:
            await _refuse(413, b"the request is too long\n", send, receive)
            return
        if self._in_work >= self._most_in_work:
            await _refuse(503, b"too many requests at once\n", send)
            return
        self._in_work += 1
        try:
            await self._app(scope, _replayed(body, receive), send)
        finally:
            self._in_work -= 1


async def _whole(scope: Scope, receive: Receive) -> bytes:
    """Return the body. Raises _GoneError, and _TooLargeError as soon as that is known."""
    if _declared(scope) > MOST_BODY_BYTES:
        raise _TooLargeError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > MOST_BODY_BYTES:
            raise _TooLargeError
        if not message.get("more_body", False):
            return bytes(body)


def _declared(scope: Scope) -> int:
    """Return the Content-Length; it may be missing, or wrong."""
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _replayed(body: bytes, receive: Receive) -> Receive:
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return whole.pop() if whole else await receive()

    return replay


async def _refuse(status: int, reason: bytes, send: Send, unread: Receive | None = None) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(reason)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason, "more_body": True})
    if unread is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                await _discard(unread)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    read = 0
    while read < _LINGER_BYTES:
        message = await receive()
        read += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
