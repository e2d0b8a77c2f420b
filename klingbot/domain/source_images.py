"""First frames: the picture that a video starts from. It is on the web, or it was uploaded to Slack. Pure.

Kling opens by itself what is on the web. What was uploaded to Slack it cannot open there, so it is sent the picture.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.common.web_addresses import is_public_ip, is_public_name, is_slack, parse

LEAST_PIXELS = 300
"""Of each side (Kling's docs, image to video)."""
_UPLOADED = "slack-file:"
_FILE_ID = re.compile(r"F[A-Z0-9]{2,40}")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_MIMETYPES = ("image/png", "image/jpeg", "image/jpg")
_SIZES_OF_JPEG = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of its segments that say how large it is (ITU T.81, table B.1)."""

ELSEWHERE = (
    "That picture is only linked in Slack and is kept by another service. "
    "Download it, upload it to Slack itself, and try again."
)
_NOT_SHOWN = (
    "Slack doesn't let me open that picture, perhaps because it comes from another organization. "
    "Upload it yourself, in a channel that I'm in."
)
_WRONG_KIND = "Kling takes JPEG and PNG pictures, and this file is neither. Save it as one of them and upload it again."
_IN_SLACK = (
    "Kling can't open pictures that are in Slack. Attach the picture to a message that begins with @klingbot generate, "
    "or choose Make a video from this on the message that has it."
)
NOT_WEB = (
    "That is not the web address of a picture. Give one that begins with https://, or upload the picture to Slack."
)


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes


@dataclass(frozen=True, slots=True)
class NoPicture:
    reason: str
    """A sentence for whoever asked for the video."""
    passing: bool = False
    """Another try may do better."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that was uploaded to Slack, as Slack describes it; None where it does not say."""

    file_id: str
    size: int | None = None
    """In bytes."""
    width: int | None = None
    height: int | None = None

    @property
    def image_url(self) -> str:
        """Return what a job remembers of it."""
        return uploaded(self.file_id)


def uploaded(file_id: str) -> str:
    """Return how a job remembers a file of Slack's, where another has a web address.

    Nobody may type it: the bot can read files that the person who types cannot.
    """
    return _UPLOADED + file_id


def uploaded_id(image: str | None) -> str | None:
    """Return the file's id; None for a web address, and for no picture."""
    return image.removeprefix(_UPLOADED) if image and image.startswith(_UPLOADED) else None


def first_of(files: Iterable[Any]) -> Upload | NoPicture | None:
    """Return the first picture of a message's files that can be used (docs.slack.dev, file object).

    Without one, return why the first picture cannot be used; None when no file is a picture at all.
    """
    found = [described(file) for file in files if isinstance(file, Mapping) and _may_be_picture(file)]
    usable = (each for each in found if isinstance(each, Upload))
    return next(usable, found[0] if found else None)


def described(file: Mapping[str, Any]) -> Upload | NoPicture:
    """Return the picture that the file is, or why it cannot be used."""
    if file.get("is_external") or file.get("mode") == "external":
        return NoPicture(ELSEWHERE)
    file_id = str(file.get("id", ""))
    if not _is_shown(file) or not _FILE_ID.fullmatch(file_id):
        return NoPicture(_NOT_SHOWN)
    if (mimetype := file.get("mimetype")) and mimetype not in _MIMETYPES:  # Slack may not have looked at it yet
        return NoPicture(_WRONG_KIND)
    size, width, height = (_whole(file.get(name)) for name in ("size", "original_w", "original_h"))
    return Upload(file_id, size, width, height)


def fault(picture: Upload, most_bytes: int) -> str | None:
    """Return why Kling would refuse the picture, as far as its description says."""
    if picture.size is not None and picture.size > most_bytes:
        return too_large(most_bytes)
    if picture.width is None or picture.height is None:
        return None
    shown, (short, long) = f"{picture.width} × {picture.height}", sorted((picture.width, picture.height))
    if short < LEAST_PIXELS:
        return f"The picture is {shown} pixels, and Kling needs {LEAST_PIXELS} on each side. Send a larger one."
    if long * 2 > short * 5:
        return f"The picture is {shown} pixels. Kling takes shapes up to 2.5:1, so crop it and send it again."
    return None


def too_large(most_bytes: int) -> str:
    """Return the sentence about a picture that has more bytes than Kling takes."""
    return f"Kling takes pictures of up to {most_bytes // 1_000_000} MB, and this one is larger. Send a smaller one."


def checked(content: bytes, most_bytes: int) -> Picture | NoPicture:
    """Return the picture, if its bytes are one that Kling takes: what Slack says of a file may be wrong."""
    if not content.startswith((_PNG, _JPEG)):
        return NoPicture(_WRONG_KIND)
    width, height = dimensions(content) or (None, None)
    wrong = fault(Upload("", len(content), width, height), most_bytes)
    return NoPicture(wrong) if wrong else Picture(content)


def dimensions(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG in pixels; None where its first bytes do not say."""
    if content.startswith(_PNG):
        return struct.unpack(">II", content[16:24]) if len(content) >= 24 else None
    at = 2
    while len(head := content[at : at + 9]) == 9 and head[0] == 0xFF:
        if head[1] in _SIZES_OF_JPEG:
            height, width = struct.unpack(">HH", head[5:9])
            return width, height
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:4])  # 0xFF may be repeated before a marker
    return None


def unreachable(url: str) -> str | None:
    """Return why Kling cannot open the picture at that address; None when it probably can."""
    address = parse(url)
    if address is None:
        return NOT_WEB
    if is_slack(address.host):
        return _IN_SLACK
    if is_public_name(address.host) or is_public_ip(address.host):
        return None
    return f"Kling can't reach {address.host}: it isn't on the public internet. Upload the picture to Slack instead."


def _may_be_picture(file: Mapping[str, Any]) -> bool:
    """Return whether a person would call the file a picture. Of some files Slack says nothing but their id."""
    return str(file.get("mimetype") or "").startswith("image/") or not _is_shown(file)


def _is_shown(file: Mapping[str, Any]) -> bool:
    return (file.get("file_access") or "visible") == "visible"


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
