"""What the sandbox keeps on disk: files with one JSON object a line, appended as things happen."""

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def append(path: Path, entry: dict[str, Any]) -> None:
    """Write one thing down."""
    with path.open("a", encoding="utf-8") as file:
        # The newline comes first, so that a line cut short by a crash cannot swallow the next one.
        file.write("\n" + json.dumps(entry))


def read(path: Path) -> list[dict[str, Any]]:
    """Everything written down, oldest first; a line cut short by a crash is skipped, a missing file is empty."""
    entries: list[dict[str, Any]] = []
    if not path.exists():
        return entries
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            log.warning("%s: line %d is not JSON; skipped", path, number)
    return entries
