"""What one person sees of the workspace, as the JSON that the page draws."""

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from klingbot.sandbox.page.reader import Reader
from klingbot.sandbox.page.render import blocks_html, message_html
from klingbot.sandbox.slack.roster import TEAM_NAME, Channel, Person
from klingbot.sandbox.slack.views import View, Views
from klingbot.sandbox.slack.workspace import Change, Message, Showing, Workspace
from klingbot.slack.manifest import Manifest


def reader(workspace: Workspace, person: Person, *, zone: str | None, origin: str) -> Reader:
    """`zone` is what the browser says it lives in; without one, the person's profile decides."""
    return Reader(
        id=person.id,
        people={other.id: other.real_name for other in workspace.people.values()},
        channels={channel.id: channel.name for channel in workspace.channels.values()},
        zone=_zone(zone) or _zone(person.tz) or UTC,
        now=datetime.now(UTC),
        origin=origin,
    )


def state(workspace: Workspace, reader: Reader, manifest: Manifest, since: str | None) -> dict[str, Any]:
    """Everything the page needs to draw itself for one person.

    Ephemeral messages are gone on reload, as in Slack. So the page keeps the `at` of its first state and asks with
    it from then on: only what has come since is listed, and a page that lost its stream misses nothing.
    """
    return {
        "at": workspace.moment(),
        "workspace": TEAM_NAME,
        "you": reader.id,
        "people": [_person(workspace, person) for person in workspace.people.values()],
        "channels": [_channel(workspace, channel, reader, since) for channel in workspace.channels_of(reader.id)],
        "commands": manifest.commands,
        "shortcuts": manifest.shortcuts,
    }


def _person(workspace: Workspace, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "is_admin": person.is_admin or person.is_owner,
        "is_bot": person.is_bot,
        "is_app": person.id == workspace.bot_user_id,
    }


def _channel(workspace: Workspace, channel: Channel, reader: Reader, since: str | None) -> dict[str, Any]:
    messages = workspace.messages(channel.id, reader.id)
    others = (user for user in channel.members if channel.is_im and user != reader.id)
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "with": next(others, None),
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "messages": [_message(message, reader) for message in messages if _is_listed(message, since)],
    }


def _is_listed(message: Message, since: str | None) -> bool:
    return message.ephemeral_to is None or (since is not None and message.ts > since)


def _message(message: Message, reader: Reader) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "user": message.user,
        "html": message_html(message, reader),
        "ephemeral": message.ephemeral_to is not None,
        "edited": message.edited,
    }


def change(what: Change, reader: Reader) -> dict[str, Any]:
    """One change as the stream tells it. A long-open stream still knows what "today" is."""
    return {"kind": what.kind, "message": _message(what.message, replace(reader, now=datetime.now(UTC)))}


def showing(what: Showing, views: Views, reader: Reader) -> dict[str, Any]:
    """What lies over the conversation, as the stream tells it."""
    if what.surface == "home":
        return {"kind": "home", "home": view(views.home(reader.id), reader)}
    return {"kind": "modals", "modals": [view(each, reader) for each in views.stack(reader.id)]}


def view(shown: View | None, reader: Reader) -> dict[str, Any] | None:
    """A modal or a home; `typed` is what the person had filled in when the bot last heard of it."""
    if shown is None:
        return None
    given = shown.given
    words = {name: given[name]["text"] for name in ("title", "submit", "close") if given.get(name)}
    return {
        "id": shown.id,
        "hash": shown.hash,
        "html": blocks_html(shown.blocks, reader),
        "typed": shown.typed,
        **words,
    }


def _zone(name: str | None) -> tzinfo | None:
    """The zone that the browser, or the person's profile, names; None where it is not one."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None
