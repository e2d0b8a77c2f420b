"""Clips up to Slack: where to, and the bytes. What makes a file of them, and shares it, is `Sender.share`.

So the slow half is over before an announcement's turn comes, and saying it is one quick call like any other.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request

from slack_sdk import WebClient

from klingbot import deadlines
from klingbot.openers import opener
from klingbot.slack.pictures import Uploaded
from klingbot.slack.sender import Impossible, Later, attempt

MOST_SECONDS = 75
"""How long one clip may take."""
SECONDS = 15
"""How long Slack may be silent after it has got everything."""


class Clips:
    """Uploads without retrying: when to try again is the caller's business."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def upload(self, file: BinaryIO, size: int, name: str) -> Uploaded | Later | Impossible:
        """The first two of Slack's three steps (docs.slack.dev, files.getUploadURLExternal)."""
        with deadlines.within(MOST_SECONDS):
            return attempt(lambda: self._upload(file, size, name))

    def _upload(self, file: BinaryIO, size: int, name: str) -> Uploaded | Later | Impossible:
        begun = self._client.files_getUploadURLExternal(filename=name, length=size)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        sending = Request(begun["upload_url"], data=file, headers=headers, method="POST")
        try:
            with opener().open(sending, timeout=SECONDS) as answer:
                answer.read()
        except HTTPError as e:
            passing = e.code >= HTTPStatus.INTERNAL_SERVER_ERROR or e.code == HTTPStatus.TOO_MANY_REQUESTS
            said = f"HTTP {e.code}"
            return Later(said) if passing else Impossible(said)
        return Uploaded(str(begun["file_id"]))
