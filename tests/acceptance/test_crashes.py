"""Nothing lost, nothing billed twice: a real bot, killed again and again amid its work, before a Kling that misbehaves.

KLINGBOT_TEST_KILLS says how often it is killed (default 10, about 20 seconds).
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klingbot import blocks, sandbox
from klingbot.blocks import job_message
from klingbot.domain.budgets import is_level
from klingbot.domain.notifications import VideoReady, from_json
from klingbot.domain.periods import Calendar
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling import Fault
from klingbot.sandbox.slack.slack_faults import Fault as SlackFault
from klingbot.store import Store, open_store
from klingbot.store.backend.location import Place
from tests.support.ledger_checks import env_of, prove
from tests.support.live_bot import ALICE, BOB, CAROL, live_bot, until, whispers

pytestmark = pytest.mark.both_databases

KILLS = int(os.environ.get("KLINGBOT_TEST_KILLS", "10"))
CRASH_BOT = Path(__file__).parents[1] / "support" / "crash_bot.py"

MILLICREDITS = 2_500
"""What each of these jobs costs: 5 seconds of kling-2.6 at 1080p."""
LIMITS = {"workspace": 3 * KILLS * MILLICREDITS, "project:steady": KILLS * MILLICREDITS}
"""In milli-credits: room for some of the jobs that are asked for."""
PROMPTS = (
    *["a fox in snow --project steady"] * 6,
    *["a heron at dawn --project shaky"] * 2,
    *["a kite that fails --project shaky"] * 2,
    "something forbidden --project shaky",
)
KLING_TROUBLE = (
    *[Fault(on="create", delay_seconds=0.4)] * 6,  # most kills should come between a request and its reply
    Fault(on="create", ending="drop", taken=True),
    Fault(on="create", ending="drop"),
    Fault(on="create", ending="garbage", taken=True),
    Fault(on="create", ending="code", code=5002, taken=True),
    Fault(on="create", ending="code", code=5000),
    Fault(on="create", ending="code", code=1303),
    Fault(on="query", ending="drop"),
    Fault(on="query", ending="garbage"),
    Fault(on="query", ending="code", code=5001),
    Fault(on="query", delay_seconds=0.4),
)
EDITED = ("details: /kling budget show", "asked for a video")
"""What messages say that are edited: stories, and how a job stands."""
SLACK_TROUBLE = (SlackFault("server_error"), SlackFault("delay", seconds=0.4))


@dataclass
class Crowd:
    """People who type without end, into a Slack and before a Kling that have their troubles."""

    local: Sandbox
    dice: random.Random
    typed: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    def type_on(self) -> None:
        while not self.gone.wait(self.dice.uniform(0.05, 0.25)):
            if self.dice.random() < 0.4:
                self.local.kling.faults.add(self.dice.choice(KLING_TROUBLE))
            if self.dice.random() < 0.1:
                self.local.faults.add("chat.postMessage", self.dice.choice(SLACK_TROUBLE))
            if self.typed and self.dice.random() < 0.1:
                self.local.slack.redeliver()
                continue
            person, channel = self.dice.choice((ALICE, BOB, CAROL)), self.dice.choice(("C0MARKETNG", "C0VIDEOLAB"))
            self.local.send(person, channel, f"/kling generate {self.dice.choice(PROMPTS)}")
            self.typed += 1


@contextmanager
def crowd(local: Sandbox, dice: random.Random) -> Iterator[Crowd]:
    people = Crowd(local, dice)
    thread = threading.Thread(target=people.type_on)
    thread.start()
    try:
        yield people
    finally:
        people.gone.set()
        thread.join(30)


@pytest.fixture
def local() -> Iterator[Sandbox]:
    started = sandbox.start(posting_rate=False, kling_seconds=0.5)
    # Kling does not say what it does with a second post of one job. The worst would be to take it, and the money.
    started.kling.account.ids_are_unique = False
    yield started
    started.stop()


@pytest.mark.slow
@pytest.mark.timeout(300 + 4 * KILLS)
def test_a_bot_that_is_killed_again_and_again_loses_nothing_and_pays_for_nothing_twice(
    local: Sandbox, place: Place, tmp_path: Path
) -> None:
    moments = random.Random(20_261_124)
    begin(local, tmp_path, place)
    with crowd(local, random.Random(4_711)) as people:
        for life in range(KILLS if isinstance(place, Path) else KILLS // 2):  # on PostgreSQL also: test_replicas
            with live_bot(local, tmp_path, f"life-{life}", script=CRASH_BOT, **env_of(place)) as bot:
                if life % 8:
                    bot.wait_until_ready()
                time.sleep(moments.uniform(0, 0.8))  # every eighth dies before it is ready
    local.kling.faults.clear()
    local.faults.clear()
    time.sleep(1.5)  # what was typed while nobody was there is given up by Slack after a second
    let_it_finish(local, tmp_path, place)

    store = open_store(place)
    try:
        prove(store)
        rows = {row["id"]: row for row in store.read().execute("SELECT * FROM jobs").fetchall()}
        assert len(rows) <= people.typed + 3 + KILLS + 1
        every_promise_was_kept(local, set(rows))
        the_ledger_is_klings_bill(local, rows)
        no_limit_was_ever_exceeded(store)
        everything_was_said(local, store, rows)
    finally:
        store.close()
    nothing_broke(tmp_path)
    enough_happened_to_prove_anything(local, rows)


def begin(local: Sandbox, folder: Path, place: Place) -> None:
    """The budgets are set, and one job each meets a lost reply, fails, and is not taken."""
    with live_bot(local, folder, "budgets", script=CRASH_BOT, **env_of(place)) as bot:
        bot.wait_until_ready()
        for scope, limit in LIMITS.items():
            local.send(ALICE, "C0GENERAL1", f"/kling budget set {scope} --credits {limit / 1000} --alert 50,80,100")
        local.send(ALICE, "C0GENERAL1", "/kling project new shaky")
        until(lambda: len(whispers(local, ALICE)) == len(LIMITS) + 1, "the budgets are set")
        local.kling.faults.add(Fault(on="create", ending="drop"))
        for prompt in ("a heron at dawn", "a kite that fails", "something forbidden"):
            local.send(BOB, "C0VIDEOLAB", f"/kling generate {prompt} --project shaky")
        until(lambda: len(whispers(local, BOB)) == 3, "the first jobs are held")


def let_it_finish(local: Sandbox, folder: Path, place: Place) -> None:
    store = open_store(place)
    live = "SELECT 1 FROM jobs WHERE state IN ('held', 'submitting', 'submitted') OR show_at IS NOT NULL"
    unsaid = "SELECT 1 FROM outbox WHERE state = 'waiting'"

    def finished() -> bool:
        return store.read().execute(f"{live} UNION ALL {unsaid} LIMIT 1").fetchone() is None

    try:
        with live_bot(local, folder, "last", script=CRASH_BOT, **env_of(place)) as bot:
            bot.wait_until_ready()
            spend_what_is_left(local)
            until(finished, "every job has ended and everything is said", seconds=60 + KILLS)
    finally:
        store.close()


def spend_what_is_left(local: Sandbox) -> None:
    """However much the crowd came to ask for, in the end the steady project has reached its limit."""
    for _ in range(KILLS + 1):
        before = len(whispers(local, CAROL))
        local.send(CAROL, "C0VIDEOLAB", "/kling generate a fox in snow --project steady")
        until(lambda before=before: len(whispers(local, CAROL)) > before, "the command is answered")  # type: ignore[misc]
        if "Budget exceeded" in whispers(local, CAROL)[-1]:
            return
    raise AssertionError("the limit was never reached")


def every_promise_was_kept(local: Sandbox, known: set[str]) -> None:
    """Who was told that a job is held, or held already, has that job."""
    told = [text for person in (ALICE, BOB, CAROL) for text in whispers(local, person)]
    held = Counter(found[1] for text in told if "Held" in text and (found := re.search(r"Job (\w{12})", text)))
    repeated = {found[1] for text in told if (found := re.search(r"same request as before: job (\w{12})", text))}
    assert held.keys() | repeated <= known
    assert set(held.values()) == {1}
    assert any("Budget exceeded" in text for text in told)


def the_ledger_is_klings_bill(local: Sandbox, rows: dict[str, Any]) -> None:
    """Every task is one job's, every charge one settle, and what was released never ran."""
    tasks = [task.summary(time.time()) for task in local.kling.tasks]
    by_job = {task["external_task_id"]: task for task in tasks}
    assert len(by_job) == len(tasks), "Kling was asked for the same video twice"
    ended = {"succeeded": "succeeded", "failed": "failed"}
    assert {job_id: ended[str(task["status"])] for job_id, task in by_job.items()} == {
        job_id: row["state"] for job_id, row in rows.items() if row["state"] != "released"
    }
    settled = {job_id: row["settled_millicredits"] for job_id, row in rows.items() if row["state"] == "succeeded"}
    assert settled == dict.fromkeys(settled, MILLICREDITS)
    assert sum(settled.values()) == local.kling.charged * 1000


