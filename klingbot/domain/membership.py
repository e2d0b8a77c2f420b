"""Membership: the people of the bot's own workspace or Enterprise Grid organization may use it. Pure.

Slack also delivers what members of other companies, guests, bots and deactivated accounts do. Sources: Slack's docs,
"Understanding Slack Connect" and the user object.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Membership(StrEnum):
    """Relation of a Slack user to the bot's workspace."""

    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"
    BOT = "bot"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Home:
    """Workspace or organization in which the bot is installed, and its user there.

    A workspace outside of Enterprise Grid has no `enterprise_id`; an organization-wide installation may have no
    `team_id`.
    """

    team_id: str = ""
    enterprise_id: str = ""
    bot_user_id: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.team_id or self.enterprise_id)

    def includes(self, team_ids: Collection[str]) -> bool:
        """Return whether any of these ids, of workspaces or organizations, is the bot's own."""
        return bool({self.team_id, self.enterprise_id} & {*team_ids} - {""})


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who acts, as far as Slack's request says."""

    user_id: str
    team_ids: frozenset[str] = frozenset()
    """Of the user's own workspace and organization; empty where the request does not say."""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as Slack describes them when asked."""

    team_ids: frozenset[str]
    is_stranger: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_deactivated: bool = False


def from_request(home: Home, actor: Actor) -> Membership | None:
    """Return what the request alone proves; None where Slack must be asked.

    A request never proves that somebody is a member: it does not tell guests, bots and deactivated accounts apart.
    Nor does another workspace's id prove an outsider while the bot's home is an organization of several workspaces.
    """
    if actor.is_bot or actor.user_id == home.bot_user_id:
        return Membership.BOT
    if not actor.team_ids or home.includes(actor.team_ids):
        return None
    names_organization = any(team_id.startswith("E") for team_id in actor.team_ids)
    return Membership.OUTSIDER if names_organization or not home.enterprise_id else None


def from_profile(home: Home, actor: Actor, profile: Profile) -> Membership:
    """Return what a user is. Where the profile names no workspace, what the request says of it counts."""
    if actor.user_id == home.bot_user_id or profile.is_bot:
        return Membership.BOT
    if profile.is_stranger or not home.includes(profile.team_ids or actor.team_ids):
        return Membership.OUTSIDER
    if profile.is_deactivated:
        return Membership.DEACTIVATED
    return Membership.GUEST if profile.is_guest else Membership.MEMBER
