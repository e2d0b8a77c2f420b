"""A command from Slack's side: from the signed request to the answer with the hold made."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from subprocess import Popen
from urllib.parse import urlencode

from bench import ledgers
from bench.bots import bot, helper
from bench.measure import Timed, ratio
from bench.served import SECRET
from bench.table import Row, Section, seconds
from klingbot import sandbox
from klingbot.sandbox.slack.delivery import signature

_GENERATE = "generate a fox in the snow --model kling-pro --duration 10 --project p7"
_BURST = 80
_SLACK_WAITS = 3.0
_PATHS = {"kling": "/slack/events", "bare": "/bare/slack/events", "floor": "/floor/slack/events"}
"""`/kling generate`; a command that only acknowledges; one that makes the bare hold of `floor.py` and acknowledges."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Shot:
    took: float
    held: bool
    """Whether the answer says that a hold was made."""


def over_http(folder: Path, rounds: int) -> Section:
    with helper("bench.served", "http", str(folder / "http")) as server:
        port = int(_heard(server))
        rows = []
        for at_once in (1, 16, 64):
            found = {name: Timed(name) for name in _PATHS}
            for turn in range(-1, rounds):
                for name in sorted(_PATHS, reverse=bool(turn % 2)):
                    shots = _volley(partial(_post, port, _PATHS[name]), at_once, each=max(2, 64 // at_once))
                    assert all(shot.held == (name == "kling") for shot in shots)
                    if turn >= 0:
                        found[name].rounds.append([shot.took for shot in shots])
                    _short_queue(server)
            rows += [_beside_bare(at_once, found), _beside_floor(at_once, found)]
        burst = [shot.took for shot in _volley(partial(_post, port, _PATHS["kling"]), _BURST, each=1)]
    rows.append(_burst(burst))
    return Section("A command over signed HTTP, with its hold", rows)


def over_socket_mode(folder: Path, rounds: int) -> Section:
    """The real bot, at the sandbox's Slack; a bare Bolt bot at another one beside it."""
    with ExitStack() as stack:
        kling, plain = (sandbox.start(kling_seconds=3600) for _ in range(2))
        for local in (kling, plain):
            stack.callback(local.stop)
        folder.mkdir()
        stack.enter_context(bot(kling, folder))
        words = ("bench.served", "socket", plain.slack_api_url, plain.bot_token, plain.app_token)
        _heard(stack.enter_context(helper(*words)))
        rows = []
        asked = 0
        for at_once in (1, 16, 64):
            found = {"bare": Timed("bare"), "kling": Timed("kling")}
            for turn in range(-1, rounds):
                for name in sorted(found, reverse=bool(turn % 2)):
                    local = kling if name == "kling" else plain
                    shots = _volley(partial(_typed, local), at_once, each=max(1, 32 // at_once))
                    asked += len(shots) if name == "kling" else 0
                    if turn >= 0:
                        found[name].rounds.append([shot.took for shot in shots])
            rows.append(_beside_bare(at_once, found))
        rows.append(_burst([shot.took for shot in _volley(partial(_typed, kling), _BURST, each=1)]))
        said = [m.text for m in kling.workspace.messages("C0GENERAL1", "U0BOB00001")]
        held = sum("Held" in text for text in said)
        assert held == asked + _BURST, f"{asked + _BURST} commands were typed, and {held} of them held"
    return Section("The same over Socket Mode, to the whole bot while it submits and polls", rows)


def _beside_bare(at_once: int, found: dict[str, Timed]) -> Row:
    ours, bare = found["kling"], found["bare"]
    times = ratio(ours, bare)
    reached = times.middle <= 1.5 and (at_once != 16 or ours.p99 < 0.250)
    return Row(
        f"{at_once} at once",
        f"p50 {seconds(ours.p50)}, p99 {seconds(ours.p99)}",
        f"{times} of a bare Bolt command: p50 {seconds(bare.p50)}, p99 {seconds(bare.p99)}",
        "≤ 1.5× at p50" + ("; p99 < 250 ms" if at_once == 16 else ""),
        reached,
    )


def _beside_floor(at_once: int, found: dict[str, Timed]) -> Row:
    ours, floor = found["kling"], found["floor"]
    beside = f"{ratio(ours, floor)} of a bare Bolt command with the bare hold: p50 {seconds(floor.p50)}"
    return Row(
        f"{at_once} at once, beside its floor", f"p50 {seconds(ours.p50)}", f"{beside}, p99 {seconds(floor.p99)}"
    )


def _burst(took: list[float]) -> Row:
    slowest = max(took)
    found = f"p50 {seconds(median(took))}, slowest {seconds(slowest)}"
    return Row(f"{_BURST} in one burst", found, "", "all within 3 s", slowest < _SLACK_WAITS)


def _volley(shoot: Callable[[], Shot], at_once: int, each: int) -> list[Shot]:
    """So many threads, each `each` times, starting together."""
    shots: list[Shot] = []
    together = threading.Barrier(at_once)

    def work() -> None:
        together.wait()
        for _ in range(each):
            shots.append(shoot())

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shots) == at_once * each, "a command was not answered"
    return shots


_open = threading.local()


def _post(port: int, path: str) -> Shot:
    connection: http.client.HTTPConnection | None = getattr(_open, "connection", None)
    if connection is None:
        connection = _open.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body, headers = _signed()
    began = time.perf_counter()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse().read().decode()
    return Shot(time.perf_counter() - began, "Held" in answer)


def _signed() -> tuple[str, dict[str, str]]:
    who = {"user_id": ledgers.USER, "channel_id": ledgers.CHANNEL, "trigger_id": f"bench.{next(_numbers)}"}
    body = urlencode({"command": "/kling", "text": _GENERATE, **who})
    timestamp = str(int(time.time()))
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(SECRET, timestamp, body),
    }


def _typed(local: sandbox.Sandbox) -> Shot:
    began = time.perf_counter()
    local.slack.command("U0BOB00001", "C0GENERAL1", "/kling generate a fox in the snow")
    return Shot(time.perf_counter() - began, True)


def _short_queue(server: Popen[str]) -> None:
    assert server.stdin
    server.stdin.write("again\n")
    server.stdin.flush()
    _heard(server)


def _heard(process: Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()
