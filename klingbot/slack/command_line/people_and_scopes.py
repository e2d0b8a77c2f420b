"""People, channels, projects and scopes, as Slack escapes them and as people type them."""

from __future__ import annotations

import re

from klingbot.domain.budgets import MOST_APPROVERS
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.slack_encoding import tidy, unescape
from klingbot.slack.command_line.types import ChannelRef, DefaultChannel, ProjectRef, ScopeRef, UserRef, WorkspaceRef
from klingbot.slack.command_line.value_lists import items
from klingbot.slack.command_line.values import PERIODS, is_cleared

_USER = re.compile(r"<@([A-Z0-9]+)(?:\|([^<>]*))?>")
_USER_ID = re.compile(r"[UW][A-Z0-9]+")
_CHANNEL = re.compile(r"<#([A-Z0-9]+)(?:\|([^<>]*))?>")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{8,}")
_CHANNEL_NAME = re.compile(r"#?([\w-]{1,80})")  # Slack's docs: names have up to 80 characters
MOST_CHANNELS = 20
_PROJECT = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def project_name(text: str) -> str:
    name = tidy(text).lower().removeprefix("project:")
    if name == "workspace":
        raise MistakeError("A project cannot be called workspace: that word means everybody. Choose another name.")
    if not _PROJECT.fullmatch(name):
        raise MistakeError(
            f"{shown(text)} is not a project's name. Use up to 40 letters (a to z), digits, dots, dashes and"
            " underscores, beginning with a letter or digit."
        )
    return name


def scope(text: str) -> ScopeRef:
    """`workspace`, `@user` or a project's bare name; also `user:U1`, `user:@bob` and `project:marketing`."""
    typed = text.strip()
    kind, colon, rest = typed.partition(":")
    if typed.startswith(("@", "<@")):
        return _user(typed)
    if colon and kind.lower() == "user":
        return _user(rest)
    if colon and kind.lower() == "project":
        return ProjectRef(project_name(rest))
    return _bare_scope(tidy(typed).lower(), text)


def _bare_scope(name: str, text: str) -> ScopeRef:
    if name == "workspace":
        return WorkspaceRef()
    if name in PERIODS:
        raise MistakeError(
            f"{shown(text)} is a period, not a scope. Write --period {PERIODS[name]}, or project:{name} for a project."
        )
    if not _PROJECT.fullmatch(name):
        raise MistakeError(
            f"{shown(text)} is not a scope. Write workspace, @user or a project's name (up to 40 letters,"
            " digits, dots, dashes and underscores)."
        )
    return ProjectRef(name)


def _user(text: str) -> UserRef:
    escaped = _USER.fullmatch(text)
    if escaped:
        return UserRef(escaped[1], unescape(escaped[2] or "").removeprefix("@") or None)
    if _USER_ID.fullmatch(text):
        return UserRef(text)
    if text.startswith("<!"):
        raise MistakeError(f"{shown(text)} is a group. Name each person, like @bob.")
    name = tidy(text).removeprefix("@")
    if not name or len(name) > 80 or "<" in name:
        raise MistakeError(f"{shown(text)} is nobody's name. Write a person like @bob.")
    return UserRef(None, name)


def approvers(text: str) -> tuple[UserRef, ...]:
    """Return the people of `@bob,@carol` or `@bob and @carol`; nobody for `none`."""
    return () if is_cleared(text) else _people("approvers", text)


def spenders(text: str) -> tuple[UserRef, ...]:
    """Return who may spend for a project: `@bob,@carol`; nobody in particular for `any` and `none`."""
    return () if _means_all(text) else _people("people", text)


def _people(flag: str, text: str) -> tuple[UserRef, ...]:
    named = tuple(dict.fromkeys(_user(part) for part in items(text)))
    if len(named) > MOST_APPROVERS:
        raise MistakeError(f"--{flag} names {len(named)} people, and {MOST_APPROVERS} is the most. Name fewer.")
    return named


def channels(text: str) -> tuple[ChannelRef, ...]:
    """Return where a project may be spent for: `#a,#b`; nowhere in particular for `any` and `none`."""
    if _means_all(text):
        return ()
    named = tuple(dict.fromkeys(place(part) for part in items(text)))
    if len(named) > MOST_CHANNELS:
        raise MistakeError(f"--channels names {len(named)} channels, and {MOST_CHANNELS} is the most. Name fewer.")
    return named


def _means_all(text: str) -> bool:
    return is_cleared(text) or tidy(text).lower() in ("any", "all", "everyone", "everybody", "everywhere")


def channel(text: str) -> ChannelRef | DefaultChannel:
    """Return what `--channel` names. Raise MistakeError."""
    if is_cleared(text):
        return DefaultChannel()
    found = _channel(text)
    if found is None:
        raise MistakeError(f"--channel is {shown(text)}. Give a channel, like --channel #finance.")
    return found


def place(text: str) -> ChannelRef:
    """Return a channel that stands for itself in a command. Raise MistakeError."""
    found = _channel(text)
    if found is None:
        raise MistakeError(f"{shown(text)} is not a channel. Write one like #finance.")
    return found


def _channel(text: str) -> ChannelRef | None:
    """`#finance` as Slack escapes it or as typed, a bare `finance`, or a channel's id."""
    typed = text.strip()
    escaped = _CHANNEL.fullmatch(typed)
    if escaped:
        return ChannelRef(escaped[1], unescape(escaped[2] or "") or None)
    if _CHANNEL_ID.fullmatch(typed):
        return ChannelRef(typed)
    name = _CHANNEL_NAME.fullmatch(typed)
    return ChannelRef(None, name[1].lower()) if name else None
