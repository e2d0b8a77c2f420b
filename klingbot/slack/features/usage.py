"""`/kling usage` and `reconcile`."""

from __future__ import annotations

from klingbot.blocks import reconciliation as blocks_reconciliation
from klingbot.blocks import short_answers
from klingbot.blocks import usage as usage_blocks
from klingbot.blocks.message import Message
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.periods import PeriodKind
from klingbot.engine import export, reconciliation
from klingbot.engine.usage import Usage
from klingbot.engine.usage import usage as usage_of
from klingbot.slack.command_line import types
from klingbot.slack.command_line.types import Reconcile
from klingbot.slack.command_line.values import GROUPINGS
from klingbot.slack.context import Answer, Asker, Click, Desk, Hands, Private


def usage(desk: Desk, asker: Asker, command: types.Usage) -> Message:
    scope = desk.scope(command.scope) if command.scope else WORKSPACE
    outcome = usage_of(desk.engine, scope, PeriodKind(command.period), command.by or "model")
    return usage_blocks.usage(outcome, desk.engine.calendar)


def chart_clicked(desk: Desk, click: Click) -> Answer:
    outcome = _pressed(desk, click)
    if outcome is None:
        return Private(short_answers.outdated())
    return Private(usage_blocks.chart(outcome, desk.engine.calendar, _names(desk, outcome)))


def csv_clicked(desk: Desk, click: Click) -> Answer:
    outcome = _pressed(desk, click)
    if outcome is None:
        return Private(short_answers.outdated())
    content = export.usage_csv(outcome, _names(desk, outcome), desk.engine.calendar)
    name = f"usage-{outcome.period.first_day}-{outcome.period.kind}-by-{outcome.by}.csv"
    return Hands(name, content.encode(), usage_blocks.file_words(outcome), usage_blocks.handed())


def _pressed(desk: Desk, click: Click) -> Usage | None:
    """What the button below an answer is about: see `klingbot.blocks.usage`. None for one of another version."""
    kind, by, scope = [*click.value.split(" ", 2), "", ""][:3]
    if not scope or by not in GROUPINGS or kind not in list(PeriodKind):
        return None
    return usage_of(desk.engine, scope, PeriodKind(kind), by)


def _names(desk: Desk, outcome: Usage) -> dict[str, str]:
    return desk.directory.names() if outcome.by == "user" else {}


def reconcile(desk: Desk, asker: Asker, command: Reconcile) -> Message:
    return blocks_reconciliation.books(reconciliation.books(desk.engine), desk.engine.calendar)
