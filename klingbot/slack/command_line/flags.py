"""Flags among the words of a command: which words are theirs, and whether the command can use them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from klingbot.common.typo_suggestions import did_you_mean
from klingbot.slack.command_line import value_lists
from klingbot.slack.command_line.command_usage import EXAMPLES, FLAGS_OF, LISTS, OTHER_NAMES, SWITCHES, VIDEO_OPTIONS
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.tokenizer import Word, is_blank, plain, tidy
from klingbot.slack.command_line.value_lists import one_word
from klingbot.slack.command_line.values import ON_OFF

_SECONDS = frozenset({"s", "sec", "secs", "seconds"})
_OTHER_UNITS = frozenset({"ms", "m", "min", "mins", "minute", "minutes", "h", "hour", "hours", "frames"})

# A negative prompt is measured later, without its escapes.
_LONGEST_VALUE = {"negative": 30_000, "image": 2_000, "reason": 500, **dict.fromkeys(LISTS, 3_000)}
_LONGEST_OTHER = 100


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it was given, and the stretch of text that it and its value take up."""

    name: str
    value: Word | None
    start: int
    end: int
    unclear: bool = False
    """A switch whose `on` or `off` may just as well be the prompt's next word."""
    loose: tuple[Word, ...] = ()
    """For a flag that takes a list: words after it that may belong to the list or stand for themselves."""


def sort(words: list[Word]) -> tuple[list[Word], list[Flag]]:
    """Return the bare words, and the flags with their values."""
    bare: list[Word] = []
    flags: list[Flag] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word.flag is None:
            bare.append(word)
            index += 1
            continue
        own = words[index : index + 1 + _values_after(words, index)]
        index += len(own)
        flags.append(
            _flag(own, words[index : index + 1], value_lists.loose(words, index) if word.flag in LISTS else ())
        )
    return bare, flags


def _flag(own: list[Word], after: list[Word], loose: tuple[Word, ...]) -> Flag:
    word, value = own[0], one_word(own[1:])
    followed = bool(after) and after[0].flag is None
    unclear = followed and word.flag in SWITCHES and value is not None and not word.joined
    assert word.flag is not None
    return Flag(word.flag, value, word.start, own[-1].end, unclear, loose if value else ())


def _values_after(words: list[Word], index: int) -> int:
    """Return how many words after the flag at `index` are its own: none, its value, a value and a unit, a list."""
    flag, after = words[index], words[index + 1 : index + 3]
    if not flag.joined and not _takes(flag, after[:1]):
        return 0
    if flag.flag in LISTS:
        return value_lists.joined(words, index + 1)
    return 2 if flag.flag == "duration" and tidy(after[0].text).isdecimal() and _is_unit(after[1:]) else 1


def _is_unit(after: list[Word]) -> bool:
    return bool(after) and not after[0].quoted and after[0].text.lower() in _SECONDS | _OTHER_UNITS


def _takes(flag: Word, after: list[Word]) -> bool:
    """Return whether the next word is the flag's value. A switch takes only a bare `on`, `off`, `yes` or `no`."""
    if not after or after[0].flag is not None:
        return False
    return flag.flag not in SWITCHES or (not after[0].quoted and after[0].text.lower().rstrip(",;") in ON_OFF)


def complete(words: list[Word], flags: list[Flag], places: int) -> tuple[list[Word], list[Flag]]:
    """Return the command's own words and its flags, once the lists have what belongs to them.

    `places` is how many words of its own the command takes. Raises MistakeError where it is unclear whose a word is.
    """
    loose = [word for flag in flags for word in flag.loose]
    places = max(0, places - sum(word not in loose for word in words))
    taken: list[Word] = []
    completed: list[Flag] = []
    for flag in flags:
        candidates = tuple(word for word in flag.loose if word in words)
        own = candidates[: value_lists.claimed(flag.name, candidates, places)]
        places = max(0, places - len(candidates) + len(own))
        taken += own
        completed.append(_longer(flag, own))
    return [word for word in words if word not in taken], completed


def _longer(flag: Flag, own: tuple[Word, ...]) -> Flag:
    if not own or flag.value is None:
        return flag
    return replace(flag, value=one_word([flag.value, *own]), end=own[-1].end)


def check(command: str, flags: Iterable[Flag]) -> dict[str, Flag]:
    """Return the flags by name: each one known to the command, given once, and with a value where it needs one."""
    given: dict[str, Flag] = {}
    for flag in flags:
        if flag.name not in FLAGS_OF.get(command, ()):
            raise MistakeError(_not_taken(command, flag.name))
        if flag.name in given:
            raise MistakeError(f"--{flag.name} is given twice. Give it once.")
        if flag.name not in SWITCHES:
            _check_value(flag.name, flag.value)
        given[flag.name] = flag
    return given


def _not_taken(command: str, name: str) -> str:
    takes = FLAGS_OF.get(command, ())
    typed = plain(name)[:40]
    known = name in EXAMPLES or name in SWITCHES
    opening = f"{command} does not take --{typed}." if known else f"Unknown flag --{typed}."
    if not takes:
        return f"{opening} Leave it out: {command} takes no flags."
    meant = OTHER_NAMES.get(name)
    hint = f" Did you mean --{meant}?" if meant in takes else did_you_mean(name, takes, "--")
    quote = " Put the prompt in quotes if this belongs to it." if "audio" in takes and not hint else ""
    return f"{opening}{hint}{quote} {command} takes {', '.join(f'--{each}' for each in takes)}."


def _check_value(name: str, value: Word | None) -> None:
    if value is None or is_blank(value.text) or (name in VIDEO_OPTIONS and _is_punctuation(value)):
        raise MistakeError(f"--{name} needs a value, like --{name} {EXAMPLES[name]}.")
    if value.unclosed:
        raise MistakeError(f"The quote after --{name} is never closed. Close it where the value ends.")
    longest = _LONGEST_VALUE.get(name, _LONGEST_OTHER)
    if len(value.text) > longest:
        raise MistakeError(
            f"The value of --{name} is too long: {len(value.text):,} characters, and {longest:,} is the most."
            f" Write it like --{name} {EXAMPLES[name]}."
        )


def _is_punctuation(value: Word) -> bool:
    """Return whether no letter, digit or sign is in it: `=`, `-`, `:`. In quotes it is meant."""
    return not value.mark and all(each == "=" or unicodedata.category(each)[0] == "P" for each in plain(value.text))


def is_on(flag: Flag | None) -> bool:
    """Return whether a switch is on: `--audio`, `--audio=on`. Raises MistakeError."""
    if flag is None or flag.value is None:
        return flag is not None
    typed = flag.value.text.lower().rstrip(",;")
    if typed not in ON_OFF:
        raise MistakeError(f"--{flag.name} is {shown(typed)}. Write --{flag.name}, or --{flag.name}=off for none.")
    if flag.unclear:
        raise MistakeError(
            f"It is unclear whether {shown(typed)} belongs to --{flag.name} or to the prompt."
            f" Write --{flag.name}={typed}, or put --{flag.name} at the end."
        )
    return ON_OFF[typed]
