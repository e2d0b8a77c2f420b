"""One word of a command → the value it stands for, or a MistakeError that says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from klingbot.common.typo_suggestions import did_you_mean
from klingbot.domain.budgets import DEFAULT_THRESHOLDS
from klingbot.domain.digest_schedules import NINE
from klingbot.domain.money import AmountError, parse_credits, parse_usd
from klingbot.slack.command_line.command_usage import CLEARED
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.plain_ascii import fold
from klingbot.slack.command_line.slack_encoding import clean, plain, tidy, trimmed, unescape
from klingbot.slack.command_line.value_lists import items

MOST_CHARACTERS = {"prompt": 3_072, "negative prompt": 2_500}
"""The longest that any model takes (Kling's docs, text to video); what one of them takes, the engine knows."""

# Committed can pass a limit when Kling charges more than was held, so a threshold above 100% has its use.
MOST_PERCENT = 200

PERIODS = {
    "daily": "daily",
    "weekly": "weekly",
    "monthly": "monthly",
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
}
ON_OFF = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
GROUPINGS = ("model", "user", "project", "day")

_LINK = re.compile(r"<(https?:[^<>|]*)(?:\|[^<>]*)?>", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_SECONDS = re.compile(r"([0-9]+)\s*(?:s|secs?|seconds?)?", re.IGNORECASE)
_PERCENT = re.compile(r"0*([0-9]{1,3})\s*%?")
_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.h]([0-5][0-9]))?\s*(am|pm)?", re.IGNORECASE)
_HOURS = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s*[-—~〜]\s*([0-9]{1,2})(?::([0-9]{2}))?")
_GROUPED = re.compile(r"\$?[0-9]{1,3}(?:[ '’][0-9]{3})+(?:[.,][0-9]+)?")
"""Thousands set apart by spaces or apostrophes, as in French and Swiss: `10 000`, `10'000`."""
_JOB = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_cleared(text: str) -> bool:
    """Return whether an option is to be as if it had never been set."""
    return lowered(text) in CLEARED


def typed_in_form(text: str | None) -> str:
    """Return what was typed into a field of a form, as an option's value is read from a command."""
    return tidy(fold(clean(text or "")).text)


def duration(text: str) -> int:
    """Seconds from `5`, `5s` or `5 seconds`."""
    typed = tidy(text)
    match = _SECONDS.fullmatch(typed)
    if match is None:
        raise MistakeError(f"--duration is {shown(text)}. Give a whole number of seconds, like --duration 10.")
    digits = match[1].lstrip("0")
    if not digits:
        raise MistakeError("--duration must be more than zero. Give it in seconds, like --duration 10.")
    if len(digits) > 4:
        raise MistakeError(
            f"--duration {shown(text)} is longer than any video. Give it in seconds, like --duration 10."
        )
    return int(digits)


def lowered(text: str) -> str:
    return tidy(text).lower()


def aspect(text: str) -> str:
    """`16x9`, `16×9` and `16/9` as `16:9`."""
    return re.sub("[x×/]", ":", lowered(text))


def negative(text: str) -> str:
    return prose("negative prompt", trimmed(plain(text)))


def prose(name: str, text: str) -> str:
    """Return the text, when Kling takes one so long. Raises MistakeError."""
    most = MOST_CHARACTERS[name]
    over = len(text) - most
    if over > 0:
        raise MistakeError(
            f"The {name} is {len(text):,} characters long and Kling takes up to {most:,}. Shorten it by {over:,}."
        )
    return text


def image_url(text: str) -> str:
    """The address, taken out of the brackets that Slack puts around links."""
    typed = trimmed(re.sub("[\ufe00-\ufe0f]", "", text))
    link = _LINK.fullmatch(typed)
    url = trimmed(unescape(link[1] if link else typed))
    if not _URL.fullmatch(url):
        raise MistakeError(
            f"--image is {shown(text)}. Give the web address of a picture, like --image https://example.com/fox.png."
        )
    return url


def credit_limit(text: str) -> int:
    """Return milli-credits; 0 for `none`."""
    return 0 if is_cleared(text) else credit_amount(text)


def usd_limit(text: str) -> int:
    """Return micro-USD; 0 for `none`."""
    return 0 if is_cleared(text) else usd_amount(text)


def credit_rule(flag: str) -> Callable[[str], int]:
    """Return a reader of milli-credits for that flag; it reads `none` as 0."""

    def read(text: str) -> int:
        return 0 if is_cleared(text) else _amount(flag, parse_credits, text)

    return read


def models(text: str) -> tuple[str, ...]:
    """Return the models of `kling-v1,kling-v1.5` or `kling-v1 and kling-v1.5`; none for `none`."""
    return () if is_cleared(text) else tuple(dict.fromkeys(items(lowered(text))))


def credit_amount(text: str) -> int:
    """Milli-credits, more than zero."""
    return _amount("credits", parse_credits, text)


def usd_amount(text: str) -> int:
    """Micro-USD, more than zero."""
    return _amount("usd", parse_usd, text)


def _amount(flag: str, read: Callable[[str], int], text: str) -> int:
    try:
        return read(ungrouped(tidy(text)))
    except AmountError as error:
        raise MistakeError(f"--{flag}: {error}.") from None


