"""Files that hold people's data: only the user who runs the bot may read the ones that it creates."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create(path: Path, mode: int = OWNER_ONLY) -> int:
    """Create the file with exactly that mode and return its descriptor. Raises FileExistsError, OSError.

    The file never has a wider mode, not even for an instant: the umask can only take rights away, and what it took
    from the owner is given back afterwards.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with suppress(OSError):  # file systems without modes of their own, such as vfat, refuse this
        os.fchmod(handle, mode)
    return handle


def ensure(path: Path, mode: int = OWNER_ONLY) -> None:
    """Create an empty file with that mode unless the file is there already; then leave it as it is. Raises OSError."""
    with suppress(FileExistsError):
        os.close(create(path.resolve(), mode))  # a link may point to a file that does not exist yet


@contextmanager
def replacing(path: Path, *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """Yield a text file that takes the place of `path` once it is complete. Raises OSError.

    A new file is its owner's alone; one that is replaced keeps its mode. What is no regular file (a pipe, a terminal)
    is written to directly.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding=encoding, newline="") as pipe:
            yield pipe
        return
    place = path.resolve()
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    handle = create(draft, mode_of(place) if place.exists() else OWNER_ONLY)
    try:
        with os.fdopen(handle, "w", encoding=encoding, newline="") as file:
            yield file
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def mode_of(path: Path) -> int:
    """Return the file's permission bits. Raises OSError."""
    return stat.S_IMODE(path.stat().st_mode)


def is_private(path: Path) -> bool:
    """Return whether nobody but the file's owner has any right to it. Raises OSError."""
    return not mode_of(path) & _OTHERS
