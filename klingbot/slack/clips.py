"""Clips up to Slack: where to, and the bytes. What makes a file of them, and shares it, is `Sender.share`.

So the slow half is over before an announcement's turn comes, and saying it is one quick call like any other.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from slack_sdk import WebClient

from klingbot.slack.pictures import Uploaded
from klingbot.slack.sender import Impossible, Later, attempt

MOST_SECONDS = 60
SECONDS = 15
"""How long Slack may take for one piece of it."""


class Clips:
    """Uploads without retrying: when to try again is the caller's business."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def upload(self, file: BinaryIO, size: int, name: str) -> Uploaded | Later | Impossible:
        """The first two of Slack's three steps (docs.slack.dev, files.getUploadURLExternal)."""
        return attempt(lambda: self._upload(file, size, name))

    def _upload(self, file: BinaryIO, size: int, name: str) -> Uploaded | Later | Impossible:
        begun = self._client.files_getUploadURLExternal(filename=name, length=size)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        sending = Request(begun["upload_url"], data=_InTime(file), headers=headers, method="POST")
        try:
            urlopen(sending, timeout=SECONDS).close()
        except HTTPError as e:
            passing = e.code >= HTTPStatus.INTERNAL_SERVER_ERROR or e.code == HTTPStatus.TOO_MANY_REQUESTS
            said = f"HTTP {e.code}"
            return Later(said) if passing else Impossible(said)
        return Uploaded(str(begun["file_id"]))


class _InTime:
    """A file that can be read for a while: a connection that only trickles must not keep its thread for ever."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ends = time.monotonic() + MOST_SECONDS

    def read(self, size: int = -1, /) -> bytes:
        if time.monotonic() > self._ends:
            raise TimeoutError(f"sending took more than {MOST_SECONDS} s")
        return self._file.read(size)
