"""Values of options that take several: `80,100`, `80 90`, `@a ,@b`, `kling-v1 and kling-v2`. Pure.

Slack's completion puts a space after each name, so a list comes as several words. A comma or an `and` says that the
next word belongs to it. After a mere space that word may stand for itself: then the command's other words decide, or
the person does.
"""

from __future__ import annotations

import re

from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.tokenizer import Word

_SEPARATORS = (",", ";", "+")
_AND = frozenset({"and", "&amp;", "+"})
_BETWEEN = re.compile(r"[,;]|(?:^|\s)(?:and|&amp;|&|\+)(?:\s|$)|\s(?=@)", re.IGNORECASE)
_LINKED = re.compile(r"(<[^<>]*>)")
_PERSON = re.compile(r"[,;+]*(?:@|<@|[UW][A-Z0-9]{6,}).*")
_ITEMS = {
    "alert": re.compile(r"[\d%,;/+]+"),
    "approvers": _PERSON,
    "people": _PERSON,
    "channels": re.compile(r"[,;+]*(?:#|<#|[CG][A-Z0-9]{8,}).*"),
}
"""What an item looks like, for lists whose items can be told from a project's name."""
_ALSO_SCOPES = frozenset({"approvers"})
"""Lists whose items may be the command's own word as well: a budget may be a person's."""


def items(text: str) -> list[str]:
    """Return the items of a list, still as Slack escaped them. A name after `@` may have spaces in it."""
    found: list[str] = []
    for part in _LINKED.split(text):
        found += [part] if _LINKED.fullmatch(part) else _unlinked_items(part)
    return found


def _unlinked_items(text: str) -> list[str]:
    parts = [part.strip() for part in _BETWEEN.split(text)]
    return [item for part in parts for item in ([part] if part.startswith("@") else part.split())]


def joined(words: list[Word], start: int) -> int:
    """Return how many words from `start` on are one list by their separators. The first is its own in any case."""
    end = start + 1
    while end < len(words) and words[end].flag is None and _is_joined(words[end - 1], words[end]):
        end += 1
    return end - start


def loose(words: list[Word], start: int) -> tuple[Word, ...]:
    """Return the words from `start` to the next flag."""
    end = start
    while end < len(words) and words[end].flag is None:
        end += 1
    return tuple(words[start:end])


def one_word(words: list[Word]) -> Word | None:
    """Return the words as one; None for none."""
    if len(words) < 2:
        return words[0] if words else None
    texts, typed = (" ".join(getattr(word, name) for word in words) for name in ("text", "typed"))
    return Word(words[0].start, words[-1].end, texts, typed, unclosed=any(word.unclosed for word in words))


def claimed(name: str, words: tuple[Word, ...], places: int) -> int:
    """Return how many of the loose words belong to the list `name`, where `places` of them may stand for themselves.

    The list has the first of them. Raises MistakeError where that is unclear.
    """
    if not words or places == 0:
        return len(words)
    item = _ITEMS.get(name)
    if item is None:
        if len(words) == 1:
            return 0
        raise MistakeError(_unclear(name, words[-1]))
    strangers = [index for index, word in enumerate(words) if not item.fullmatch(word.text)]
    if not strangers and name in _ALSO_SCOPES:
        raise MistakeError(_unclear(name, words[-1]))
    return strangers[0] if strangers else len(words)


def _is_joined(before: Word, word: Word) -> bool:
    if word.quoted or before.quoted:
        return False
    texts = before.text.lower(), word.text.lower()
    return texts[0].endswith(_SEPARATORS) or texts[1].startswith(_SEPARATORS) or bool(_AND & set(texts))


def _unclear(name: str, word: Word) -> str:
    return (
        f"It is unclear whether {shown(word.text)} belongs to --{name}. Put a comma before it if it does;"
        f" else write it before --{name}, with the value after that."
    )