def no_limit_was_ever_exceeded(store: Store) -> None:
    """Entries are never edited, so they still tell what was committed at each moment."""
    committed: Counter[str] = Counter()
    sql = "SELECT project, entries.* FROM entries JOIN jobs ON jobs.id = job_id ORDER BY entries.id"
    for entry in store.read().execute(sql).fetchall():
        for scope in ("workspace", f"project:{entry['project']}"):
            committed[scope] += entry["held_millicredits"] + entry["settled_millicredits"]
            assert committed[scope] <= LIMITS.get(scope, 10**9), f"{scope} at entry {entry['id']}"
    assert (
        not store.read().execute("SELECT 1 FROM totals WHERE held_millicredits <> 0 OR held_microusd <> 0").fetchall()
    )


def everything_was_said(local: Sandbox, store: Store, rows: dict[str, Any]) -> None:
    messages = store.read().execute("SELECT * FROM outbox ORDER BY id").fetchall()
    wanted = {f"{'video' if row['state'] == 'succeeded' else 'failed'} {job_id}" for job_id, row in rows.items()}
    assert wanted == {row["key"] for row in messages if row["kind"] in ("video ready", "job failed")}

    every_message_is_in_slack(local, store, repeats=KILLS + 1)
    # No job of this project fails, so nothing is ever released and armed again.
    steady = store.read().execute("SELECT mark, times FROM crossings WHERE scope = 'project:steady'").fetchall()
    assert {row["mark"]: row["times"] for row in steady if is_level(row["mark"])} == {"50": 1, "80": 1, "100": 1}


