"""A finished clip from Kling, within bounds of size and time."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from klingbot.common.safe_fetch import INTERNET, Fetched, Limits, Network, NotFetched, Request, fetch, origin

LIMITS = Limits(most_bytes=200_000_000, seconds=90)
"""Far above Kling's clips: fifteen seconds in 4K at 50 Mbit/s are 94 MB."""


def fetch_clip(
    url: str, into: BinaryIO, *, root: str, given_up: Callable[[], bool], network: Network = INTERNET
) -> Fetched | NotFetched:
    """Write the clip at that address to a file. `root` is where Kling's API is; the sandbox serves clips there too."""
    fetched = fetch(Request(url), into, LIMITS, exempt=[origin(root)], given_up=given_up, network=network)
    if isinstance(fetched, Fetched) and not _is_video(into):
        return NotFetched("it is no MP4 video", passing=False)
    return fetched


def _is_video(file: BinaryIO) -> bool:
    """Return whether it begins as every MP4 does: with the length and the name of its box `ftyp` (ISO/IEC 14496-12)."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    return start[4:8] == b"ftyp"
