"""Blanking what people wrote once it is old enough. Amounts, times and who spent them are never touched."""

from __future__ import annotations

import json
from typing import Any

from klingbot.store.backend import metadata
from klingbot.store.backend.database import Transaction

_BLANK: dict[str, Any] = {"prompt": "", "negative": None, "image_url": None, "video_url": None}
"""By field of a job, what is left of it."""
_CURSOR = "prompts forgotten up to outbox message"


def of_jobs(tx: Transaction, *, before: int, most: int) -> int:
    """Blanks the jobs that ended before that instant, oldest first; how many there were, at most `most`."""
    rows = tx.execute(
        """
        UPDATE jobs SET prompt = '', negative = NULL, image_url = NULL, video_url = NULL
        WHERE id IN (
          SELECT id FROM jobs
          WHERE finished_at IS NOT NULL AND prompt <> '' AND finished_at < :before
            AND state IN ('succeeded', 'failed', 'released')
          ORDER BY finished_at LIMIT :most)
        RETURNING id""",
        {"before": before, "most": most},
    ).fetchall()
    return len(rows)


def of_messages(tx: Transaction, *, before: int, most: int) -> int:
    """Blanks the jobs in messages queued before that instant, in their order; how many messages were looked at.

    It goes no further than the first one that still waits: nothing is taken from what has yet to be said.
    """
    rows = tx.execute(
        """
        SELECT id, content FROM outbox
        WHERE id > :after AND created_at < :before
          AND id < coalesce((SELECT min(id) FROM outbox WHERE state = 'waiting'), id + 1)
        ORDER BY id LIMIT :most""",
        {"after": int(metadata.get(tx, _CURSOR) or 0), "before": before, "most": most},
    ).fetchall()
    for row in rows:
        content = json.loads(row["content"])
        if (blanked := _blanked(content)) != content:
            tx.execute(
                "UPDATE outbox SET content = :content WHERE id = :id", {"id": row["id"], "content": json.dumps(blanked)}
            )
    if rows:
        metadata.put(tx, _CURSOR, str(rows[-1]["id"]))
    return len(rows)


def _blanked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _BLANK[name] if name in _BLANK else _blanked(each) for name, each in value.items()}
    return [_blanked(each) for each in value] if isinstance(value, list) else value
