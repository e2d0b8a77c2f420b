"""Which project a channel spends for."""

from __future__ import annotations

from klingbot.store.database import Database, Transaction


def of_channel(db: Database, channel_id: str) -> str | None:
    row = db.execute("SELECT project FROM projects WHERE channel_id = :id", {"id": channel_id}).fetchone()
    return row["project"] if row else None


def put(tx: Transaction, channel_id: str, project: str) -> None:
    tx.execute(
        """
        INSERT INTO projects (channel_id, project) VALUES (:id, :project)
        ON CONFLICT (channel_id) DO UPDATE SET project = excluded.project""",
        {"id": channel_id, "project": project},
    )
