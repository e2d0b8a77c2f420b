"""A bot's side of the ledger in a process of its own: told through a pipe what to do and what time it is.

It ends with its pipe, or when nobody has asked anything of it for a minute.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from klingbot.engine import Clock, Engine
from tests.conftest import FakeClock

IDLE_SECONDS = 60
ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Open:
    """Let go of the ledger you have, and open this one."""

    opening: Callable[[Path, Clock], Engine]
    path: Path


@dataclass(frozen=True)
class Do:
    """At that instant, somebody wants this of you."""

    at: int
    use_case: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class LedgerBot:
    """This process's end of the pipe."""

    pipe: Connection

    def begin(self, errand: Open | Do) -> None:
        """Sets it to work; `finish` waits for what comes of it."""
        self.pipe.send(errand)

    def finish(self) -> Any:
        """What the use case returned; what it raised is raised here."""
        assert self.pipe.poll(ANSWER_SECONDS), f"no answer within {ANSWER_SECONDS} s"
        came_of_it = self.pipe.recv()
        if isinstance(came_of_it, Exception):
            raise came_of_it
        return came_of_it


@contextmanager
def ledger_bots(how_many: int) -> Iterator[tuple[LedgerBot, ...]]:
    """Processes that share nothing but the ledger's file; they end with the block."""
    spawning = multiprocessing.get_context("spawn")
    pipes = [spawning.Pipe() for _ in range(how_many)]
    processes = [spawning.Process(target=_serve, args=(theirs,), daemon=True) for _, theirs in pipes]
    for process in processes:
        process.start()
    try:
        yield tuple(LedgerBot(ours) for ours, _ in pipes)
    finally:
        for process in processes:
            process.kill()
            process.join(30)


def _serve(pipe: Connection) -> None:
    clock = FakeClock(0)
    engine: Engine | None = None
    while pipe.poll(IDLE_SECONDS):
        errand = pipe.recv()
        try:
            if isinstance(errand, Open):
                if engine:
                    engine.store.close()
                engine = errand.opening(errand.path, clock)
                pipe.send(None)
            else:
                clock.at = errand.at
                pipe.send(errand.use_case(engine, *errand.args, **errand.options))
        except Exception as error:
            pipe.send(error)
