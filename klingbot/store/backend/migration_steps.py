"""The schema's steps, as both backends run them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from klingbot.common.sqlite_utils_loader import Database
from klingbot.store.backend.database import DatabaseError
from migrations.migrations import migrations

STEPS: Mapping[str, Callable[[Any], None]] = {step.name: step.fn for step in migrations.pending(Database(memory=True))}
"""By name, oldest first."""


def refuse_newer(place: object, applied: Iterable[str]) -> None:
    """Raises DatabaseError when the ledger has been through steps that this version does not know."""
    if newer := sorted(set(applied) - STEPS.keys()):
        raise DatabaseError(
            f"The database {place} was made by a newer Klingbot (it has {', '.join(newer)}). "
            "Run that version again, or restore a backup from before the upgrade."
        )


def missing(applied: Iterable[str]) -> list[str]:
    """The steps that are still to come."""
    done = set(applied)
    return [name for name in STEPS if name not in done]
