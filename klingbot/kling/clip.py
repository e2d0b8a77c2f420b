"""A finished clip down from Kling, within bounds of size and time.

Its address comes from outside, so it is followed only where a stranger's address could do no harm: by https to a named
host, whose certificate proves the name (nothing inside a network can), or to the very server that serves Kling's API,
which is how the sandbox serves clips. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

MOST_BYTES = 200_000_000
"""Far above Kling's clips: fifteen seconds in 4K at 50 Mbit/s are 94 MB."""
MOST_SECONDS = 60
_CHUNK = 256 * 1024
_TIMEOUTS = (5, 15)
_PASSING = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Fetched:
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class NotFetched:
    reason: str
    passing: bool
    """Another try may do better."""


def fetch(url: str, into: BinaryIO, *, root: str, given_up: Callable[[], bool]) -> Fetched | NotFetched:
    """Writes the clip behind that address to a file. `root` is Kling's own; `given_up` is asked while it comes."""
    if not is_followed(url, root=root):
        return NotFetched("its address is not one that is followed", passing=False)
    try:
        with requests.get(url, stream=True, timeout=_TIMEOUTS, allow_redirects=False) as answer:
            if answer.status_code != requests.codes.ok:
                passing = answer.status_code >= 500 or answer.status_code in _PASSING
                return NotFetched(f"HTTP {answer.status_code}", passing=passing)
            return _receive(answer, into, given_up)
    except (requests.RequestException, HTTPError, OSError) as error:
        return NotFetched(type(error).__name__, passing=True)


def is_followed(url: str, *, root: str) -> bool:
    try:
        parts, own = urlsplit(url), urlsplit(root)
        port = parts.port
    except ValueError:
        return False
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return True
    plain = parts.username is None and parts.password is None and port in (None, 443)
    return parts.scheme == "https" and plain and _is_public_name(parts.hostname or "")


def _is_public_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host.strip(".")
    return False


def _receive(answer: requests.Response, into: BinaryIO, given_up: Callable[[], bool]) -> Fetched | NotFetched:
    ends, size = time.monotonic() + MOST_SECONDS, 0
    announced = answer.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        return NotFetched(f"it has {int(announced):,} bytes", passing=False)
    for chunk in answer.iter_content(_CHUNK):
        size += len(chunk)
        if size > MOST_BYTES:
            return NotFetched(f"it has more than {MOST_BYTES:,} bytes", passing=False)
        if given_up() or time.monotonic() > ends:
            return NotFetched(f"it took more than {MOST_SECONDS} s", passing=True)
        into.write(chunk)
    if not _is_video(into):
        return NotFetched("it is no MP4 video", passing=False)
    return Fetched(size)


def _is_video(file: BinaryIO) -> bool:
    """Every MP4 begins with the length and the name of its box `ftyp` (ISO/IEC 14496-12)."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    return start[4:8] == b"ftyp"
