"""The forms about budgets: setting one, saying yes to it, removing one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from klingbot.blocks.budget_changes import change
from klingbot.blocks.budget_status import bar, full
from klingbot.blocks.message import Block, context, section
from klingbot.blocks.modals import view
from klingbot.blocks.modals.scope_fields import every, whose
from klingbot.blocks.modals.view import View, field
from klingbot.blocks.text import capital, label, scope_name
from klingbot.domain.budgets import DEFAULT_THRESHOLDS, MOST_APPROVERS, Budget
from klingbot.domain.money import type_credits, usd_of
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine.budgets import Seen, Weighed

SET, CONFIRM, REMOVE = "budget.set", "budget.confirm", "budget.remove"
LONGEST_WHY = 300
_LONGEST_AMOUNT, _LONGEST_SHARES = 30, 100


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form is about, as far as that has been chosen."""

    whose: str | None
    """The choice in `klingbot.blocks.modals.scope_fields`; None for a form that is about one given budget."""
    kind: PeriodKind
    now: Seen | None
    """The budget as it is; None while its scope is not chosen."""
    projects: Sequence[str]
    memory: str
    note: str = ""
    last: str = ""
    """What it means to remove this budget, where it is the last one."""


def set_budget(shown: Shown, calendar: Calendar) -> View:
    """What is set stands in the fields. Another budget, and one that was changed meanwhile, begins them anew."""
    now = shown.now
    before, key = (now.budget, now.mark) if now and now.budget else (None, "new")
    blocks = [*_which(shown, calendar), *_limits(before, key), *_alerts(before, shown.kind, key), _why()]
    return View(SET, "Change a budget" if before else "Set a budget", "Set it", tuple(blocks), shown.memory)


def confirm(weighed: Weighed, proposal: str, alerts_channel: str | None, why: str) -> View:
    """Laid over the form, before a limit is raised or something is changed that the form had not shown."""
    title, submit = ("Raise this budget?", "Raise it") if weighed.raises else ("Change this budget?", "Change it")
    blocks = (change(weighed, alerts_channel, why), context(f"Nothing is changed before you press *{submit}*"))
    return View(CONFIRM, title, submit, blocks, proposal, close="Back")


def remove_budget(shown: Shown, calendar: Calendar) -> View:
    kept = context("What was spent stays in the ledger, and counts again if the budget is set again")
    last = [section(f"⚠️ {shown.last}")] if shown.last else []
    blocks = (*_which(shown, calendar), *last, kept, _why())
    return View(REMOVE, "Remove a budget", "Remove it", blocks, shown.memory)


def _which(shown: Shown, calendar: Calendar) -> Iterator[Block]:
    if shown.note:
        yield section(f"⚠️ {shown.note}")
    if shown.whose:
        yield from whose(shown.whose, shown.projects)
        yield every(shown.kind)
    yield _now(shown, calendar)


def _now(shown: Shown, calendar: Calendar) -> Block:
    now = shown.now
    if now is None:
        return context("Choose whose budget it is, and how it stands is shown here")
    if now.standing:
        standing = now.standing
        return section(f"*{label(standing.budget)}* now", bar(standing.permille, 20), full(standing, calendar))
    seen = (
        f"{capital(now.period.label)} has seen {now.total.committed} so far"
        if now.total.committed
        else "Nothing spent yet"
    )
    return section(f"*{scope_name(now.scope)} ({now.kind})* has no budget. {seen}.")


def _limits(before: Budget | None, key: str) -> Iterator[Block]:
    credits = before.limit_millicredits if before else None
    usd = before.limit_microusd if before else None
    amount = view.text_input("" if credits is None else type_credits(credits), most=_LONGEST_AMOUNT, example="10,000")
    yield field("credits", "Limit in credits", amount, optional=True, key=key)
    amount = view.text_input("" if usd is None else f"{usd_of(usd):.2f}", most=_LONGEST_AMOUNT, example="$600")
    hint = "One limit is enough. With both, the one that is nearer decides."
    yield field("usd", "Limit in USD", amount, hint=hint, optional=True, key=key)


def _alerts(before: Budget | None, kind: PeriodKind, key: str) -> Iterator[Block]:
    shares = ", ".join(map(str, before.thresholds if before else DEFAULT_THRESHOLDS)) or "none"
    yield field("alerts", "Alerts at (percent)", view.text_input(shares, most=_LONGEST_SHARES), key=key)
    place = view.channel_select(before.channel_id if before else None)
    hint = "Left empty: where all alerts go."
    yield field("channel", "Alerts go to", place, hint=hint, optional=True, key=key)
    people = view.people_select(before.approvers if before else (), MOST_APPROVERS)
    hint = "Besides the admins."
    yield field("approvers", "Who may approve more of it", people, hint=hint, optional=True, key=key)
    if kind is not PeriodKind.DAILY:
        on = [name for name, is_on in (("forecast", _forecast(before)), ("spike", _spike(before))) if is_on]
        said = {"forecast": "when it will not last", "spike": "when a day is far above the usual"}
        yield field("tells", "Also say", view.checkboxes(said, on), optional=True, key=key)


def _forecast(before: Budget | None) -> bool:
    return before is None or before.forecast


def _spike(before: Budget | None) -> bool:
    return before is None or before.spike


def _why() -> Block:
    return field("why", "Why?", view.text_input(most=LONGEST_WHY), hint="It stands in /kling audit.", optional=True)
