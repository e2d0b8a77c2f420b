"""Files that the bot has uploaded: from the address it is given to the picture or video that a message shows.

As in Slack, a file is no use at once when its upload is complete: it is looked at first, and until then a message
that shows it is refused (slackapi/node-slack-sdk#1865).
"""

import io
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klingbot.sandbox.slack.payload_shapes import Problem

PROCESSING_SECONDS = 0.5

_KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
"""What Slack shows in an image block (Slack's docs, slack file object), by its first bytes."""


@dataclass(slots=True)
class File:
    """One file on its way: announced with a length, then sent, then completed."""

    id: str
    name: str
    length: int
    alt: str
    title: str = ""
    content: bytes | None = None
    completed_at: float | None = None
    shared: tuple[str, str] | None = None
    """The channel and the ts of the message that it was shared with."""

    @property
    def is_picture(self) -> bool:
        return self.kind in _KINDS.values()

    @property
    def kind(self) -> str:
        """`png`, `jpg`, `gif`, `mp4` or `csv`; `binary` for everything else."""
        content = self.content or b""
        if content[4:8] == b"ftyp":
            return "mp4"
        if self.name.endswith(".csv"):
            return "csv"
        return next((kind for start, kind in _KINDS.items() if content.startswith(start)), "binary")

    @property
    def dimensions(self) -> dict[str, int]:
        """`original_w` and `original_h`, where the file is a whole picture."""
        from PIL import Image, UnidentifiedImageError  # needed for few files, and slow to load

        try:
            with Image.open(io.BytesIO(self.content or b"")) as picture:
                return {"original_w": picture.width, "original_h": picture.height}
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
            return {}


class Files:
    """Used from the server's thread only. With `storage` (a folder), pictures survive a restart."""

    def __init__(self, storage: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage = storage
        self._clock = clock
        self._files: dict[str, File] = {}
        self._tickets: dict[str, File] = {}

    def announce(self, name: str, length: int, alt: str) -> tuple[File, str]:
        """A new file, and the ticket that its bytes are sent with, once."""
        file = File(f"F{secrets.token_hex(5).upper()}", name, length, alt)
        self._files[file.id] = file
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = file
        return file, ticket

    def send(self, ticket: str, content: bytes) -> bool:
        """Takes the bytes; False for a ticket that was used or never given, and for another length than announced."""
        file = self._tickets.get(ticket)
        if file is None or len(content) != file.length:
            return False
        del self._tickets[ticket]
        file.content = content
        return True

    def complete(self, file_id: str, title: str) -> File | None:
        """None for a file that is not known, whose bytes have not come, or that was completed before."""
        file = self._files.get(file_id)
        if file is None or file.content is None or file.completed_at is not None:
            return None
        file.title = title or file.name
        file.completed_at = self._clock()
        if self._storage is not None:
            self._storage.mkdir(parents=True, exist_ok=True)
            (self._storage / file.id).write_bytes(file.content)
        return file

    def find(self, file_id: str) -> File | None:
        """A file whose upload is complete."""
        file = self._files.get(file_id) or self._restored(file_id)
        return file if file and file.completed_at is not None else None

    def is_ready(self, file: File) -> bool:
        return file.completed_at is not None and self._clock() >= file.completed_at + PROCESSING_SECONDS

    def problems(self, blocks: Any) -> Iterator[Problem]:
        """Pictures in these blocks that Slack would not show; the blocks are well formed by now."""
        for place, file_id in _shown_files(blocks, "/blocks"):
            file = self.find(file_id)
            if file is None or not self.is_ready(file) or not file.is_picture:
                yield Problem(place, "invalid slack file")

    def _restored(self, file_id: str) -> File | None:
        kept = self._storage / file_id if self._storage and file_id.isalnum() else None
        if kept is None or not kept.is_file():
            return None
        content = kept.read_bytes()
        file = File(file_id, file_id, len(content), "", file_id, content, self._clock() - PROCESSING_SECONDS)
        self._files[file_id] = file
        return file


def _shown_files(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every slack_file in the blocks, with its place as a JSON pointer."""
    if isinstance(value, dict):
        if isinstance(file := value.get("slack_file"), dict):
            yield f"{place}/slack_file", str(file.get("id"))
        for name, each in value.items():
            yield from _shown_files(each, f"{place}/{name}")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _shown_files(each, f"{place}/{index}")
