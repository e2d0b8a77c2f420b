"""What is said of a budget that is changed: what was, what becomes of it, and whether that is meant."""

from __future__ import annotations

from collections.abc import Iterator

from klingbot.blocks.budget_status import limit
from klingbot.blocks.budgets import approvers, places, standing_blocks
from klingbot.blocks.message import Block, Message, actions, button, context, message, section
from klingbot.blocks.text import code, label, neutral, plural, scope_name
from klingbot.domain.budgets import Budget, Standing
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine.budgets import BudgetSet, Weighed

_UNPRESSED = context("Nothing is changed before you press")


def was_set(outcome: BudgetSet, calendar: Calendar, alerts_channel: str | None) -> Message:
    return message(
        section(
            f"Budget set for *{label(outcome.standing.budget)}*: "
            f"{changes(outcome.before, outcome.standing.budget, alerts_channel)}",
            kept(outcome.standing),
        ),
        *standing_blocks(outcome.standing, calendar, alerts_channel),
    )


def asks(weighed: Weighed, proposal: str, alerts_channel: str | None, why: str) -> Message:
    """Before a limit is raised. `proposal` is what the button carries."""
    return message(
        change(weighed, alerts_channel, why),
        actions(button("Raise it", "budget.raise", proposal, style="primary")),
        _UNPRESSED,
    )


def asks_to_remove(standing: Standing, proposal: str, why: str, warning: str = "") -> Message:
    """Ask whether a budget is to be removed. `proposal` is what the button carries, `warning` what follows from it."""
    budget = standing.budget
    return message(
        section(
            f"This lets more be spent. *{label(budget)}*: {limit(budget)} → no budget",
            kept(standing),
            f"“{neutral(why)}”" if why else "",
            warning,
        ),
        actions(button("Remove it", "budget.removal", proposal, style="danger")),
        _UNPRESSED,
    )


def change(weighed: Weighed, alerts_channel: str | None, why: str) -> Block:
    """What would be, beside what is."""
    after, warning = weighed.after.budget, "This lets more be spent. " if weighed.raises else ""
    return section(
        f"{warning}*{label(after)}*: {changes(weighed.before, after, alerts_channel)}",
        kept(weighed.after),
        f"“{neutral(why)}”" if why else "",
    )


def changed_meanwhile() -> Message:
    return message(
        section(
            "Somebody has changed this budget since you were shown it, so nothing was changed.",
            f"{code('/kling budget')} shows how it is now.",
        )
    )


def removed(scope: str, kind: PeriodKind, closed_requests: int = 0) -> Message:
    """Confirm a removal, and say what went with the budget."""
    closed = f"{plural(closed_requests, 'open request')} for more of it closed; who asked is told."
    return message(
        section(
            f"Removed the {kind} budget of {scope_name(scope)}. What was spent stays in the ledger.",
            closed if closed_requests else "",
        )
    )


def not_there(scope: str, kind: PeriodKind) -> Message:
    return message(section(f"There is no {kind} budget for {scope_name(scope)}. See all: {code('/kling budget')}"))


def changes(before: Budget | None, after: Budget, alerts_channel: str | None) -> str:
    """Everything that is not as it was, as `was → is`; the limit in any case."""
    if before is None:
        return f"new, {limit(after)}"
    limits = f"{limit(before)} → {limit(after)}" if limit(before) != limit(after) else f"still {limit(after)}"
    return "; ".join([limits, *_others(before, after, alerts_channel)])


def kept(standing: Standing) -> str:
    """What was spent before the change is not forgotten."""
    committed = standing.total.committed
    return f"What {standing.period.label} has seen so far counts: {committed}" if committed else ""


def _others(before: Budget, after: Budget, alerts_channel: str | None) -> Iterator[str]:
    for what, was, becomes in (
        ("alerts at", _shares(before), _shares(after)),
        ("to", places(before, alerts_channel), places(after, alerts_channel)),
        ("more is approved by", approvers(before) or "the admins", approvers(after) or "the admins"),
        ("forecast", _switch(before.forecast), _switch(after.forecast)),
        ("spike", _switch(before.spike), _switch(after.spike)),
    ):
        if was != becomes:
            yield f"{what} {was} → {becomes}"


def _shares(budget: Budget) -> str:
    return ", ".join(f"{threshold}%" for threshold in budget.thresholds) or "none"


def _switch(on: bool) -> str:
    return "on" if on else "off"
