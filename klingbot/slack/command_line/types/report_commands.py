"""What can be said about what Klingbot tells: usage, digests, alerts, help."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.slack.command_line.types.mention_types import ChannelRef, DefaultChannel, ScopeRef


@dataclass(frozen=True, slots=True)
class Usage:
    scope: ScopeRef | None
    period: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DigestList:
    scope: ScopeRef | None = None


@dataclass(frozen=True, slots=True)
class DigestSet:
    """`minute` counts from midnight; None leaves the time as it is, or to the default."""

    scope: ScopeRef
    period: str
    minute: int | None = None
    channel: ChannelRef | DefaultChannel | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DigestOff:
    """Of one scope, in one channel or everywhere."""

    scope: ScopeRef
    channel: ChannelRef | DefaultChannel | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DigestNow:
    scope: ScopeRef
    period: str | None = None


@dataclass(frozen=True, slots=True)
class AlertsShow:
    pass


@dataclass(frozen=True, slots=True)
class AlertsTest:
    """Without a channel: to where alerts go by default."""

    channel: ChannelRef | None = None


@dataclass(frozen=True, slots=True)
class AlertsRetry:
    pass


@dataclass(frozen=True, slots=True)
class AlertsQuiet:
    """`hours` are the minutes of the day at which it begins and ends to be quiet; None turns quiet hours off."""

    channel: ChannelRef
    hours: tuple[int, int] | None
    over_passes: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """Nothing was typed: what is asked for most, to press."""


@dataclass(frozen=True, slots=True)
class Help:
    """`topic` is a key of USAGE, or None for everything."""

    topic: str | None = None
