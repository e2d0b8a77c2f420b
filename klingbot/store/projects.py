"""Which project a channel spends for."""

from __future__ import annotations

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
    """Those with a budget or a channel, by name."""
    rows = db.execute(
        """
        SELECT project AS name FROM projects UNION
        SELECT substr(scope, 9) AS name FROM budgets WHERE substr(scope, 1, 8) = 'project:' ORDER BY name"""
    ).fetchall()
    return [row["name"] for row in rows]
