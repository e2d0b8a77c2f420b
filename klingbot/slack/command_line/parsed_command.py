"""A command taken apart, and what several commands read from one in the same way. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from klingbot.slack.command_line import people_and_scopes, values
from klingbot.slack.command_line.command_usage import PROSE
from klingbot.slack.command_line.flags import Flag
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.tokenizer import Word, tidy
from klingbot.slack.command_line.types import ScopeRef

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A command taken apart: the bare words after its own name, its flags, and what is left when the flags are cut."""

    words: list[Word]
    flags: dict[str, Flag]
    prompt: str

    def read(self, name: str, reader: Callable[[str], T]) -> T | None:
        """Return the value of a flag, or None where it was not given."""
        flag = self.flags.get(name)
        if flag is None or flag.value is None:
            return None
        return reader(flag.value.typed if name in PROSE else hyphened(flag.value.text).rstrip(",;"))


def hyphened(text: str) -> str:
    """Return the text with hyphens for the dashes that keyboards make of them: `kling–pro`."""
    return text.replace("—", "-")


def period_of(asked: Asked) -> str:
    return asked.read("period", values.period) or "monthly"


def scope_of(words: list[Word]) -> ScopeRef:
    if not words:
        raise MistakeError("The scope is missing. Add workspace, @user or a project's name.")
    only(words, 1)
    return people_and_scopes.scope(words[0].text)


def only(words: list[Word], most: int) -> None:
    if len(words) > most:
        raise MistakeError(f"Unexpected word {shown(words[most].text)}. Leave it out, or give it with its flag.")


def job_id(asked: Asked) -> str:
    if not asked.words:
        raise MistakeError("The job is missing. /kling jobs shows the ids of yours.")
    return values.job_id(asked.words[0].text)


def request_id(asked: Asked) -> str:
    if not asked.words:
        raise MistakeError("The request is missing. Copy its id from the refusal, or from /kling requests.")
    only(asked.words, 1)
    return values.request_id(asked.words[0].text)


def reason_of(asked: Asked) -> str:
    return asked.read("reason", tidy) or ""
