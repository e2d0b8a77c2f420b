"""Clips up to Slack: where to, and the bytes. What makes a file of them, and shares it, is `Sender.share`.

So the slow half is over before an announcement's turn comes, and saying it is one quick call like any other.
"""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from slack_sdk import WebClient

from klingbot.common import deadlines
from klingbot.common.safe_fetch import INTERNET, Limits, Network, NotFetched, Request, fetch, origin
from klingbot.slack.api import web_answers
from klingbot.slack.api.message_sender import Impossible, Later, attempt
from klingbot.slack.api.picture_uploads import Uploaded

LIMITS = Limits(most_bytes=100_000, seconds=75)
"""Of Slack's answer, which is a few words, and of the time that one clip may take."""


class ClipUploads:
    """Uploads without retrying: when to try again is the caller's business."""

    def __init__(self, client: WebClient, network: Network = INTERNET) -> None:
        self._client = client
        self._network = network

    def upload(self, file: BinaryIO, size: int, name: str) -> Uploaded | Later | Impossible:
        """The first two of Slack's three steps (docs.slack.dev, files.getUploadURLExternal)."""
        with deadlines.within(LIMITS.seconds):
            return attempt(lambda: self._upload(file, size, name))

    def _upload(self, file: BinaryIO, size: int, name: str) -> Uploaded | Later | Impossible:
        begun = self._client.files_getUploadURLExternal(filename=name, length=size)
        file_id, address = web_answers.needed(begun, "file_id"), web_answers.needed(begun, "upload_url")
        sending = Request(address, {"Content-Type": "application/octet-stream"}, file, size)
        answer = fetch(sending, BytesIO(), LIMITS, exempt=[origin(self._client.base_url)], network=self._network)
        if isinstance(answer, NotFetched):
            return Later(answer.reason) if answer.passing else Impossible(answer.reason)
        return Uploaded(file_id)
