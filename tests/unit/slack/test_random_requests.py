"""Ten thousand requests that nobody would think of: each is answered, within Slack's limits, and calls nobody.

Broken mentions, flags without values, quotes that never close, control characters, emoji, kilobytes of one letter, and
payloads with half of their fields gone. The same ones each time: KLINGBOT_TEST_SEED changes them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt import App

from klingbot import blocks
from klingbot.blocks.message import Message
from klingbot.blocks.modals.view import View
from klingbot.domain.jobs import JobState, id_for
from klingbot.domain.notifications import from_json
from klingbot.engine import Engine, kling_results
from klingbot.sandbox.slack import limits, view_limits
from klingbot.slack.api.directory import Directory
from klingbot.slack.command_line.command_usage import FLAGS_OF, USAGE
from klingbot.slack.context import Click, Desk, Opens
from klingbot.slack.interactions import answers, buttons
from klingbot.store import jobs
from tests.support.ledger_checks import hold, settle, submit
from tests.unit.slack.conftest import ALICE, BOB, BOT, GENERAL
from tests.unit.slack.test_transport import post

SEED = int(os.environ.get("KLINGBOT_TEST_SEED", "1"))
TEXTS, SPOKEN, CLICKS, PAYLOADS = 6_000, 1_000, 3_000, 1_000

VICTIM = "U0VICTIM01"
"""Nobody's scope and nobody's doing: whoever mentions this person was made to by a prompt."""
ATTACKS = (
    *(f"<@{VICTIM}>", f"<@{VICTIM}|dave>", f"@{VICTIM}", "<!channel>", "<!here|here>", "<!everyone>", "<<!channel>>"),
    *("<!channel", "@here", "@channel", "<!subteam^S0ALL00001>", "<!date^1^{date}|x>", "&lt;!channel&gt;", "> said"),
    *(
        "&amp;lt;!channel&amp;gt;",
        "<#C0FINANCE1>",
        "<https://evil.example|click here>",
        "*bold*",
        "`code`",
        "```",
        "~no~",
    ),
)
ODDITIES = (
    *(
        "",
        "\x00",
        "\x1b[31m",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\r\n",
        "\n\n\n",
        "\t",
        "🦊",
        "\U0001f469\u200d\U0001f467",
        "ﷺ",
    ),
    *("'", '"', "“", "”", "‘", "«", "--", "—", "–audio", "=", "--=", "&amp;", "&", "<", ">", "|", "\\", "%s", "{0}"),
    *(
        "$(id)",
        "'; DROP TABLE jobs;--",
        "null",
        "٣",
        "½",
        "1e309",
        "NaN",
        "-1",
        "0",
        "9" * 20,
        "0.0000001",
        "x" * 3_000,
    ),
)
VALUES = (
    *("5", "10", "5s", "10,000", "$600", "80,100", "80%", "1080p", "4k", "16:9", "kling-pro", "kling-v1.5", "monthly"),
    *("daily", "user", "day", "workspace", "marketing", "Q4 Launch", "@bob", "bob", "<@U0BOB00001|bob>", "#finance"),
    *("<#C0FINANCE1|finance>", "user:U0CAROL001", "https://example.com/fox.png", "aaaaaaaaaaaa", "a fox in snow"),
)
JUNK: tuple[Any, ...] = (None, "", 0, [], {}, [None], "x" * 500, {"id": None}, [{}], True)
FLAGS = sorted({flag for flags in FLAGS_OF.values() for flag in flags})
BROADCAST = re.compile(r"<!(?!date\^\d+\^[A-Za-z ,]*\{date_short_pretty\} at \{time\}\|)")
LINK = re.compile(r"<(?!https://kling\.test/)[a-z]+:[^>]*>")


@pytest.fixture
def dice() -> Random:
    return Random(SEED)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged as an error while this lasts."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def command(dice: Random) -> str:
    """Mostly words in an order that means something; the rest is noise around and between them."""
    words = dice.choice(
        [*USAGE, *["generate"] * 4, "quote", "", "gernate", "budget set marketing --credits 500"]
    ).split()
    for _ in range(dice.randrange(8)):
        flag = dice.choice(["--", "—", "-"]) + dice.choice([*FLAGS, "bogus"]) + dice.choice([" ", "=", ""])
        words.append(flag if dice.random() < 0.4 else dice.choice(VALUES if dice.random() < 0.6 else ODDITIES))
    if words[:1] in (["generate"], ["quote"]):  # elsewhere a mention is a scope, and answers may name it
        words += dice.choices(ATTACKS, k=dice.randrange(4))
    words[1:] = dice.sample(words[1:], len(words[1:])) if dice.random() < 0.3 else words[1:]
    return dice.choice([" ", " ", "  ", "\n", "\u00a0"]).join(words)


def check(said: dict[str, Any], asked: str) -> None:
    """Slack takes the message, and it is an answer that calls nobody."""
    assert limits.problems(said["blocks"]) == [], asked
    assert limits.characters(said["blocks"]) <= limits.LONGEST_BLOCKS, asked
    assert 0 < len(said["text"]) <= limits.LONGEST_TEXT, asked
    for shown in (said["text"], *texts_of(said["blocks"])):
        assert "went wrong on our side" not in shown, asked
        assert VICTIM not in re.findall(r"<@(\w+)", shown), asked
        assert not BROADCAST.search(shown), asked
        assert not LINK.search(shown), asked


def check_form(view: View) -> None:
    """Slack takes the form, and it calls nobody."""
    assert view_limits.problems(view.payload(), "modal") == []
    said = [each for each in texts_of(view.payload()) if not each.startswith("https://")]
    assert said and not any(BROADCAST.search(each) or LINK.search(each) for each in said)


def texts_of(shown: Any) -> Iterator[str]:
    if isinstance(shown, dict):
        if shown.get("type") in ("mrkdwn", "plain_text"):
            yield shown["text"]
        shown = list(shown.values())
    if isinstance(shown, list | tuple):
        for each in shown:
            yield from texts_of(each)


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
def test_no_text_breaks_a_command_or_mentions_anybody(
    alice: Any, bob: Any, dice: Random, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "open_form", lambda client, trigger_id, view: check_form(view))
    alice.types("budget set workspace --credits 3000")
    for _ in range(TEXTS):
        text = command(dice)
        is_alice = dice.random() < 0.3 and "waiting" not in text  # hers would release what is to be settled below
        response = (alice if is_alice else bob).send(text)
        assert response.status == 200, text
        if response.body:  # otherwise a form was opened
            check(json.loads(response.body), text)

    with engine.store.write() as tx:
        live = jobs.claim(tx, JobState.HELD, now=engine.clock(), lease_until=1, most=TEXTS)
    assert len(live) > TEXTS / 100, "enough was asked for to prove anything"
    for job in live:
        if dice.random() < 0.5:
            settle(engine, job)
        else:
            kling_results.failed(
                engine, submit(engine, job), f"Kling said: {dice.choice(ATTACKS)} {dice.choice(ODDITIES)}"
            )
    rows = engine.store.read().execute("SELECT kind, content FROM outbox").fetchall()
    assert len(rows) >= len(live)
    for row in rows:
        said = blocks.render(from_json(row["kind"], json.loads(row["content"])), engine.calendar)
        check(said.payload(), row["content"])


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
def test_no_message_breaks_anything_or_makes_a_video_that_was_not_asked_for(
    app: App, bob: Any, dice: Random, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Message] = []
    monkeypatch.setattr(answers, "tell", lambda client, to, message, **_: said.append(message))
    monkeypatch.setattr(answers, "whisper", lambda client, channel, user, message, **_: said.append(message))
    asked: dict[str, str] = {}
    for n in range(SPOKEN):
        direct, ts = dice.random() < 0.5, f"1700000000.{n:06}"
        text = dice.choice([f"<@{BOT}> ", "", f"so, <@{BOT}> "]) + command(dice)
        assert bob.says(text, direct=direct, ts=ts, thread_ts=dice.choice([None, "1.2"])).status == 200, text
        asked[id_for(f"{f'D{BOB[1:]}' if direct else GENERAL} {ts}")] = text
    app.listener_runner.listener_executor.shutdown()
    assert len(said) == SPOKEN, "each was answered, once"
    for message in said:
        check(message.payload(), message.text)
    made = [row["id"] for row in engine.store.read().execute("SELECT id FROM jobs").fetchall()]
    assert len(made) > SPOKEN / 100, "enough was asked for to prove anything"
    for job_id in made:
        assert "generate" in asked[job_id].lower()
        assert not asked[job_id].startswith("so, "), "that was said about it"


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
def test_no_click_breaks_anything(engine: Engine, directory: Directory, dice: Random) -> None:
    desk, known = Desk(engine, directory), [hold(engine, f"r{n}", user_id=BOB).id for n in range(20)]
    for _ in range(CLICKS):
        action = dice.choice([*buttons.ACTIONS, dice.choice(ODDITIES), "job.unknown"])
        value = dice.choice(
            [dice.choice(known), dice.choice(ODDITIES), dice.choice(VALUES), json.dumps(dice.choice(VALUES))]
        )
        click = Click(dice.choice([ALICE, BOB]), GENERAL, "1.2", value, "https://hooks.slack.com/actions/1/2", "1.2.3")
        said = buttons.answer(desk, action, click)
        if isinstance(said, Opens):
            check_form(said.view)
        else:
            check(said.message.payload(), f"{action} {value}")


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
def test_no_payload_breaks_the_door(app: App, bob: Any, dice: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsigned, they may be anything; what Slack signs may lack any of its fields."""
    for name in ("answer", "tell", "whisper", "open_form", "renew_form"):
        monkeypatch.setattr(answers, name, lambda *_, **__: None)

    async def knock() -> Counter[int]:
        answered: Counter[int] = Counter()
        for _ in range(PAYLOADS // 2):
            answered[(await post(app, nonsense(dice), {})).status_code] += 1
            body = urlencode({"payload": json.dumps(payload(dice))})
            answered[(await post(app, body.encode(), bob.signed(body))).status_code] += 1
            told = json.dumps(event(dice))
            signed = {**bob.signed(told), "content-type": ["application/json"]}
            answered[(await post(app, told.encode(), signed)).status_code] += 1
        return answered

    answered = asyncio.run(knock())
    assert answered.keys() == {200, 400, 401, 404}, answered


def payload(dice: Random) -> dict[str, Any]:
    """A click, a form or a shortcut, some of whose fields are missing. Bolt itself cannot do without these two."""
    whole = {
        "type": dice.choice(["block_actions", "view_submission", "view_closed", "shortcut", "message_action", "bogus"]),
        "user": {"id": BOB, "team_id": "T0SANDBOX1"},
        "team": {"id": "T0SANDBOX1"},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": GENERAL},
        "trigger_id": "1.2.3",
        "response_url": "https://hooks.slack.com/actions/1/2",
        "callback_id": "bogus",
        "view": {"type": "modal", "callback_id": "bogus", "state": {"values": {}}, "private_metadata": ""},
        "actions": [{"type": "button", "action_id": dice.choice([*buttons.ACTIONS, "x"]), "value": "v"}],
    }
    return {name: value for name, value in whole.items() if name in ("type", "view") or dice.random() > 0.1}


def event(dice: Random) -> dict[str, Any]:
    """A message, some of whose fields are missing or make no sense."""
    whole = {
        "user": BOB,
        "text": f"<@{BOT}> {command(dice)}",
        "ts": f"17{dice.randrange(10**8)}.000001",
        "channel": GENERAL,
        "channel_type": "im",
        "thread_ts": "1.2",
    }
    some = {name: dice.choice([value, value, *JUNK]) for name, value in whole.items() if dice.random() > 0.1}
    kind = dice.choice(["app_mention", "message"])
    authorizations = dice.choice([None, [], [{}], [{"user_id": BOT, "is_bot": True}]])
    return {"type": "event_callback", "event": {"type": kind, **some}, "authorizations": authorizations}


def nonsense(dice: Random) -> bytes:
    whole = {name: dice.choice(JUNK) if dice.random() < 0.2 else value for name, value in payload(dice).items()}
    said = json.dumps(dice.choice([whole, *JUNK]))
    form = urlencode({"payload": said[: dice.randrange(1, len(said) + 1)]})
    event = json.dumps({"type": "event_callback", "event": dice.choice([whole, *JUNK])})
    return dice.choice([form.encode(), event.encode(), said.encode(), dice.randbytes(40), b""])
