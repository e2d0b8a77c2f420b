"""Asked to stop, the bot ends within ten seconds, whatever hangs, and nothing of what was under way is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from klingbot import sandbox
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling import Fault
from klingbot.sandbox.slack.slack_faults import Fault as SlackFault
from klingbot.store import open_store
from klingbot.workers.shutdown import DRAIN_SECONDS
from tests.acceptance.test_crashes import CRASH_BOT
from tests.support.ledger_checks import prove
from tests.support.live_bot import ALICE, BOB, LiveBot, live_bot, until

pytestmark = pytest.mark.slow

GENERAL = "C0GENERAL1"
READY = "your video is ready"
LAST_BELL = "it is looked up at the next start"


@pytest.fixture
def local() -> Iterator[Sandbox]:
    started = sandbox.start(kling_seconds=0.3)
    yield started
    started.stop()


def stop(bot: LiveBot) -> bool:
    """Ends it, well, and with nothing in its log to worry about. Whether it left before the shutdown timer ended it."""
    bot.process.send_signal(signal.SIGTERM)
    assert bot.process.wait(DRAIN_SECONDS + 5) == 0
    assert "Traceback" not in bot.said()
    assert " ERROR " not in bot.said()
    return LAST_BELL not in bot.said()


def said(local: Sandbox, words: str) -> int:
    return sum(words in message.text for message in local.workspace.messages(GENERAL, ALICE))


def test_an_idle_bot_ends_at_once(local: Sandbox, tmp_path: Path) -> None:
    with live_bot(local, tmp_path, "idle") as bot:
        bot.wait_until_ready()
        assert stop(bot)


def test_a_bot_that_slack_has_not_answered_ends_at_once_and_never_calls_itself_ready(
    local: Sandbox, tmp_path: Path
) -> None:
    with live_bot(local, tmp_path, "unheard", SLACK_API_URL="http://127.0.0.1:9/") as bot:
        until(lambda: "Slack cannot be reached" in bot.said(), "it has asked Slack")
        assert stop(bot)
        assert "Klingbot is ready" not in bot.said()


def test_a_kling_that_hangs_does_not_keep_it_and_its_job_is_made_once(local: Sandbox, tmp_path: Path) -> None:
    local.kling.faults.add(Fault(on="create", delay_seconds=25))
    with live_bot(local, tmp_path, "first", script=CRASH_BOT) as bot:
        bot.wait_until_ready()
        local.send(BOB, GENERAL, "/kling generate a fox in snow")
        until(lambda: len(local.kling.tasks) == 1, "Kling has it, and has not said so")
        assert not stop(bot)
    with live_bot(local, tmp_path, "second", script=CRASH_BOT) as bot:
        until(lambda: said(local, READY) == 1, "the video is there")
        assert stop(bot)
    assert len(local.kling.tasks) == 1, "Kling was asked for the same video twice"
    with closing(open_store(tmp_path / "klingbot.db")) as store:
        prove(store)


def test_a_slack_that_hangs_does_not_keep_it_and_the_message_arrives(local: Sandbox, tmp_path: Path) -> None:
    local.faults.add("chat.postMessage", SlackFault("delay", seconds=25))
    with live_bot(local, tmp_path, "first", script=CRASH_BOT) as bot:
        bot.wait_until_ready()
        local.send(BOB, GENERAL, "/kling generate a fox in snow")
        until(lambda: delivering(tmp_path), "Slack is being told")
        stop(bot)
    with live_bot(local, tmp_path, "second", script=CRASH_BOT) as bot:
        until(lambda: said(local, READY) >= 1, "the video is shown")
        assert stop(bot)


def test_a_long_line_of_jobs_does_not_keep_it(local: Sandbox, tmp_path: Path) -> None:
    jobs = 24
    local.kling.faults.add(Fault(on="create", delay_seconds=1), times=jobs)
    with live_bot(local, tmp_path, "first", script=CRASH_BOT) as bot:
        bot.wait_until_ready()
        for n in range(jobs):
            local.send(BOB, GENERAL, f"/kling generate fox number {n}")
        until(lambda: len(local.kling.tasks) >= 8, "the first are at Kling")
        assert stop(bot)
        assert 8 <= len(local.kling.tasks) < jobs
    with live_bot(local, tmp_path, "second", script=CRASH_BOT):
        until(lambda: len(local.kling.tasks) == jobs, "all are at Kling")


def delivering(folder: Path) -> bool:
    with closing(open_store(folder / "klingbot.db")) as store:
        sql = "SELECT 1 FROM outbox WHERE state = 'waiting' AND lease_until > 0"
        return store.read().execute(sql).fetchone() is not None
