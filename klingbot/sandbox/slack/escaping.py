"""How Slack writes down what a person typed: mentions and links in angle brackets, the rest escaped."""

import re
from collections.abc import Iterable

from klingbot.sandbox.page.emoji import EMOJI
from klingbot.sandbox.slack.workspace import Workspace

_SPECIAL = re.compile(
    r"(?P<link>https?://[^\s<>|\"“”]+)"
    r"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w&])@(?P<person>[\w.-]*\w)"
    r"|(?<![\w&])#(?P<channel>[\w.-]*\w)"
)
_BARE = {character.removesuffix("\ufe0f"): name for name, character in reversed(EMOJI.items())}
_EMOJI = re.compile(f"({'|'.join(map(re.escape, _BARE))})\ufe0f?([\U0001f3fb-\U0001f3ff])?")
"""The emoji that the page draws, with a skin tone."""


def escape(text: str, workspace: Workspace, *, named: bool = True) -> str:
    """As Slack does with `should_escape` (Slack's docs, slash commands), and with messages.

    `@bob` becomes `<@U0BOB00001|bob>` and `#finance` `<#C0FINANCE1|finance>` when there is such a person or
    public channel; links become `<https://…>`, mail addresses `<mailto:…|…>` and emoji their names; `&`, `<` and `>`
    elsewhere become entities. People in messages are not `named`: there it is `<@U0BOB00001>`.
    """
    return "".join(_pieces(text, workspace, named))


def _pieces(text: str, workspace: Workspace, named: bool) -> Iterable[str]:
    end = 0
    for match in _SPECIAL.finditer(text):
        yield _entities(text[end : match.start()])
        yield _bracketed(match, workspace, named)
        end = match.end()
    yield _entities(text[end:])


def _bracketed(match: re.Match[str], workspace: Workspace, named: bool) -> str:
    if link := match["link"]:
        return f"<{_entities(link)}>"
    if mail := match["mail"]:
        return f"<mailto:{mail}|{mail}>"
    name = (match["person"] or match["channel"]).lower()
    if match["person"]:
        person = next((person for person in workspace.people.values() if person.name == name), None)
        label = f"|{name}" if named else ""
        found = person and f"<@{person.id}{label}>"
    else:
        open_channels = (c for c in workspace.channels.values() if not c.is_im and not c.is_private)
        found = next((f"<#{c.id}|{c.name}>" for c in open_channels if c.name == name), None)
    return found or _entities(match[0])


def _entities(text: str) -> str:
    text = _EMOJI.sub(_named_emoji, text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _named_emoji(match: re.Match[str]) -> str:
    """Slack sends every emoji by its name, also one that was pasted."""
    tone = f":skin-tone-{ord(match[2]) - 0x1F3F9}:" if match[2] else ""
    return f":{_BARE[match[1]]}:{tone}"