def ungrouped(text: str) -> str:
    """Return the number without spaces or apostrophes between its thousands."""
    return re.sub("[ '’]", "", text) if _GROUPED.fullmatch(text) else text


def thresholds(text: str) -> tuple[int, ...]:
    """Return whole percentages, ascending: `80,100`, `100% 80%`; none for `none`, the usual ones for `default`."""
    if is_cleared(text):
        return DEFAULT_THRESHOLDS if lowered(text) == "default" else ()
    parts = items(re.sub(r"/|\s+(?=%)", lambda match: "," if match[0] == "/" else "", tidy(text)))
    return tuple(sorted({_percent(part, text) for part in parts or [""]}))


def _percent(part: str, text: str) -> int:
    match = _PERCENT.fullmatch(part)
    percent = int(match[1]) if match else 0
    if not 1 <= percent <= MOST_PERCENT:
        raise MistakeError(
            f"--alert is {shown(text)}. Give whole percentages from 1 to {MOST_PERCENT}, like --alert 80,100."
        )
    return percent


def on_off(text: str) -> bool:
    typed = lowered(text)
    if typed not in ON_OFF:
        raise MistakeError(f"{shown(text)} is neither on nor off. Write on or off.")
    return ON_OFF[typed]


def usually_on(text: str) -> bool:
    """Return whether something is on that is on unless it was turned off: `default` is on, `none` is off."""
    return lowered(text) in ("default", "-") or (lowered(text) != "none" and on_off(text))


def period(text: str) -> str:
    """`daily`, `weekly` or `monthly`; `day`, `week` and `month` are understood."""
    typed = lowered(text)
    if typed not in PERIODS:
        hint = did_you_mean(typed, PERIODS)
        raise MistakeError(f"Unknown period {shown(text)}.{hint} Write --period daily, weekly or monthly.")
    return PERIODS[typed]


def grouping(text: str) -> str:
    typed = lowered(text)
    if typed not in GROUPINGS:
        hint = did_you_mean(typed, GROUPINGS)
        raise MistakeError(f"Unknown --by {shown(text)}.{hint} Write --by model, user, project or day.")
    return typed


def cadence(text: str) -> str:
    """Return how often a digest comes, or `off`."""
    typed = lowered(text)
    if typed in ("off", "none"):
        return "off"
    if typed in PERIODS:
        return PERIODS[typed]
    hint = did_you_mean(typed, ("daily", "weekly", "monthly", "off", "now"))
    raise MistakeError(f"{shown(text)} is not when a digest comes.{hint} Write daily, weekly, monthly, off or now.")


def clock(text: str) -> int:
    """Return minutes after midnight from `09:00`, `9:00`, `9` or `9am`; `default` is 09:00."""
    if is_cleared(text):
        return NINE
    match = _CLOCK.fullmatch(tidy(text))
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (24, 0)
    if match and match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "pm" else 0) if 1 <= hour <= 12 else 24
    if hour > 23:
        raise MistakeError(f"--at is {shown(text)}. Give a time of day, like --at 09:00.")
    return hour * 60 + minute


def day(text: str) -> date | None:
    """Return a day from its ISO form; None for `none`."""
    if is_cleared(text):
        return None
    try:
        return date.fromisoformat(tidy(text))
    except ValueError:
        raise MistakeError(f"--until is {shown(text)}. Give a day, like --until 2026-12-31.") from None


def request_id(text: str) -> str:
    """The id of a refused or waiting request as people copy it."""
    request = tidy(text).strip("`").removeprefix("#")
    if not _JOB.fullmatch(request):
        raise MistakeError(f"{shown(text)} is not a request's id. Copy it from the refusal, or from /kling requests.")
    return request


def hours(text: str) -> tuple[int, int] | None:
    """Return minutes of the day from `22:00-08:00` or `22-8`; None for `off`."""
    typed = lowered(text)
    if typed in CLEARED:
        return None
    match = _HOURS.fullmatch(typed)
    times = [int(part or 0) for part in match.groups()] if match else [24, 0, 24, 0]
    begin, end = times[0] * 60 + times[1], times[2] * 60 + times[3]
    if max(times[0], times[2]) > 23 or max(times[1], times[3]) > 59:
        raise MistakeError(f"{shown(text)} is not a span of hours. Write it like 22:00-08:00, or off.")
    if begin == end:
        raise MistakeError(f"{shown(text)} begins and ends at once. Write a span like 22:00-08:00, or off.")
    return begin, end


def exception(text: str) -> str | None:
    """Return what comes through in quiet hours; None for `none`."""
    typed = lowered(text)
    if typed in CLEARED:
        return None
    if typed != "over":
        raise MistakeError(f"--except is {shown(text)}. The one exception is over: budgets that are used up.")
    return typed


def job_id(text: str) -> str:
    """A job's id as people copy it: with a `#` in front or in backticks."""
    job = tidy(text).strip("`").removeprefix("#")
    if not _JOB.fullmatch(job):
        raise MistakeError(f"{shown(text)} is not a job's id. /kling jobs shows the ids of yours.")
    return job
