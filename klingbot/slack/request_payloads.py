"""Payloads of Slack's requests, read from their bytes, bounded and cleaned before anything acts on them. Pure.

Slack signs it, or sends it over the bot's own connection. It may still be odd: text that was cut inside a character, or
a payload of a kind that no documentation shows. Such a payload is refused by itself, and nothing else is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

MOST_FIELDS = 100
"""In a form; a slash command has about fifteen."""
DEEPEST = 60
"""Levels of lists and objects. Rich text in a list in a message in an event has about fifteen."""
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL and halves of characters: no database keeps the first, and nothing can encode the second."""


_NOTHING = object()
_TEXTS = (
    *("type", "command", "text", "user_id", "channel_id", "team_id", "trigger_id", "response_url", "callback_id"),
    *("user.id", "user.team_id", "team.id", "channel.id", "response_urls.*.response_url"),
    *(f"container.{name}" for name in ("type", "channel_id", "message_ts", "thread_ts", "view_id")),
    *(f"message.{name}" for name in ("text", "ts", "thread_ts", "user", "subtype", "bot_id")),
    *(f"view.{name}" for name in ("id", "type", "callback_id", "private_metadata", "hash", "previous_view_id")),
    *(f"view.blocks.*.{name}" for name in ("type", "block_id")),
    *(f"actions.*.{name}" for name in ("type", "action_id", "block_id", "action_ts", "value")),
    *(f"event.{name}" for name in ("type", "text", "ts", "thread_ts", "channel_type", "subtype", "bot_id", "tab")),
    *(f"{where}.files.*.{name}" for where in ("event", "message") for name in ("id", "mimetype")),
    *(f"message.{where}.*.image_url" for where in ("blocks", "attachments")),
    *(f"view.state.values.*.*.{name}" for name in ("type", "value", "selected_users.*", "selected_options.*.value")),
    *(f"view.state.values.*.*.selected_{name}" for name in ("user", "conversation", "date", "time", "option.value")),
    *("actions.*.selected_option.value", "authorizations.*.user_id", "authorizations.*.team_id"),
)
_LISTS = (
    *("actions", "authorizations", "response_urls", "view.blocks", "event.files", "message.files", "message.blocks"),
    *("message.attachments", "view.state.values.*.*.selected_users", "view.state.values.*.*.selected_options"),
)
_OBJECTS = (
    *("container", "message", "view", "view.state", "view.state.values", "view.state.values.*", "event"),
    *("view.state.values.*.*", "view.state.values.*.*.selected_option", "actions.*.selected_option"),
    *(f"{name}.*" for name in _LISTS if not name.endswith("selected_users")),
)
_FIELDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, (str,)),
    **dict.fromkeys(_LISTS, (list,)),
    **dict.fromkeys(_OBJECTS, (dict,)),
    **dict.fromkeys(("user", "team", "channel", "enterprise", "event.user", "event.channel"), (str, dict)),
}
"""What is read, and what it is where it is there at all (docs.slack.dev, the payloads of each kind)."""
_MODAL = ("view.id", "view.callback_id", "view.private_metadata", "view.blocks.*.type", "view.state.values.*.*")
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "command": ("command", "user_id", "channel_id", "trigger_id"),
    "event_callback": ("event.type",),
    "block_actions": ("user.id", "trigger_id", "container.type", "actions.*.action_id", "actions.*.type"),
    "view_submission": ("user.id", "view.type", *_MODAL),
    "view_closed": ("user.id", "view.callback_id"),
    "shortcut": ("user.id", "trigger_id", "callback_id"),
    "message_action": ("user.id", "trigger_id", "callback_id", "message", "channel.id"),
}
"""What cannot be missing, by the payload's type."""


class MalformedError(Exception):
    """A payload that cannot be acted on."""


def from_body(body: bytes, content_type: str) -> Any:
    """Return the payload in a request's body. Raises MalformedError."""
    try:
        text = body.decode()
        if text.startswith("{") or content_type.partition(";")[0].strip().lower() == "application/json":
            return json.loads(text)
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        names = [name for name, _ in fields]
        if len(names) != len(set(names)):
            raise MalformedError("a form with the same field twice")
        form = dict(fields)
        return json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"neither a form nor JSON: {type(error).__name__}") from error


def checked(payload: Any) -> dict[str, Any]:
    """Return a payload whose texts can be kept and whose ids are texts. Raises MalformedError."""
    if not isinstance(payload, dict):
        raise MalformedError(f"a {type(payload).__name__} instead of an object")
    cleaned: dict[str, Any] = _cleaned(payload, DEEPEST)
    for path, kinds in _FIELDS.items():
        for value in _at(cleaned, path.split(".")):
            if value is _NOTHING or (value is None and not path.endswith("*")):
                continue
            if not isinstance(value, kinds):
                raise MalformedError(f"{path} is a {type(value).__name__}")
    for path in _required(cleaned):
        found = list(_at(cleaned, path.split(".")))
        if any(each is None or each is _NOTHING for each in found) or not (found or path.startswith("view.")):
            raise MalformedError(f"a {_kind(cleaned)} without {path}")
    return cleaned


def _required(payload: Mapping[str, Any]) -> Iterator[str]:
    yield from _REQUIRED.get(_kind(payload), ())
    if _kind(payload) == "block_actions" and payload["container"]["type"] == "view":
        yield "view.type"
        yield from _MODAL if payload["view"]["type"] == "modal" else ()


def _cleaned(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return _UNKEEPABLE.sub("\ufffd", value) if _UNKEEPABLE.search(value) else value
    if isinstance(value, float) and not isfinite(value):
        raise MalformedError("a number that is none")
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise MalformedError("objects nested too deeply")
    if isinstance(value, list):
        return [_cleaned(each, levels - 1) for each in value]
    return {_cleaned(name, levels): _cleaned(each, levels - 1) for name, each in value.items()}


def _kind(payload: Mapping[str, Any]) -> str:
    return str(payload.get("type") or ("command" if "command" in payload else ""))


def _at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what is at that path, _NOTHING where it ends before; `*` stands for every item."""
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _at(each, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
    else:
        yield _NOTHING
