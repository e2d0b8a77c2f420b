"""What is said to the bot in messages: acknowledged at once, then answered where it was said.

In a channel or a thread only the person sees the answer, in the direct messages there is nobody else. Slack delivers an
event again when it has not heard of the first time (Slack's docs, the Events API).
"""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from klingbot.blocks import help as help_blocks
from klingbot.blocks import short_answers
from klingbot.blocks.message import Message
from klingbot.domain.source_images import NoPicture, Upload
from klingbot.slack.command_line import parser
from klingbot.slack.command_line.mistakes import UsageError
from klingbot.slack.command_line.types import Generate
from klingbot.slack.context import Asker, Desk, Opens
from klingbot.slack.interactions import answers, commands, failures, mention_names, message_text
from klingbot.slack.interactions.message_text import Spoken
from klingbot.slack.interactions.recent_ids import RecentIds


def register(app: App, desk: Desk) -> None:
    heard = RecentIds()

    def acknowledge(ack: Ack) -> None:
        ack()

    def hear(body: dict[str, Any], client: WebClient) -> None:
        try:
            said = message_text.read(body)
        except (KeyError, TypeError, AttributeError):
            failures.not_understood("message", body)
            return
        if said and heard.first(said.request_id):
            _show(client, said, _answered(desk, said))

    app.event("app_mention")(ack=acknowledge, lazy=[hear])
    app.event("message")(ack=acknowledge, lazy=[hear])


def answer(desk: Desk, said: Spoken) -> Message:
    """What it comes to. Only what begins with `generate` can ever cost anything."""
    if said.words is None:
        return help_blocks.talked_about(desk.engine.prices)
    words = mention_names.with_names(desk, said.words)
    picture = said.picture if isinstance(said.picture, Upload) else None
    if said.has_files and picture is None and _wants_video(words):
        return short_answers.no_picture(said.picture.reason if isinstance(said.picture, NoPicture) else None)
    asker = Asker(said.user_id, said.channel_id, said.request_id, None, said.thread_ts, picture)
    outcome = commands.answer(desk, asker, words)
    if not isinstance(outcome, Opens):
        return outcome
    return short_answers.picture_wants_words() if picture else help_blocks.form_wants_a_press(words)


def _answered(desk: Desk, said: Spoken) -> Message:
    try:
        return answer(desk, said)
    except Exception as error:
        return failures.noted(error)


def _show(client: WebClient, said: Spoken, message: Message) -> None:
    if said.is_direct:
        answers.tell(client, said.channel_id, message, thread_ts=said.thread_ts)
    else:
        answers.whisper(client, said.channel_id, said.user_id, message, thread_ts=said.thread_ts)


def _wants_video(words: str) -> bool:
    try:
        return isinstance(parser.parse(words), Generate)
    except UsageError:
        return False
