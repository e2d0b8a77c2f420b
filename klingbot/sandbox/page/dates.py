"""The tokens of Slack's `<!date^…>`, e.g. `{date_short_pretty} at {time}` (Slack's docs, "Date formatting")."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo

_PRETTY = {"date_pretty", "date_short_pretty", "date_long_pretty"}
_NEARBY = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}


def written(epoch: int, form: str, zone: tzinfo, now: datetime) -> str | None:
    """The moment as the form asks, or None where the epoch (seconds) is beyond any calendar.

    A token that Slack does not know stays as it is. "Today" and "yesterday" open a text with a capital only.
    """
    try:
        moment = datetime.fromtimestamp(epoch, zone)
    except (ValueError, OverflowError, OSError):
        return None
    near = _NEARBY.get((moment.date() - now.astimezone(zone).date()).days)

    def token(match: re.Match[str]) -> str:
        if near and match[1] in _PRETTY:
            return near if match.start() == 0 else near.lower()
        show = _TOKENS.get(match[1].removesuffix("_pretty"))
        return show(moment) if show else match[0]

    return re.sub(r"\{(\w+)\}", token, form)


_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def _ordinal(day: int) -> str:
    if 11 <= day <= 13:
        return f"{day}th"
    return f"{day}{_ENDINGS.get(day % 10, 'th')}"


_TOKENS: Mapping[str, Callable[[datetime], str]] = {
    "date": lambda m: f"{m:%B} {_ordinal(m.day)}, {m.year}",
    "date_short": lambda m: f"{m:%b} {m.day}, {m.year}",
    "date_long": lambda m: f"{m:%A}, {m:%B} {_ordinal(m.day)}, {m.year}",
    "date_num": lambda m: f"{m.year:04}-{m:%m-%d}",
    "time": lambda m: f"{m:%H:%M}",
    "time_secs": lambda m: f"{m:%H:%M:%S}",
}
