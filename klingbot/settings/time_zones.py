"""Names of time zones: those that mean what people expect, and suggestions for the others. Pure.

The tz database keeps names from the time before places: `EST` is five hours behind UTC all year, and `Etc/GMT+5` is
behind UTC, not ahead (its files `northamerica` and `etcetera`). Budgets would begin an hour off in summer, unnoticed.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from klingbot.common.typo_suggestions import nearest

_FIXED = {
    "EST": "America/New_York (or America/Panama, which has no summer time)",
    "MST": "America/Denver (or America/Phoenix, which has no summer time)",
    "HST": "Pacific/Honolulu",
    "GMT": "Europe/London (or UTC, which has no summer time)",
}
"""Names of zones without summer time, and the places that are meant by them."""
_ABBREVIATIONS = {
    **dict.fromkeys(("EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("MDT", "MT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("BST", "LONDON"), "Europe/London"),
    **dict.fromkeys(("CEST", "MEZ", "MESZ", "BERLIN"), "Europe/Berlin"),
    "EEST": "Europe/Athens",
    "WEST": "Europe/Lisbon",
    "MSK": "Europe/Moscow",
    "IST": "Asia/Kolkata",
    "SGT": "Asia/Singapore",
    "HKT": "Asia/Hong_Kong",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
    "AWST": "Australia/Perth",
    **dict.fromkeys(("NZST", "NZDT"), "Pacific/Auckland"),
    "BRT": "America/Sao_Paulo",
}
"""What people write that the tz database does not know, and the place that is meant most often."""
_OTHER_GMT = re.compile(r"(?:ETC/)?(?:GMT[+-]?0?|GREENWICH)")
_OFFSET = re.compile(r"(?:ETC/|UTC|GMT|Z)*([+-]?\d{1,2}(?::?\d{2})?)")
_NO_PLACE = ("FACTORY", "LOCALTIME", "POSIXRULES")


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone. Raises ValueError with a sentence for a name that means another one than it seems to."""
    typed = name.strip().upper()
    if meant := _FIXED.get("GMT" if _OTHER_GMT.fullmatch(typed) else typed):
        raise ValueError(f"“{name}” has no summer time. Write a place, like {meant}.")
    if _OFFSET.fullmatch(typed):
        raise ValueError(f"“{name}” has no summer time. Write a place, like America/New_York, or UTC.")
    if typed in _NO_PLACE:
        raise ValueError(f"“{name}” is no time zone's name. Write a place, like Europe/Berlin.")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone “{name}”.{_hint(name)}") from None


def _hint(name: str) -> str:
    if meant := _ABBREVIATIONS.get(name.strip().upper()):
        return f" Write a place, like {meant}."
    known = {each.lower(): each for each in available_timezones()}
    near = nearest(name.strip().replace(" ", "_"), known)
    return f" Did you mean {known[near]}?" if near else " Write one like Europe/Berlin."
