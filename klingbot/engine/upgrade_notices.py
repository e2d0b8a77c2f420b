"""What an upgrade of the ledger leaves to be recorded and said once, when the ledger is next opened."""

from __future__ import annotations

from dataclasses import replace

from klingbot.budgets import WORKSPACE
from klingbot.outbox import RunsUnlimited, kind_of, to_json
from klingbot.store import Transaction, audit, budget_requirement, outbox


def note(tx: Transaction, now: int) -> bool:
    """Date and announce the waiver that a migration gave a ledger without budgets; return whether there was one."""
    waiver = budget_requirement.waiver(tx)
    if waiver is None or waiver.is_chosen or waiver.at:
        return False
    budget_requirement.waive(tx, replace(waiver, at=now))
    audit.note(
        tx,
        at=now,
        by="Klingbot",
        what="need for a budget",
        subject=WORKSPACE,
        before="required",
        after="waived",
        why="videos were made without a budget before the upgrade",
    )
    content = RunsUnlimited(now)
    outbox.put(tx, "runs without a limit", kind_of(content), to_json(content), at=now)
    return True
