"""What reconciling has found, and the packs as Kling last told them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klingbot.domain.reconciliation import BillFinding, Difference, UnitPack
from klingbot.store.backend.database import Database, Transaction


def add(tx: Transaction, finding: BillFinding, *, at: int) -> bool:
    """False when it was found before."""
    row = tx.execute(
        """
        INSERT INTO findings (key, kind, job_id, task_id, model, api_key_name, billed_millicredits,
          booked_millicredits, charged_at, found_at)
        VALUES (:key, :kind, :job_id, :task_id, :model, :api_key_name, :billed, :booked, :charged_at, :at)
        ON CONFLICT (key) DO NOTHING RETURNING key""",
        {
            "key": finding.key,
            "kind": finding.difference,
            "job_id": finding.job_id,
            "task_id": finding.task_id,
            "model": finding.model,
            "api_key_name": finding.api_key_name,
            "billed": finding.billed,
            "booked": finding.booked,
            "charged_at": finding.at,
            "at": at,
        },
    ).fetchone()
    return row is not None


def findings(db: Database, *, since: int, most: int) -> list[BillFinding]:
    """What was found since that instant, newest first; without charges whose job has turned up since."""
    rows = db.execute(
        """
        SELECT * FROM findings
        WHERE found_at >= :since AND NOT (kind = 'no job'
          AND EXISTS (SELECT 1 FROM jobs WHERE task_id IS NOT NULL AND jobs.task_id = findings.task_id))
        ORDER BY found_at DESC, charged_at DESC, key LIMIT :most""",
        {"since": since, "most": most},
    ).fetchall()
    return [_finding(row) for row in rows]


def put_packs(tx: Transaction, packs: Iterable[UnitPack], *, at: int) -> None:
    """These are in force now, and no others."""
    tx.execute("DELETE FROM packs")
    for pack in packs:
        tx.execute(
            """
            INSERT INTO packs (id, name, total_millicredits, left_millicredits, ends_at, read_at)
            VALUES (:id, :name, :total, :left, :ends_at, :at)""",
            {
                "id": pack.id,
                "name": pack.name,
                "total": pack.total,
                "left": pack.left,
                "ends_at": pack.ends_at,
                "at": at,
            },
        )


def packs(db: Database) -> list[UnitPack]:
    """The first to end comes first."""
    rows = db.execute("SELECT * FROM packs ORDER BY ends_at, id").fetchall()
    return [
        UnitPack(row["id"], row["name"], row["total_millicredits"], row["left_millicredits"], row["ends_at"])
        for row in rows
    ]


def _finding(row: Any) -> BillFinding:
    return BillFinding(
        difference=Difference(row["kind"]),
        job_id=row["job_id"],
        task_id=row["task_id"],
        model=row["model"],
        api_key_name=row["api_key_name"],
        billed=row["billed_millicredits"],
        booked=row["booked_millicredits"],
        at=row["charged_at"],
    )
