"""Pictures that people have uploaded to Slack, for Kling to begin a video with. Needs the scope files:read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from slack_sdk import WebClient

from klingbot.frames import NoPicture, Picture
from klingbot.slack.sender import SECONDS, Impossible, Later, attempt

MOST_BYTES = 10_000_000
"""Of a first frame (Kling's docs, image to video)."""
_KINDS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_GONE = "Klingbot cannot see the picture in Slack: it was deleted, or is in a channel that Klingbot is not in."
_WRONG_KIND = "Kling takes JPEG and PNG pictures of up to 10 MB, and the one in Slack is none."


class Frames:
    """Fetches without retrying: when to try again is the caller's business."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def fetch(self, file_id: str) -> Picture | NoPicture:
        outcome = attempt(lambda: self._fetch(file_id))
        match outcome:
            case Later(problem):
                return NoPicture(f"Slack did not hand out the picture: {problem}.", passing=True)
            case Impossible():
                return NoPicture(_GONE)
        return outcome

    def _fetch(self, file_id: str) -> Picture | NoPicture:
        file: dict[str, Any] = self._client.files_info(file=file_id)["file"]
        if "url_private" not in file:
            return NoPicture(_GONE)
        try:
            content = self._download(file["url_private"])
        except HTTPError as e:
            if e.code >= HTTPStatus.INTERNAL_SERVER_ERROR or e.code == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            return NoPicture(_GONE)
        fits = content.startswith(_KINDS) and len(content) <= MOST_BYTES
        return Picture(content) if fits else NoPicture(_WRONG_KIND)

    def _download(self, url: str) -> bytes:
        """One byte more than may be, at most: enough to see that it is too much."""
        asking = Request(url, headers={"Authorization": f"Bearer {self._client.token}"})
        with _FROM_SLACK_ALONE.open(asking, timeout=SECONDS) as answer:
            return bytes(answer.read(MOST_BYTES + 1))


class _Nowhere(HTTPRedirectHandler):
    """The token must reach nobody else. Slack leads to its login page where the bot may not see the file."""

    def redirect_request(self, *args: Any) -> None:
        return None


_FROM_SLACK_ALONE = build_opener(_Nowhere)
