"""Pictures that people have uploaded to Slack, for Kling to begin a video with. Needs the scope files:read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from slack_sdk import WebClient

from klingbot.common.safe_fetch import INTERNET, Limits, Network, NotFetched, Request, fetch, origin
from klingbot.common.web_addresses import is_slack, parse
from klingbot.domain import source_images
from klingbot.domain.request_limits import MOST_PICTURE_BYTES
from klingbot.domain.source_images import NoPicture, Picture
from klingbot.slack.api.message_sender import Impossible, Later, attempt

SECONDS = 30
_GONE = "I can't see the picture in Slack: it was deleted, or it's in a channel that I'm not in."


class ImageDownloads:
    """Fetches without retrying: when to try again is the caller's business."""

    def __init__(self, client: WebClient, network: Network = INTERNET) -> None:
        self._client = client
        self._network = network

    def fetch(self, file_id: str, most_bytes: int = MOST_PICTURE_BYTES) -> Picture | NoPicture:
        """Return the picture of at most so many bytes, or a sentence that says why there is none."""
        outcome = attempt(lambda: self._fetch(file_id, most_bytes))
        match outcome:
            case Later(problem):
                return _away(problem)
            case Impossible():
                return NoPicture(_GONE)
        return outcome

    def _fetch(self, file_id: str, most_bytes: int) -> Picture | NoPicture:
        file: dict[str, Any] = self._client.files_info(file=file_id)["file"]
        described = source_images.described(file)
        if isinstance(described, NoPicture):
            return described
        if fault := source_images.fault(described, most_bytes):
            return NoPicture(fault)
        content = self._download(str(file.get("url_private", "")), most_bytes)
        return content if isinstance(content, NoPicture) else source_images.checked(content, most_bytes)

    def _download(self, url: str, most_bytes: int) -> bytes | NoPicture:
        """Return the file's content. The bot's token goes to Slack's own hosts alone: Slack warns that a file may be
        anywhere (docs.slack.dev, file object).
        """
        address, own = parse(url), origin(self._client.base_url)
        if address is None or not (address.origin == own or is_slack(address.host)):
            return NoPicture(source_images.ELSEWHERE)
        content, asking = BytesIO(), Request(url, {"Authorization": f"Bearer {self._client.token}"})
        fetched = fetch(asking, content, Limits(most_bytes, SECONDS), exempt=[own], network=self._network)
        if not isinstance(fetched, NotFetched):
            return content.getvalue()
        if fetched.passing:
            return _away(fetched.reason)
        return NoPicture(source_images.too_large(most_bytes) if fetched.too_large else _GONE)


def _away(problem: str) -> NoPicture:
    return NoPicture(f"Slack did not hand out the picture: {problem}.", passing=True)
