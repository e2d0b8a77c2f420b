"""Whose turn it is to write to the ledger's file: first among the threads of a process, then among processes."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from klingbot.common import private_files
from klingbot.domain.ledger_faults import LedgerFault
from klingbot.store.backend.database import NotKeptError
from klingbot.store.backend.fair_lock import Turns

_BUSY = "Another process keeps the ledger's file; nothing was kept."
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0001, 0.002
"""Seconds between two looks at another process's lock: short ones are fair enough, and one wait could not be ended."""


class Turn:
    """Whose turn it is to write: one thread of this process, and no other process meanwhile."""

    def __init__(self, path: Path, mode: int) -> None:
        """Open the lock file, creating it with that mode if it does not exist. Raises OSError."""
        self._threads = Turns()
        self._path = path.absolute()
        self._mode = mode
        self._open()

    def __enter__(self) -> None:
        self.take(None)

    def __exit__(self, *_: object) -> None:
        self.hand_on()

    def take(self, due: float | None) -> None:
        """Wait until then (of the monotonic clock), or without end. Raises NotKeptError, OSError."""
        if not self._threads.take(None if due is None else due - time.monotonic()):
            raise NotKeptError(_BUSY, LedgerFault.BUSY)
        try:
            self._lock(due)
        except BaseException:
            self._threads.hand_on()
            raise

    def hand_on(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.hand_on()

    def close(self) -> None:
        self._file.close()

    def _open(self) -> None:
        private_files.ensure(self._path, self._mode)
        self._file = self._path.open("r+")
        found = os.fstat(self._file.fileno())
        self._file_id = found.st_dev, found.st_ino

    def _reopened(self) -> bool:
        """Open the file that others lock; return False where its folder is gone, and the ledger with it."""
        deleted = self._file
        try:
            self._open()
        except FileNotFoundError:
            return False
        deleted.close()
        return True

    def _is_current(self) -> bool:
        """Return whether other processes lock the same file: one that was deleted or replaced keeps nobody out."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._file_id

    def _lock(self, due: float | None) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | (0 if due is None else fcntl.LOCK_NB))
                if self._is_current() or not self._reopened():
                    return
                continue
            except BlockingIOError:
                if due is not None and time.monotonic() > due:
                    raise NotKeptError(_BUSY, LedgerFault.BUSY) from None
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
