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
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.bots import ROOT, Bot
from klingbot import sandbox
from klingbot.http.server import listen
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.delivery import signature
from tests.support.live_bot import BOB, LiveBot, live_bot

TEXTS = ("quote a fox in snow", "usage", "generate a fox in snow", "help", "jobs")
EVERY_SECONDS = 0.1
NICE = "19"


@dataclass(frozen=True, slots=True)
class Asked:
    """Outcome of the signed commands to one bot."""

    seconds: list[float]
    failed: list[str]

    def __str__(self) -> str:
        if len(self.seconds) < 2:
            return f"{len(self.seconds)} answered, {len(self.failed)} failed: {self.failed[:3]}"
        p99, middle = statistics.quantiles(self.seconds, n=100, method="inclusive")[98], statistics.median(self.seconds)
        figures = f"p50 {middle * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, max {max(self.seconds) * 1000:.0f} ms"
        return f"{len(self.seconds)} answered, {len(self.failed)} failed {self.failed[:3]}: {figures}"


@dataclass(frozen=True, slots=True)
class HttpBot:
    """A bot in HTTP mode, and the secret with which its Slack signs."""

    bot: LiveBot
    port: int
    secret: str

    def command(self, text: str) -> str:
        """Return the answer to a signed command. Raises OSError and HTTPException."""
        return command(self.port, self.secret, text)

    def memory_mb(self) -> float:
        """Return the resident memory."""
        return Bot(self.bot.process, 0).memory_kb() / 1024


def command(port: int, secret: str, text: str) -> str:
    """Return the answer to a signed command. Raises OSError and HTTPException."""
    fields = {"command": "/kling", "text": text, "user_id": BOB, "channel_id": "C0GENERAL1", "team_id": "T0SANDBOX1"}
    body, timestamp = urlencode(fields | {"trigger_id": f"{text} {time.monotonic_ns()}"}), str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(secret, timestamp, body),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/slack/events", body, headers)
        answer = connection.getresponse()
        said = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"HTTP {answer.status}: {said}")
    return str(json.loads(said)["text"]) if said else ""


def ask(port: int, secret: str, seconds: float) -> Asked:
    """Send a command ten times a second, and return how long each took."""
    asked, ends = Asked([], []), time.monotonic() + seconds
    for text in itertools.cycle(TEXTS):
        began = time.monotonic()
        if began > ends:
            break
        try:
            command(port, secret, text)
            asked.seconds.append(time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            asked.failed.append(f"{text}: {error!r} after {time.monotonic() - began:.2f} s")
        time.sleep(EVERY_SECONDS)
    return asked


@contextmanager
def asking(bot: HttpBot, seconds: float) -> Iterator[Callable[[], Asked]]:
    """Somebody in a process of their own who sends commands; the block gets what waits for them and tells."""
    words = [sys.executable, "-m", "bench.under_attack", "ask", str(bot.port), bot.secret, str(seconds)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield lambda: Asked(**json.loads(process.communicate(timeout=seconds + 60)[0]))
    finally:
        process.kill()
        process.wait(30)


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
        under = [stack.enter_context(attacked(each.port, seconds, kinds)) for each in bots]
        asked = [stack.enter_context(asking(each, seconds)) for each in bots]
        most, ends = list(before), time.monotonic() + seconds
        while time.monotonic() < ends:
            most = [max(known, each.memory_mb()) for known, each in zip(most, bots, strict=True)]
            time.sleep(0.2)
        for n, each in enumerate(bots):
            cpu, log = Bot(each.bot.process, 0).cpu_seconds() - used[n], len(each.bot.said()) - logged[n]
            _say(f"bot {n + 1}: {asked[n]()}")
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
    if wanted[:1] == ["ask"]:
        _say(json.dumps(asdict(ask(int(wanted[1]), wanted[2], float(wanted[3])))))
    else:
        main(float(wanted[0]) if wanted else 60, int(wanted[1]) if len(wanted) > 1 else 1024, wanted[2:])
