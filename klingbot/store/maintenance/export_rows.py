"""All jobs and all entries, oldest first, a row at a time: what `export` hands out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.store.backend.database import Database

# A response_url lets whoever has it speak in Slack, so it stays here, as do leases and other workings of the queue.
_SELECTS: Mapping[str, str] = {
    "jobs": """
        SELECT id, state, user_id, project, channel_id, model, duration_seconds, resolution, audio, aspect,
          prompt, negative, image_url, price_list, microusd_per_credit, quote_millicredits, quote_microusd,
          settled_millicredits, settled_microusd, asked_at, submitted_at, finished_at, written_off_at,
          task_id, video_url, reason
        FROM jobs ORDER BY asked_at, id""",
    "entries": """
        SELECT entries.id, entries.at, entries.kind, job_id, user_id, project, model,
          entries.held_millicredits, entries.held_microusd, entries.settled_millicredits, entries.settled_microusd,
          author, entries.reason
        FROM entries JOIN jobs ON jobs.id = entries.job_id ORDER BY entries.id""",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """Columns named as in the schema, and the rows, which are read as they are asked for."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def listing(db: Database, what: str) -> Listing:
    """`what` is jobs or entries."""
    cursor = db.execute(_SELECTS[what])
    return Listing(tuple(column[0] for column in cursor.description), map(tuple, cursor))
