"""`python bot.py sandbox` as a process of its own, which can be ended and started again at the same address."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from klingbot.http.server import listen
from tests.support.live_bot import ROOT, LiveBot


@dataclass(frozen=True, slots=True)
class SandboxPlace:
    """Where a sandbox runs, time and again: its folder and its port."""

    folder: Path
    port: int

    @contextmanager
    def runs(self, *words: str) -> Iterator[LiveBot]:
        """The sandbox, from when it is ready to the end of the block; `words` are added to its command line."""
        log = self.folder / "sandbox.log"
        command = [sys.executable, str(ROOT / "bot.py"), "sandbox", "--port", str(self.port), *words]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=self.folder, env=_environment(), stdout=out, stderr=out)
        bot = LiveBot(process, log)
        try:
            bot.wait_until_ready()
            yield bot
            assert "Traceback" not in bot.said(), bot.said()
        finally:
            bot.kill()

    def url(self, bot: LiveBot) -> str:
        """The address that it prints for people to open."""
        printed = next(line for line in bot.said().splitlines() if "sandbox is at" in line)
        return printed.rpartition(" ")[2]


def a_place(folder: Path) -> SandboxPlace:
    with listen("127.0.0.1", 0) as free:
        return SandboxPlace(folder, free.getsockname()[1])


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    return {**kept, "PYTHONUNBUFFERED": "1", "KLINGBOT_POLL_SECONDS": "0.2"}
