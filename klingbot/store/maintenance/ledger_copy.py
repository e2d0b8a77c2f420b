"""Carries a ledger from one place to another, of either backend, and proves the copy before it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any

from klingbot.store.backend import metadata
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.backend.location import Place
from klingbot.store.backend.opening import keeper, open_store, snapshot
from klingbot.store.maintenance import ledger_checks, totals_proof

AT_ONCE = 100
"""Rows in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""
AT_WORK_MS = 20_000
"""A bot leaves a sign of life every five seconds."""


class MoveError(Exception):
    """Nothing was moved; the message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a table: how many rows, and a sum over their contents that does not depend on their order."""

    rows: int = 0
    fingerprint: int = 0

    def with_rows(self, rows: Iterable[tuple[Any, ...]]) -> Copied:
        marks = [int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest()) for row in rows]
        return Copied(self.rows + len(marks), (self.fingerprint + sum(marks)) % 2**64)


def move(source: Place, target: Place, *, now: int) -> dict[str, int]:
    """Copies every row, in one transaction of the target; how many by table. The source stays as it is.

    Kept only when the target has the same rows, its totals are what its entries add up to, and every live job its hold.
    Raises MoveError, DatabaseError.
    """
    with snapshot(source) as old, closing(open_store(target)) as store:
        _refuse(old, keeper(source), now)
        with store.write(patient=True) as new:
            there = keeper(target)
            tables = there.tables(new)
            _refuse_unless_empty(new, tables, target)
            there.defer_references(new)
            copied = {table: _copy(old, new, table) for table in tables}
            there.go_on_counting(new, tables)
            _prove(new, copied)
    return {table: copy.rows for table, copy in copied.items()}


def _refuse(old: Database, keeper: ModuleType, now: int) -> None:
    if missing := keeper.steps_missing(old):
        raise MoveError(f"It has yet to go through {', '.join(missing)}: run python bot.py migrate on it first.")
    beat = metadata.get(old, metadata.LAST_BEAT)
    if beat is not None and abs(now - int(beat)) < AT_WORK_MS:  # a clock that was ahead leaves one in the future
        raise MoveError("A bot is at work on it. Stop every bot, wait for 20 seconds, and leave them stopped.")


def _refuse_unless_empty(new: Transaction, tables: list[str], target: Place) -> None:
    for table in tables:
        if new.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            raise MoveError(f"{target} is not empty (there are rows in {table}). Name a new database.")


def _copy(old: Database, new: Transaction, table: str) -> Copied:
    found = old.execute(f"SELECT * FROM {table}")
    columns = [column[0] for column in found.description]
    copied = Copied()
    for rows in _batches(map(tuple, found)):
        new.execute(_insert(table, columns, len(rows)), _numbered(rows))
        copied = copied.with_rows(rows)
    return copied


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, AT_ONCE)):
        yield batch


def _insert(table: str, columns: list[str], rows: int) -> str:
    values = (", ".join(f":p{row}_{place}" for place in range(len(columns))) for row in range(rows))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(f'({each})' for each in values)}"


def _numbered(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    return {f"p{row}_{place}": value for row, values in enumerate(rows) for place, value in enumerate(values)}


def _prove(new: Transaction, copied: dict[str, Copied]) -> None:
    """Raises MoveError, which takes back what was copied."""
    differing = [table for table, copy in copied.items() if Copied().with_rows(_all(new, table)) != copy]
    wrong = [f"{table} has not arrived as it was" for table in differing]
    wrong += [f"the total of {mismatch.scope} is off" for mismatch in totals_proof.mismatches(new)]
    if totals_proof.spend_mismatches(new):
        wrong.append("the daily spend is off")
    if any(ledger_checks.strays(new)):
        wrong.append("live jobs and holds do not match")
    if wrong:
        raise MoveError(f"{wrong[0]}. Run python bot.py doctor on the original.")


def _all(new: Transaction, table: str) -> Iterator[tuple[Any, ...]]:
    return map(tuple, new.execute(f"SELECT * FROM {table}"))
