"""A person's mistakes: the errors that carry a sentence, and how a sentence names what was typed."""

from __future__ import annotations

from klingbot.slack.command_line.tokenizer import tidy


class UsageError(ValueError):
    """A person's mistake. `sentence` names the problem and the fix, in plain text: whoever shows it escapes it.

    `usage` is the usage line of the command concerned.
    """

    def __init__(self, sentence: str, usage: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.usage = usage


class UnknownCommandError(UsageError):
    """What was typed begins with no command at all."""


class MistakeError(ValueError):
    """The sentence of a UsageError, raised where the command it belongs to is not known."""


def shown(text: str) -> str:
    """What was typed, to be named in a sentence: on one line, at most 40 characters, in quotes."""
    typed = tidy(text[:400])
    return f"“{typed}”" if len(typed) <= 40 else f"“{typed[:39]}…”"
