"""Notices that an upgrade leaves to be recorded and sent once, when the ledger is next opened."""

from __future__ import annotations

from dataclasses import replace

from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.notifications import PastProjects, RunsUnlimited, kind_of, to_json
from klingbot.store import Transaction, audit, first_budget_choice, known_projects, outbox


def note(tx: Transaction, now: int) -> bool:
    """Record and announce what a migration left; return whether there was anything new."""
    waived, asked = _note_waiver(tx, now), _ask_about_projects(tx, now)
    return waived or asked


def _ask_about_projects(tx: Transaction, now: int) -> bool:
    """Ask the admins, once, which of the projects of before members may go on spending for."""
    undecided = known_projects.undecided(tx)
    if not undecided:
        return False
    content = PastProjects(tuple(undecided))
    return outbox.put(tx, "past projects", kind_of(content), to_json(content), at=now)


def _note_waiver(tx: Transaction, now: int) -> bool:
    """Date and announce the waiver that a migration gave a ledger without budgets; return whether there was one."""
    waiver = first_budget_choice.waiver(tx)
    if waiver is None or waiver.is_chosen or waiver.at:
        return False
    first_budget_choice.waive(tx, replace(waiver, at=now))
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
