"""What a new job meets, read at once: a hold is waited for, and each statement of its own would cost it more."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.jobs import DEFAULT_PROJECT, Request
from klingbot.rules import Rules
from klingbot.store import rules
from klingbot.store.database import Database
from klingbot.store.gates import ACCOUNT
from klingbot.store.jobs import LIVE

_TERMS = f"""
    SELECT wanted.project AS project, models, ceiling_millicredits, confirm_millicredits, approve_millicredits,
      gates.reason AS reason, EXISTS (SELECT 1 FROM grants WHERE end_said = 0) AS granted,
      (SELECT count(*) FROM jobs WHERE state = 'held' AND {LIVE} AND due_at < :now) AS ahead
    FROM (
        SELECT coalesce(
          :project, (SELECT project FROM projects WHERE channel_id = :channel_id), :default_project) AS project
      ) AS wanted
      LEFT JOIN rules ON rules.project = wanted.project
      LEFT JOIN gates ON gates.name = '{ACCOUNT}' AND (gates.opens_at IS NULL OR gates.opens_at > :now)"""


@dataclass(frozen=True, slots=True)
class Terms:
    project: str
    """The one that was asked for, or that the channel spends for."""
    rules: Rules
    """What that project allows."""
    stopped: str | None
    """Why Kling takes no jobs from the account just now."""
    granted: bool
    """Whether any grant is in force. As a rule none is, and nobody needs to look for those of each budget."""
    ahead: int
    """How many jobs wait already."""


def of(db: Database, request: Request, *, now: int) -> Terms:
    asked = {"project": request.project, "channel_id": request.channel_id, "default_project": DEFAULT_PROJECT}
    row = db.execute(_TERMS, asked | {"now": now}).fetchone()
    return Terms(row["project"], rules.of_row(row), row["reason"], bool(row["granted"]), row["ahead"])
