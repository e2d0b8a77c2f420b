"""Slack's answers: telling them from those of others, and reading a part of one.

A proxy, a captive portal or a server that is being repaired may answer in Slack's place, also with HTTP 200. That says
nothing about a message or a channel: it is trouble that passes, like a connection that broke.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

TOO_MANY = 429
_LONGEST = 2_000
"""Characters of a part that is kept; a link is the longest."""
_WORD = re.compile(r"[\w.:/ -]{1,100}", re.ASCII)
_USER_TEXTS = ("name", "real_name", "team_id")
_PROFILE_TEXTS = ("display_name", "real_name", "team")
_HTML = re.compile(r"\s*<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


class NotSlackError(ValueError):
    """Somebody else answered, or what Slack answered cannot be read."""


def is_passing(status: int) -> bool:
    """Return whether an HTTP status alone says that another try may do better."""
    return status == TOO_MANY or status >= 500


def looks_like_a_page(body: str) -> bool:
    """Return whether a body is a web page, which Slack's API never answers with."""
    return bool(_HTML.match(body))


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the SDK takes it, where it is Slack's or its status says enough. Raises NotSlackError."""
    status, said = int(answer["status"]), _object(answer["body"])
    word = _word(said)
    if is_passing(status):
        return {**answer, "body": json.dumps({"ok": False, **({"error": word} if word else {})})}
    if (status == 200 and said.get("ok") is True) or (said.get("ok") is False and word):
        return {**answer, "body": _encodable(answer["body"], said)}
    raise NotSlackError(f"HTTP {status} with a body that is not Slack's")


def text(said: Any, *path: str | int) -> str | None:
    """Return the text at that path in an answer; None where there is none that can be kept."""
    found = _at(said, path)
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST and found.isprintable() else None


def needed(said: Any, *path: str | int) -> str:
    """Return the text at that path. Raises NotSlackError where there is none."""
    found = text(said, *path)
    if found is None:
        raise NotSlackError(f"Slack's answer has no {path[-1]}")
    return found


def part(said: Any, *path: str | int) -> Mapping[str, Any]:
    """Return the object at that path; an empty one where there is none."""
    found = _at(said, path)
    return found if isinstance(found, Mapping) else {}


def parts(said: Any, *path: str | int) -> list[dict[str, Any]]:
    """Return the objects with an id in the list at that path, without whatever else stands there."""
    found = _at(said, path)
    listed = found if isinstance(found, list) else []
    return [each for each in listed if isinstance(each, dict) and text(each, "id")]


def is_user(found: Mapping[str, Any]) -> bool:
    """Return whether everything that the bot reads of a user object has the form that Slack gives it."""
    profile, organization = found.get("profile") or {}, found.get("enterprise_user") or {}
    if not isinstance(profile, dict) or not isinstance(organization, dict):
        return False
    teams = organization.get("teams") or []
    if not isinstance(teams, list):
        return False
    texts = [*(found.get(key) for key in _USER_TEXTS), *(profile.get(key) for key in _PROFILE_TEXTS)]
    return all(each is None or isinstance(each, str) for each in (*texts, organization.get("enterprise_id"), *teams))


def _at(said: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        try:
            said = said[step]
        except (TypeError, KeyError, IndexError):
            return None
    return said


def _object(body: Any) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _word(said: Mapping[str, Any]) -> str | None:
    word = said.get("error")
    return word if isinstance(word, str) and _WORD.fullmatch(word) else None


def _encodable(body: str, said: Mapping[str, Any]) -> str:
    """Without halves of characters (lone surrogates), which nothing can store or send."""
    if "\\u" not in body:
        return body
    return json.dumps(said, ensure_ascii=False).encode(errors="replace").decode()