def every_message_is_in_slack(local: Sandbox, store: Store, *, repeats: int) -> None:
    """And nothing else is. A bot that is killed between Slack's answer and its note makes another repeat that one."""
    messages = store.read().execute("SELECT * FROM outbox ORDER BY id").fetchall()
    assert {row["state"] for row in messages} == {"sent"}
    edited = {row["replaces_key"]: text_of(row) for row in messages if row["replaces_key"]}  # the last edit of each
    own = [row for row in messages if not row["replaces_key"]]
    queued_as = Counter(edited.get(row["key"], text_of(row)) for row in own)
    said = said_in_slack(local)
    # Of what was said twice only one is edited; the other stays as it was.
    known = {text_of(row) for row in messages}
    # What a bot said and could not note may be written anew in its row by an edit, before it is said again.
    unknown = [text for text in said if text not in known and not any(edits in text for edits in EDITED)]
    assert not unknown, "nothing else was said"
    assert not queued_as - said, f"said too seldom: {queued_as - said}; too often: {said - queued_as}"
    assert (said - queued_as).total() <= repeats, "only what somebody was just saying is repeated"


def text_of(row: Any) -> str:
    """What an outbox message says in Slack. What shares a clip has no id of its own there."""
    content = from_json(row["kind"], json.loads(row["content"]))
    if isinstance(content, VideoReady) and content.file_id and row["sent_ts"] is None:
        return job_message.clip_words(content.job)
    return blocks.render(content, Calendar(ZoneInfo("UTC"))).text


def said_in_slack(local: Sandbox) -> Counter[str]:
    """What the bot said, not counting answers that only one person sees."""
    people = (ALICE, BOB, CAROL)
    seen = [m for channel in local.workspace.channels for who in people for m in local.workspace.messages(channel, who)]
    from_bot = {(m.channel, m.ts): m.text for m in seen if m.user == local.workspace.bot_user_id and not m.ephemeral_to}
    return Counter(from_bot.values())


def nothing_broke(folder: Path) -> None:
    for log in folder.glob("*.log"):
        said = log.read_text(encoding="utf-8")
        assert " ERROR klingbot" not in said, f"{log.name}:\n{said}"
        assert "Traceback" not in said, f"{log.name}:\n{said}"


def enough_happened_to_prove_anything(local: Sandbox, rows: dict[str, Any]) -> None:
    states = Counter(row["state"] for row in rows.values())
    assert states["succeeded"] >= KILLS / 2, states
    assert states["failed"], states
    assert states["released"], states
    assert any(row["tries"] > 1 for row in rows.values()), "no reply was ever lost with its request"
