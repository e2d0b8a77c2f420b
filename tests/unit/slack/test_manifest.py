"""manifest.yml against the code, both ways: what is declared is answered, and what is answered is declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import yaml

from klingbot.sandbox.slack.api import METHODS
from klingbot.slack import manifest

SLACK = Path(manifest.__file__).parent
DECLARED = yaml.safe_load(manifest.MANIFEST.read_text(encoding="utf-8"))
UPLOADING = {"files_getUploadURLExternal", "files_completeUploadExternal"}
"""What the SDK's `files_upload_v2` calls."""
# What each method of Slack's Web API needs (Slack's docs, per method); those that need nothing are left out.
SCOPES = {
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "files.info": {"files:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
}
EVENTS = DECLARED["settings"]["event_subscriptions"]["bot_events"]
EVENT_SCOPES = {"app_home_opened": set(), "app_mention": {"app_mentions:read"}, "message.im": {"im:history"}}
"""Of all messages only those to the bot itself: it must not be able to read along in channels."""
ADDRESS = "https://klingbot.example.com/slack/events"


def calls() -> Iterator[ast.Call]:
    for path in SLACK.rglob("*.py"):
        yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def listened(kind: str) -> set[str]:
    """The names given to `app.command(…)` and its like."""
    return {
        str(call.args[0].value)
        for call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == kind
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def methods() -> set[str]:
    """The Web API methods that are called or handed on, by Slack's own names."""
    nodes = [node for path in SLACK.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    said = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    said |= {str(node.value).replace(".", "_") for node in nodes if isinstance(node, ast.Constant)}
    said |= UPLOADING if "files_upload_v2" in said else set()
    return {name for name in METHODS if name.replace(".", "_") in said}


def shortcuts(kind: str) -> set[str]:
    return {each["callback_id"] for each in DECLARED["features"]["shortcuts"] if each["type"] == kind}


def test_commands_shortcuts_and_events_are_those_that_are_answered() -> None:
    assert {each["command"] for each in DECLARED["features"]["slash_commands"]} == listened("command")
    assert shortcuts("global") == listened("global_shortcut")
    assert shortcuts("message") == listened("message_shortcut")
    assert {event.partition(".")[0] for event in EVENTS} == listened("event")


def test_interactivity_is_on_for_presses_and_forms_are_answered() -> None:
    answered = {call.func.attr for call in calls() if isinstance(call.func, ast.Attribute)}
    interactive = bool({"action", "view_submission", "global_shortcut", "message_shortcut"} & answered)
    assert DECLARED["settings"]["interactivity"]["is_enabled"] == interactive


def test_the_home_tab_is_on_for_it_is_drawn_and_the_messages_tab_for_answers_come_there() -> None:
    assert "views.publish" in methods()
    assert DECLARED["features"]["app_home"]["home_tab_enabled"]
    assert DECLARED["features"]["app_home"]["messages_tab_enabled"]


def test_scopes_are_those_that_the_called_methods_need() -> None:
    needed = {scope for method in methods() for scope in SCOPES.get(method, ())}
    needed |= {scope for event in EVENTS for scope in EVENT_SCOPES[event]}
    assert set(DECLARED["oauth_config"]["scopes"]["bot"]) == needed | {"commands"}


def test_the_manifest_for_http_mode_says_the_same_but_for_where_to_post() -> None:
    over_http = yaml.safe_load((manifest.MANIFEST.parent / "manifest-http.yml").read_text(encoding="utf-8"))
    wanted = deepcopy(DECLARED)
    for command in wanted["features"]["slash_commands"]:
        command["url"] = ADDRESS
    for posted in (wanted["settings"]["event_subscriptions"], wanted["settings"]["interactivity"]):
        posted["request_url"] = ADDRESS
    wanted["settings"]["socket_mode_enabled"] = False
    assert over_http == wanted


def test_names_are_as_long_as_slack_takes_them() -> None:
    assert len(DECLARED["display_information"]["name"]) <= 35
    assert len(DECLARED["display_information"]["description"]) <= 140
    for each in DECLARED["features"]["shortcuts"]:
        assert len(each["name"]) <= 24 and len(each["description"]) <= 150
    for each in DECLARED["features"]["slash_commands"]:
        assert len(each["command"]) <= 32 and len(each["description"]) <= 2_000 and len(each["usage_hint"]) <= 1_000
