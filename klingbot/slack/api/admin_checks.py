"""Admin checks: admins are the people in KLINGBOT_ADMINS; without any, Slack's own admins and owners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from klingbot.slack.api.network_errors import SlackUnavailableError

User = Mapping[str, Any]
"""A user object, as `users.info` and `users.list` return it (docs.slack.dev)."""


class FindUser(Protocol):
    """A look-up of one user, which may be answered from memory. Raises SlackUnavailableError."""

    def __call__(self, user_id: str, what: str, *, spare: bool = False) -> User | None: ...


@dataclass(frozen=True, slots=True)
class AdminChecks:
    """Decides who is an admin. Admins of another company's workspace, guests and bots are none."""

    configured: tuple[str, ...]
    """User ids from the settings."""
    find: FindUser
    everybody: Callable[[], Sequence[User]]
    is_member: Callable[[User], bool]

    def is_admin(self, user_id: str) -> bool:
        """Return whether somebody is an admin. Raises SlackUnavailableError: then nobody is taken for one."""
        found = self.find(user_id, "whether you are an admin")
        return found is not None and self._is_admin(found)

    def known(self) -> tuple[str, ...]:
        """Return every admin's user id. While Slack cannot be asked, those in the settings, and nobody without any."""
        if self.configured:
            return tuple(user_id for user_id in self.configured if self._may_be_admin(user_id))
        try:
            return tuple(each["id"] for each in self.everybody() if self._is_admin(each))
        except SlackUnavailableError:
            return ()

    def _may_be_admin(self, user_id: str) -> bool:
        try:
            found = self.find(user_id, "who the admins are", spare=True)
            return found is not None and self._is_admin(found)
        except SlackUnavailableError:
            return True

    def _is_admin(self, user: User) -> bool:
        chosen = user["id"] in self.configured if self.configured else user.get("is_admin") or user.get("is_owner")
        return bool(chosen) and self.is_member(user)
