"""Typed text in plain ASCII marks, without characters that cannot be seen, as the parser reads it. Pure.

Phones, East Asian keyboards and copied text bring other dashes, digits, spaces and quotes than an English keyboard, and
marks of no width. Options are read from the folded text. Prompts are cut out of the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from klingbot.slack.command_line.command_usage import FLAGS_OF, SWITCHES

_HYPHENS = "\u02d7\u058a\u05be\u1400\u1806\u2010\u2011\u2043\u207b\u208b\u2212\u2796\u2e1a\u2e40\ufe63\uff0d"
_DASHES = "\u2012\u2013\u2014\u2015\u2e3a\u2e3b\ufe31\ufe32\ufe58"
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that look like a space."""
_OTHERS = {
    **dict.fromkeys(_HYPHENS, "-"),
    **dict.fromkeys(_DASHES, "—"),
    **dict.fromkeys(_BLANKS, " "),
    **dict.fromkeys("、،﹐﹑､", ","),
    **dict.fromkeys("؛﹔", ";"),
    **dict.fromkeys("。｡٫", "."),
    **dict.fromkeys("∶꞉ː﹕", ":"),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("✕✖⨯", "x"),
    **dict.fromkeys("″‟〝❝", "“"),
    **dict.fromkeys("〞〟❞", "”"),
    **dict.fromkeys("‛❛", "‘"),
    **dict.fromkeys("❜ʼ", "’"),
    **dict.fromkeys("｢", "「"),
    **dict.fromkeys("｣", "」"),
    "٪": "%",
    "٬": ",",
}
_SLACKS_OWN = frozenset("<>&|")
"""A full-width bracket must not become one that only Slack can write."""
_SOFT_HYPHEN = "\u00ad"
_NAMES = "|".join(sorted(SWITCHES.union(*FLAGS_OF.values())))
_SOFT_FLAG = re.compile(rf"(?<![\w\u00ad-])[\u00ad-]{{1,6}}+\s?({_NAMES})(?!\w)", re.IGNORECASE)
"""A soft hyphen before an option's name was copied from where a hyphen was."""
_UNSEEN = "\u034f\u17b4\u17b5"


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as the parser reads it, and where each of its characters stands in the original."""

    text: str
    original: str
    places: Sequence[int]
    """One for every character of `text`, and one more for its end."""

    def cut(self, start: int, end: int) -> str:
        """Return the stretch of the original that `text[start:end]` stands for."""
        return self.original[self.places[start] : self.places[end]]


def fold(text: str) -> Folded:
    """Return the text as the parser reads it. What is plain ASCII stays as it is."""
    if text.isascii():
        return Folded(text, text, range(len(text) + 1))
    kept = [(folded, place) for place, each in enumerate(text) if (folded := _folded(each))]
    if _SOFT_HYPHEN in text:
        kept = _without_soft_hyphens(kept)
    return Folded("".join(each for each, _ in kept), text, [*(place for _, place in kept), len(text)])


def _without_soft_hyphens(kept: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Make hyphens of those that were copied with an option, and leave the others out."""
    text = "".join(each for each, _ in kept)
    hyphens = {at for flag in _SOFT_FLAG.finditer(text) for at in range(flag.start(), flag.start(1))}
    hard = [("-" if at in hyphens and each == _SOFT_HYPHEN else each, place) for at, (each, place) in enumerate(kept)]
    return [(each, place) for each, place in hard if each != _SOFT_HYPHEN]


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """Return what the parser reads instead: one character, or none for what is not seen."""
    if character.isascii() or character == _SOFT_HYPHEN:
        return character
    if other := _OTHERS.get(character):
        return other
    if character.isspace():
        return " "
    if _is_unseen(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    normal = unicodedata.normalize("NFKC", character)
    return normal if len(normal) == 1 and normal.isascii() and normal not in _SLACKS_OWN else character


def _is_unseen(character: str) -> bool:
    is_variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return is_variation or character in _UNSEEN or unicodedata.category(character) == "Cf"
