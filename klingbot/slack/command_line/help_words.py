"""Asking for help in the middle of a command: `budget help`, `generate ?`, `cancel -h`. Pure.

Each of these was meant as a question, and must not cancel, set or pay for anything. A prompt may begin with the word:
`generate help me find a fox`.
"""

from __future__ import annotations

import re

from klingbot.slack.command_line.command_usage import PROMPTED, USAGE
from klingbot.slack.command_line.emoji_names import with_emoji
from klingbot.slack.command_line.tokenizer import Word
from klingbot.slack.command_line.types import Help

_SLASHED = ("/h", "/help")
_QUESTION = re.compile("/?!*[?¿؟⁇⁈⁉‽❓❔]+!*")
_SAID_WITH = "?!."


def is_asked_for(bare: list[Word]) -> bool:
    """Return whether the words are a question about the command that they begin with, or about every command."""
    command, words = bare[0], bare[1:]
    name = _name(command)
    if name in ("", "help") or _is_mark(command):
        return all(map(_is_help, words))
    if not words:
        return command.text.endswith("?")
    if name in PROMPTED:
        return _is_mark(words[0]) or (len(words) == 1 and _is_help(words[0]))
    if name == "write-off" and len(words) > 2:  # the rest is its reason
        return _is_help(words[0])
    return any(map(_is_mark, words)) or _is_help(words[0]) or _is_help(words[-1])


def about(bare: list[Word]) -> Help | None:
    """Return help about the command that the words begin with; None where they begin with none."""
    words = [_name(word) for word in bare if not _is_help(word)][:3]
    longest = next((key for length in (3, 2, 1) if (key := " ".join(words[:length])) in USAGE), None)
    if longest or not words or _is_mark(bare[0]):
        return Help(longest)
    return None


def _name(word: Word) -> str:
    return word.text.lower().rstrip(_SAID_WITH)


def _is_help(word: Word) -> bool:
    return _is_mark(word) or (not word.mark and _name(word) == "help")


def _is_mark(word: Word) -> bool:
    """Return whether it is one of the marks that ask for help; Slack sends `:question:` for an emoji."""
    text = with_emoji(word.text.lower())
    return not word.mark and (text in _SLASHED or _QUESTION.fullmatch(text) is not None)
