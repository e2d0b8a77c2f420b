"""Payloads that Slack signs and that are odd all the same: each is refused or answered by itself, and none breaks."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from klingbot.domain.jobs import Request
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine
from klingbot.slack import request_payloads
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.features import generate_form
from klingbot.slack.request_payloads import DEEPEST, MalformedError
from tests.unit.slack.conftest import BOB, BOT, GENERAL, SECRET, TEAM
from tests.unit.slack.filling import as_slack_has_it
from tests.unit.slack.test_transport import post

pytestmark = pytest.mark.backend("sqlite")

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
DEEP = "[" * 100_000
ODD: tuple[Any, ...] = (None, "", "\ud83e \x00", 0, 1e30, True, [], [None], {}, {"id": [1]}, [{}], "x" * 9_000)
GONE = object()


# Bytes.


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", FORM),
        (b"{", JSON),
        (b"not JSON", JSON),
        (b'{"a":' + DEEP.encode(), JSON),
        (DEEP.encode(), JSON),
        (b'{"a": ' + b"9" * 5_000 + b"}", JSON),
        (b"payload=", FORM),
        (b"payload=%7B", FORM),
        (b"payload=" + b"%5B" * 30_000, FORM),
        (b"a=1&a=2", FORM),
        (b"payload=%7B%7D&payload=%7B%7D", FORM),
        (b"&".join(b"f%d=1" % n for n in range(200_000)), FORM),
    ],
)
def test_what_is_neither_a_form_nor_json_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(MalformedError):
        request_payloads.from_body(body, kind)


def test_a_prompt_may_name_a_payload() -> None:
    """Bolt takes every form in which that word occurs for a click."""
    fields = {"command": "/kling", "text": "generate a rocket with its payload"}
    assert request_payloads.from_body(urlencode(fields).encode(), FORM) == fields


def test_what_no_database_keeps_is_replaced_and_everything_else_stays() -> None:
    fields = {"command": "/kling", "user_id": "U1", "channel_id": "C1", "trigger_id": "1", "team_id": "T1"}
    said = json.loads('{"text": "a fox \\ud83e\\udd8a, half \\ud83e, \\u0000 end", "n": [1, 2.5, null, true]}')
    assert request_payloads.checked({**fields, **said}) == {
        **fields,
        "text": "a fox 🦊, half \ufffd, \ufffd end",
        "n": [1, 2.5, None, True],
    }


@pytest.mark.parametrize("payload", [None, [], "text", 1, {"a": float("nan")}, {"a": [float("inf")]}])
def test_what_is_no_object_and_what_is_no_number_is_refused(payload: Any) -> None:
    with pytest.raises(MalformedError):
        request_payloads.checked(payload)


def test_nesting_has_an_end() -> None:
    def nested(levels: int) -> Any:
        return {"type": "bogus", "a": json.loads("[" * levels + "]" * levels)}

    request_payloads.checked(nested(DEEPEST - 1))
    with pytest.raises(MalformedError, match="deep"):
        request_payloads.checked(nested(DEEPEST))


# Every field, one after the other.


def whole(desk: Desk, url: str) -> dict[str, dict[str, Any]]:
    """A payload of each kind, as Slack sends it."""
    person = {"user": {"id": BOB, "team_id": TEAM}, "team": {"id": TEAM}, "trigger_id": "1.2.3"}
    pressed = {"type": "message", "message_ts": "1.2", "channel_id": GENERAL, "thread_ts": "1.1"}
    hook = {"response_url": url, "channel": {"id": GENERAL}}
    form = as_slack_has_it(generate_form.opened(desk, Request("", BOB, "", "", Wish())).view.payload())
    files = [{"id": "F1", "mimetype": "image/png"}]
    said = {"user": BOB, "text": f"<@{BOT}> usage", "ts": "17.1", "thread_ts": "17.0", "team": TEAM, "files": files}
    told = {"type": "event_callback", "team_id": TEAM, "authorizations": [{"user_id": BOT, "is_bot": True}]}
    message = {"text": "a fox", "ts": "1.2", "thread_ts": "1.1", "files": files, "blocks": [{"image_url": "x"}]}
    button = {"type": "button", "action_id": "usage.chart", "block_id": "b", "value": "{}", "action_ts": "1.0"}
    menu = {"type": "static_select", "action_id": "field", "block_id": "model", "action_ts": "1.0"}
    shortcut = {**person, "callback_id": "generate"}
    return {
        "command": {
            **{"command": "/kling", "text": "usage", "user_id": BOB, "channel_id": GENERAL, "trigger_id": "1.2.3"},
            **{"team_id": TEAM, "response_url": url},
        },
        "mention": {**told, "event": {"type": "app_mention", "channel": GENERAL, **said}},
        "direct": {**told, "event": {"type": "message", "channel": "D1", "channel_type": "im", **said}},
        "home": {**told, "event": {"type": "app_home_opened", "user": BOB, "tab": "home"}},
        "click": {"type": "block_actions", **person, **hook, "container": pressed, "actions": [button]},
        "choice": {"type": "block_actions", **person, "container": {"type": "view"}, "view": form, "actions": [menu]},
        "form": {"type": "view_submission", **person, "view": form, "response_urls": []},
        "shortcut": {"type": "shortcut", **shortcut},
        "message": {"type": "message_action", **shortcut, **hook, "message": message}
        | {"callback_id": "generate_from_message"},
    }


def changed(payload: Any) -> Iterator[Any]:
    """The payload with one thing in it gone, or something odd in its place; and the odd things themselves."""
    for path in paths(payload):
        if path[:2] in OWN:
            continue
        for odd in (*ODD, GONE):
            other = copy.deepcopy(payload)
            parent = other
            for step in path[:-1]:
                parent = parent[step]
            if odd is GONE:
                del parent[path[-1]]
            else:
                parent[path[-1]] = odd
            yield other


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield (*before, name)
        yield from paths(each, (*before, name))


OWN = [("view", name) for name in ("blocks", "private_metadata", "title", "submit", "close")]
"""What the bot itself has put into a form: Slack gives it back as it was."""
KINDS = ("command", "mention", "direct", "home", "click", "choice", "form", "shortcut", "message")


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_that_is_odd_or_gone_breaks_anything(
    engine: Engine, directory: Directory, bob: Any, hook: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(engine, directory)
    app = build(desk, token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=SECRET)
    payload = whole(desk, hook.url)[kind]

    async def posted() -> dict[str, int]:
        found: dict[str, int] = {}
        for odd in changed(payload):
            body = urlencode(list(odd.items()), errors="replace") if kind == "command" else json.dumps(odd)
            headers = {**bob.signed(body), "content-type": [FORM if kind == "command" else JSON]}
            found[body] = (await post(app, body.encode(), headers)).status_code
        return found

    answered = asyncio.run(posted())
    app.listener_runner.listener_executor.shutdown()
    assert set(answered.values()) <= {200, 400, 404}, [body for body, status in answered.items() if status >= 500]
    assert {200, 400} <= set(answered.values())
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not Counter((each.getMessage()[:40], str(each.exc_info and each.exc_info[1])) for each in errors)
