"""The one message about a budget in a period and channel: which it is, and what it says by now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from klingbot.common import dataclass_json
from klingbot.domain.alert_history import AlertThread, AlertThreadRef, ref_of
from klingbot.domain.budgets import Standing
from klingbot.domain.periods import Period, PeriodKind
from klingbot.store.backend.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class KeptAlertThread:
    root: str
    """The outbox key of the message that began it."""
    rewrites: int
    content: AlertThread


def of(db: Database, standing: Standing) -> KeptAlertThread | None:
    """Return the alert thread of that budget and period in the channel that the budget has now."""
    return find(db, ref_of(standing))


def find(db: Database, ref: AlertThreadRef) -> KeptAlertThread | None:
    row = db.execute(f"SELECT * FROM stories WHERE {_ONE}", _key(ref)).fetchone()
    return _kept(row) if row else None


def within(db: Database, *periods: Period) -> list[KeptAlertThread]:
    """Return every alert thread of these periods."""
    sql = "SELECT * FROM stories WHERE period_kind = :kind AND period_start = :start ORDER BY scope, channel_id"
    found = (db.execute(sql, {"kind": each.kind, "start": each.start}).fetchall() for each in periods)
    return [_kept(row) for rows in found for row in rows]


def open_of(db: Database, scope: str, kind: PeriodKind, *, since: int) -> list[KeptAlertThread]:
    """Return the budget's open alert threads in any channel, of the periods that began at `since` or later."""
    sql = """
        SELECT * FROM stories WHERE period_kind = :kind AND period_start >= :since AND scope = :scope
        ORDER BY period_start, channel_id"""
    kept = map(_kept, db.execute(sql, {"scope": scope, "kind": kind, "since": since}).fetchall())
    return [each for each in kept if not each.content.closed]


def remove(tx: Transaction, kept: KeptAlertThread) -> None:
    """Delete an alert thread's row, so that the next alert starts another."""
    tx.execute(f"DELETE FROM stories WHERE {_ONE}", _key(ref_of(kept.content.standing)))


def redirect(tx: Transaction, kept: KeptAlertThread, to: str | None) -> None:
    """Continue an alert thread in another channel, where none of it was posted yet."""
    sql = f"UPDATE stories SET channel_id = :to WHERE {_ONE}"
    tx.execute(sql, _key(ref_of(kept.content.standing)) | {"to": to or ""})


def begin(tx: Transaction, root: str, content: AlertThread) -> None:
    tx.execute(
        """
        INSERT INTO stories (period_kind, period_start, scope, channel_id, root, rewrites, content)
        VALUES (:kind, :start, :scope, :channel_id, :root, 0, :content)""",
        _key(ref_of(content.standing)) | {"root": root, "content": _json(content)},
    )


def rewrite(tx: Transaction, content: AlertThread) -> int:
    """What it says now; how often it was rewritten with that."""
    row = tx.execute(
        f"UPDATE stories SET content = :content, rewrites = rewrites + 1 WHERE {_ONE} RETURNING rewrites",
        _key(ref_of(content.standing)) | {"content": _json(content)},
    ).fetchone()
    return int(row["rewrites"])


_ONE = "period_kind = :kind AND period_start = :start AND scope = :scope AND channel_id = :channel_id"


def _key(ref: AlertThreadRef) -> dict[str, Any]:
    return {"kind": ref.kind, "start": ref.start, "scope": ref.scope, "channel_id": ref.channel_id or ""}


def _json(content: AlertThread) -> str:
    return json.dumps(dataclass_json.to_json(content))


def _kept(row: Any) -> KeptAlertThread:
    content = dataclass_json.from_json(AlertThread, json.loads(row["content"]))
    return KeptAlertThread(row["root"], row["rewrites"], content)
