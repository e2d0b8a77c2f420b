"""How a message leaves for Slack, and what Slack's answer means for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.blocks.message import Message
from klingbot.slack.api import response_urls, web_answers
from klingbot.slack.api.network_errors import UNREACHABLE
from klingbot.slack.api.retry_after import retry_after_ms
from klingbot.slack.api.slack_client import Met, SlackClient, unheard
from klingbot.slack.api.web_answers import NotSlackError

log = logging.getLogger(__name__)

T = TypeVar("T")

# Slack's own words for trouble that passes (docs.slack.dev, chat.postMessage). Every other word is about this place or
# this message, and asking again will not change it.
_LIMITS = {"ratelimited", "rate_limited"}
_TOO_MANY = 429
_SHORTEST_WISH_MS = 1_000
_PASSING = _LIMITS | {
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "message_limit_exceeded",
}
# The bot itself is at fault. Every place would answer the same, so wait for somebody to mend it.
OURS = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "team_access_not_granted",
    "ekm_access_denied",
}
# Slack takes a message like this nowhere: a bug of ours.
_UNSAYABLE = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"}
OURS_AGAIN_MS = 60_000
SECONDS = 10
"""How long Slack may take for one call. Nobody waits for it, and a call given up too soon may be said twice."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to say something: a channel, a person's direct messages, or the response_url of a command."""

    kind: Literal["channel", "direct", "answer"]
    address: str

    @classmethod
    def channel(cls, channel_id: str) -> Place:
        return cls("channel", channel_id)

    @classmethod
    def direct(cls, user_id: str) -> Place:
        return cls("direct", user_id)

    @classmethod
    def answer(cls, response_url: str) -> Place:
        return cls("answer", response_url)


@dataclass(frozen=True, slots=True)
class Sent:
    channel: str
    ts: str | None
    """Slack's id of the message; an answer through a response_url has none, and a shared file's is not known."""
    permalink: str | None = None
    """The address of the file that it shares."""


@dataclass(frozen=True, slots=True)
class Later:
    """Trouble that passes. `after_ms` is Slack's own wish, None when it had none."""

    problem: str
    after_ms: int | None = None
    is_limit: bool = False
    """Slack was asked too often and said when to come back: nothing has failed."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """This place cannot be told; another may, unless the trouble is the `message` itself."""

    problem: str
    message: bool = False


Outcome = Sent | Later | Impossible


def patient_client(token: str, base_url: str, met: Met = unheard) -> WebClient:
    """A client for what nobody waits for."""
    return SlackClient(token, base_url, timeout=SECONDS, met=met)


class Sender:
    """Says messages in Slack, without retrying: when to try again is the outbox's business."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def send(
        self,
        place: Place,
        message: Message,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        private: bool = False,
    ) -> Outcome:
        """Posts it; with `thread_ts` as a reply, which a `broadcast` also shows to the channel (Slack's docs,
        chat.postMessage, reply_broadcast). A response_url knows no threads; there, only one person sees what is
        `private`.
        """
        if place.kind == "answer":
            seen_by = "ephemeral" if private else "in_channel"
            return attempt(lambda: self._answer(place.address, message, seen_by))
        thread = {"thread_ts": thread_ts, "reply_broadcast": broadcast} if thread_ts else {}
        return attempt(lambda: self._post(place, message, thread))

    def share(self, file_id: str, title: str, words: str, *, channel: str, thread_ts: str) -> Outcome:
        """Shares a file, whose bytes Slack has, as a reply with these words: the last of the three steps of an upload
        (docs.slack.dev, files.completeUploadExternal). Once it was shared, it is not shared again.
        """
        return attempt(lambda: self._share({"id": file_id, "title": title}, words, channel, thread_ts))

    def edit(self, channel: str, ts: str, message: Message) -> Outcome:
        """Gives a message of the bot's own another content."""
        return attempt(lambda: self._update(channel, ts, message))

    def _post(self, place: Place, message: Message, thread: Mapping[str, Any]) -> Sent:
        channel = place.address
        if place.kind == "direct":
            channel = web_answers.needed(self._client.conversations_open(users=channel), "channel", "id")
        try:
            return self._say(channel, message, thread)
        except SlackApiError as e:
            if not message.has_pictures or e.response.get("error") != "invalid_blocks":
                raise
            log.warning("Slack does not show a picture; its message goes out in words")
            return self._say(channel, message.in_words(), thread)

    def _say(self, channel: str, message: Message, thread: Mapping[str, Any]) -> Sent:
        posted = self._client.chat_postMessage(channel=channel, unfurl_links=False, **thread, **message.payload())
        # Slack has it: whatever else is missing in its answer, it is not said again.
        return Sent(web_answers.text(posted, "channel") or channel, web_answers.text(posted, "ts"))

    def _share(self, file: dict[str, str | None], words: str, channel: str, thread_ts: str) -> Sent:
        try:
            done = self._client.files_completeUploadExternal(
                files=[file], channel_id=channel, initial_comment=words, thread_ts=thread_ts
            )
        except SlackApiError:
            if known := self._shared(str(file["id"]), channel):
                return known  # by an earlier call, whose answer was lost
            raise
        return Sent(channel, None, web_answers.text(done, "files", 0, "permalink"))

    def _shared(self, file_id: str, channel: str) -> Sent | None:
        """Slack tells of a file where it is shared (docs.slack.dev, file object)."""
        try:
            said = self._client.files_info(file=file_id)
        except SlackApiError:
            return None
        kinds = web_answers.part(said, "file", "shares")
        places = {place for kind in kinds for place in web_answers.part(kinds, kind)}
        return Sent(channel, None, web_answers.text(said, "file", "permalink")) if channel in places else None

    def _update(self, channel: str, ts: str, message: Message) -> Sent:
        self._client.chat_update(channel=channel, ts=ts, **message.payload())
        return Sent(channel, ts)

    def _answer(self, response_url: str, message: Message, response_type: str) -> Outcome:
        payload = {"response_type": response_type, "replace_original": False, **message.payload()}
        reply = response_urls.post(response_url, payload, seconds=self._client.timeout)
        if reply.is_from_elsewhere:
            return Later(f"HTTP {reply.status}, which Slack did not answer")
        if reply.status == 200:
            return Sent(response_url, None)
        if reply.passing:
            return _later(f"HTTP {reply.status}", reply.retry_after_ms, limit=reply.status == _TOO_MANY)
        return Impossible(reply.body[:100])


def attempt(call: Callable[[], T]) -> T | Later | Impossible:
    """What the call to Slack came to, or what kept it from coming to anything."""
    try:
        return call()
    except SlackApiError as e:
        return _meaning(e)
    except NotSlackError as e:
        return Later(str(e))
    except UNREACHABLE as e:
        log.info("Slack could not be reached: %s", type(e).__name__)
        return Later(f"Slack could not be reached ({type(e).__name__})")


def _meaning(error: SlackApiError) -> Later | Impossible:
    reply = error.response
    word = str(reply.get("error") or f"HTTP {reply.status_code}")
    if word in OURS:
        return Later(word, OURS_AGAIN_MS)
    if word in _PASSING or reply.status_code == 429 or reply.status_code >= 500:
        return _later(word, retry_after_ms(reply.headers), limit=word in _LIMITS or reply.status_code == _TOO_MANY)
    return Impossible(word, message=word in _UNSAYABLE)


def _later(problem: str, after_ms: int | None, *, limit: bool) -> Later:
    wish = None if after_ms is None else max(after_ms, _SHORTEST_WISH_MS)
    return Later(problem, wish, is_limit=limit and wish is not None)
