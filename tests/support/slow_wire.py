"""A wire between the bot and a server, over which chosen answers come one byte at a time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


def never(request: bytes) -> bool:
    return False


@dataclass
class SlowWire:
    """Forwards to `server`. The answer to a request for which `slow` is true has `pause` seconds before each byte."""

    server: tuple[str, int]
    slow: Callable[[bytes], bool] = never
    pause: float = 1.0
    slowed: int = 0
    """How many connections were slowed down."""
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64))
    _closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                bot, _ = self._listener.accept()
                threading.Thread(target=self._connection, args=(bot,), daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connection(self, bot: socket.socket) -> None:
        slowly = threading.Event()
        with suppress(OSError), bot, socket.create_connection(self.server) as server:
            threading.Thread(target=self._back, args=(server, bot, slowly), daemon=True).start()
            while said := bot.recv(65536):
                if self.slow(said) and not slowly.is_set():  # a request may come in several pieces
                    self.slowed += 1
                    slowly.set()
                server.sendall(said)

    def _back(self, server: socket.socket, bot: socket.socket, slowly: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if not slowly.is_set():
                    bot.sendall(said)
                    continue
                for byte in said:
                    if self._closing.wait(self.pause):
                        return
                    bot.sendall(bytes([byte]))
        with suppress(OSError):
            bot.shutdown(socket.SHUT_RDWR)


@contextmanager
def slow_wire(url: str, slow: Callable[[bytes], bool] = never, *, pause: float = 1.0) -> Iterator[SlowWire]:
    """Serve such a wire to the server at that address."""
    parts = urlsplit(url)
    wire = SlowWire((parts.hostname or "", parts.port or 80), slow, pause)
    threading.Thread(target=wire.serve, daemon=True).start()
    try:
        yield wire
    finally:
        wire.close()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail when what is inside takes longer."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"took {took:.1f} s"
