"""Fixtures: the local Kling over real HTTP, and servers that break in one way each."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from klingbot.kling import ApiKey, KlingClient
from klingbot.sandbox.kling import LocalKling
from tests.unit.kling.kling_world import API_KEY, Broken, Clock, Served, Stage, accept_from, serving


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    stage = Stage()
    with serving(stage) as root:
        yield stage, root


@pytest.fixture
def serve(stage: tuple[Stage, str]) -> Callable[..., Served]:
    """Put a fresh local Kling with these options on stage."""
    server, root = stage

    def start(**options: object) -> Served:
        clock = Clock()
        kling = LocalKling(**{"api_key": API_KEY, "seconds_per_task": 60.0, "clock": clock, **options})
        server.app = kling.app
        return Served(kling, root, clock, KlingClient(root, ApiKey(API_KEY), read_timeout=5))

    return start


@pytest.fixture
def local(serve: Callable[..., Served]) -> Served:
    return serve()


@pytest.fixture
def broken() -> Iterator[Callable[[Callable[[socket.socket], None]], Broken]]:
    """Start a server that reads each request whole and then does that to its connection."""
    listeners: list[socket.socket] = []

    def start(then: Callable[[socket.socket], None]) -> Broken:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        server = Broken(f"http://127.0.0.1:{listener.getsockname()[1]}")
        threading.Thread(target=accept_from, args=(listener, server, then), daemon=True).start()
        return server

    yield start
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        listener.close()
