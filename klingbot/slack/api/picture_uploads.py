"""Pictures up to Slack, where messages can show them.

A file goes up in three calls (docs.slack.dev, files.getUploadURLExternal) and stays private until a message shows it.
Slack then looks at it for a moment, and refuses messages that show it sooner; it can be asked when that is over
(slackapi/node-slack-sdk#1865).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from slack_sdk import WebClient

from klingbot.common import deadlines
from klingbot.slack.api import web_answers
from klingbot.slack.api.message_sender import Impossible, Later, attempt

UPLOAD_SECONDS = 30
"""How long all calls for one picture may take together."""
WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.25
LONGEST_ALT = 1_000
"""Characters (Slack's docs, files.getUploadURLExternal)."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Slack has it, under this id."""

    file_id: str


class PictureUploads:
    """Uploads without retrying: when to try again is the caller's business."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def upload(self, png: bytes, alt: str) -> Uploaded | Later | Impossible:
        """`alt` says what it shows to those who cannot see it."""
        with deadlines.within(UPLOAD_SECONDS):
            return attempt(lambda: self._upload(png, alt))

    def _upload(self, png: bytes, alt: str) -> Uploaded:
        reply = self._client.files_upload_v2(
            content=png, filename="spend.png", title="Spend per day", alt_txt=alt[:LONGEST_ALT]
        )
        file_id = web_answers.needed(reply, "files", 0, "id")
        self._wait_for(file_id)
        return Uploaded(file_id)

    def _wait_for(self, file_id: str) -> None:
        """Until Slack is done looking at it, but not for ever: a message can be said without its picture."""
        ends = time.monotonic() + WAIT_SECONDS
        while not self._is_looked_at(file_id) and time.monotonic() < ends:
            time.sleep(LOOK_SECONDS)

    def _is_looked_at(self, file_id: str) -> bool:
        return web_answers.text(self._client.files_info(file=file_id), "file", "mimetype") is not None
