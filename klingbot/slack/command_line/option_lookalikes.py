"""Words of a prompt that look like an option: `— duration 10`, `fox--audio`, `-dur 10`. Pure.

Left in the prompt, they would make another video than the one that was wanted, and it would be paid for. So the person
is asked. Quotes around the whole prompt say that it is all prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from klingbot.common.typo_suggestions import nearest
from klingbot.slack.command_line.command_usage import EXAMPLES, OTHER_NAMES, VIDEO_OPTIONS
from klingbot.slack.command_line.emoji_names import with_emoji
from klingbot.slack.command_line.flags import Flag
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.slack_encoding import LINKED
from klingbot.slack.command_line.tokenizer import Word

_NAME = "|".join(VIDEO_OPTIONS)
_LONG = "—ーｰ一─━〜〰~➖"
"""What stands for a dash, on some keyboards."""
_DASH = f"-{_LONG}"
_VALUE = re.compile(
    r"[\"“„'‘]?(?:\d+(?:s|secs?|seconds)?|\d{3,4}p|\dk|\d+[:x×/]\d+|kling\S*|on|off)[\"”’']?[.,;]?", re.IGNORECASE
)
"""What is plainly the value of an option."""

_LINK = re.compile(LINKED)
_DASHES = re.compile(rf"[{_DASH}]+")
_BEGINS_WITH_NAME = re.compile(rf"[{_DASH}]*({_NAME})(?![\w-])(?P<value>[=:]?)", re.IGNORECASE)
_AFTER_DASHES = re.compile(
    rf"(?<![{_DASH}])(?:-{{2,}}+|-*+[{_LONG}][{_DASH}]*+)[\"“”'‘’]?({_NAME})(?![\w-])", re.IGNORECASE
)
_AFTER_ONE_HYPHEN = re.compile(rf"-({_NAME})(?![\w-])(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ALMOST = re.compile(r"[\W_]*([^\W\d_]+(?:-[^\W\d_]+)?)(?:[=:-]?(?P<value>\S+))?", re.IGNORECASE)
_VALUE_ALONE = re.compile(
    rf"[{_DASH}]+(?:(?P<duration>\d+(?:s|secs?|seconds))|(?P<resolution>\d{{3,4}}p|\dk)|(?P<aspect>\d+[:x×/]\d+)"
    rf"|(?P<model>kling-\S+))[.,;]?",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(rf"({_NAME})(?:=|:(?=\d))(?P<value>\S+)", re.IGNORECASE)
_NAMED = re.compile(rf"({_NAME})[:=]?", re.IGNORECASE)
_AFTER_SIGNS = re.compile(rf"(?:[^\w\s]|[\u02c9\u02cd])+({_NAME})(?![\w-])(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
"""A sign that looks like a dash, or stands where one should: `¯duration 10`."""
_IN_QUOTES = re.compile(rf"(?:^|\s)(?:-{{2,}}+|-*+—[-—]*+)\s?({_NAME})(?![\w-])", re.IGNORECASE)
_LONGEST = 200
"""Characters of a word in which an option is looked for."""
_DOUBLE, _SINGLE, _CODE = '"“”„', "'‘’‚", "`´"
_MARKS = f"{_DASH}/_=+•*"
"""What people put before an option, beside dashes."""


def check(prompt: Iterable[Word], given: Iterable[Flag]) -> None:
    """Raise MistakeError for the first thing that looks like an option and would be paid for as prompt."""
    words = list(prompt)
    whole = len(words) == 1
    for index, word in enumerate(words):
        if word.mark:
            _check_quoted(word, whole=whole)
            continue
        if attempt := next(_attempts(*_texts(words[index : index + 3])), None):
            raise MistakeError(_asked(*attempt))
    _check_values(words, given)


def _texts(words: list[Word]) -> list[str]:
    """Return the texts of three words, without Slack's links; empty where there are fewer."""
    return [*(with_emoji(_LINK.sub("", word.text[:_LONGEST])) for word in words), "", ""][:3]


