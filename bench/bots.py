"""Processes that the bench starts, and ends again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from klingbot.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Bot:
    """The real bot, on the sandbox's Slack and Kling."""

    process: subprocess.Popen[bytes]
    ready_after: float
    """Seconds from its start to its ready line."""

    def memory_kb(self) -> int:
        """Resident, as Linux counts it."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE_KB

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def cpu_seconds(self) -> float:
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS


@contextmanager
def bot(local: Sandbox, folder: Path, **settings: str) -> Iterator[Bot]:
    """Ready when the block begins; it and its log live in that folder."""
    log = folder / "bot.log"
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "bot.py")], cwd=folder, env=_environment(local, folder) | settings, stderr=out
        )
    try:
        while b"Klingbot is ready" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > began + 60:
                raise RuntimeError(f"the bot did not start:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.005)
        yield Bot(process, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(15)


@contextmanager
def helper(*words: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m WORDS`, which ends when its standard input does."""
    asked = [sys.executable, "-m", *words]
    process = subprocess.Popen(asked, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.communicate(timeout=30)


def _environment(local: Sandbox, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SLACK_BOT_TOKEN": local.bot_token,
        "SLACK_APP_TOKEN": local.app_token,
        "SLACK_API_URL": local.slack_api_url,
        "KLING_API_KEY": local.kling_api_key,
        "KLING_API_URL": local.kling_api_url,
        "KLINGBOT_DB": str(folder / "klingbot.db"),
        "KLINGBOT_PRICE_LIST": "kling-api",
        "KLINGBOT_ADMINS": "U0ALICE001",
        "KLINGBOT_ALERTS_CHANNEL": "C0FINANCE1",
    }
