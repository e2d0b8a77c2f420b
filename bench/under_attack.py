"""Signed commands while strangers attack: two bots in HTTP mode on one ledger, and every attack at once on both.

`python -m bench.under_attack [SECONDS] [DESCRIPTORS] [KIND …]` prints how long signed commands took, how the bots'
memory grew, and how much they logged. All on 127.0.0.1.
"""

from __future__ import annotations

import http.client
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from bench.bots import ROOT, Bot
from klingbot import sandbox
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.delivery import signature
from klingbot.web import listen
from tests.live_bot import BOB, LiveBot, live_bot

TEXTS = ("quote a fox in snow", "usage", "generate a fox in snow", "help", "jobs")
EVERY_SECONDS = 0.1
NICE = "19"
_NUMBERS = itertools.count()


@dataclass(slots=True)
class Asked:
    """What became of the signed commands to one bot."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.seconds:
            return f"no command was answered; {len(self.failed)} failed"
        p99 = statistics.quantiles(self.seconds, n=100)[98] if len(self.seconds) > 1 else self.seconds[0]
        middle, worst = statistics.median(self.seconds), max(self.seconds)
        figures = f"p50 {middle * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, max {worst * 1000:.0f} ms"
        return f"{len(self.seconds)} answered, {len(self.failed)} failed {self.failed[:3]}: {figures}"


@dataclass(frozen=True, slots=True)
class HttpBot:
    """A bot in HTTP mode, and the secret with which its Slack signs."""

    bot: LiveBot
    port: int
    secret: str

    def command(self, text: str) -> str:
        """Return the answer to a signed command. Raises OSError and HTTPException."""
        trigger = f"{text} {next(_NUMBERS)}"
        fields = {"command": "/kling", "text": text, "user_id": BOB, "channel_id": "C0GENERAL1", "trigger_id": trigger}
        body, timestamp = urlencode(fields | {"team_id": "T0SANDBOX1"}), str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.secret, timestamp, body),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/slack/events", body, headers)
            answer = connection.getresponse()
            said = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status}: {said}")
        return str(json.loads(said)["text"]) if said else ""

    def asked_until(self, done: threading.Event, asked: Asked) -> None:
        """Send a command ten times a second and note how long each took."""
        for text in itertools.cycle(TEXTS):
            if done.is_set():
                return
            began = time.monotonic()
            try:
                self.command(text)
                asked.seconds.append(time.monotonic() - began)
            except (OSError, http.client.HTTPException) as error:
                asked.failed.append(f"{text}: {error!r} after {time.monotonic() - began:.2f} s")
            done.wait(EVERY_SECONDS)

    def memory_mb(self) -> float:
        """Return the resident memory."""
        return Bot(self.bot.process, 0).memory_kb() / 1024


@contextmanager
def http_bot(local: Sandbox, folder: Path, name: str, descriptors: int | None = None, **more: str) -> Iterator[HttpBot]:
    """A bot in HTTP mode that may open so many descriptors, ready when the block begins."""
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    settings = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": local.signing_secret, "HOST": "127.0.0.1"}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors or soft, hard))  # the child inherits it
        try:
            bot = stack.enter_context(_started(local, folder, name, {**settings, "PORT": str(port), **more}))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        bot.wait_until_ready()
        yield HttpBot(bot, port, local.signing_secret)


def _started(local: Sandbox, folder: Path, name: str, settings: dict[str, str]) -> AbstractContextManager[LiveBot]:
    return live_bot(local, folder, name, **settings)  # type: ignore[arg-type]


@contextmanager
def attacked(port: int, seconds: float, kinds: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Attackers in a process of their own, as long as the block lasts."""
    # They have the processor when the bots do not want it: strangers would be on other machines.
    words = ["nice", "-n", NICE, sys.executable, "-m", "bench.attacks", str(port), str(seconds), *kinds]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def main(seconds: float, descriptors: int, kinds: list[str]) -> None:
    """Attack two bots, and print what their users had of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="klingbot-attack-")))
        local = sandbox.start(kling_seconds=1.0)
        stack.callback(local.stop)
        bots = [stack.enter_context(http_bot(local, folder, name, descriptors)) for name in ("one", "two")]
        for each in bots:
            each.command("help")
        before, logged = [each.memory_mb() for each in bots], [len(each.bot.said()) for each in bots]
        used = [Bot(each.bot.process, 0).cpu_seconds() for each in bots]
        done, asked = threading.Event(), [Asked() for _ in bots]
        under = [stack.enter_context(attacked(each.port, seconds, kinds)) for each in bots]
        for each, noted in zip(bots, asked, strict=True):
            threading.Thread(target=each.asked_until, args=(done, noted), daemon=True).start()
        most = list(before)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            most = [max(known, each.memory_mb()) for known, each in zip(most, bots, strict=True)]
            time.sleep(0.2)
        done.set()
        for n, each in enumerate(bots):
            cpu, log = Bot(each.bot.process, 0).cpu_seconds() - used[n], len(each.bot.said()) - logged[n]
            _say(f"bot {n + 1}: {asked[n]}")
            _say(
                f"  memory {before[n]:.0f} MB, at most {most[n]:.0f} MB; {cpu:.1f} s of processor; {log:,} bytes logged"
            )
        for process in under:
            _say(process.communicate(timeout=60)[0])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    wanted = sys.argv[1:]
    main(float(wanted[0]) if wanted else 60, int(wanted[1]) if len(wanted) > 1 else 1024, wanted[2:])
