"""The text of a command as words: what people type, after phones and Slack have had their way with it.

Slack escapes `&`, `<` and `>`, and turns people, channels and links into `<@U1|bob>`, `<#C1|finance>` and
`<https://x.com|x.com>` (Slack's docs, "Formatting text for app surfaces"). Phones turn `--` into a dash and straight
quotes into curly ones. People leave out one of the two hyphens. Every step here is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from klingbot.slack.syntax import FLAGS_OF, SWITCHES

# A quote may be closed by its partner or, where nobody closes it so, by the next mark of its kin.
_CLOSERS = {
    '"': '"”“',
    "“": '”"“',
    "”": '”"',
    "„": '“”"',
    "'": "'’",
    "‘": "’'",
    "«": "»",
    "»": "«",
}
_LONG = "–—―"

_GAP = re.compile(r"\s*")
_ESCAPED = r"<(?:[@#!]|https?:|mailto:)[^<>]*>"
_REST = re.compile(rf"(?:{_ESCAPED}|\S)*+")
_FLAG = re.compile(rf"(?:--+|-*[{_LONG}][-{_LONG}]*)([^\W\d_][^\s=]*)")
_KNOWN = "|".join(sorted(SWITCHES.union(*FLAGS_OF.values())))
# One hyphen is also how words are joined and numbers made negative: after it, only a flag's whole name is a flag.
_ONE_HYPHEN = re.compile(rf"-({_KNOWN})(?![^\s=])", re.IGNORECASE)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_ESCAPE = re.compile(rf"<([@#!]|https?:|mailto:)([^<>|]*)(?:\|([^<>]*))?>|{_ENTITY.pattern}")
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Kept: newline and tab. Lone surrogates go too: no database can keep them as UTF-8, nor PostgreSQL a NUL.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, still as Slack escaped it, with its quotes taken off.

    A flag is a word of its own: `--duration=5` is the flag `duration`, `joined` to the word `5` that follows it.
    """

    start: int
    end: int
    text: str = ""
    quoted: bool = False  # all of it stood between quotes
    unclosed: bool = False  # it begins with a quote that nothing closes, and keeps it
    flag: str | None = None
    joined: bool = False


def clean(text: str) -> str:
    """The text without control characters, line ends as newlines."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def split(text: str) -> list[Word]:
    """The words of a command. Quotes group at the start of a word only: the apostrophe of `fox's` is none."""
    absent: set[str] = set()
    found: list[Word] = []
    position = _skip(_GAP, text, 0)
    while position < len(text):
        flag = _flag(text, position)
        if flag:
            found.append(flag)
        if flag is None or flag.joined:
            found.append(_word(text, flag.end if flag else position, absent))
        position = _skip(_GAP, text, found[-1].end)
    return found


def _flag(text: str, start: int) -> Word | None:
    match = _FLAG.match(text, start) or _ONE_HYPHEN.match(text, start)
    if match is None:
        return None
    joined = text.startswith("=", match.end())
    return Word(start, match.end() + joined, flag=match[1].lower(), joined=joined)


def _word(text: str, start: int, absent: set[str]) -> Word:
    mark = text[start : start + 1]
    close = _closer(text, start, absent) if mark in _CLOSERS else None
    end = _skip(_REST, text, start if close is None else close + 1)
    if close is None:
        return Word(start, end, text[start:end], unclosed=mark in _CLOSERS)
    inside, tail = text[start + 1 : close], text[close + 1 : end]
    return Word(start, end, inside + tail, quoted=not tail)


def _closer(text: str, start: int, absent: set[str]) -> int | None:
    """Where the quote that opens at `start` is closed: by a mark that ends a word.

    `absent` gathers the marks known to be missing from the rest of the text, so that no stretch is searched twice.
    """
    for mark in _CLOSERS[text[start]]:
        if mark in absent:
            continue
        match = re.compile(rf"{mark}(?!\w)").search(text, start + 1)
        if match:
            return match.start()
        absent.add(mark)
    return None


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def unescape(text: str) -> str:
    """`&amp; &lt; &gt;` as the person typed them."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)


def plain(text: str) -> str:
    """The text as the person saw it: entities undone, people and channels as bare `@bob` and `#finance`."""
    return _ESCAPE.sub(_seen, text)


def _seen(match: re.Match[str]) -> str:
    sigil, target, label, entity = match.groups()
    if entity:
        return _ENTITIES[entity]
    label = unescape(label or "")
    if sigil in ("@", "#"):
        return sigil + (label.removeprefix(sigil) or target)
    if sigil == "!":  # <!here>, <!subteam^S1|@design>
        return label or "@" + target.rpartition("^")[2]
    return label or unescape(target if sigil == "mailto:" else sigil + target)


def tidy(text: str) -> str:
    """The same on one line, spaces made single."""
    return " ".join(plain(text).split())


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, zero-width marks, nothing at all."""
    return all(unicodedata.category(character) in _INVISIBLE for character in text)
