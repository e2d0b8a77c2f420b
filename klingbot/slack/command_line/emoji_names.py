"""Emoji as Slack writes them in text, `:fox_face:` and `:wave::skin-tone-3:`, turned into the characters. Pure.

Slack sends emoji by name even where somebody pasted the character. The names are those of iamcal/emoji-data, kept in
`emoji_names.tsv`: the PyPI package `emoji` lacks a quarter of them and has others for eleven. A workspace's own emoji
have no character and stay as typed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_NAMES = Path(__file__).with_name("emoji_names.tsv")
_MORE_NAMES = {"simple_smile": "slightly_smiling_face"}
"""Slack's own, beside those of emoji-data."""

_CODE = re.compile(r":([a-z0-9_+'-]{1,80}):(?::skin-tone-([1-6])(?:-([1-6]))?:)?")
_TONES = {"2": "\U0001f3fb", "3": "\U0001f3fc", "4": "\U0001f3fd", "5": "\U0001f3fe", "6": "\U0001f3ff"}
_VARIATION = "\ufe0f"
_SPACELESS = "\u0e00"
"""From here on, roughly, scripts write words without spaces between them, and an emoji stands between two letters."""


class _Emoji(NamedTuple):
    character: str
    toned: str
    """Where a skin tone goes: empty, `A`, or the sequence with A and B for two people."""


def with_emoji(text: str) -> str:
    """Return the text with the emoji that Slack names in it as characters.

    Colons that belong to something else stay: `10:30:45`, `a:b:c`, `16:9`, unknown names.
    """
    if text.count(":") < 2:
        return text
    pieces, position = [], 0
    while match := _CODE.search(text, position):
        emoji = _emoji().get(match[1])
        if emoji and not _is_a_word(match[1], *_neighbours(text, match)):
            pieces += [text[position : match.start()], _toned(emoji, match[2], match[3])]
            position = match.end()
        else:  # its second colon may be the first of another
            pieces.append(text[position : match.end(1)])
            position = match.end(1)
    return "".join([*pieces, text[position:]])


@cache
def _emoji() -> dict[str, _Emoji]:
    """Every emoji by each of its names. Read when the first name is met: it takes some milliseconds."""
    found: dict[str, _Emoji] = {}
    for line in _NAMES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            names, code, toned = [*line.split("\t"), ""][:3]
            emoji = _Emoji(_characters(code), toned if toned in ("", "A") else _characters(toned))
            found |= dict.fromkeys(names.split(), emoji)
    return found | {name: found[meant] for name, meant in _MORE_NAMES.items()}


def _characters(code: str) -> str:
    return "".join(part if part in "AB" else chr(int(part, 16)) for part in code.split("-"))


def _neighbours(text: str, match: re.Match[str]) -> tuple[str, str]:
    start, end = match.span()
    return text[max(0, start - 1) : start], text[end : end + 1]


def _is_a_word(name: str, before: str, after: str) -> bool:
    """Return whether the name between two colons is a part of something else, like `b` in `a:b:c`."""
    left, right = _is_glued(before), _is_glued(after)
    if len(name) == 1:
        return left or right
    if not any(character.isalpha() for character in name):
        return before.isdigit() or after.isdigit() or (left and right)
    return left and right and "_" not in name and "-" not in name


def _is_glued(neighbour: str) -> bool:
    return neighbour.isalnum() and neighbour < _SPACELESS


def _toned(emoji: _Emoji, first: str | None, second: str | None) -> str:
    tone, other = _TONES.get(first or "", ""), _TONES.get(second or first or "", "")
    if not tone or not emoji.toned:
        return emoji.character
    base, rest = emoji.character[0], emoji.character[1:]
    if emoji.toned == "A" or (tone == other and len(emoji.character) == 1):
        return base + tone + rest.removeprefix(_VARIATION)
    return emoji.toned.replace("A", tone).replace("B", other)
