"""Slash commands over Socket Mode, with a real Bolt app at the other end."""

import json
import time
from collections.abc import Sequence

import pytest
from slack_sdk.errors import SlackApiError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import ALICE, APP_ID, BOB, BOT_USER_ID, SLACKBOT_ID, TEAM_ID
from tests.sandbox.bolt_bot import Bot, eventually, seen, socket_url

GENERAL, LOUNGE, BOBS_DM = "C0GENERAL1", "C0LOUNGE01", "D0BOB00001"


def test_an_acknowledgement_is_shown_to_the_caller_alone(bot: Bot) -> None:
    bot.on_command = lambda ack, **_: ack("for your eyes")
    bot.sandbox.send(ALICE.id, GENERAL, "/kling help")

    message = eventually(lambda: seen(bot.sandbox, GENERAL, ALICE.id, "for your eyes"))
    assert message.user == BOT_USER_ID
    assert message.ephemeral_to == ALICE.id
    assert seen(bot.sandbox, GENERAL, BOB.id, "for your eyes") is None


def test_an_acknowledgement_in_channel_is_shown_to_everyone(bot: Bot) -> None:
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "News"}}]
    bot.on_command = lambda ack, **_: ack("for all", blocks=blocks, response_type="in_channel")
    bot.sandbox.send(ALICE.id, GENERAL, "/kling help")

    message = eventually(lambda: seen(bot.sandbox, GENERAL, BOB.id, "for all"))
    (block,) = message.blocks
    assert block == {**blocks[0], "block_id": block["block_id"]}


def test_an_empty_acknowledgement_shows_nothing(bot: Bot) -> None:
    before = bot.sandbox.workspace.messages(GENERAL, ALICE.id)
    bot.sandbox.send(ALICE.id, GENERAL, "/kling help")
    eventually(lambda: bot.heard)
    bot.on_command = lambda ack, **_: ack("after the silence")
    bot.sandbox.send(ALICE.id, GENERAL, "/kling help")
    eventually(lambda: seen(bot.sandbox, GENERAL, ALICE.id, "after the silence"))

    assert len(bot.sandbox.workspace.messages(GENERAL, ALICE.id)) == len(before) + 1


def test_the_bot_gets_what_slack_would_send(bot: Bot) -> None:
    bot.sandbox.send(BOB.id, BOBS_DM, "/kling   budget set @alice <1 & https://a.b/?c&d ")
    (command,) = eventually(lambda: bot.heard)

    assert command["text"] == "budget set <@U0ALICE001|alice> &lt;1 &amp; <https://a.b/?c&amp;d>"
    assert command["channel_name"] == "directmessage"
    assert (command["user_id"], command["user_name"]) == (BOB.id, "bob")
    assert (command["team_id"], command["api_app_id"]) == (TEAM_ID, APP_ID)
    assert command["response_url"].startswith(f"{bot.sandbox.url}/response/")


def test_every_command_has_its_own_trigger_and_a_redelivered_one_keeps_it(bot: Bot) -> None:
    bot.sandbox.send(ALICE.id, GENERAL, "/kling one")
    bot.sandbox.send(ALICE.id, GENERAL, "/kling two")
    eventually(lambda: len(bot.heard) == 2)
    bot.sandbox.slack.redeliver(times=3)
    eventually(lambda: len(bot.heard) == 5)

    triggers = {command["text"]: set() for command in bot.heard}
    for command in bot.heard:
        triggers[command["text"]].add(command["trigger_id"])
    assert [len(each) for each in triggers.values()] == [1, 1]
    assert triggers["one"] != triggers["two"]


@pytest.mark.slow
def test_a_command_not_acked_within_three_seconds_shows_slacks_timeout_text_and_ignores_the_late_ack(
    bot: Bot,
) -> None:
    late_acks = []

    def dawdle(ack, **_):
        time.sleep(4)
        late_acks.append(ack("too late"))

    bot.on_command = dawdle
    started = time.monotonic()
    bot.sandbox.send(ALICE.id, GENERAL, "/kling generate a cat")
    failed = '/kling failed with the error "operation_timeout"'
    message = eventually(lambda: seen(bot.sandbox, GENERAL, ALICE.id, failed))

    assert time.monotonic() - started > 2.9
    assert (message.user, message.ephemeral_to) == (SLACKBOT_ID, ALICE.id)
    eventually(lambda: late_acks)
    time.sleep(0.2)
    assert seen(bot.sandbox, GENERAL, ALICE.id, "too late") is None


