"""What each project allows."""

from __future__ import annotations

from klingbot.domain.project_rules import Rules
from klingbot.store.backend.database import Database, Transaction


def get(db: Database, project: str) -> Rules:
    """A project without rules has none of each."""
    row = db.execute("SELECT * FROM rules WHERE project = :project", {"project": project}).fetchone()
    if row is None:
        return Rules(project)
    return Rules(
        project=row["project"],
        models=tuple(row["models"].split()),
        ceiling=row["ceiling_millicredits"],
        confirm_above=row["confirm_millicredits"],
        approve_above=row["approve_millicredits"],
        people=tuple(row["people"].split()),
        channels=tuple(row["channels"].split()),
    )


def put(tx: Transaction, rules: Rules) -> None:
    tx.execute(
        """
        INSERT INTO rules
          (project, models, ceiling_millicredits, confirm_millicredits, approve_millicredits, people, channels)
        VALUES (:project, :models, :ceiling, :confirm, :approve, :people, :channels)
        ON CONFLICT (project) DO UPDATE SET models = excluded.models,
          ceiling_millicredits = excluded.ceiling_millicredits,
          confirm_millicredits = excluded.confirm_millicredits, approve_millicredits = excluded.approve_millicredits,
          people = excluded.people, channels = excluded.channels""",
        {
            "project": rules.project,
            "models": " ".join(rules.models),
            "ceiling": rules.ceiling,
            "confirm": rules.confirm_above,
            "approve": rules.approve_above,
            "people": " ".join(rules.people),
            "channels": " ".join(rules.channels),
        },
    )
