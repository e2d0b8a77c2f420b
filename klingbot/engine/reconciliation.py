"""Kling's own bill against the ledger. Nothing is booked here: what differs is kept, and the admins hear of it once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from klingbot.common import dataclass_json
from klingbot.domain.notifications import BillDiffers, PackEnding
from klingbot.domain.reconciliation import Billed, BillFinding, UnitPack, judge, not_billed
from klingbot.engine import alerts
from klingbot.engine.core import Engine
from klingbot.store import Transaction, jobs, reconciliation
from klingbot.store.backend import metadata

DAY_MS = 86_400_000
SETTLED_DAYS = 2
"""How long after its end a job may be missing from the bill; Kling does not document how far the bill is behind."""
SHOWN_DAYS = 30
LOW_PERCENTS = (20, 5)
"""Shares of a pack left, at which the admins are warned."""
ENDS_DAYS = (14, 3)
"""Days before a pack's end, at which they are warned while something is left of it."""
MOST_TOLD, MOST_SHOWN = 10, 15

_LAST = "reconciled"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The last comparison. With a `problem`, Kling could not be asked then, and nothing was compared."""

    at: int
    since: int
    charges: int = 0
    billed: int = 0
    """Milli-credits."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """What is known of Kling's billing. Not `comparable`: the price list is not in Kling's units."""

    comparable: bool
    last: Reconciled | None
    packs: tuple[UnitPack, ...]
    findings: tuple[BillFinding, ...]


def books(engine: Engine) -> Books:
    reader = engine.store.read()
    said = metadata.get(reader, _LAST)
    last = dataclass_json.from_json(Reconciled, json.loads(said)) if said else None
    since = engine.clock() - SHOWN_DAYS * DAY_MS
    found = reconciliation.findings(reader, since=since, most=MOST_SHOWN)
    return Books(engine.prices.kling_units, last, tuple(reconciliation.packs(reader)), tuple(found))


def compare(engine: Engine, billed: Sequence[Billed], *, since: int) -> tuple[BillFinding, ...]:
    """Keeps what differs between the bill since that instant and the ledger; what of that is new."""
    now, reader = engine.clock(), engine.store.read()
    found = [judge(each, jobs.of_task(reader, each.task_id)) for each in billed]
    differing = [finding for finding in found if finding] + _missing(engine, billed, since)
    last = Reconciled(now, since, len(billed), sum(each.millicredits for each in billed))
    with engine.store.write() as tx:
        new = tuple(finding for finding in differing if reconciliation.add(tx, finding, at=now))
        _note(tx, last)
        if new:
            alerts.to_admins(tx, f"bill {now}", BillDiffers(new[:MOST_TOLD], len(new)), now)
    return new


def _missing(engine: Engine, billed: Sequence[Billed], since: int) -> list[BillFinding]:
    """Jobs that the ledger has settled and the bill does not know.

    Not where the bill names no units at all: then the account pays in cash, which has a ledger of its own.
    """
    if not billed:
        return []
    known, before = {each.task_id for each in billed}, engine.clock() - SETTLED_DAYS * DAY_MS
    settled = jobs.settled_in_units(engine.store.read(), asked_from=since, finished_before=before)
    return [not_billed(job) for job in settled if job.task_id not in known]


def note_packs(engine: Engine, packs: Sequence[UnitPack]) -> None:
    """Keeps what Kling says of the packs, and warns of one that runs low or ends soon: once at each step."""
    now = engine.clock()
    with engine.store.write() as tx:
        reconciliation.put_packs(tx, packs, at=now)
        for pack in packs:
            for step in _steps(pack, now):
                alerts.to_admins(tx, f"pack {pack.id} {step}", PackEnding(pack), now)


def _steps(pack: UnitPack, now: int) -> list[str]:
    """The last step passed on the way to empty and on the way to the end: an earlier one needs no saying any more."""
    low = [f"{percent}%" for percent in LOW_PERCENTS if pack.left * 100 <= pack.total * percent]
    ends = [f"{days} days" for days in ENDS_DAYS if pack.left and pack.ends_at - now <= days * DAY_MS]
    return [*low[-1:], *ends[-1:]]


def not_asked(engine: Engine, problem: str, *, since: int) -> None:
    """Kling could not be asked for its bill."""
    with engine.store.write() as tx:
        _note(tx, Reconciled(engine.clock(), since, problem=problem))


def _note(tx: Transaction, last: Reconciled) -> None:
    metadata.put(tx, _LAST, json.dumps(dataclass_json.to_json(last)))
