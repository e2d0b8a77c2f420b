"""Requests that were refused, the increases that were asked for them, and what was granted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from klingbot.common import dataclass_json
from klingbot.domain.increases import Grant, Increase, IncreaseState
from klingbot.domain.jobs import Request
from klingbot.domain.money import Amount
from klingbot.domain.periods import PeriodKind
from klingbot.domain.project_rules import Consent
from klingbot.store.backend.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Kept:
    """A request that was not held, and who has agreed to it by now."""

    request: Request
    consent: Consent


_REFUSED = "INSERT INTO refused_requests (id, user_id, request, refused_at) VALUES (:id, :user_id, :request, :at)"


def put_refused(tx: Transaction, refused_id: str, request: Request, *, at: int) -> bool:
    """Keeps a request for which there was no room, as it was first asked for. False when that was so before."""
    tx.execute(f"{_REFUSED} ON CONFLICT (id) DO NOTHING", _refused(refused_id, request, at))
    sql = "UPDATE refused_requests SET counted = 1 WHERE id = :id AND counted = 0 RETURNING id"
    return tx.execute(sql, {"id": refused_id}).fetchone() is not None


def put_priced(tx: Transaction, refused_id: str, request: Request, *, at: int) -> None:
    """Keeps a request whose price somebody has to agree to: the one whose price is shown, and nobody has agreed yet."""
    sql = f"""
        {_REFUSED}
        ON CONFLICT (id) DO UPDATE SET request = excluded.request, consent =
          CASE WHEN refused_requests.request = excluded.request THEN refused_requests.consent ELSE 'none' END"""
    tx.execute(sql, _refused(refused_id, request, at))


def _refused(refused_id: str, request: Request, at: int) -> dict[str, Any]:
    kept = json.dumps(dataclass_json.to_json(request))
    return {"id": refused_id, "user_id": request.user_id, "request": kept, "at": at}


def refused(db: Database, refused_id: str) -> Kept | None:
    sql = "SELECT request, consent FROM refused_requests WHERE id = :id"
    row = db.execute(sql, {"id": refused_id}).fetchone()
    return Kept(dataclass_json.from_json(Request, json.loads(row["request"])), Consent(row["consent"])) if row else None


def agree(tx: Transaction, refused_id: str, consent: Consent) -> None:
    tx.execute("UPDATE refused_requests SET consent = :consent WHERE id = :id", {"id": refused_id, "consent": consent})


def forget_refused(tx: Transaction, *, before: int) -> None:
    """Deletes what was refused before that instant; an increase keeps its own copy of its request."""
    tx.execute("DELETE FROM refused_requests WHERE refused_at < :before", {"before": before})


def put(tx: Transaction, increase: Increase) -> bool:
    """False when it was asked for before."""
    row = tx.execute(
        """
        INSERT INTO increases (id, user_id, scope, period_kind, millicredits, microusd, reason, until_day, request,
          raises, state, asked_at, expires_at)
        VALUES (:id, :user_id, :scope, :kind, :millicredits, :microusd, :reason, :until, :request,
          :raises, 'pending', :asked_at, :expires_at)
        ON CONFLICT (id) DO NOTHING RETURNING id""",
        {
            "id": increase.id,
            "user_id": increase.user_id,
            "scope": increase.scope,
            "kind": increase.kind,
            "millicredits": increase.amount.millicredits,
            "microusd": increase.amount.microusd,
            "reason": increase.reason,
            "until": increase.until.isoformat() if increase.until else None,
            "request": json.dumps(dataclass_json.to_json(increase.request)) if increase.request else None,
            "raises": int(increase.raises),
            "asked_at": increase.asked_at,
            "expires_at": increase.expires_at,
        },
    ).fetchone()
    return row is not None


def get(db: Database, increase_id: str) -> Increase | None:
    row = db.execute("SELECT * FROM increases WHERE id = :id", {"id": increase_id}).fetchone()
    return _increase(row) if row else None


def pending(db: Database) -> list[Increase]:
    """What waits for an approver, oldest first."""
    rows = db.execute("SELECT * FROM increases WHERE state = 'pending' ORDER BY asked_at, id").fetchall()
    return [_increase(row) for row in rows]


def pending_of(db: Database, scope: str, kind: PeriodKind) -> list[Increase]:
    """What waits for an approver of that budget, oldest first."""
    return [each for each in pending(db) if (each.scope, each.kind) == (scope, kind)]


def close(
    tx: Transaction,
    increase_id: str,
    state: IncreaseState,
    *,
    by: str | None,
    at: int,
    remark: str | None = None,
    budget_removed: bool = False,
) -> Increase | None:
    """Ends a pending increase, whose prompt is then forgotten; None when somebody was first."""
    row = tx.execute(
        """
        UPDATE increases SET state = :state, decided_by = :by, decided_at = :at, remark = :remark, request = NULL,
          budget_removed = :budget_removed
        WHERE id = :id AND state = 'pending' RETURNING *""",
        {"id": increase_id, "state": state, "by": by, "at": at, "remark": remark}
        | {"budget_removed": int(budget_removed)},
    ).fetchone()
    return _increase(row) if row else None


def due_to_expire(tx: Transaction, now: int) -> list[str]:
    rows = tx.execute("SELECT id FROM increases WHERE state = 'pending' AND expires_at <= :now", {"now": now})
    return [row["id"] for row in rows.fetchall()]


def grant(tx: Transaction, given: Grant) -> None:
    tx.execute(
        """
        INSERT INTO grants (increase_id, user_id, scope, period_kind, millicredits, microusd, first_day, end_day,
          granted_by, granted_at, end_said)
        VALUES (:increase_id, :user_id, :scope, :kind, :millicredits, :microusd, :first_day, :end_day,
          :granted_by, :granted_at, 0)""",
        {
            "increase_id": given.increase_id,
            "user_id": given.user_id,
            "scope": given.scope,
            "kind": given.kind,
            "millicredits": given.amount.millicredits,
            "microusd": given.amount.microusd,
            "first_day": given.first_day.isoformat(),
            "end_day": given.end_day.isoformat(),
            "granted_by": given.granted_by,
            "granted_at": given.granted_at,
        },
    )


def end_grants(tx: Transaction, firsts: Sequence[tuple[PeriodKind, date]]) -> list[Grant]:
    """The grants whose last period is over, each told of once. `firsts`: the first days of the running periods."""
    ended: list[Grant] = []
    for kind, first in firsts:
        rows = tx.execute(
            """
            UPDATE grants SET end_said = 1
            WHERE end_said = 0 AND period_kind = :kind AND end_day <= :first RETURNING *""",
            {"kind": kind, "first": first.isoformat()},
        ).fetchall()
        ended += [_grant(row) for row in rows]
    return ended


def running(db: Database) -> list[Grant]:
    """The grants that still raise a limit, or will."""
    return [_grant(row) for row in db.execute("SELECT * FROM grants WHERE end_said = 0 ORDER BY granted_at").fetchall()]


def _increase(row: Any) -> Increase:
    return Increase(
        id=row["id"],
        user_id=row["user_id"],
        scope=row["scope"],
        kind=PeriodKind(row["period_kind"]),
        amount=Amount(row["millicredits"], row["microusd"]),
        reason=row["reason"],
        until=date.fromisoformat(row["until_day"]) if row["until_day"] else None,
        request=dataclass_json.from_json(Request, json.loads(row["request"])) if row["request"] else None,
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
        raises=bool(row["raises"]),
        state=IncreaseState(row["state"]),
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        remark=row["remark"],
        budget_removed=bool(row["budget_removed"]),
    )


def _grant(row: Any) -> Grant:
    return Grant(
        increase_id=row["increase_id"],
        user_id=row["user_id"],
        scope=row["scope"],
        kind=PeriodKind(row["period_kind"]),
        amount=Amount(row["millicredits"], row["microusd"]),
        first_day=date.fromisoformat(row["first_day"]),
        end_day=date.fromisoformat(row["end_day"]),
        granted_by=row["granted_by"],
        granted_at=row["granted_at"],
    )
