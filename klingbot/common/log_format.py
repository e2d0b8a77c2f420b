"""One line for each thing that happened, for people (`text`) or for programs (`json`). Times are UTC.

Where a message is about a job, its id is a field of its own in JSON: `log.info("job %(job)s …", {"job": job.id})`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

SHAPES = ("text", "json")


def set_up(shape: str) -> None:
    """To standard error. Libraries are heard when something is wrong, the bot also when something happens."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if shape == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("klingbot").setLevel(logging.INFO)


class TextLines(logging.Formatter):
    """`2026-11-24T09:00:00.000Z INFO klingbot.workers.submitter: message`, with any traceback indented below it."""

    def format(self, record: logging.LogRecord) -> str:
        # What others said may be in a message: it must not look like the next line.
        message = " ".join(record.getMessage().splitlines())
        lines = [f"{_time(record)} {record.levelname} {record.name}: {message}"]
        if record.exc_info:
            lines += [f"  {line}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


class JsonLines(logging.Formatter):
    """One object a line: `time`, `level`, `place`, `message`, the message's own fields, and `traceback`, if any."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            **(record.args if isinstance(record.args, Mapping) else {}),
            "time": _time(record),
            "level": record.levelname.lower(),
            "place": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class AtMost(logging.Filter):
    """A filter for a logger whose lines strangers can cause: of each message so many a minute, then their number."""

    def __init__(
        self, lines: int = 5, seconds: float = 60, clock: Callable[[], float] = time.monotonic, messages: int = 100
    ) -> None:
        super().__init__()
        self._lines = lines
        self._seconds = seconds
        self._clock = clock
        self._messages = messages
        self._counted: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        now, key = self._clock(), str(record.msg)[:200]
        with self._lock:
            began, count = self._counted.get(key, (now, 0))
            if now - began >= self._seconds:
                began, missed, count = now, count - self._lines, 0
                if missed > 0:
                    record.msg = f"{record.msg} (and {missed} more like it since)"
            if key not in self._counted and len(self._counted) >= self._messages:
                self._counted.clear()
            self._counted[key] = (began, count + 1)
        return count < self._lines


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
