"""The user who is behind a request from Slack, and what the request says about them. Pure.

Sources: Slack's docs on slash commands, interaction payloads and the Events API, and "Understanding Slack Connect".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klingbot.domain.membership import Actor

SLACKBOT = "USLACKBOT"


def read(body: Mapping[str, Any]) -> Actor | None:
    """Return who acts; None where the request names nobody."""
    if body.get("type") == "event_callback":
        return _of_event(_mapping(body.get("event")))
    if isinstance(body.get("user"), Mapping):
        user = body["user"]
        return _actor(user.get("id"), user.get("team_id"), user.get("enterprise_id"), is_bot=bool(user.get("is_bot")))
    return _actor(body.get("user_id"), body.get("team_id"), body.get("enterprise_id"))


def _of_event(event: Mapping[str, Any]) -> Actor | None:
    """Read an event. Its envelope's `team_id` says where it happened, and not whose the user is.

    `user_team` may be the id of an organization. `source_team` is where a message came from.
    """
    is_bot = event.get("subtype") == "bot_message" or any(event.get(name) for name in ("bot_id", "bot_profile"))
    return _actor(event.get("user"), event.get("user_team") or event.get("source_team"), is_bot=is_bot)


def _actor(user_id: Any, *team_ids: Any, is_bot: bool = False) -> Actor | None:
    if not isinstance(user_id, str) or not user_id:
        return Actor("", is_bot=True) if is_bot else None
    named = frozenset(team_id for team_id in team_ids if isinstance(team_id, str) and team_id)
    return Actor(user_id, named, is_bot or user_id == SLACKBOT)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
