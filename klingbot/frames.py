"""First frames: the picture that a video starts from. It is on the web, or it was uploaded to Slack.

Kling reads by itself what is on the web. What was uploaded to Slack it cannot read there, so it is sent the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_UPLOADED = "slack-file:"


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes


@dataclass(frozen=True, slots=True)
class NoPicture:
    reason: str
    """A sentence for whoever asked for the video."""
    passing: bool = False
    """Another try may do better."""


def uploaded(file_id: str) -> str:
    """How a job remembers a file of Slack's, where another has a web address.

    Nobody may type it: the bot can read files that the person who types cannot.
    """
    return _UPLOADED + file_id


def uploaded_id(image: str | None) -> str | None:
    """The file's id; None for a web address, and for no picture."""
    return image.removeprefix(_UPLOADED) if image and image.startswith(_UPLOADED) else None


def first_of(files: Iterable[Mapping[str, Any]]) -> str | None:
    """The first picture among the files of a message (Slack's docs, file object), as a job remembers it."""
    return next((uploaded(file["id"]) for file in files if str(file.get("mimetype")).startswith("image/")), None)
