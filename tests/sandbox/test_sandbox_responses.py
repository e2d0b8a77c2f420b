"""response_url: five uses, thirty minutes, and the caller alone unless told otherwise."""

import pytest
from slack_sdk.webhook import WebhookClient

from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.roster import ALICE, BOB
from klingbot.sandbox.slack.workspace import Workspace
from tests.sandbox.bolt_bot import Bot, eventually, seen

LOUNGE = "C0LOUNGE01"


def response_url(bot: Bot, channel: str = LOUNGE) -> WebhookClient:
    bot.sandbox.send(ALICE.id, channel, "/kling help")
    (command,) = eventually(lambda: bot.heard)
    return WebhookClient(command["response_url"])


def test_it_works_five_times_and_then_is_used_up(bot: Bot) -> None:
    url = response_url(bot)
    replies = [url.send(text=f"use {number}") for number in range(1, 7)]

    assert [reply.status_code for reply in replies] == [200] * 5 + [404]
    assert replies[-1].body == "used_url"
    assert seen(bot.sandbox, LOUNGE, ALICE.id, "use 5").ephemeral_to == ALICE.id
    assert seen(bot.sandbox, LOUNGE, ALICE.id, "use 6") is None


def test_it_speaks_to_the_channel_when_told_to(bot: Bot) -> None:
    response_url(bot).send(text="hear, hear", response_type="in_channel")
    assert seen(bot.sandbox, LOUNGE, BOB.id, "hear, hear").ephemeral_to is None


def test_it_replaces_and_deletes_its_first_answer(bot: Bot) -> None:
    url = response_url(bot)
    url.send(text="first draft")
    url.send(text="second draft", replace_original=True)
    assert seen(bot.sandbox, LOUNGE, ALICE.id, "first draft") is None
    assert seen(bot.sandbox, LOUNGE, ALICE.id, "second draft") is not None

    url.send(delete_original=True)
    assert seen(bot.sandbox, LOUNGE, ALICE.id, "second draft") is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"text": "x" * 40_001}, "msg_too_long"),
    ],
)
def test_it_refuses_what_slack_would_not_show(bot: Bot, body: dict, error: str) -> None:
    reply = response_url(bot).send_dict(body)
    assert (reply.status_code, reply.body) == (400, error)


def test_it_ends_after_thirty_minutes() -> None:
    now = 0.0
    responses = Responses(Workspace(), clock=lambda: now)
    ticket = responses.open(LOUNGE, ALICE.id)

    now = 30 * 60
    assert responses.use(ticket, {"text": "just in time"}) is None
    now += 1
    assert responses.use(ticket, {"text": "too late"}) == Refused("expired_url")
    assert responses.use("never given out", {"text": "guess"}) == Refused("expired_url")
