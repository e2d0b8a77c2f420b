"""Words in Slack's mrkdwn: what people wrote is made harmless, ids become names, instants become dates.

Source: Slack's docs, "Formatting text for app surfaces".
"""

from __future__ import annotations

import re
from functools import lru_cache

from klingbot.common.clean_text import one_line
from klingbot.domain.budgets import WORKSPACE, Budget
from klingbot.domain.periods import Calendar

LONGEST_PROMPT = 300
"""How much of a prompt is shown: enough to know it by."""
LONGEST_NAME = 80

_ID = re.compile(r"[A-Z0-9]{2,20}")
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{1,19}")
_PERSON_NAMED, _CHANNEL_NAMED = re.compile(r"@([UW][A-Z0-9]{2,20})"), re.compile(r"#([CDG][A-Z0-9]{2,20})")
_CUT_ID = re.compile(r"[@#][A-Z0-9]*…$")
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Slack has no escape for its formatting marks, so their doubles stand in for them.
_DOUBLES = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})
_ITALIC = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_BROADCAST = re.compile(r"@(?=here|channel|everyone|group)", re.IGNORECASE)
_ENDS_A_DATE = re.compile(r"[\^|<>{}]")
_IN_URLS = str.maketrans(
    {"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C", "*": "%2A", "`": "%60", " ": "%20", "\n": "%0A"}
)


def escape(text: str) -> str:
    return text.translate(_ESCAPED)


def neutral(text: str, most: int = LONGEST_PROMPT) -> str:
    """What a person wrote, on one line and shortened, unable to mention anybody or to format anything."""
    shown = one_line(text, most)
    return escape(_BROADCAST.sub("@\u200b", _ITALIC.sub("ˍ", shown).translate(_DOUBLES)))


def with_mentions(text: str, most: int = LONGEST_PROMPT) -> str:
    """Return the same, with people and channels, which stand in it by their ids, as Slack shows them.

    An id that was cut off is left out: what is left of it would be somebody else's.
    """
    shown = _CUT_ID.sub("…", neutral(text, most))
    shown = _CHANNEL_NAMED.sub(lambda found: channel(found[1]), shown)
    return _PERSON_NAMED.sub(lambda found: mention(found[1]), shown)


@lru_cache(maxsize=1024)
def name(text: str) -> str:
    return neutral(text, LONGEST_NAME)


def quoted(prompt: str) -> str:
    return f"> {neutral(prompt)}"


def code(text: str) -> str:
    """Something to copy, letter by letter."""
    return f"`{escape(text.replace('`', 'ˋ'))}`"


def is_id(text: str) -> bool:
    """Whether it looks like one of Slack's ids: one that does not would cost the message it stands in."""
    return _ID.fullmatch(text) is not None


def is_channel_id(text: str) -> bool:
    return _CHANNEL_ID.fullmatch(text) is not None


def mention(user_id: str) -> str:
    return f"<@{user_id}>" if is_id(user_id) else name(user_id)


def channel(channel_id: str) -> str:
    """A channel by its id, or as a plain name where it is none."""
    return f"<#{channel_id}>" if is_channel_id(channel_id) else f"#{name(channel_id.removeprefix('#'))}"


def link(url: str, words: str) -> str:
    """Words that lead there. Slack shows what is behind them, unless they are a part of the address itself."""
    return f"<{url.translate(_IN_URLS)}|{words}>" if url.startswith(("https://", "http://")) else name(url)


@lru_cache(maxsize=1024)
def when(at: int, calendar: Calendar, words: str = "") -> str:
    """An instant (UTC epoch milliseconds) in each reader's own time zone; in the bot's where Slack cannot tell.

    `words` lead up to it, such as `resets`: a date that Slack finds alone begins with a capital, `resets Tomorrow`.
    """
    local = calendar.local(at)
    fallback = f"{local:%b} {local.day}, {local.year} at {local:%H:%M} {calendar.zone.key}"
    return _date(at, words, "{date_short_pretty} at {time}", fallback)


def hour(at: int, calendar: Calendar, words: str = "") -> str:
    """A forecast's instant, to the hour and with its weekday: `Thursday, November 26, 2026 at 14:00 UTC`.

    `words` as in `when`.
    """
    whole = at - at % 3_600_000
    local = calendar.local(whole)
    fallback = f"{local:%A, %B} {local.day}, {local.year} at {local:%H:%M} {calendar.zone.key}"
    return _date(whole, words, "{date_long_pretty} at {time}", fallback)


def _date(at: int, words: str, form: str, fallback: str) -> str:
    """Raises ValueError for words that would end the date before its time."""
    if _ENDS_A_DATE.search(words):
        raise ValueError(f"not to be said in a date: {words!r}")
    lead = f"{words} " if words else ""
    return f"<!date^{at // 1000}^{lead}{form}|{lead}{fallback}>"


def scope_name(scope: str) -> str:
    """`workspace`, a project's bare name, or a person."""
    kind, _, rest = scope.partition(":")
    if scope == WORKSPACE:
        return scope
    return mention(rest) if kind == "user" else name(rest)


def scope_typed(scope: str) -> str:
    """The scope as it is typed in a command, for `code`: `workspace`, a project's name, `user:U1`."""
    return scope.removeprefix("project:")[:LONGEST_NAME]


def label(budget: Budget) -> str:
    """`marketing (monthly)`."""
    return f"{scope_name(budget.scope)} ({budget.kind})"


def capital(words: str) -> str:
    """As a title or a sentence begins: `the week of …` → `The week of …`."""
    return words[:1].upper() + words[1:]


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 job`, `12 jobs`, `1,200 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {nouns or f'{noun}s'}"
