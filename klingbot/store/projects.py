"""Which project a channel spends for, and which projects there are."""

from __future__ import annotations

from klingbot.budgets import project_scope
from klingbot.jobs import DEFAULT_PROJECT
from klingbot.store.database import Database, Transaction


def of_channel(db: Database, channel_id: str) -> str:
    row = db.execute("SELECT project FROM projects WHERE channel_id = :id", {"id": channel_id}).fetchone()
    return str(row["project"]) if row else DEFAULT_PROJECT


def put(tx: Transaction, channel_id: str, project: str) -> None:
    tx.execute(
        """
        INSERT INTO projects (channel_id, project) VALUES (:id, :project)
        ON CONFLICT (channel_id) DO UPDATE SET project = excluded.project""",
        {"id": channel_id, "project": project},
    )


def known(db: Database) -> list[str]:
    """Those with a budget, rules or a channel, by name."""
    rows = db.execute(
        """
        SELECT project AS name FROM projects UNION SELECT project AS name FROM rules UNION
        SELECT substr(scope, 9) AS name FROM budgets WHERE substr(scope, 1, 8) = 'project:' ORDER BY name"""
    ).fetchall()
    return [row["name"] for row in rows]


def is_known(db: Database, project: str) -> bool:
    """Whether anything was asked for in its name, or it has a budget, rules or a channel."""
    row = db.execute(
        """
        SELECT EXISTS (SELECT 1 FROM totals WHERE scope = :scope) OR EXISTS (SELECT 1 FROM budgets WHERE scope = :scope)
          OR EXISTS (SELECT 1 FROM rules WHERE project = :project)
          OR EXISTS (SELECT 1 FROM projects WHERE project = :project) AS known""",
        {"scope": project_scope(project), "project": project},
    ).fetchone()
    return bool(row["known"])
