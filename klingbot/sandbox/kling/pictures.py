"""First frames, as the local Kling looks at them: a web address that it could open, or a picture in bare base64.

Source: kling.ai/document-api, the pages of image to video: 50 MB on the new standard and 10 MB on the legacy one, 300
pixels or more a side, a shape between 1:2.5 and 2.5:1. Nothing is fetched from the web.
"""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any
from urllib.parse import urlsplit

from klingbot.sandbox.kling.refusals import Refusal

MEGABYTES_NEW, MEGABYTES_LEGACY = 50, 10
_SHORTEST_SIDE = 300
_HIDDEN = ("localhost", "127.", "10.", "192.168.", "169.254.", "[")
_LOCKED = ("slack.com", "slack-files.com")


def frame(value: Any, field: str, megabytes: int) -> None:
    """Raises Refusal unless Kling could begin a video with it."""
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        _address(value, field)
        return
    content = _content(value, field)
    if len(content) > megabytes * 1_000_000:
        raise Refusal(1201, f"{field} size must not exceed {megabytes}MB")
    if size := _size(content):
        _shape(*size, field)


def _address(value: str, field: str) -> None:
    host = urlsplit(value).netloc.lower().rpartition("@")[2].partition(":")[0]
    if (
        value.partition("://")[2].startswith(_HIDDEN)
        or host in _LOCKED
        or host.endswith(tuple(f".{x}" for x in _LOCKED))
    ):
        raise Refusal(1201, f"{field} cannot be downloaded")


def _content(value: Any, field: str) -> bytes:
    try:
        if content := base64.b64decode(value, validate=True):
            return content
    except (TypeError, ValueError, binascii.Error):
        pass
    raise Refusal(1201, f"{field} is not an image URL or base64")


def _size(content: bytes) -> tuple[int, int] | None:
    """Width and height; None for what Pillow cannot read, which is let through: some tests send no whole picture."""
    from PIL import Image, UnidentifiedImageError  # needed for few requests, and slow to load

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None


def _shape(width: int, height: int, field: str) -> None:
    if min(width, height) < _SHORTEST_SIDE:
        raise Refusal(1201, f"{field} width and height must not be less than {_SHORTEST_SIDE}px")
    if not 1 / 2.5 <= width / height <= 2.5:
        raise Refusal(1201, f"{field} aspect ratio must be between 1:2.5 and 2.5:1")
