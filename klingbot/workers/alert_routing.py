"""Where alerts and other outbox messages go, and as what: an edit, a reply, a shared clip, or a message of its own."""

from __future__ import annotations

import logging

from klingbot.blocks import job_message
from klingbot.blocks.message import Message
from klingbot.domain.notifications import AlertTested, CancelEnded, VideoReady, from_json, kind_of_type
from klingbot.slack.api.message_sender import Impossible, Outcome, Place, Sender
from klingbot.store import Database, outbox, outbox_leases
from klingbot.store.outbox import OutboxMessage

log = logging.getLogger(__name__)

VIDEO = kind_of_type(VideoReady)
PRIVATE = (kind_of_type(AlertTested), kind_of_type(CancelEnded))


def say(db: Database, sender: Sender, messages: list[OutboxMessage], said: Message) -> Outcome:
    """As an edit or a reply where it is bound to something that Slack has, else as a message of its own.

    Several go into a thread only if all of them belong there.
    """
    first = messages[0]
    edited = outbox.find(db, first.replaces) if first.replaces else None
    if edited and (edited.carried_by or edited.parts > 1):
        return Impossible("it was said together with others, whom an edit would wipe out")
    if edited and edited.sent_to and edited.sent_ts:
        return sender.edit(edited.sent_to, edited.sent_ts, said)
    threads = {each.thread for each in messages}
    root = outbox.said_as(db, first.thread) if first.thread and len(threads) == 1 else None
    if root and root.sent_to and root.sent_ts:
        return _reply(sender, messages, said, to=root.sent_to, thread_ts=root.thread_ts or root.sent_ts)
    return sender.send(_place(first), said, thread_ts=first.thread_ts, private=first.kind in PRIVATE)


def _reply(sender: Sender, messages: list[OutboxMessage], said: Message, *, to: str, thread_ts: str) -> Outcome:
    """A finished video as its clip, where that can be shared; everything else in words."""
    first = messages[0]
    if first.kind == VIDEO and (shared := _share(sender, first, to, thread_ts)):
        return shared
    aloud = any(each.broadcast for each in messages)
    return sender.send(Place.channel(to), said, thread_ts=thread_ts, broadcast=aloud)


def _share(sender: Sender, message: OutboxMessage, to: str, thread_ts: str) -> Outcome | None:
    """None: there is no clip, or Slack does not share it."""
    content = from_json(message.kind, message.content)
    if not isinstance(content, VideoReady) or content.file_id is None:
        return None
    title, words = job_message.clip_title(content.job), job_message.clip_words(content.job)
    outcome = sender.share(content.file_id, title, words, channel=to, thread_ts=thread_ts)
    if isinstance(outcome, Impossible):
        log.warning("Slack does not share the clip of job %s: %s", content.job.id, outcome.problem)
        return None
    return outcome


def next_line(message: OutboxMessage, alerts_channel: str | None) -> str | None:
    """Where to say it when its line does not take it. What is for one person is told to the admins, never in a
    channel; they have a copy each, which goes nowhere else.
    """
    if outbox_leases.is_copy(message):
        return None
    last = (outbox.ADMINS,) if message.user_id else (alerts_channel, outbox.ADMINS)
    places = (message.channel_id, message.response_url, message.user_id, *last)
    lines = list(dict.fromkeys(place for place in places if place))
    after = lines.index(message.line) + 1 if message.line in lines else 0
    return lines[after] if after < len(lines) else None


def _place(message: OutboxMessage) -> Place:
    if message.line == message.response_url:
        return Place.answer(message.line)
    return Place.direct(message.line) if message.line == message.user_id else Place.channel(message.line)
