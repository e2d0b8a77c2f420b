"""Several real bots in HTTP mode on one PostgreSQL, while some of them are killed and the server restarts."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from klingbot import sandbox
from klingbot.common.clock import now_ms
from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine import budgets, open_engine
from klingbot.engine.budgets import Change
from klingbot.http.server import listen
from klingbot.sandbox import Sandbox
from klingbot.store import digests, open_store
from klingbot.store.backend.location import Place
from tests.acceptance.test_crashes import CRASH_BOT, every_message_is_in_slack
from tests.acceptance.test_http_mode import HttpBot
from tests.acceptance.test_two_bots import waiting
from tests.support.ledger_checks import env_of, prove
from tests.support.live_bot import ALICE, FINANCE, live_bot, until
from tests.support.postgres_server import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.backend("postgres"), pytest.mark.both_databases]

COMMANDS, ROOM = 80, 10
REPLICAS, KILLS = 4, 3
"""So that all work together, then two, and in the end one alone."""
VIDEO = 2.5
"""Credits: 5 seconds of kling-2.6 at 1080p."""
SAID = "SELECT kind FROM outbox WHERE replaces_key IS NULL"


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


def wants(place: Place) -> None:
    """The workspace has a budget with room for ten, and a digest that is due."""
    with closing(open_store(place)) as store:
        engine = open_engine(store, prices.load("kling-api"), Calendar(ZoneInfo("UTC")), now_ms)
        last = engine.calendar.previous(engine.periods().monthly)
        told = engine.calendar.previous(last).first_day
        with store.write() as tx:
            digests.put(
                tx, Schedule(WORKSPACE, PeriodKind.MONTHLY, FINANCE, 0, last.first_day, told, now_ms()), by=ALICE
            )
        budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, round(ROOM * VIDEO * 1000)), by=ALICE)


def test_of_eighty_commands_ten_are_admitted_through_kills_and_a_restart(
    place: Place, postgres: PostgresServer, tmp_path: Path
) -> None:
    dice = random.Random(4)
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=0.3, posting_rate=False)
        stack.callback(local.stop)
        bots = stack.enter_context(http_bots(local, tmp_path, place, REPLICAS))
        bots[0].post("help")
        wants(place)
        pool = stack.enter_context(ThreadPoolExecutor(8))
        answers = [pool.submit(settled_answer, bots, n) for n in range(COMMANDS)]
        troubles = [postgres.restart, *(doomed.bot.kill for doomed in bots[-KILLS:])]
        for trouble in dice.sample(troubles, len(troubles)):
            time.sleep(dice.uniform(0, 0.4))
            trouble()

        texts = [answer.result(60) for answer in answers]
        assert sum("Budget exceeded" in text for text in texts) == COMMANDS - ROOM
        until(lambda: waiting(place) == 0, "all videos are made and everything is said")
        assert len(local.kling.tasks) == ROOM
        with closing(open_store(place)) as store:
            prove(store)
            kinds = Counter(row["kind"] for row in store.read().execute(SAID).fetchall())
            assert (kinds["digest"], kinds["story"], kinds["video ready"]) == (1, 1, ROOM)
            every_message_is_in_slack(local, store, repeats=KILLS + 1)
