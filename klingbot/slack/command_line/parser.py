"""The text of a `/kling` command → what was asked for, or a UsageError that says what to write instead. Pure.

Two things are decided here and nowhere else:

- A prompt is whatever stands between the command and the flags, as typed. Quotes around the whole of it are taken off;
  other quotes belong to the prompt (a sign that says “OPEN”). What stands in quotes is never a flag.
- A quote that nothing closes is plain text in a prompt. In a flag's value it is a mistake, because the rest of the
  value would slip into the prompt and be paid for. So is what looks like an option in a prompt, see `attempts`.
"""

from __future__ import annotations

from dataclasses import replace

from klingbot.common.typo_suggestions import did_you_mean, nearest, resembled
from klingbot.slack.command_line import flags, help_words, option_lookalikes
from klingbot.slack.command_line.command_usage import ALSO_CALLED, PROMPTED, USAGE
from klingbot.slack.command_line.flags import Flag
from klingbot.slack.command_line.mistakes import MistakeError, UnknownCommandError, UsageError, shown
from klingbot.slack.command_line.parsed_command import Asked, hyphened
from klingbot.slack.command_line.readers import READERS
from klingbot.slack.command_line.tokenizer import Word, clean, is_blank, plain, split, trimmed
from klingbot.slack.command_line.types import Command, Help, Menu

__all__ = ["USAGE", "UsageError", "parse"]

_COMMANDS = [key for key in USAGE if " " not in key]
_BUDGET_WORDS = ["list", "show", "set", "remove", "unlimited"]
_PROJECT_WORDS = ["list", "new", "close"]
"""Projects of these names are written `project:new`."""
_ALERTS_WORDS = ["test", "retry", "quiet"]
_MOST_WORDS = 30
"""How far into a sentence is looked for what it is about."""
_MARKS = "?!.,:;…"


def parse(text: str) -> Command:
    """Return what was asked for. Raise UsageError for anything that is not a whole and valid command."""
    text = clean(text)
    if is_blank(text):
        return Menu()
    bare, given = flags.sort(split(text))
    asks_for_help = any(flag.name == "help" for flag in given)
    if asks_for_help and not bare:
        return Help()
    if bare and (asks_for_help or help_words.is_asked_for(bare)) and (topic := help_words.about(bare)):
        return topic
    command, words = _command(bare)
    try:
        words, given = flags.complete(words, given, places=1)
        own = [replace(word, text=hyphened(word.text)) for word in words]
        asked = Asked(own, flags.check(command, given), _prompt(text, bare[0], words, given))
        if command in PROMPTED:
            option_lookalikes.check(words, given)
        return READERS[command](asked)
    except MistakeError as mistake:
        raise UsageError(str(mistake), USAGE[command]) from None


def _command(bare: list[Word]) -> tuple[str, list[Word]]:
    """Return the command's key in USAGE, and the bare words after it."""
    if not bare:
        raise UsageError("The command is missing. Begin with one; /kling help names them all.", USAGE["help"])
    word, rest = bare[0].text.lower(), bare[1:]
    if word not in _COMMANDS:
        meant = _nearest([each.text.lower().strip(_MARKS) for each in bare[:_MOST_WORDS]])
        hint = f" Did you mean {meant}?" if meant else ""
        sentence = f"Unknown command {shown(bare[0].text)}.{hint} /kling help names them all."
        raise UnknownCommandError(sentence, USAGE[meant or "help"])
    if word == "alerts" and rest:
        return _alerts_command(rest[0].text), rest[1:]
    if word == "project" and rest and rest[0].text.lower() in _PROJECT_WORDS:
        return f"project {rest[0].text.lower()}", rest[1:]
    if word == "digest":
        return _digest_command(rest)
    if word != "budget" or not rest:
        return word, rest
    action = rest[0].text.lower()
    if action not in _BUDGET_WORDS:
        hint = did_you_mean(action, _BUDGET_WORDS, "budget ")
        if len(rest) == 1 and not hint:
            return "budget show", rest
        raise UsageError(
            f"Unknown word {shown(rest[0].text)} after budget.{hint}"
            " Write budget list, or budget show, budget set or budget remove and a scope.",
            USAGE["budget"],
        )
    return ("budget" if action == "list" else f"budget {action}"), rest[1:]


def _nearest(typed: list[str]) -> str | None:
    """The command that the first word is a misspelling of, else what any word stands for."""
    stands_for = {**ALSO_CALLED, **{command: command for command in _COMMANDS}}
    named = sorted((stands_for[word] for word in typed if word in stands_for), key="help".__eq__)  # greetings last
    return resembled(typed[0], _COMMANDS) or next(iter(named), None) or nearest(typed[0], _COMMANDS)


def _alerts_command(typed: str) -> str:
    action = typed.lower()
    if action in _ALERTS_WORDS:
        return f"alerts {action}"
    hint = did_you_mean(action, _ALERTS_WORDS, "alerts ")
    known = "Write alerts alone, or alerts test, alerts retry or alerts quiet."
    raise UsageError(f"Unknown word {shown(typed)} after alerts.{hint} {known}", USAGE["alerts"])


def _digest_command(words: list[Word]) -> tuple[str, list[Word]]:
    """A project that is called list is named with what is wanted of its digest, or as `project:list`."""
    if [word.text.lower() for word in words] == ["list"]:
        return "digest list", []
    if len(words) < 2:
        return "digest list", words
    return ("digest now" if words[1].text.lower() == "now" else "digest"), words


def _prompt(text: str, command: Word, words: list[Word], given: list[Flag]) -> str:
    """Return the text between the command and the flags, without quotes around the whole of it."""
    if len(words) == 1 and words[0].quoted:
        return trimmed(plain(words[0].typed))
    pieces, position = [], 0
    for start, end in sorted([(command.start, command.end), *((flag.start, flag.end) for flag in given)]):
        pieces.append(trimmed(text[position:start]))
        position = end
    pieces.append(trimmed(text[position:]))
    return plain(" ".join(piece for piece in pieces if piece))
