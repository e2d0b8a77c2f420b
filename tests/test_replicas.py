"""Several real bots in HTTP mode on one PostgreSQL, while one of them is killed and the server restarts."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import requests

from klingbot import sandbox
from klingbot.sandbox import Sandbox
from klingbot.store import open_store
from klingbot.store.place import Place
from klingbot.web import listen
from tests.ledger_checks import env_of, prove
from tests.live_bot import ALICE, FINANCE, live_bot, until
from tests.postgres_server import PostgresServer
from tests.test_crashes import CRASH_BOT
from tests.test_http_mode import HttpBot
from tests.test_two_bots import said_in, waiting

pytestmark = [pytest.mark.slow, pytest.mark.engine("postgres")]

COMMANDS, ROOM = 80, 10
VIDEO = 2.5
"""Credits: 5 seconds of kling-2.6 at 1080p."""


@contextmanager
def http_bots(local: Sandbox, folder: Path, place: Place, number: int) -> Iterator[list[HttpBot]]:
    mode = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": local.signing_secret, "HOST": "127.0.0.1"} | env_of(place)
    with ExitStack() as stack:
        bots = []
        for n in range(number):
            with listen("127.0.0.1", 0) as free:
                port = free.getsockname()[1]
            bot = stack.enter_context(live_bot(local, folder, f"replica-{n}", script=CRASH_BOT, PORT=str(port), **mode))
            bots.append(HttpBot(bot, local, f"http://127.0.0.1:{port}"))
        for each in bots:
            each.bot.wait_until_ready()
        yield bots


def settled_answer(bots: list[HttpBot], n: int) -> str:
    """As a load balancer and a patient person have it: another bot when one is gone, again when the database is."""
    for again in range(40):
        try:
            text: str = bots[(n + again) % len(bots)].post(f"generate fox number {n}").json()["text"]
        except requests.RequestException:
            continue
        if "Held" in text or "same request" in text or "Budget exceeded" in text:
            return text
        time.sleep(0.2)
    raise AssertionError(f"command {n} was never answered for good")


@pytest.mark.parametrize("replicas", [2, 4])
def test_of_eighty_commands_ten_are_admitted_through_a_kill_and_a_restart(
    place: Place, postgres: PostgresServer, tmp_path: Path, replicas: int
) -> None:
    dice = random.Random(replicas)
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=0.3)
        stack.callback(local.stop)
        bots = stack.enter_context(http_bots(local, tmp_path, place, replicas))
        bots[0].post("help")
        with closing(open_store(place)) as store, store.write() as tx:
            tx.execute(
                "INSERT INTO budgets (scope, period_kind, limit_millicredits, thresholds, set_by, set_at)"
                " VALUES ('workspace', 'monthly', :limit, '80,100', 'UADMIN', 0)",
                {"limit": round(ROOM * VIDEO * 1000)},
            )
        pool = stack.enter_context(ThreadPoolExecutor(8))
        answers = [pool.submit(settled_answer, bots, n) for n in range(COMMANDS)]
        time.sleep(dice.uniform(0, 0.3))
        bots[-1].bot.kill()
        time.sleep(dice.uniform(0, 0.3))
        postgres.restart()

        texts = [answer.result(60) for answer in answers]
        assert sum("Budget exceeded" in text for text in texts) == COMMANDS - ROOM
        until(lambda: waiting(place) == 0, "all videos are made and everything is said", seconds=60)
        assert len(local.kling.tasks) == ROOM
        [story] = [m.text for m in local.workspace.messages(FINANCE, ALICE) if not m.ephemeral_to and not m.thread_ts]
        assert story.startswith("🔴 Budget used up: workspace (monthly)")
        assert len(set(said_in(local, FINANCE))) == len(said_in(local, FINANCE)), "each is said once"
        with closing(open_store(place)) as store:
            prove(store)
