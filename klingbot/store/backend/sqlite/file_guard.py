"""Guard of the ledger's file: its path must lead to the file that SQLite has open, with the expected content.

SQLite does not notice when its file is deleted, moved or replaced: it goes on writing to a file that nobody can find
again. And where a backup is copied over the file, what it reads is a mixture of both.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from klingbot.store.backend.database import LedgerLostError

FileId = tuple[int, int]
"""Device and inode."""

CLOSE_LOOK_SECONDS = 5.0
COMPANIONS_SECONDS = 1.0
_TRIES, _PAUSE_SECONDS = 4, 0.05
"""A program beside the bot that copies the log into the file (Litestream does) leaves it unreadable for a moment."""


class Loss(StrEnum):
    """Loss of the ledger's file: what happened to it."""

    GONE = "its file was deleted or moved"
    UNSEEN = "its file cannot be seen any more"
    REPLACED = "another file has taken its place"
    COMPANION = "a file that belongs to it was deleted or replaced"
    CUT = "its file was cut off or damaged"
    OLDER = "an older copy was written over its file"
    OTHER = "another ledger was written over its file"


@dataclass(frozen=True, slots=True)
class Mark:
    """Mark that tells one state of a ledger from another; the counts only grow."""

    ledger_id: str
    beats: int
    last_entry: int

    def loss(self, now: Mark) -> Loss | None:
        """Return what happened if the file had this mark and has that one now."""
        if now.ledger_id != self.ledger_id:
            return Loss.OTHER
        return Loss.OLDER if now.beats < self.beats or now.last_entry < self.last_entry else None


class LedgerGuard:
    """Remembers the files that SQLite has open. Its checks cost a few microseconds."""

    def __init__(self, path: Path, seconds: Callable[[], float] = time.monotonic) -> None:
        """Remember the file, which a connection has just opened. Raises OSError."""
        self._path = path.absolute()
        self._seconds = seconds
        self._real = self._path.resolve()  # SQLite keeps its other files beside the file itself, not beside a link
        self.file_id = file_id(self._path)
        self._companions: dict[Path, FileId] = {}
        self._wal_size = 0
        self._stamp: tuple[int, int] | None = None
        self._mark: Mark | None = None
        self._companions_at = self._looked_at = -1e9

    def remember_companions(self) -> None:
        """Remember the files that SQLite keeps beside the ledger; they exist once a transaction has begun."""
        names = [Path(f"{self._real}{suffix}") for suffix in ("-wal", "-shm")]
        self._companions = {name: file_id(name) for name in names if name.exists()}

    def check(self) -> None:
        """Raise LedgerLostError if a transaction would be lost; call it while no other bot writes.

        The path is looked at every time, the files beside it every second, and the content when the file has changed.
        """
        found = self._stat(self._path)
        self._check_place(found)
        now = self._seconds()
        if now - self._companions_at > COMPANIONS_SECONDS:
            self._check_companions()
            self._companions_at = now
        stamp = (found.st_size, found.st_mtime_ns)
        if stamp != self._stamp or now - self._looked_at > CLOSE_LOOK_SECONDS:
            self._check_content()
            self._stamp, self._looked_at = stamp, now

    def check_place(self) -> None:
        """Raise LedgerLostError if the path leads elsewhere."""
        self._check_place(self._stat(self._path))

    def check_files(self) -> None:
        """Raise LedgerLostError if the path leads elsewhere, or a file beside the ledger is not the same any more."""
        self.check_place()
        for name, known in self._companions.items():
            self._check_companion(name, known)

    def has_other_companions(self) -> bool:
        """Return whether other files have taken the place of those beside the ledger: another program made them."""
        return any(name.exists() and file_id(name) != known for name, known in self._companions.items())

    def lost(self, loss: Loss, details: str = "") -> LedgerLostError:
        """Return the error that says so."""
        said = f"{loss}{f' ({details})' if details else ''}"
        return LedgerLostError(f"The ledger {self._path} is lost: {said}. Nothing was kept.", loss)

    def _stat(self, path: Path) -> os.stat_result:
        try:
            return path.stat()
        except FileNotFoundError:
            raise (self.lost(Loss.GONE) if path == self._path else self.lost(Loss.COMPANION, str(path))) from None
        except OSError as e:
            raise self.lost(Loss.UNSEEN, e.strerror or str(e)) from e

    def _check_place(self, found: os.stat_result) -> None:
        if (found.st_dev, found.st_ino) != self.file_id:
            raise self.lost(Loss.REPLACED)

    def _check_companions(self) -> None:
        for name, known in self._companions.items():
            found = self._check_companion(name, known)
            if name.name.endswith("-wal"):
                if found.st_size < self._wal_size:
                    self._check_log()
                self._wal_size = found.st_size

    def _check_companion(self, name: Path, known: FileId) -> os.stat_result:
        found = self._stat(name)
        if (found.st_dev, found.st_ino) != known:
            raise self.lost(Loss.COMPANION, str(name))
        return found

    def _check_log(self) -> None:
        """Read through a log that was shortened: SQLite does that after it has copied it, a person may at any time."""
        try:
            with closing(sqlite3.connect(f"{self._real.as_uri()}?mode=ro", uri=True)) as connection:
                mark = _read(connection)
        except sqlite3.Error as e:
            raise self.lost(Loss.CUT, str(e)) from e
        if mark and self._mark and (loss := self._mark.loss(mark)):
            raise self.lost(loss)

    def _check_content(self) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self._look_inside()
                return
            except LedgerLostError:
                if not tries_left:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _look_inside(self) -> None:
        """Read the file itself without its log, from which SQLite would answer although the file is another.

        What was once copied from the log into the file must still be there. Such a connection takes no lock, and
        closing it leaves the locks of the others alone, which closing a file that was merely opened would not.
        """
        uri = f"{self._real.as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                mark = _read(connection)
        except sqlite3.Error as e:
            if self._mark is None and isinstance(e, sqlite3.OperationalError):  # nothing was copied into it so far
                return
            raise self.lost(Loss.CUT, str(e)) from e
        if self._mark and (loss := self._mark.loss(mark) if mark else Loss.OTHER):
            raise self.lost(loss)
        self._mark = mark


def file_id(path: Path) -> FileId:
    """Return which file is at that path. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino


def whereabouts(known: FileId) -> Path | None:
    """Return where a file that this process has open is now; None where it has no name, or the system cannot tell."""
    try:
        handles = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return None
    for handle in handles:
        with suppress(OSError):
            found = handle.stat()
            if (found.st_dev, found.st_ino) == known:
                return handle.readlink() if found.st_nlink else None
    return None


def _read(connection: sqlite3.Connection) -> Mark | None:
    """Return the ledger's mark; None before it has one."""
    row = connection.execute("SELECT id, beats, (SELECT max(id) FROM entries) FROM _ledger").fetchone()
    return Mark(row[0], row[1], row[2] or 0) if row else None
