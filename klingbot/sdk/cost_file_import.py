"""Taking over what was recorded in `cost_tracking.json`. Doing it again changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from klingbot.engine import Engine, usage_records
from klingbot.engine import budgets as engine_budgets
from klingbot.sdk import cost_file
from klingbot.sdk.cost_file import CostFile
from klingbot.store import budgets
from klingbot.store.backend import metadata

AT_ONCE = 50
"""Records booked in one transaction: the bot, which may be running, gets its turn between them."""
BY = "import"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """How many records are new, and how many the ledger knew; the same of budgets; and what was left out, and why."""

    records: int
    known_records: int
    budgets: int
    known_budgets: int
    problems: tuple[str, ...]


def take_over(engine: Engine, content: bytes) -> TakenOver:
    """Books the file's records in the periods of their own times, at what they say they cost, and sets its budgets.

    A job that the ledger knows stays as it is, and so does a budget. Raises NotACostFileError.
    """
    found = cost_file.read(content)
    # Budgets last, so that history is not announced one threshold after the other.
    records = sum(
        usage_records.record(engine, found.spent[start : start + AT_ONCE], by=BY)
        for start in range(0, len(found.spent), AT_ONCE)
    )
    new = _set_budgets(engine, found)
    with engine.store.write() as tx:
        metadata.put(tx, _fact(content), "yes")
    return TakenOver(records, len(found.spent) - records, new, len(found.budgets) - new, found.problems)


def taken_over_before(engine: Engine, content: bytes) -> bool:
    """Whether exactly this was taken over before: what was changed in the ledger since must not come back."""
    return metadata.get(engine.store.read(), _fact(content)) is not None


def _fact(content: bytes) -> str:
    return f"taken over {hashlib.sha256(content).hexdigest()}"


def _set_budgets(engine: Engine, found: CostFile) -> int:
    new = 0
    for change in found.budgets:
        if budgets.get(engine.store.read(), change.scope, change.kind) is None:
            engine_budgets.set_budget(engine, change, by=BY)
            new += 1
    return new


def summary(taken: TakenOver, name: str) -> list[str]:
    """What a person reads of it, line by line."""
    told = [f"{name}: {_counted(taken.records, taken.budgets)} are new."]
    if taken.known_records or taken.known_budgets:
        told.append(f"{_counted(taken.known_records, taken.known_budgets)} were there and stay as they are.")
    if not (taken.records or taken.budgets):
        told.append("Nothing was changed.")
    if taken.problems:
        told += [f"Left out, {len(taken.problems):,}:", *(f"  - {problem}" for problem in taken.problems)]
    return told


def _counted(records: int, budgets: int) -> str:
    return " and ".join(
        f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in ((records, "record"), (budgets, "budget"))
    )
