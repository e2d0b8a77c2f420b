"""One line for each thing that happened, for people (`text`) or for programs (`json`). Times are UTC.

Where a message is about a job, its id is a field of its own in JSON: `log.info("job %(job)s …", {"job": job.id})`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

SHAPES = ("text", "json")


def set_up(shape: str) -> None:
    """To standard error. Libraries are heard when something is wrong, the bot also when something happens."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if shape == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("klingbot").setLevel(logging.INFO)


class TextLines(logging.Formatter):
    """`2026-11-24T09:00:00.000Z INFO klingbot.dispatcher: message`, and indented under it the traceback, if any."""

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


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
