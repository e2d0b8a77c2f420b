"""Real bots, each a process of its own, that talk to a sandbox in this one. They end when their block does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from klingbot.sandbox import Sandbox
from klingbot.store import open_store
from tests.conftest import run_without_limit

ROOT = Path(__file__).parents[2]
FINANCE = "C0FINANCE1"
ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
"""Alice is the admin."""
READY = "Klingbot is ready"
METRICS_TOKEN = "a-token-of-the-tests-only"
OPERATOR = {"Authorization": f"Bearer {METRICS_TOKEN}"}
PATIENCE = 30.0
"""Seconds: a busy machine is no bug."""


@dataclass(frozen=True, slots=True)
class LiveBot:
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, f"the bot ended by itself:\n{self.said()}"
            return READY in self.said()

        until(ready, "the bot is ready")

    def kill(self) -> None:
        """As `kill -9` and power cuts do: nothing of it runs any more."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def live_bot(
    local: Sandbox, folder: Path, name: str, *, script: Path = ROOT / "bot.py", **settings: str
) -> Iterator[LiveBot]:
    """A bot on the ledger in that folder, killed at the end of the block. What it logs is in `NAME.log` there.

    `settings` go before the usual ones; an empty one unsets its variable. A ledger that is not there yet is made, and
    runs without a limit.
    """
    log = folder / f"{name}.log"
    env = {**_environment(local, folder), **settings}
    _make_ledger(Path(env["KLINGBOT_DB"]), unless="DATABASE_URL" in env)
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, str(script)], cwd=folder, env=env, stdout=out, stderr=out)
    bot = LiveBot(process, log)
    try:
        yield bot
    finally:
        bot.kill()


def until(true: Callable[[], bool], what: str, *, seconds: float = PATIENCE) -> None:
    """Looks again and again, and fails when it does not become true in that time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"after {seconds} s it is still not so that {what}"
        time.sleep(0.02)


def whispers(local: Sandbox, user_id: str) -> list[str]:
    """The answers that only this person has seen, oldest first."""
    places = local.workspace.channels_of(user_id)
    seen = [message for place in places for message in local.workspace.messages(place.id, user_id)]
    return [m.text for m in sorted(seen, key=lambda m: m.ts) if m.ephemeral_to == user_id]


def _make_ledger(path: Path, *, unless: bool) -> None:
    if unless or path.exists():
        return
    with closing(open_store(path)) as store:
        run_without_limit(store)


def _environment(local: Sandbox, folder: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")},
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "SLACK_BOT_TOKEN": local.bot_token,
        "SLACK_APP_TOKEN": local.app_token,
        "SLACK_API_URL": local.slack_api_url,
        "KLING_API_KEY": local.kling_api_key,
        "KLING_API_URL": local.kling_api_url,
        "KLINGBOT_DB": str(folder / "klingbot.db"),
        "KLINGBOT_PRICE_LIST": "kling-api",
        "KLINGBOT_POLL_SECONDS": "0.1",
        "KLINGBOT_METRICS_TOKEN": METRICS_TOKEN,
        "KLINGBOT_ADMINS": ALICE,
        "KLINGBOT_ALERTS_CHANNEL": FINANCE,
    }
