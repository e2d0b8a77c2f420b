"""Loopback servers to talk to: the local Kling over real HTTP, and small ones that break in one way each."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from klingbot.http.server import listen
from klingbot.kling import KlingClient, TaskRequest
from klingbot.sandbox.kling import LocalKling

API_KEY = "api-key-kling-for-tests"


class Clock:
    """Epoch seconds that a test can turn. It starts at the true time, because tokens carry true times."""

    def __init__(self) -> None:
        self._turned = 0.0

    def __call__(self) -> float:
        return time.time() + self._turned

    def turn(self, seconds: float) -> None:
        self._turned += seconds


@dataclass
class Served:
    """A local Kling with its address, its clock, and a client that holds its API key."""

    kling: LocalKling
    root: str
    clock: Clock
    client: KlingClient

    def finish_tasks(self) -> None:
        self.clock.turn(self.kling.seconds_per_task + 1)


class Stage:
    """An ASGI application that is whichever one is on stage: starting a server takes longer than most tests."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The root of that app on a free port of 127.0.0.1, until the block ends."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@dataclass
class Broken:
    """A server that does one thing to every connection, and what it was sent."""

    root: str
    received: list[bytes] = field(default_factory=list)


def accept_from(listener: socket.socket, server: Broken, then: Callable[[socket.socket], None]) -> None:
    """Serve connections until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            server.received.append(_whole_request(connection))
            then(connection)


def _whole_request(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        head = b"".join(takewhile(bytes.strip, stream))
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        return head + b"\r\n" + (stream.read(int(length[1])) if length else b"")


def closes(connection: socket.socket) -> None:
    """Ends the connection without a word."""


def resets(connection: socket.socket) -> None:
    """Tears the connection down (RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs(connection: socket.socket) -> None:
    """Says nothing for as long as the client will wait."""
    connection.settimeout(5)
    connection.recv(1)


def answers(status: str, body: str, *headers: str) -> Callable[[socket.socket], None]:
    """Sends this HTTP answer, whatever was asked."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers])

    def send(connection: socket.socket) -> None:
        connection.sendall(f"{head}\r\n\r\n{body}".encode())

    return send


def a_request(job_id: str = "job-1", **changes: object) -> TaskRequest:
    """A plain request for Kling 2.6, with these changes."""
    fields: dict[str, object] = {
        "job_id": job_id,
        "prompt": "a fox on a snowy hill",
        "duration_seconds": 5,
        "resolution": "720p",
        "audio": False,
        "aspect": "16:9",
        "negative": None,
        "image_url": None,
        "legacy_name": "kling-v2-6",
        "new_name": "kling-2.6",
    }
    return TaskRequest(**{**fields, **changes})  # type: ignore[arg-type]
