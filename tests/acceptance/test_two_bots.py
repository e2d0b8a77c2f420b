"""Two real bots on one ledger: Slack hands each command to one of them, and together they are one bot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from klingbot import sandbox
from klingbot.sandbox import Sandbox
from klingbot.store import open_store, snapshot
from klingbot.store.backend.location import Place
from tests.support.ledger_checks import env_of, prove
from tests.support.live_bot import ALICE, BOB, CAROL, FINANCE, live_bot, until, whispers

# On PostgreSQL: test_replicas.
pytestmark = [pytest.mark.slow, pytest.mark.backend("sqlite")]

COMMANDS, ROOM = 80, 10
TOLD = ("80% reached", "100% reached", "was turned away")
PLACES = ("C0GENERAL1", "C0MARKETNG", "C0VIDEOLAB")


@pytest.fixture
def local(place: Place, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox with two bots that are ready."""
    with ExitStack() as stack:
        started = sandbox.start(kling_seconds=0.3)
        stack.callback(started.stop)
        bots = [stack.enter_context(live_bot(started, tmp_path, name, **env_of(place))) for name in ("one", "two")]
        for bot in bots:
            bot.wait_until_ready()
        yield started


def test_of_eighty_commands_at_once_two_bots_admit_the_ten_that_there_is_room_for(local: Sandbox, place: Place) -> None:
    budget = f"workspace --credits {ROOM * 2.5}"  # 2.5 credits: 5 seconds of kling-2.6 at 1080p
    local.send(ALICE, FINANCE, f"/kling budget set {budget}")
    until(lambda: len(whispers(local, ALICE)) == 1, "the budget is set")
    for n in range(COMMANDS):
        local.send((BOB, CAROL)[n % 2], PLACES[n % 3], "/kling generate a fox in snow")
    until(lambda: len(answers(local)) == COMMANDS, "everybody is answered")

    assert sum("Held 2.5 credits" in text for text in answers(local)) == ROOM
    refused = sum("Budget exceeded for workspace (monthly)" in text for text in answers(local))
    # A server that is overrun says so within Slack's three seconds; then nothing is held.
    overrun = sum("nothing was held" in text.lower() and "Budget exceeded" not in text for text in answers(local))
    assert refused + overrun == COMMANDS - ROOM
    assert refused
    until(lambda: waiting(place) == 0, "all videos are made and everything is said", seconds=40)
    assert len(local.kling.tasks) == ROOM
    assert sum("your video is ready" in text for place in PLACES for text in said_in(local, place)) == ROOM
    [story] = [m.text for m in local.workspace.messages(FINANCE, ALICE) if not m.ephemeral_to and not m.thread_ts]
    assert story.startswith("🔴 Budget used up: workspace (monthly) is at 100.0%")
    assert [story.count(words) for words in TOLD] == [1, 1, 1]
    replies = [text.splitlines()[0] for text in said_in(local, FINANCE) if text != story]
    assert len(set(replies)) == len(replies), "each is said once"
    with closing(open_store(place)) as store:
        prove(store)


def test_a_command_that_slack_delivers_three_times_is_one_job(local: Sandbox, place: Place) -> None:
    commands = 6
    for n in range(1, commands + 1):
        local.send(BOB, PLACES[0], f"/kling generate fox number {n}")
        until(lambda n=n: len(answers(local)) == 3 * n - 2, "the command is answered")  # type: ignore[misc]
        local.slack.redeliver(2)
        until(lambda n=n: len(answers(local)) == 3 * n, "so are its repetitions")  # type: ignore[misc]
    assert sum("Held 2.5 credits" in text for text in answers(local)) == commands
    assert sum("same request as before" in text for text in answers(local)) == 2 * commands
    until(lambda: len(local.kling.tasks) == commands, "each is at Kling")
    with closing(open_store(place)) as store:
        assert store.read().execute("SELECT count(*) FROM jobs").fetchone()[0] == commands
        prove(store)


def test_a_mention_that_slack_delivers_three_times_is_one_job(local: Sandbox, place: Place) -> None:
    """Whichever bot hears it again says nothing, or that it is the same; neither makes another video."""
    mentions = 2
    for n in range(1, mentions + 1):
        local.send(BOB, PLACES[0], f"@klingbot generate fox number {n}")
        until(lambda n=n: sum("Held 2.5 credits" in text for text in answers(local)) == n, "the mention is answered")  # type: ignore[misc]
        local.slack.redeliver_event(2)
    until(lambda: waiting(place) == 0 and len(local.kling.tasks) == mentions, "all videos are made", seconds=40)
    again = [text for text in answers(local) if "Held 2.5 credits" not in text]
    assert all("same request as before" in text for text in again), again
    with closing(open_store(place)) as store:
        assert store.read().execute("SELECT count(*) FROM jobs").fetchone()[0] == mentions
        prove(store)


def test_a_picture_that_was_sent_along_reaches_kling(local: Sandbox) -> None:
    local.slack.share(BOB, PLACES[0], b"\xff\xd8\xff a fox", "fox.jpg", "@klingbot generate The fox wakes up")
    until(lambda: any("your video is ready" in text for text in said_in(local, PLACES[0])), "the video is there")
    [task] = local.kling.tasks
    assert "/image-to-video/" in task.route


def answers(local: Sandbox) -> list[str]:
    return whispers(local, BOB) + whispers(local, CAROL)


def said_in(local: Sandbox, channel: str) -> list[str]:
    """What the bots said to everybody there."""
    return [m.text for m in local.workspace.messages(channel, ALICE) if not m.ephemeral_to]


def waiting(place: Place) -> int:
    """Jobs that have not ended or whose message lags behind, and messages that have not been sent."""
    live = "SELECT id FROM jobs WHERE state IN ('held', 'submitting', 'submitted') OR show_at IS NOT NULL"
    unsent = "SELECT key FROM outbox WHERE state = 'waiting'"
    with snapshot(place) as ledger:
        return len(ledger.execute(live).fetchall()) + len(ledger.execute(unsent).fetchall())
