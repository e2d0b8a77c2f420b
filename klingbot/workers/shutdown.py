"""Leaving in time. Whoever asks a process to end kills it soon after: Docker gives ten seconds (its docs, `stop`)."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading

log = logging.getLogger(__name__)

DRAIN_SECONDS = 8


class ShutdownTimer(threading.Timer):
    """Started when the bot is asked to stop; ends the process if that takes too long.

    A call to Kling or Slack may hang longer than anybody waits. It is left as a power cut would leave it, and nothing
    is lost by that: everything is in the ledger, and what was under way is looked up at the next start.
    """

    def __init__(self, seconds: float = DRAIN_SECONDS) -> None:
        super().__init__(seconds, _leave)
        self.daemon = True


def _leave() -> None:
    log.warning("what was under way takes too long; it is looked up at the next start")
    os._exit(0)


def stopped_by_signals() -> threading.Event:
    """Set by Ctrl-C and by SIGTERM.

    By a thread that hears of them through a socket. A handler would run in the main thread, and a signal that comes
    just as that begins to wait for the event would not wake it.
    """
    stopping = threading.Event()
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.detach())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def listen() -> None:
        while heard.recv(1):
            stopping.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    return stopping
