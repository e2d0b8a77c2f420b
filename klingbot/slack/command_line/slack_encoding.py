"""Slack's encoding of what people write, turned back into what they saw. Pure.

Slack escapes `&`, `<` and `>`, and puts everything that it links between angle brackets: `<@U1|bob>`, `<#C1|finance>`,
`<!here>`, `<https://x.com|x.com>`, `<tel:555|555>` (Slack's docs, "Formatting text for app surfaces"). Emoji are names.
Each text is decoded once: what it says after that is what somebody typed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from klingbot.slack.command_line.emoji_names import with_emoji

_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
LINKED = r"<(?:[@#!]|[A-Za-z][A-Za-z0-9+.-]*:)[^<>]*>"
"""What Slack has put between angle brackets: people type none, Slack escapes theirs."""
_ENCODED = re.compile(
    r"<(?P<sigil>[@#!]|[A-Za-z][A-Za-z0-9+.-]*:)(?P<target>[^<>|]*)(?:\|(?P<label>[^<>]*))?>"
    r"|<[^<>|\s]+\|(?P<unknown>[^<>|]+)>"
    r"|(?P<address>https?://[^\s<>]+)"
    r"|&(?:amp|lt|gt);"
)
_UNNAMED = ("mailto:", "tel:", "sms:", "callto:")
"""What such a link leads to is shown without its scheme."""
_BROADCASTS = frozenset({"here", "channel", "everyone", "group"})

# Kept: newline and tab. Lone surrogates go too: no database can keep them as UTF-8, nor PostgreSQL a NUL.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Characters of other categories that show nothing on their own: fillers, a blank Braille cell, variation selectors."""
_EDGES = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unseen marks that copied text brings along. At the ends of a text, joiners of letters and emoji join nothing."""
_SPACES = "".join(filter(str.isspace, map(chr, range(0x3001))))
_VARIATIONS = "".join(map(chr, range(0xFE00, 0xFE10)))
_BARE = _SPACES + _EDGES + _VARIATIONS


def clean(text: str) -> str:
    """Return the text without control characters, line ends as newlines."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def trimmed(text: str) -> str:
    """Return the text without the spaces and unseen marks at its ends."""
    text = text.lstrip(_BARE).rstrip(_SPACES + _EDGES)
    shorter = text.rstrip(_BARE)
    end = len(shorter)
    while text[end : end + 1] in _VARIATIONS and end < len(text):  # these belong to the character before them
        end += 1
    return text[:end]


def unescape(text: str) -> str:
    """Return `&amp; &lt; &gt;` as the person typed them."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)


def plain(text: str) -> str:
    """Return the text as the person saw it: with emoji, and with people and channels as bare `@bob` and `#finance`."""
    pieces, position = [], 0
    for match in _ENCODED.finditer(text):
        pieces += [with_emoji(text[position : match.start()]), _seen(match)]
        position = match.end()
    return "".join([*pieces, with_emoji(text[position:])])


def tidy(text: str) -> str:
    """Return the text as it was seen, on one line, spaces made single."""
    return " ".join(plain(text).split())


def is_blank(text: str) -> bool:
    """Return whether there is nothing to see: spaces, zero-width marks, nothing at all."""
    return all(unicodedata.category(each) in _UNSEEN_CATEGORIES for each in _UNSEEN.sub("", text))


def _seen(match: re.Match[str]) -> str:
    match match.lastgroup:
        case None:
            return unescape(match[0])
        case "address":
            return unescape(match["address"])
        case "unknown":
            return _label(match["unknown"])
    sigil, target, label = match["sigil"], match["target"], _label(match["label"] or "")
    if sigil in ("@", "#"):
        return str(sigil + (label.removeprefix(sigil) or target))
    if sigil == "!":
        return _special(target, label)
    return label or unescape(target if sigil.lower() in _UNNAMED else sigil + target)


def _label(text: str) -> str:
    return with_emoji(unescape(text))


def _special(target: str, label: str) -> str:
    """Return what `<!here>`, `<!subteam^S1|@design>` or `<!date^1392734382^{date}|Feb 18, 2014>` shows."""
    kind, _, rest = target.partition("^")
    if kind in _BROADCASTS:
        return f"@{kind}"
    if kind == "date":
        return label or _day(rest)
    name = label or target.rpartition("^")[2]
    return f"@{name.removeprefix('@')}" if kind == "subteam" or not label else label


def _day(stamp: str) -> str:
    """Return the day of a date that came without the words that Slack asks for."""
    seconds = stamp.partition("^")[0]
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d}" if re.fullmatch(r"\d{1,10}", seconds) else ""
