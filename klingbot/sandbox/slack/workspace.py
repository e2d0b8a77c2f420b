"""The state of the local Slack: who is there, which channels exist, and what has been said.

It knows nothing of HTTP. The Web API, the socket and the page all read and change this one object.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from klingbot.sandbox import journal
from klingbot.sandbox.slack.elements import identified
from klingbot.sandbox.slack.files import Files
from klingbot.sandbox.slack.roster import BOT_USER_ID, CHANNELS, PEOPLE, Channel, Person


@dataclass(frozen=True, slots=True)
class Message:
    """One message. With `ephemeral_to`, only that person ever sees it."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    ephemeral_to: str | None = None
    thread_ts: str | None = None
    """The message that this one replies to."""
    broadcast: bool = False
    """A reply that is shown in the channel too."""
    edited: bool = False
    unfurl: bool = True
    files: tuple[dict[str, Any], ...] = ()
    """What is shared with it, as Slack's file objects."""


@dataclass(frozen=True, slots=True)
class Change:
    """What subscribers hear. For `deleted`, the message is as it was."""

    kind: Literal["posted", "updated", "deleted"]
    message: Message


@dataclass(frozen=True, slots=True)
class Showing:
    """What one person has on their screen beside messages has changed: their modals, or the app's home."""

    user: str
    surface: Literal["modals", "home"]


News = Change | Showing


class Workspace:
    """Thread-safe. With `storage` (a JSON-lines file), what was said survives a restart.

    Ephemeral messages do not: Slack forgets them too.
    """

    def __init__(
        self,
        *,
        people: Iterable[Person] = PEOPLE,
        channels: Iterable[Channel] = CHANNELS,
        storage: Path | None = None,
    ) -> None:
        self.bot_user_id = BOT_USER_ID
        self.files = Files(storage.parent / "files" if storage else None)
        self.people = {person.id: person for person in people}
        self.channels = {channel.id: channel for channel in channels}
        self._storage = storage
        self._lock = threading.RLock()
        self._subscribers: list[queue.SimpleQueue[News]] = []
        self._listeners: list[Callable[[Change], None]] = []
        self._messages: dict[str, dict[str, Message]] = {channel: {} for channel in self.channels}
        self._last_micros = 0
        self._restore()

    def post(
        self,
        channel: str,
        user: str,
        text: str,
        *,
        blocks: Iterable[dict[str, Any]] = (),
        ephemeral_to: str | None = None,
        thread_ts: str | None = None,
        broadcast: bool = False,
        unfurl: bool = True,
        files: Iterable[dict[str, Any]] = (),
    ) -> Message:
        """Say something in an existing channel. Raises KeyError when there is no such channel."""
        with self._lock:
            message = Message(
                channel,
                self._next_ts(),
                user,
                text,
                identified(blocks),
                ephemeral_to,
                thread_ts,
                broadcast,
                unfurl=unfurl,
                files=tuple(files),
            )
            self._messages[channel][message.ts] = message
            self._publish(Change("posted", message))
            return message

    def update(self, channel: str, ts: str, *, text: str, blocks: Sequence[dict[str, Any]] = ()) -> Message | None:
        """Replace what a message says; None when there is no such message.

        As in Slack, a message with blocks is not marked as edited (Slack's docs, chat.update).
        """
        with self._lock:
            old = self.find(channel, ts)
            if old is None:
                return None
            message = replace(old, text=text, blocks=identified(blocks), edited=not blocks)
            self._messages[channel][ts] = message
            self._publish(Change("updated", message))
            return message

    def delete(self, channel: str, ts: str) -> Message | None:
        """Take a message away and return it; None when there is no such message."""
        with self._lock:
            message = self._messages.get(channel, {}).pop(ts, None)
            if message is not None:
                self._publish(Change("deleted", message))
            return message

    def find(self, channel: str, ts: str) -> Message | None:
        with self._lock:
            return self._messages.get(channel, {}).get(ts)

    def messages(self, channel: str, viewer: str) -> list[Message]:
        """What `viewer` sees in a channel, oldest first."""
        with self._lock:
            return [m for m in self._messages.get(channel, {}).values() if self.sees(viewer, m)]

    def channels_of(self, viewer: str) -> list[Channel]:
        """What this person's sidebar shows: public channels, own private ones, own DM with the bot."""
        return [channel for channel in self.channels.values() if self.enters(viewer, channel)]

    def enters(self, viewer: str, channel: Channel) -> bool:
        """Whether this person may read the channel at all."""
        is_open = not channel.is_im and not channel.is_private
        return is_open or viewer in channel.members

    def sees(self, viewer: str, message: Message) -> bool:
        """Whether this person is shown the message; the page's live stream asks this of every change."""
        return self.enters(viewer, self.channels[message.channel]) and message.ephemeral_to in (None, viewer)

    def join(self, person: Person, *channel_ids: str) -> None:
        """Add somebody, with direct messages of their own, to these channels."""
        with self._lock:
            self.people[person.id] = person
            im = Channel(f"D{person.id[1:]}", "klingbot", is_im=True, members=frozenset({person.id, self.bot_user_id}))
            self.channels[im.id], self._messages[im.id] = im, {}
            for channel_id in channel_ids:
                channel = self.channels[channel_id]
                self.channels[channel_id] = replace(channel, members=channel.members | {person.id})

    def is_shared(self, channel: Channel) -> bool:
        """Return whether somebody from another company is in the channel (Slack Connect)."""
        return any(self.people[member].is_outsider for member in channel.members)

    def im_of(self, user: str) -> Channel | None:
        """This person's direct message with the bot; None for the bot itself and for strangers."""
        if user == self.bot_user_id:
            return None
        return next((c for c in self.channels.values() if c.is_im and user in c.members), None)

    def moment(self) -> str:
        """A ts between what has been said so far and what is said from now on."""
        with self._lock:
            return self._next_ts()

    def subscribe(self) -> queue.SimpleQueue[News]:
        """A queue that receives every change from now on, in order."""
        subscriber: queue.SimpleQueue[News] = queue.SimpleQueue()
        with self._lock:
            self._subscribers.append(subscriber)
        return subscriber

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call it with every change from now on. It must not take long: everybody waits for it."""
        self._listeners.append(listener)

    def announce(self, showing: Showing) -> None:
        """Let subscribers hear of what is kept elsewhere (`views`)."""
        with self._lock:
            for subscriber in self._subscribers:
                subscriber.put(showing)

    def unsubscribe(self, subscriber: queue.SimpleQueue[News]) -> None:
        with self._lock:
            self._subscribers = [s for s in self._subscribers if s is not subscriber]

    def _next_ts(self) -> str:
        self._last_micros = max(self._last_micros + 1, time.time_ns() // 1000)
        seconds, micros = divmod(self._last_micros, 1_000_000)
        return f"{seconds}.{micros:06d}"

    def _publish(self, change: Change) -> None:
        if self._storage is not None and change.message.ephemeral_to is None:
            journal.append(self._storage, {"kind": change.kind, "message": asdict(change.message)})
        for subscriber in self._subscribers:
            subscriber.put(change)
        for listener in self._listeners:
            listener(change)

    def _restore(self) -> None:
        if self._storage is None:
            return
        for change in journal.read(self._storage):
            fields = change["message"]
            lists = {name: tuple(fields.get(name, ())) for name in ("blocks", "files")}
            message = Message(**{**fields, **lists})
            if message.channel not in self.channels:
                continue
            self._messages[message.channel][message.ts] = message
            if change["kind"] == "deleted":
                del self._messages[message.channel][message.ts]
            self._last_micros = max(self._last_micros, int(message.ts.replace(".", "")))
