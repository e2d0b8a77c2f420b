"""Directory of Slack's members, admins, people and channels. Answers are kept for some minutes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.common import deadlines
from klingbot.domain import membership
from klingbot.domain.membership import Actor, Home, Membership, Profile
from klingbot.slack.api import web_answers
from klingbot.slack.api.admin_checks import AdminChecks
from klingbot.slack.api.lookup_cache import LookupCache
from klingbot.slack.api.network_errors import UNREACHABLE, SlackUnavailableError
from klingbot.slack.api.slack_client import Met, SlackClient, unheard
from klingbot.slack.api.web_answers import NotSlackError
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.types import ChannelRef, UserRef
from klingbot.slack.interactions.actors import SLACKBOT

log = logging.getLogger(__name__)

QUICK_SECONDS = 2
LIST_SECONDS = 20
"""How long all pages of a list may take together."""
PAGE = 500
_NOBODY = ("user_not_found", "user_not_visible")
"""Slack's words for a user whom the bot cannot see (docs.slack.dev, users.info)."""
_WHY_NOT = {
    Membership.OUTSIDER: "they aren't in this workspace",
    Membership.GUEST: "guests don't use Klingbot here",
    Membership.BOT: "that's a bot",
    Membership.DEACTIVATED: "their Slack account is deactivated",
}
_BOT_MARKS = ("is_bot", "is_workflow_bot", "is_connector_bot")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel that the bot can see; it can speak there once it is a member."""

    id: str
    is_member: bool
    name: str = ""


def quick_client(token: str, base_url: str, met: Met = unheard) -> WebClient:
    """A client for questions asked while a person waits: Slack gives a command three seconds (Slack's docs)."""
    return SlackClient(token, base_url, timeout=QUICK_SECONDS, met=met)


class Directory:
    """Asks Slack; scopes users:read, channels:read and groups:read. Safe to share between threads."""

    def __init__(
        self,
        client: WebClient,
        *,
        admins: tuple[str, ...] = (),
        guests: bool = False,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`admins` are user ids; without any, Slack's own admins and owners are meant. `guests` may use the bot."""
        self._client = client
        self._admins = admins
        self._guests = guests
        self._cache = LookupCache(seconds)
        self._home = Home()

    def know_home(self, home: Home) -> None:
        """Remember where the bot is installed, and which user it is there."""
        self._home = home

    def membership(self, actor: Actor, what: str = "who you are") -> Membership:
        """Return what the user is to the bot's workspace. Raises SlackUnavailableError when nobody can tell.

        What Slack said within the last hour counts while Slack cannot be asked again.
        """
        home = self._known_home()
        if proven := membership.from_request(home, actor):
            return proven
        found = self._person(actor.user_id, what, spare=True)
        return membership.from_profile(home, actor, _profile(found)) if found else Membership.OUTSIDER

    def admits(self, found: Membership) -> bool:
        """Return whether somebody of that kind may use the bot."""
        return found is Membership.MEMBER or (found is Membership.GUEST and self._guests)

    def why_not_admitted(self, user_id: str) -> str | None:
        """Return why somebody may not use the bot, None where they may. Raises SlackUnavailableError."""
        found = self.membership(Actor(user_id))
        return None if self.admits(found) else _WHY_NOT[found]

    def seems_admitted(self, user_id: str) -> bool:
        """For what is shown, not for what is done: everybody, while Slack cannot be asked."""
        try:
            return self.admits(self.membership(Actor(user_id)))
        except SlackUnavailableError:
            return True

    @property
    def admin_checks(self) -> AdminChecks:
        """Return the checks of who is an admin."""
        return AdminChecks(self._admins, self._person, self._people, self._is_member)

    def is_admin(self, user_id: str) -> bool:
        """Return whether somebody is an admin. Raises SlackUnavailableError when nobody can tell."""
        return self.admin_checks.is_admin(user_id)

    def seems_admin(self, user_id: str) -> bool:
        """Return the same for what is shown, not for what is done: nobody is, while Slack cannot be asked."""
        try:
            return self.is_admin(user_id)
        except SlackUnavailableError:
            return False

    def known_admins(self) -> tuple[str, ...]:
        """Return every admin's user id. While Slack cannot be asked, those in the settings, and nobody without any."""
        return self.admin_checks.known()

    def _is_member(self, user: Mapping[str, Any]) -> bool:
        """Return whether a user is a member here. Only a profile that names another workspace proves an outsider.

        Requests of outsiders are declined before anybody asks whether they are admins.
        """
        home = self._known_home()
        here = frozenset({home.team_id, home.enterprise_id} - {""})
        return self.admits(membership.from_profile(home, Actor(user["id"], here), _profile(user)))

    def _known_home(self) -> Home:
        """Return where the bot is installed, asking Slack where nobody has said so yet."""
        if not self._home.is_known:
            said = self._ask("which workspace I belong to", self._client.auth_test)
            try:
                self._home = home_of(said)
            except NotSlackError as error:
                log.error("%s: nobody can use the bot", error)
                sentence = "Slack did not say which workspace I belong to, so I can't do anything yet."
                raise SlackUnavailableError(sentence) from error
        return self._home

    def names(self) -> dict[str, str]:
        """Return people's names in Slack by user id; an empty mapping while Slack cannot be asked."""
        try:
            return {each["id"]: _shown_name(each) for each in self._people()}
        except SlackUnavailableError:
            return {}

    def name(self, user_id: str) -> str:
        """Return a person's name in Slack; the id where nobody is known by it. Raises SlackUnavailableError."""
        found = self._person(user_id, "who somebody is")
        return _shown_name(found) if found else user_id

    def user_id(self, ref: UserRef) -> str:
        """Raises MistakeError when no one person has that name, SlackUnavailableError."""
        if ref.id:
            return ref.id
        name = (ref.name or "").lower()
        found = _named(self._people(), name) or _named(self._people(anew=True), name)
        if len(found) == 1:
            return found[0]
        if found:
            raise MistakeError(f"{len(found)} people are called {shown(name)}. Pick the person from Slack's list.")
        raise MistakeError(f"I know nobody called {shown(name)}. Type @ and pick the person from Slack's list.")

    def must_be_members(self, user_ids: Iterable[str], what: str) -> None:
        """Check those who are to `approve requests`, say. Raises MistakeError for the first who may not use the bot.

        Raises SlackUnavailableError.
        """
        for user_id in user_ids:
            found = self.membership(Actor(user_id), "who that person is")
            if user_id == self._home.bot_user_id:
                raise MistakeError(f"Klingbot itself can't {what}. Name people instead.")
            if not self.admits(found):
                raise MistakeError(f"{self._called(user_id)} can't {what}: {_WHY_NOT[found]}. Name somebody else.")

    def _called(self, user_id: str) -> str:
        found = self._person(user_id, "who somebody is", spare=True)
        return shown(_shown_name(found)) if found else "That person"

    def channel_name(self, channel_id: str) -> str:
        """Return the channel's name; its id where the bot cannot see it. Raises SlackUnavailableError."""
        found = self._remembered(f"channel {channel_id}", lambda: self._channel_by_id(channel_id))
        return found.name if found and found.name else channel_id

    def channel(self, ref: ChannelRef) -> KnownChannel:
        """Raises MistakeError when the bot cannot see that channel, SlackUnavailableError."""
        found = self._channel_by_id(ref.id) if ref.id else self._channel_by_name(ref.name or "")
        if found:
            return found
        called = f"#{ref.name}" if ref.name else "that channel"
        raise MistakeError(
            f"I can't see {called}. If it exists, it is private or archived: invite me there (/invite @klingbot), "
            "then try again."
        )

    def _person(self, user_id: str, what: str, *, spare: bool = False) -> dict[str, Any] | None:
        """Return a user as Slack describes them, None for nobody that the bot can see. `what` is to be known of them.

        With `spare`, an older answer does while Slack cannot be asked.
        """

        def look_up() -> dict[str, Any] | None:
            said = self._ask(what, self._client.users_info, expected=_NOBODY, user=user_id)
            if said is None:
                return None
            found = self._part(said, "user", what)
            if not web_answers.is_user(found):
                raise _unavailable(what, "its answer cannot be read")
            return found

        return self._remembered(f"person {user_id}", look_up, spare=spare)

    def _people(self, *, anew: bool = False) -> list[dict[str, Any]]:
        def list_them() -> list[dict[str, Any]]:
            return list(filter(web_answers.is_user, self._pages("people", self._client.users_list, "members")))

        return self._remembered("people", list_them, anew)

    def _channel_by_name(self, name: str) -> KnownChannel | None:
        return self._channels().get(name) or self._channels(anew=True).get(name)

    def _channels(self, *, anew: bool = False) -> dict[str, KnownChannel]:
        return self._remembered("channels", self._list_channels, anew)

    def _list_channels(self) -> dict[str, KnownChannel]:
        kinds = {"types": "public_channel,private_channel", "exclude_archived": True}
        pages = self._pages("channels", self._client.conversations_list, "channels", **kinds)
        return {name: _known_channel(each) for each in pages if (name := web_answers.text(each, "name"))}

    def _channel_by_id(self, channel_id: str) -> KnownChannel | None:
        ask = self._client.conversations_info
        said = self._ask("about that channel", ask, expected=("channel_not_found",), channel=channel_id)
        if said is None:
            return None
        found = self._part(said, "channel", "about that channel")
        return None if found.get("is_archived") else _known_channel(found)

    def _pages(self, what: str, method: Callable[..., Any], key: str, **args: Any) -> list[dict[str, Any]]:
        with deadlines.within(LIST_SECONDS):
            return list(self._each_page(what, method, key, **args))

    def _each_page(self, what: str, method: Callable[..., Any], key: str, **args: Any) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            said = self._ask(f"for its {what}", method, limit=PAGE, cursor=cursor, **args)
            yield from web_answers.parts(said, key)
            cursor = web_answers.text(said, "response_metadata", "next_cursor") or ""
            if not cursor:
                return

    def _ask(self, what: str, method: Callable[..., Any], *, expected: tuple[str, ...] = (), **args: Any) -> Any:
        """Slack's answer; None where it is one of the refusals that were expected."""
        try:
            return method(**args)
        except SlackApiError as e:
            problem = str(e.response.get("error") or f"HTTP {e.response.status_code}")
            if problem in expected:
                return None
        except UNREACHABLE as e:
            problem = type(e).__name__
        raise _unavailable(what, problem)

    def _part(self, said: Any, key: str, what: str) -> dict[str, Any]:
        """Return the object of that name, which has an id. Raises SlackUnavailableError."""
        found = dict(web_answers.part(said, key))
        if not web_answers.text(found, "id"):
            raise _unavailable(what, f"its answer has no {key}")
        return found

    def _remembered(self, key: str, ask: Callable[[], T], anew: bool = False, *, spare: bool = False) -> T:
        kept = None if anew else self._cache.fresh(key, spare=spare)
        if kept:
            return cast(T, kept.answer)
        try:
            said = ask()
        except SlackUnavailableError:
            kept = self._cache.spare(key) if spare else None
            if kept is None:
                raise
            return cast(T, kept.answer)
        self._cache.put(key, said)
        return said


def _unavailable(what: str, problem: str) -> SlackUnavailableError:
    log.warning("Slack could not be asked %s: %s", what, problem)
    return SlackUnavailableError(
        f"I could not ask Slack {what} just now ({problem}), so nothing was changed. Try again in a minute."
    )


def home_of(said: Any) -> Home:
    """Read the answer of `auth.test` (Slack's docs). An organization-wide installation may have no team id.

    Raises NotSlackError when it names neither a workspace nor an organization.
    """
    home = Home(*(web_answers.text(said, name) or "" for name in ("team_id", "enterprise_id", "user_id")))
    if not home.is_known:
        raise NotSlackError("auth.test names neither a workspace nor an organization")
    return home


def _profile(user: Mapping[str, Any]) -> Profile:
    """Read a user object (Slack's docs).

    `is_app_user` is not read: it marks people who have authorized the app.
    """
    organization = user.get("enterprise_user") or {}
    named = (user.get("team_id"), organization.get("enterprise_id"), *(organization.get("teams") or ()))
    team_ids = frozenset(team_id for team_id in named if team_id) or frozenset({_team_of_profile(user)} - {""})
    return Profile(
        team_ids=team_ids,
        is_stranger=bool(user.get("is_stranger")),
        is_bot=user.get("id") == SLACKBOT or any(user.get(mark) for mark in _BOT_MARKS),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_deactivated=bool(user.get("deleted")),
    )


def _team_of_profile(user: Mapping[str, Any]) -> str:
    return str((user.get("profile") or {}).get("team") or "")


def _known_channel(said: Mapping[str, Any]) -> KnownChannel:
    """Read a channel object (Slack's docs)."""
    return KnownChannel(said["id"], bool(said.get("is_member")), str(said.get("name") or ""))


def _named(people: list[dict[str, Any]], name: str) -> list[str]:
    """Return who is called that: by handle, which is unique, else by the names that Slack shows."""
    present = [each for each in people if not each.get("deleted")]
    handles = [each["id"] for each in present if (each.get("name") or "").lower() == name]
    return handles or [each["id"] for each in present if name in _shown_names(each)]


def _shown_names(user: dict[str, Any]) -> set[str]:
    profile = user.get("profile") or {}
    return {str(profile.get(key) or "").lower() for key in ("display_name", "real_name")}


def _shown_name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return str(next(filter(None, names), user["id"]))
