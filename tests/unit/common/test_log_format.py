"""The log: one line for each thing, readable by people or programs, and nothing in it that is nobody's business."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from klingbot import sandbox
from klingbot.common.log_format import JsonLines, TextLines
from klingbot.sandbox.kling import Fault
from klingbot.sandbox.slack.slack_faults import Fault as SlackFault
from tests.acceptance.test_crashes import CRASH_BOT
from tests.support.live_bot import BOB, live_bot, until, whispers

GENERAL = "C0GENERAL1"
MARK = "xyzzy-plugh"
"""In every prompt here, and nowhere else."""


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    broken = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("klingbot.workers.nightly", logging.WARNING, "nightly.py", 1, message, args, broken)
    made.created = 1_795_435_200.25
    return made


def failed() -> Exception:
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        return error


def test_a_line_of_text_has_time_level_place_and_message() -> None:
    said = TextLines().format(record("job %s waits", "a"))
    assert said == "2026-11-23T12:00:00.250Z WARNING klingbot.workers.nightly: job a waits"


def test_what_others_said_cannot_pass_for_a_line_of_its_own() -> None:
    said = TextLines().format(record("Kling said: %s", "no\n2026-11-23T12:00:00.250Z INFO klingbot: all is well\r\n"))
    assert len(said.splitlines()) == 1


def test_a_traceback_stands_indented_under_its_line() -> None:
    first, *rest = TextLines().format(record("it broke", error=failed())).splitlines()
    assert first.endswith("it broke")
    assert rest[-1] == "  second"
    assert all(line.startswith("  ") for line in rest)


def test_a_line_of_json_has_the_messages_own_fields_beside_it() -> None:
    assert json.loads(JsonLines().format(record("job %(job)s at %(route)s", {"job": "a", "route": "/v1"}))) == {
        "time": "2026-11-23T12:00:00.250Z",
        "level": "warning",
        "place": "klingbot.workers.nightly",
        "message": "job a at /v1",
        "job": "a",
        "route": "/v1",
    }


def test_a_traceback_in_json_stays_on_the_line() -> None:
    said = JsonLines().format(record("it broke", error=failed()))
    assert len(said.splitlines()) == 1
    assert "ValueError: first\nsecond" in json.loads(said)["traceback"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["text", "json"])
def test_a_real_run_full_of_trouble_logs_no_prompt_and_no_secret(tmp_path: Path, shape: str) -> None:
    local = sandbox.start(kling_seconds=0.2)
    try:
        with live_bot(local, tmp_path, "bot", script=CRASH_BOT, KLINGBOT_LOG=shape) as bot:
            bot.wait_until_ready()
            for trouble in ("drop", "garbage", "code"):
                local.kling.faults.add(Fault(on="create", ending=trouble, code=1303))  # type: ignore[arg-type]
                local.kling.faults.add(Fault(on="query", ending=trouble, code=5001))  # type: ignore[arg-type]
            local.faults.add("chat.postMessage", SlackFault("server_error"))
            for wish in ("a fox", "a fox that fails", "something forbidden", "--negative lynx a fox", "--bogus"):
                local.send(BOB, GENERAL, f"/kling generate {wish} {MARK}")
            until(lambda: len(whispers(local, BOB)) >= 5, "everybody is answered")
            until(lambda: len(local.kling.tasks) >= 3, "Kling has what it takes")
            until(lambda: "video is ready" in everything(local), "a video is shown")
            said = bot.said()
    finally:
        local.stop()
    secrets = (local.bot_token, local.app_token, local.signing_secret, local.kling_api_key)
    assert [secret for secret in (*secrets, MARK) if secret in said] == []
    assert "job " in said and "/text-to-video/" in said
    places = {line["place"] for line in map(json.loads, said.splitlines())} if shape == "json" else set()
    assert not [place for place in places if not place.startswith("klingbot")]


def everything(local: sandbox.Sandbox) -> str:
    return "\n".join(message.text for message in local.workspace.messages(GENERAL, BOB))
