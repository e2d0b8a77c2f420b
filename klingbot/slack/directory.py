"""Who is who in Slack: admins, people by name, channels by name. What Slack says is remembered for some minutes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.slack.counting import CountingClient, Met, unheard
from klingbot.slack.grammar import ChannelRef, UserRef
from klingbot.slack.mistakes import MistakeError, shown
from klingbot.slack.trouble import UNREACHABLE

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 300
QUICK_SECONDS = 2
PAGE = 500

T = TypeVar("T")


class SlackUnavailableError(Exception):
    """Slack could not be asked; the message is a sentence for the person who waits."""


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel that the bot can see; it can speak there once it is a member."""

    id: str
    is_member: bool


def quick_client(token: str, base_url: str, met: Met = unheard) -> WebClient:
    """A client for questions asked while a person waits: Slack gives a command three seconds (Slack's docs)."""
    return CountingClient(token, base_url, timeout=QUICK_SECONDS, met=met)


class Directory:
    """Asks Slack; scopes users:read, channels:read and groups:read. Safe to share between threads."""

    def __init__(
        self, client: WebClient, *, admins: tuple[str, ...] = (), seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """`admins` are user ids; without any, Slack's own admins and owners are meant."""
        self._client = client
        self._admins = admins
        self._seconds = seconds
        self._said: dict[str, tuple[float, Any]] = {}
        self._itself = ""

    def know_itself(self, user_id: str) -> None:
        """Which user the bot is. Until somebody says so, it takes itself for one of the others."""
        self._itself = user_id

    def is_admin(self, user_id: str) -> bool:
        """Raises SlackUnavailableError when nobody can tell: then nobody is taken for an admin."""
        if self._admins:
            return user_id in self._admins
        found = self._person(user_id, "whether you are an admin")
        return found is not None and _is_admin(found)

    def seems_admin(self, user_id: str) -> bool:
        """For what is shown, not for what is done: nobody, while Slack cannot be asked."""
        try:
            return self.is_admin(user_id)
        except SlackUnavailableError:
            return False

    def known_admins(self) -> tuple[str, ...]:
        """Everybody who is an admin, by user id; nobody while Slack cannot be asked."""
        if self._admins:
            return self._admins
        try:
            return tuple(each["id"] for each in self._people() if _is_admin(each))
        except SlackUnavailableError:
            return ()

    def names(self) -> dict[str, str]:
        """What people are called in Slack, by user id; nobody while Slack cannot be asked."""
        try:
            return {each["id"]: _shown_name(each) for each in self._people()}
        except SlackUnavailableError:
            return {}

    def name(self, user_id: str) -> str:
        """What that person is called in Slack; the id where nobody is known by it. Raises SlackUnavailableError."""
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

    def must_be_people(self, user_ids: Iterable[str]) -> None:
        """Of those who are to approve something. Raises MistakeError when the bot itself is among them."""
        if self._itself in user_ids:
            raise MistakeError("Klingbot itself can approve nothing. Name people instead.")

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

    def _person(self, user_id: str, what: str) -> dict[str, Any] | None:
        """`what` is to be known about them."""

        def look_up() -> dict[str, Any] | None:
            said = self._ask(what, self._client.users_info, expected="user_not_found", user=user_id)
            return None if said is None else dict(said["user"])

        return self._remembered(f"person {user_id}", look_up)

    def _people(self, *, anew: bool = False) -> list[dict[str, Any]]:
        return self._remembered("people", lambda: list(self._pages("people", self._client.users_list, "members")), anew)

    def _channel_by_name(self, name: str) -> KnownChannel | None:
        return self._channels().get(name) or self._channels(anew=True).get(name)

    def _channels(self, *, anew: bool = False) -> dict[str, KnownChannel]:
        return self._remembered("channels", self._list_channels, anew)

    def _list_channels(self) -> dict[str, KnownChannel]:
        kinds = {"types": "public_channel,private_channel", "exclude_archived": True}
        pages = self._pages("channels", self._client.conversations_list, "channels", **kinds)
        return {each["name"]: KnownChannel(each["id"], bool(each.get("is_member"))) for each in pages}

    def _channel_by_id(self, channel_id: str) -> KnownChannel | None:
        ask = self._client.conversations_info
        said = self._ask("about that channel", ask, expected="channel_not_found", channel=channel_id)
        if said is None or said["channel"].get("is_archived"):
            return None
        return KnownChannel(channel_id, bool(said["channel"].get("is_member")))

    def _pages(self, what: str, method: Callable[..., Any], key: str, **args: Any) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            said = self._ask(f"for its {what}", method, limit=PAGE, cursor=cursor, **args)
            yield from said[key]
            cursor = (said.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _ask(self, what: str, method: Callable[..., Any], *, expected: str | None = None, **args: Any) -> Any:
        """Slack's answer; None where it is the one refusal that was expected."""
        try:
            return method(**args)
        except SlackApiError as e:
            problem = str(e.response.get("error") or f"HTTP {e.response.status_code}")
            if problem == expected:
                return None
        except UNREACHABLE as e:
            problem = type(e).__name__
        log.warning("Slack could not be asked %s: %s", what, problem)
        raise SlackUnavailableError(
            f"I could not ask Slack {what} just now ({problem}), so nothing was changed. Try again in a minute."
        )

    def _remembered(self, key: str, ask: Callable[[], T], anew: bool = False) -> T:
        until, said = self._said.get(key, (0.0, None))
        if not anew and self._seconds() < until:
            return cast(T, said)
        said = ask()
        self._said[key] = (self._seconds() + REMEMBERED_SECONDS, said)
        return said


def _is_admin(user: dict[str, Any]) -> bool:
    return not user.get("deleted") and bool(user.get("is_admin") or user.get("is_owner"))


def _named(people: list[dict[str, Any]], name: str) -> list[str]:
    """Who is called that: by handle, which is unique, else by the names that Slack shows."""
    present = [each for each in people if not each.get("deleted")]
    handles = [each["id"] for each in present if each.get("name", "").lower() == name]
    return handles or [each["id"] for each in present if name in _shown_names(each)]


def _shown_names(user: dict[str, Any]) -> set[str]:
    profile = user.get("profile") or {}
    return {str(profile.get(key) or "").lower() for key in ("display_name", "real_name")}


def _shown_name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    return str(profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user["name"])