def test_a_command_with_no_bot_connected_fails_to_dispatch(sandbox: Sandbox) -> None:
    sandbox.send(ALICE.id, GENERAL, "/kling help")
    eventually(lambda: seen(sandbox, GENERAL, ALICE.id, '/kling failed with the error "dispatch_failed"'))


def test_a_command_that_the_manifest_lacks_is_no_command(bot: Bot) -> None:
    bot.sandbox.send(ALICE.id, GENERAL, "/klingon help")
    message = eventually(lambda: seen(bot.sandbox, GENERAL, ALICE.id, "/klingon is not a valid command."))
    assert message.ephemeral_to == ALICE.id
    assert bot.heard == []


def test_an_acknowledgement_with_bad_blocks_shows_a_failure(bot: Bot) -> None:
    bot.on_command = lambda ack, **_: ack("never shown", blocks=[{"type": "nonsense"}])
    bot.sandbox.send(ALICE.id, GENERAL, "/kling help")

    eventually(lambda: seen(bot.sandbox, GENERAL, ALICE.id, '/kling failed with the error "invalid_blocks"'))
    assert seen(bot.sandbox, GENERAL, ALICE.id, "never shown") is None


def test_where_the_bot_is_no_member_it_can_respond_but_not_say(bot: Bot) -> None:
    errors = []

    def try_both(ack, say, respond, **_):
        ack()
        try:
            say("said")
        except SlackApiError as refusal:
            errors.append(refusal.response["error"])
        respond("responded")

    bot.on_command = try_both
    bot.sandbox.send(BOB.id, LOUNGE, "/kling help")

    message = eventually(lambda: seen(bot.sandbox, LOUNGE, BOB.id, "responded"))
    assert message.ephemeral_to == BOB.id
    assert errors == ["not_in_channel"]


def test_plain_text_is_a_message_and_no_command(bot: Bot) -> None:
    bot.sandbox.send(ALICE.id, GENERAL, " /kling is nice, @bob")
    assert seen(bot.sandbox, GENERAL, BOB.id, "/kling is nice, <@U0BOB00001>") is not None
    assert bot.heard == []


def test_the_bot_comes_back_when_slack_asks_it_to_reconnect(bot: Bot) -> None:
    bot.on_command = lambda ack, **_: ack("back again")
    bot.sandbox.slack.ask_to_reconnect()
    eventually(lambda: len(bot.sandbox.calls.seen("apps.connections.open")) >= 2)
    bot.sandbox.send(ALICE.id, GENERAL, "/kling help")

    eventually(lambda: seen(bot.sandbox, GENERAL, ALICE.id, "back again"))


def _all_that_came(connections: Sequence[ClientConnection], *, at_least: int) -> list[dict]:
    """Until so many came and no more follow."""
    received: list[dict] = []
    quiet = 0
    deadline = time.monotonic() + 30
    while len(received) < at_least or quiet < len(connections):
        assert time.monotonic() < deadline, f"{len(received)} came"
        quiet = 0
        for connection in connections:
            try:
                received.append(json.loads(connection.recv(timeout=0.2)))
            except TimeoutError:
                quiet += 1
    return received


def test_an_envelope_goes_to_exactly_one_of_two_connections(sandbox: Sandbox) -> None:
    with connect(socket_url(sandbox)) as one, connect(socket_url(sandbox)) as other:
        assert [json.loads(each.recv())["type"] for each in (one, other)] == ["hello", "hello"]
        for _ in range(12):
            sandbox.send(ALICE.id, GENERAL, "/kling help")
        came = [message["envelope_id"] for message in _all_that_came((one, other), at_least=12)]

    assert len(set(came)) == len(came) == 12


def test_a_ticket_opens_one_connection(sandbox: Sandbox) -> None:
    url = socket_url(sandbox)
    with connect(url), pytest.raises(InvalidStatus):
        connect(url)
