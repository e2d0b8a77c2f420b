"""What lies over the conversation: each person's stack of modals, and the app's home.

Rules from Slack's docs, "Modals" and the views.* methods.
"""

import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any

from klingbot.sandbox.slack import fields, view_limits
from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.elements import Block, identified
from klingbot.sandbox.slack.roster import APP_ID, BOT_ID, TEAM_ID
from klingbot.sandbox.slack.workspace import Showing, Workspace

DEEPEST = 3
"""Views in a stack."""
LARGEST = 250_000
"""Bytes of one view."""
EXPIRED = Refused("not_found")


@dataclass(frozen=True, slots=True)
class View:
    """A modal or a home, as the bot wrote it and as it stands. `typed` is what the person has filled in."""

    id: str
    user: str
    given: dict[str, Any]
    hash: str
    root_id: str
    previous_id: str | None = None
    typed: fields.Typed = field(default_factory=dict)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self.given["blocks"])

    def shown(self) -> dict[str, Any]:
        """As payloads and method replies tell it."""
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
            "title": None,
            "submit": None,
            "close": None,
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            **self.given,
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "state": {"values": fields.values(self.blocks, self.typed)},
        }


class Views:
    """Used from the server's event loop only."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, user: str) -> tuple[View, ...]:
        """The person's modals; the last one is the one they see."""
        return tuple(self._stacks.get(user, ()))

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def find(self, user: str, view_id: str) -> View | None:
        """One of this person's modals, or their home."""
        home = self._homes.get(user)
        mine = [*self.stack(user), *([home] if home else [])]
        return next((view for view in mine if view.id == view_id), None)

    def push(self, user: str, given: Any) -> View | Refused:
        """Over what is open already."""
        if problem := self._problem(given, "modal"):
            return problem
        stack = self._stacks.setdefault(user, [])
        if len(stack) == DEEPEST:
            return Refused("push_limit_reached")
        if self._by_external_id(given.get("external_id")):
            return Refused("duplicate_external_id")
        view_id = f"V{secrets.token_hex(5).upper()}"
        root, previous = (stack[0].id, stack[-1].id) if stack else (view_id, None)
        return self._put(View(view_id, user, _kept(given), _hash(), root, previous))

    def update(self, key: str, given: Any, known_hash: str = "") -> View | Refused:
        """By view id or external id. What stands in a field stays when its block id and action id do."""
        old = self._by_id(key) or self._by_external_id(key)
        if old is None:
            return EXPIRED
        if problem := self._problem(given, "modal"):
            return problem
        if known_hash and known_hash != old.hash:
            return Refused("hash_conflict")
        kept = _kept(given)
        still_there = {block["block_id"] for block in kept["blocks"]}
        typed = {block_id: said for block_id, said in old.typed.items() if block_id in still_there}
        return self._put(replace(old, given=kept, hash=_hash(), typed=typed))

    def publish(self, user: str, given: Any, known_hash: str = "") -> View | Refused:
        if problem := self._problem(given, "home"):
            return problem
        old = self._homes.get(user)
        if old and known_hash and known_hash != old.hash:
            return Refused("hash_conflict")
        view_id = old.id if old else f"V{secrets.token_hex(5).upper()}"
        self._homes[user] = View(view_id, user, _kept(given), _hash(), view_id)
        self._workspace.announce(Showing(user, "home"))
        return self._homes[user]

    def fill_in(self, view: View, typed: fields.Typed) -> View:
        """The same view with what the person has filled in so far. Nobody needs to hear: it is on their screen."""
        filled = replace(view, typed=typed)
        if view.id == getattr(self._homes.get(view.user), "id", None):
            self._homes[view.user] = filled
        else:
            self._stacks[view.user] = [filled if each.id == view.id else each for each in self._stacks[view.user]]
        return filled

    def close(self, view: View, *, everything: bool = False) -> None:
        """Take a view away, and what lies over it; the one below is seen again unless everything goes."""
        stack = self._stacks.get(view.user, [])
        place = next((place for place, each in enumerate(stack) if each.id == view.id), len(stack))
        del stack[0 if everything else place :]
        self._workspace.announce(Showing(view.user, "modals"))

    def _put(self, view: View) -> View:
        stack = self._stacks[view.user]
        known = [each.id for each in stack]
        if view.id in known:
            stack[known.index(view.id)] = view
        else:
            stack.append(view)
        self._workspace.announce(Showing(view.user, "modals"))
        return view

    def _by_id(self, view_id: str) -> View | None:
        return next((view for stack in self._stacks.values() for view in stack if view.id == view_id), None)

    def _by_external_id(self, external_id: str | None) -> View | None:
        known = (view for stack in self._stacks.values() for view in stack)
        return next((view for view in known if external_id and view.given.get("external_id") == external_id), None)

    def _problem(self, given: Any, kind: str) -> Refused | None:
        if problems := view_limits.problems(given, kind):
            return Refused("invalid_arguments", tuple(str(problem) for problem in problems))
        return Refused("view_too_large") if len(json.dumps(given)) > LARGEST else None


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "blocks": identified(given["blocks"])}


def _hash() -> str:
    return f"{time.time():.6f}.{secrets.token_hex(4)}"
