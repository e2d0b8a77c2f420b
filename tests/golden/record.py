"""Add what is new in this version to `stored.json`: `python -m tests.golden.record`. What is there stays as it is."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from klingbot.store import open_store
from tests.golden import samples

STORED = Path(__file__).with_name("stored.json")


def taken() -> dict[str, Any]:
    """Return samples of everything that this version stores."""
    return {
        "outbox": samples.outbox_contents(),
        "buttons": samples.button_values(),
        "form memories": samples.form_memories(),
        "form fields": samples.form_fields(),
        "columns": columns(),
        "outbox lines": {
            "the default alerts channel": "",
            "the admins": "admins",
            "a channel": "C0FINANCE1",
            "a person": "U0BOB00001",
            "a channel in its quiet hours": "quiet C0FINANCE1",
            "a clip on its way": "clip abcdefghijkl",
            "an answer to a command": "https://hooks.slack.com/commands/T0/1/x",
        },
    }


def columns() -> dict[str, list[str]]:
    """Return the names of each table's columns."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "klingbot.db")
        named = store.read().execute("""
            SELECT m.name AS named, p.name AS field FROM sqlite_master AS m, pragma_table_info(m.name) AS p
            WHERE m.type = 'table' AND m.name NOT LIKE '%sqlite%' ORDER BY 1, 2""")
        found: dict[str, list[str]] = {}
        for row in named.fetchall():
            found.setdefault(row["named"], []).append(row["field"])
        store.close()
        return found


def record() -> None:
    known = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    for area, now in taken().items():
        known[area] = {**now, **known.get(area, {})}
    STORED.write_text(json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
