"""The text of a command as words: what people type, after phones and Slack have had their way with it.

Phones turn `--` into a dash and straight quotes into curly ones. People leave out one of the two hyphens. Every step
here is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from klingbot.slack.command_line.command_usage import FLAGS_OF, SWITCHES
from klingbot.slack.command_line.plain_ascii import Folded, fold
from klingbot.slack.command_line.slack_encoding import LINKED, clean, is_blank, plain, tidy, trimmed, unescape

__all__ = ["Word", "clean", "is_blank", "plain", "split", "tidy", "trimmed", "unescape"]

# A quote may be closed by its partner or, where nobody closes it so, by the next mark of its kin.
_CLOSERS = {
    '"': '"”“',
    "“": '”"“',
    "”": '”"',
    "„": '“”"',
    "'": "'’",
    "‘": "’'",
    "’": "’'",
    "‚": "‘’'",
    "`": "`´'’",
    "´": "´`'",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "「": "」",
    "『": "』",
}
_ANYWHERE = "」』"
"""Marks that close wherever they stand: Japanese puts no space after them."""

_GAP = re.compile(r"\s*")
_REST = re.compile(rf"(?:{LINKED}|\S)*+")
_FLAG = re.compile(r"(?:--+|-*—[-—]*)([^\W\d_][^\s=]*)")
_HELP_FLAG = re.compile(r"(?:-+|-*—[-—]*)([h?])(?!\S)", re.IGNORECASE)
_KNOWN = "|".join(sorted(SWITCHES.union(*FLAGS_OF.values())))
# One hyphen is also how words are joined and numbers made negative: after it, only a flag's whole name is a flag.
_ONE_HYPHEN = re.compile(rf"-({_KNOWN})(?![^\s=])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, still as Slack escaped it, with its quotes taken off.

    A flag is a word of its own: `--duration=5` is the flag `duration`, `joined` to the word `5` that follows it.
    """

    start: int
    end: int
    """Where it stands in what was typed."""
    text: str = ""
    """As options are read: folded."""
    typed: str = ""
    """As it was typed, for what goes to Kling or is shown."""
    mark: str = ""
    """The quote that it begins with, where that is closed."""
    quoted: bool = False  # all of it stood between quotes
    unclosed: bool = False  # it begins with a quote that nothing closes, and keeps it
    flag: str | None = None
    joined: bool = False


def split(text: str) -> list[Word]:
    """Return the words of a command. Quotes group at the start of a word only: the apostrophe of `fox's` is none."""
    folded, absent, found = fold(text), set[str](), list[Word]()
    position = _skip(_GAP, folded.text, 0)
    while position < len(folded.text):
        flag = _flag(folded, position)
        if flag:
            found.append(flag[0])
            position = flag[1]
        if flag is None or flag[0].joined:
            word, position = _word(folded, position, absent)
            found.append(word)
        position = _skip(_GAP, folded.text, position)
    return found


def _flag(folded: Folded, start: int) -> tuple[Word, int] | None:
    """Return the flag that begins there, and where it ends in the folded text."""
    text = folded.text
    match = _HELP_FLAG.match(text, start) or _FLAG.match(text, start) or _ONE_HYPHEN.match(text, start)
    if match is None:
        return None
    joined = text.startswith("=", match.end())
    end = match.end() + joined
    name = "help" if match.re is _HELP_FLAG else match[1].lower()
    return Word(folded.places[start], folded.places[end], flag=name, joined=joined), end


def _word(folded: Folded, start: int, absent: set[str]) -> tuple[Word, int]:
    """Return the word that begins there, and where it ends in the folded text."""
    text, places = folded.text, folded.places
    mark = text[start : start + 1]
    close = _closer(text, start, absent) if mark in _CLOSERS else None
    end = _skip(_REST, text, start if close is None else close + 1)
    if close is None:
        unclosed = mark in _CLOSERS
        return Word(places[start], places[end], text[start:end], folded.cut(start, end), unclosed=unclosed), end
    inside, tail = text[start + 1 : close], text[close + 1 : end]
    typed = folded.cut(start + 1, close) + folded.cut(close + 1, end)
    return Word(places[start], places[end], inside + tail, typed, mark, quoted=not tail), end


def _closer(text: str, start: int, absent: set[str]) -> int | None:
    """Return where the quote that opens at `start` is closed: by a mark that ends a word.

    `absent` gathers the marks known to be missing from the rest of the text, so that no stretch is searched twice.
    """
    for mark in _CLOSERS[text[start]]:
        if mark in absent:
            continue
        match = re.compile(mark if mark in _ANYWHERE else rf"{mark}(?!\w)").search(text, start + 1)
        if match:
            return match.start()
        absent.add(mark)
    return None


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
