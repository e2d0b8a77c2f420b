"""A wire between the bot and PostgreSQL that can be cut at the worst moments."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

COMMIT = b"COMMIT\0"


class Cut(Enum):
    BEFORE = "the server never hears of the COMMIT"
    AFTER = "the server commits, and its answer is lost"
    SILENT_BEFORE = "nothing passes any more, from the COMMIT on, and nobody hangs up"
    SILENT_AFTER = "the server commits, and nothing comes back, and nobody hangs up"


@dataclass
class Wire:
    """Cuts, once each, as `cuts` says: when the next COMMIT passes."""

    server: tuple[str, int]
    cuts: list[Cut] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                bot, _ = self._listener.accept()
                server = socket.create_connection(self.server)
                silent = threading.Event()
                threading.Thread(target=self._there, args=(bot, server, silent), daemon=True).start()
                threading.Thread(target=self._back, args=(server, bot, silent), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _there(self, bot: socket.socket, server: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError), bot, server:
            while said := bot.recv(65536):
                if COMMIT in said and self.cuts:
                    cut = self.cuts.pop(0)
                    if cut in (Cut.SILENT_BEFORE, Cut.SILENT_AFTER):
                        silent.set()
                    else:
                        bot.shutdown(socket.SHUT_RDWR)
                    if cut is Cut.SILENT_BEFORE:
                        bot.recv(1)  # until the bot hangs up
                    if cut in (Cut.BEFORE, Cut.SILENT_BEFORE):
                        break
                server.sendall(said)
            server.shutdown(socket.SHUT_WR)  # after what was sent so far, which the server still does

    def _back(self, server: socket.socket, bot: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if not silent.is_set():
                    bot.sendall(said)
        with suppress(OSError):
            bot.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    wire = Wire(("127.0.0.1", port))
    serving = threading.Thread(target=wire.serve, daemon=True)
    serving.start()
    try:
        yield wire
    finally:
        wire.close()
        serving.join(30)
