"""Events: who hears of what, as Slack words it, and again while nobody acknowledges it."""

import asyncio
import json
from typing import Any

import pytest
from websockets.sync.client import connect

from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.delivery import Acked, Failure, Retry
from klingbot.sandbox.slack.events import AGAIN_SECONDS, Events, told_of
from klingbot.sandbox.slack.roster import ALICE, BOB, BOT_USER_ID
from klingbot.sandbox.slack.workspace import Change, Workspace
from klingbot.slack import manifest
from klingbot.slack.manifest import Manifest
from tests.sandbox.bolt_bot import Bot, eventually, socket_url

GENERAL, LOUNGE, ALICES_DM = "C0GENERAL1", "C0LOUNGE01", "D0ALICE001"
MENTION = f"<@{BOT_USER_ID}> budget"


def told(channel: str, user: str, text: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    """What there is to hear of somebody saying something."""
    workspace = Workspace()
    return list(told_of(Change("posted", workspace.post(channel, user, text, **more)), workspace))


def test_a_mention_is_told_where_the_bot_is_a_member() -> None:
    [(name, event)] = told(GENERAL, BOB.id, MENTION, thread_ts="1.2")
    assert name == event["type"] == "app_mention"
    assert event["user"] == BOB.id and event["channel"] == GENERAL and event["text"] == MENTION
    assert event["ts"] == event["event_ts"] and event["thread_ts"] == "1.2"
    assert told(LOUNGE, BOB.id, MENTION) == []


@pytest.mark.parametrize(
    ("user", "text", "more"),
    [
        (BOB.id, "budget, klingbot", {}),
        (BOB.id, f"<@{BOT_USER_ID}X> budget", {}),
        (BOT_USER_ID, MENTION, {}),
        (BOB.id, MENTION, {"ephemeral_to": BOB.id}),
    ],
)
def test_what_is_no_mention_is_not_told(user: str, text: str, more: dict[str, Any]) -> None:
    assert told(GENERAL, user, text, **more) == []


def test_in_direct_messages_everything_is_told_also_what_the_bot_says_and_changes() -> None:
    [(name, asked)] = told(ALICES_DM, ALICE.id, MENTION)
    assert (name, asked["type"], asked["channel_type"], "bot_id" in asked) == ("message.im", "message", "im", False)
    [(_, answered)] = told(ALICES_DM, BOT_USER_ID, "40 credits left")
    assert answered["bot_id"] and answered["user"] == BOT_USER_ID
    workspace = Workspace()
    message = workspace.post(ALICES_DM, BOT_USER_ID, "waiting")
    [(_, changed)] = told_of(Change("updated", message), workspace)
    assert (changed["subtype"], changed["message"]["text"], "user" in changed) == ("message_changed", "waiting", False)
    [(_, deleted)] = told_of(Change("deleted", message), workspace)
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", message.ts)


class Way:
    """A way over that fails as often as it is told to, and notes what it was given."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.took: list[tuple[str, Retry | None]] = []

    async def __call__(self, kind: str, payload: dict[str, Any], retry: Retry | None = None) -> Acked | Failure:
        self.took.append((payload["event_id"], retry))
        return self.failures.pop(0) if self.failures else Acked(None)


def deliver(way: Way, declared: Manifest | None = None) -> Failure | None:
    """One event over that way, and everything that comes of it."""

    async def told() -> Failure | None:
        events = Events(Workspace(), declared or manifest.read(), way, again_seconds=(0.0,) * len(AGAIN_SECONDS))
        outcome = await events.tell("app_mention", {"type": "app_mention"})
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return outcome

    return asyncio.run(told())


def test_an_event_that_is_acknowledged_is_delivered_once() -> None:
    way = Way()
    assert deliver(way) is None
    assert len(way.took) == 1


def test_an_event_that_is_not_acknowledged_comes_again_unchanged_with_the_attempt_and_the_reason() -> None:
    way = Way(Failure.TIMED_OUT, Failure.UNREACHED)
    assert deliver(way) is Failure.TIMED_OUT
    [(event_id, first), *again] = way.took
    assert first is None
    assert again == [(event_id, Retry(1, Failure.TIMED_OUT)), (event_id, Retry(2, Failure.UNREACHED))]


def test_after_three_more_tries_it_is_given_up() -> None:
    way = Way(*[Failure.TIMED_OUT] * 9)
    deliver(way)
    assert [retry.attempt for _, retry in way.took if retry] == [1, 2, 3]


def test_without_the_scope_or_the_subscription_nothing_is_told() -> None:
    whole = manifest.read()
    for lacking in (
        Manifest(("chat:write",), whole.commands, events=whole.events),
        Manifest(whole.scopes, whole.commands, events=("app_home_opened",)),
    ):
        way = Way()
        assert deliver(way, lacking) is None
        assert way.took == []


@pytest.mark.slow
def test_over_the_socket_an_event_that_nobody_acknowledges_comes_again_after_three_seconds(sandbox: Sandbox) -> None:
    with connect(socket_url(sandbox)) as connection:
        assert json.loads(connection.recv())["type"] == "hello"
        sandbox.send(ALICE.id, GENERAL, "@klingbot budget")
        first = json.loads(connection.recv(timeout=20))
        assert first["payload"]["event"]["text"] == MENTION
        assert (first["type"], first["retry_attempt"], first["retry_reason"]) == ("events_api", 0, "")
        again = json.loads(connection.recv(timeout=20))
    assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
    assert again["payload"]["event_id"] == first["payload"]["event_id"]
    assert again["envelope_id"] != first["envelope_id"]


def test_a_real_bolt_app_hears_a_mention_once_when_it_acknowledges(bot: Bot) -> None:
    bot.sandbox.send(ALICE.id, GENERAL, "@klingbot budget")
    [event] = eventually(lambda: bot.events)
    assert event["user"] == ALICE.id
