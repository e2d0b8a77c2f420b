"""A conversation on disk: one JSON object a line, appended as things are said.

A line is `{"kind": "posted" | "updated" | "deleted", "message": {…}}`. Reading folds the lines into the
messages that are left.
"""

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def append(path: Path, kind: str, message: dict[str, Any]) -> None:
    """Write one change down."""
    line = json.dumps({"kind": kind, "message": message})
    with path.open("a", encoding="utf-8") as file:
        # The newline comes first, so that a line cut short by a crash cannot swallow the next one.
        file.write("\n" + line)


def read(path: Path) -> list[dict[str, Any]]:
    """The messages that are left, oldest first; a line cut short by a crash is skipped."""
    if not path.exists():
        return []
    left: dict[tuple[str, str], dict[str, Any]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            change = json.loads(line)
        except json.JSONDecodeError:
            log.warning("%s: line %d is not JSON; skipped", path, number)
            continue
        message = change["message"]
        key = (message["channel"], message["ts"])
        left[key] = message
        if change["kind"] == "deleted":
            del left[key]
    return list(left.values())
