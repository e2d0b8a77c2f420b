"""The condition for any hold: there is a budget, or an admin has waived the need for one."""

from __future__ import annotations

import json

from klingbot.domain.budgets import WORKSPACE, Waiver, project_scope, user_scope
from klingbot.store import known_projects, project_rules
from klingbot.store.backend import metadata
from klingbot.store.backend.database import Database, Transaction

WAIVER = "budget waiver"
"""The fact that keeps the waiver. The migration `m019_budget_requirement` writes it too."""
MET = f"""(EXISTS (SELECT 1 FROM budgets) OR EXISTS (SELECT 1 FROM facts WHERE name = '{WAIVER}'))"""
"""True in SQL when jobs may be held."""


def is_met(db: Database) -> bool:
    """Return whether there is any budget, or a waiver."""
    return bool(db.execute(f"SELECT {MET} AS met").fetchone()["met"])


def count_budgets(db: Database) -> int:
    """Return how many budgets there are."""
    return int(db.execute("SELECT count(*) AS number FROM budgets").fetchone()["number"])


def uncovered_projects(db: Database) -> list[str]:
    """Return the open projects in which somebody may spend whom no budget limits."""
    scopes = {row["scope"] for row in db.execute("SELECT DISTINCT scope FROM budgets").fetchall()}
    if WORKSPACE in scopes:
        return []
    uncovered = [name for name in known_projects.opened(db) if project_scope(name) not in scopes]
    return [name for name in uncovered if not _all_have_budgets(project_rules.get(db, name).people, scopes)]


def _all_have_budgets(people: tuple[str, ...], scopes: set[str]) -> bool:
    """Return whether a project is for these people alone, and each has a budget of their own."""
    return bool(people) and all(user_scope(user_id) in scopes for user_id in people)


def waiver(db: Database) -> Waiver | None:
    """Return the waiver that is in force."""
    kept = metadata.get(db, WAIVER)
    return None if kept is None else Waiver(**json.loads(kept))


def waive(tx: Transaction, given: Waiver) -> None:
    """Let jobs be held without a budget, replacing any earlier waiver."""
    metadata.put(tx, WAIVER, json.dumps({"by": given.by, "at": given.at}))


def end_waiver(tx: Transaction) -> None:
    """Require a budget again."""
    metadata.remove(tx, WAIVER)