def _attempts(text: str, after: str, then: str) -> Iterator[tuple[str, str]]:
    """Yield what was typed, and the option that it may be. `after` and `then` are the words that follow."""
    both = f"{text} {after}".strip()
    if _DASHES.fullmatch(text) and (match := _BEGINS_WITH_NAME.match(after)):
        yield both, match[1]
    if match := _AFTER_DASHES.search(text):
        yield text, match[1]
    if (match := _AFTER_ONE_HYPHEN.search(text)) and (match.start() == 0 or _is_value(match["rest"], after)):
        yield both, match[1]
    if match := _ASSIGNED.match(text):
        yield text, match[1]
    if (match := _AFTER_SIGNS.fullmatch(text)) and _is_value(match["rest"], after):
        yield both, match[1]
    yield from _apart(text, after, then)
    if text[:1] and text[0] in _MARKS and (meant := _almost(text, after)):
        yield both, meant
    if all(each in _MARKS for each in text) and (meant := _almost(after, then)):
        yield f"{both} {then}", meant
    for candidate in (text, f"{text}{after}" if _DASHES.fullmatch(text) else ""):
        if match := _VALUE_ALONE.fullmatch(candidate):
            yield candidate, str(match.lastgroup)


def _apart(text: str, after: str, then: str) -> Iterator[tuple[str, str]]:
    """Yield an option whose colon or equals sign does not touch its value: `duration: 10`, `duration = 10`."""
    match = _NAMED.fullmatch(text)
    if match and text[-1] in ":=" and _VALUE.fullmatch(after):
        yield f"{text} {after}", match[1]
    if match and after in (":", "=") and _VALUE.fullmatch(then):
        yield f"{text} {after} {then}", match[1]


def _almost(text: str, after: str) -> str | None:
    """Return the option that was misspelt or cut short after a dash, where a value follows."""
    match = _ALMOST.fullmatch(text)
    if match is None:
        return None
    name = match[1].lower()
    if OTHER_NAMES.get(name) == "audio":
        return "audio"
    if not _VALUE.fullmatch(match["value"] or after):
        return None
    if len(name) > 1:
        return OTHER_NAMES.get(name) or nearest(name, VIDEO_OPTIONS)
    return next((each for each in VIDEO_OPTIONS if each[0] == name), None)


def _is_value(rest: str, after: str) -> bool:
    value = rest[1:] if rest[:1] in ("=", ":") else rest
    return _VALUE.fullmatch(value or after) is not None


def _check_quoted(word: Word, *, whole: bool) -> None:
    """Ask about quotes that do not match: one of them may have swallowed an option."""
    match = _IN_QUOTES.search(word.text)
    if match is None:
        return
    kin = _SINGLE if word.mark in _SINGLE else _DOUBLE
    unbalanced = any(mark in word.text for mark in kin)
    if unbalanced or word.mark in _CODE or (word.mark in _SINGLE and not whole and match.start() > 0):
        raise MistakeError(_asked(match[0].strip(), match[1]))


def _check_values(words: list[Word], given: Iterable[Flag]) -> None:
    for flag in given:
        after = [word for word in words if word.start >= flag.end]
        before = [word for word in words if word.end <= flag.start]
        if flag.value is None and after and after[0].text.startswith(("=", ":")):
            raise MistakeError(_asked(f"--{flag.name} {after[0].text}", flag.name))
        if before and _DASHES.fullmatch(before[-1].text):
            raise MistakeError(_asked(f"{before[-1].text} --{flag.name}", flag.name))
        if flag.name == "negative" and flag.value is not None:
            _check_negative(flag.value, before, after)


def _check_negative(value: Word, before: list[Word], after: list[Word]) -> None:
    """Ask about a negative prompt without matching quotes: its end is unclear."""
    if value.mark and (match := _IN_QUOTES.search(value.text)):
        raise MistakeError(_asked(match[0].strip(), match[1]))
    if after and not value.mark and (before or value.text.endswith(",")):
        raise MistakeError(
            f"It is unclear where the negative prompt ends: at {shown(value.text)}, or later?"
            f" Put it in quotes, like --negative {EXAMPLES['negative']}."
        )


def _asked(typed: str, name: str) -> str:
    name = name.lower()
    like = f"--{name} {EXAMPLES[name]}" if name in EXAMPLES else f"--{name}"
    return (
        f"{shown(typed)} looks like an option. Write {like} after a space, or put the whole prompt in quotes if it"
        " belongs there."
    )
