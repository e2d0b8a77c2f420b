"""Clicks over Socket Mode, with a real Bolt app at the other end; and what a response_url may do to the message."""

import time
from typing import Any

import pytest
from slack_sdk.webhook import WebhookClient

from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.delivery import Failure
from klingbot.sandbox.slack.payloads import NothingToPressError
from klingbot.sandbox.slack.roster import ALICE, APP_ID, BOB, BOT_USER_ID, TEAM_ID
from klingbot.sandbox.slack.workspace import Message
from tests.sandbox.bolt_bot import Bot, eventually, seen

GENERAL, BOBS_DM, LOUNGE = "C0GENERAL1", "D0BOB00001", "C0LOUNGE01"


def button(action_id: str, value: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": action_id.title()}
    confirm = {"title": text, "text": text, "confirm": text, "deny": text}
    return {"type": "button", "action_id": action_id, "value": value, "text": text, "confirm": confirm}


def asked(sandbox: Sandbox, text: str, *, channel: str = GENERAL, ephemeral_to: str | None = None) -> Message:
    """A message of the bot's with the buttons approve and deny."""
    blocks = [{"type": "actions", "block_id": "choice", "elements": [button("approve", "7"), button("deny", "8")]}]
    return sandbox.workspace.post(channel, BOT_USER_ID, text, blocks=blocks, ephemeral_to=ephemeral_to)


def test_the_bot_gets_what_slack_would_send(bot: Bot) -> None:
    message = asked(bot.sandbox, "Approve this?")
    assert bot.sandbox.click(BOB.id, message, "deny") is None
    (body,) = bot.clicked

    (action,) = body["actions"]
    assert float(action.pop("action_ts")) <= time.time()
    assert action == {
        "type": "button",
        "action_id": "deny",
        "block_id": "choice",
        "value": "8",
        "text": {"type": "plain_text", "text": "Deny"},
    }
    assert body["type"] == "block_actions"
    assert body["user"] == {"id": BOB.id, "username": "bob", "name": "bob", "team_id": TEAM_ID}
    assert body["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": GENERAL,
        "is_ephemeral": False,
    }
    assert (body["message"]["ts"], body["message"]["text"]) == (message.ts, "Approve this?")
    assert (body["api_app_id"], body["team"]["id"], body["state"]) == (APP_ID, TEAM_ID, {"values": {}})
    assert body["channel"] == {"id": GENERAL, "name": "general"}
    assert body["response_url"].startswith(f"{bot.sandbox.url}/response/")


def test_of_an_ephemeral_message_the_bot_gets_the_place_and_not_the_words(bot: Bot) -> None:
    message = asked(bot.sandbox, "for Bob alone", channel=BOBS_DM, ephemeral_to=BOB.id)
    bot.sandbox.click(BOB.id, message, "approve")
    (body,) = bot.clicked

    assert "message" not in body
    assert (body["container"]["is_ephemeral"], body["container"]["message_ts"]) == (True, message.ts)
    assert body["channel"]["name"] == "directmessage"


def test_every_click_has_its_own_trigger_and_its_own_response_url(bot: Bot) -> None:
    message = asked(bot.sandbox, "Approve this?")
    bot.sandbox.click(BOB.id, message, "approve")
    bot.sandbox.click(BOB.id, message, "approve")

    first, second = bot.clicked
    assert first["trigger_id"] != second["trigger_id"]
    assert first["response_url"] != second["response_url"]


def test_replace_original_rewrites_the_clicked_message_for_all(bot: Bot) -> None:
    message = asked(bot.sandbox, "Approve this?", channel=LOUNGE)
    bot.sandbox.click(BOB.id, message, "approve")
    WebhookClient(bot.clicked[0]["response_url"]).send(text="Approved", replace_original=True)

    rewritten = bot.sandbox.workspace.find(LOUNGE, message.ts)
    assert (rewritten.text, rewritten.blocks, rewritten.ephemeral_to) == ("Approved", (), None)
    with pytest.raises(NothingToPressError):
        bot.sandbox.click(ALICE.id, message, "approve")


def test_replace_original_keeps_a_private_message_private(bot: Bot) -> None:
    message = asked(bot.sandbox, "for Bob alone", ephemeral_to=BOB.id)
    bot.sandbox.click(BOB.id, message, "approve")
    url = WebhookClient(bot.clicked[0]["response_url"])
    url.send(text="still for Bob alone", replace_original=True, response_type="in_channel")

    assert bot.sandbox.workspace.find(GENERAL, message.ts).ephemeral_to == BOB.id


def test_an_answer_is_for_the_clicker_alone_and_leaves_the_message_as_it_is(bot: Bot) -> None:
    message = asked(bot.sandbox, "Approve this?")
    bot.sandbox.click(BOB.id, message, "approve")
    WebhookClient(bot.clicked[0]["response_url"]).send(text="not for you to approve", replace_original=False)

    assert seen(bot.sandbox, GENERAL, BOB.id, "not for you to approve").ephemeral_to == BOB.id
    assert bot.sandbox.workspace.find(GENERAL, message.ts) == message


def test_delete_original_takes_the_clicked_message_away(bot: Bot) -> None:
    message = asked(bot.sandbox, "Approve this?")
    bot.sandbox.click(BOB.id, message, "approve")
    WebhookClient(bot.clicked[0]["response_url"]).send_dict({"delete_original": True})

    assert bot.sandbox.workspace.find(GENERAL, message.ts) is None


def test_nobody_presses_what_they_do_not_see(bot: Bot) -> None:
    message = asked(bot.sandbox, "for Bob alone", ephemeral_to=BOB.id)
    for person, action in ((ALICE.id, "approve"), (BOB.id, "explode")):
        with pytest.raises(NothingToPressError):
            bot.sandbox.click(person, message, action)
    assert bot.clicked == []


def test_with_no_bot_connected_a_click_fails_to_dispatch(sandbox: Sandbox) -> None:
    assert sandbox.click(BOB.id, asked(sandbox, "Approve this?"), "approve") is Failure.UNREACHED


@pytest.mark.slow
def test_a_click_not_acked_within_three_seconds_has_timed_out(bot: Bot) -> None:
    bot.on_click = lambda ack, **_: time.sleep(4)
    started = time.monotonic()
    assert bot.sandbox.click(BOB.id, asked(bot.sandbox, "Approve this?"), "approve") is Failure.TIMED_OUT
    assert time.monotonic() - started > 2.9
    eventually(lambda: bot.clicked)
