"""Names of people and channels that Slack mentions in messages by id alone, so that a prompt says what was seen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from klingbot.blocks.text import escape
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.context import Desk

_NAMELESS = re.compile(r"<([@#])([A-Z0-9]{2,})\|?>")
_MOST = 10
"""Each costs a question to Slack."""
_LONGEST_SECONDS = 1.0
"""After that no further question is asked: somebody waits, and a form must open within three seconds."""


def with_names(desk: Desk, words: str, seconds: Callable[[], float] = time.monotonic) -> str:
    """Return the words with names beside the ids, as a slash command has them.

    Whom Slack cannot name just now keeps the id.
    """
    until = seconds() + _LONGEST_SECONDS
    names: dict[str, str] = {}
    for sigil, mentioned in dict.fromkeys(_NAMELESS.findall(words[:10_000])):
        if len(names) == _MOST or seconds() > until:
            break
        try:
            name = desk.directory.name(mentioned) if sigil == "@" else desk.directory.channel_name(mentioned)
        except SlackUnavailableError:
            break
        names[mentioned] = f"<{sigil}{mentioned}|{escape(name)}>"
    return _NAMELESS.sub(lambda match: names.get(match[2], match[0]), words)
