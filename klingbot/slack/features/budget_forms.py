"""The forms about budgets: opened by buttons for admins, shown anew as people choose, answered when they submit.

A form remembers which budget it showed and how that was set. What was not shown is not changed unasked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.blocks.first_budget_notice import before_last
from klingbot.blocks.modals import budget_modals as blocks
from klingbot.blocks.modals.budget_modals import Shown
from klingbot.blocks.modals.generate_modal import refused
from klingbot.blocks.modals.view import View
from klingbot.common import dataclass_json
from klingbot.domain.budgets import WORKSPACE, mark
from klingbot.domain.money import AmountError, parse_credits, parse_usd
from klingbot.domain.periods import PeriodKind
from klingbot.engine import budgets
from klingbot.engine.budgets import Change, ChangedMeanwhile, NoLimit, Seen
from klingbot.engine.first_budget import coverage
from klingbot.slack.command_line import values
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.tokenizer import tidy
from klingbot.slack.context import Answer, Click, Desk, Opens
from klingbot.slack.features import budget_proposals, form_scope, project_typos
from klingbot.slack.features.budget_proposals import Proposal
from klingbot.slack.features.budgets import HAVE_BUDGET, channel_of, removed, said
from klingbot.slack.interactions.form_values import Filled, Instead, Mistakes, Over, Submitted, Taken

_MEANWHILE = "Somebody has changed this budget since you opened the form, so nothing was done. This is how it is now."
_LOOK = "This is the budget that would be removed."
_NO_LIMIT = "Give a limit in credits, in USD, or both. To do away with a budget, remove it."


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the form showed. `whose` is None for a form about one budget and no other."""

    whose: str | None
    scope: str | None
    kind: PeriodKind
    seen: str
    response_url: str | None


def set_opened(desk: Desk, click: Click) -> Answer:
    return Opens(blocks.set_budget(_opened(desk, click), desk.engine.calendar))


def remove_opened(desk: Desk, click: Click) -> Answer:
    return Opens(blocks.remove_budget(_opened(desk, click), desk.engine.calendar))


def set_changed(desk: Desk, form: Filled) -> View:
    return blocks.set_budget(_shown(desk, form), desk.engine.calendar)


def remove_changed(desk: Desk, form: Filled) -> View:
    return blocks.remove_budget(_shown(desk, form), desk.engine.calendar)


def set_submitted(desk: Desk, form: Filled) -> Submitted:
    """A raise is asked about once more, and so is a change of a budget that the form had not shown."""
    change = _change(form)
    if isinstance(change, Mistakes):
        return change
    try:
        channel = channel_of(desk, change)
    except MistakeError as mistake:
        return Mistakes({"channel": str(mistake)})
    if wrong := _people_who_are_none(desk, form, change):
        return wrong
    weighed = budgets.weigh(desk.engine, change)
    if isinstance(weighed, NoLimit):
        return Mistakes({"credits": _NO_LIMIT})
    memory, changes = _memory(form), weighed.before != weighed.after.budget
    was_shown = (change.scope, change.kind) == (memory.scope, memory.kind)
    if changes and was_shown and weighed.seen != memory.seen:
        return Instead(blocks.set_budget(_shown(desk, form, _MEANWHILE), desk.engine.calendar))
    if weighed.raises or (changes and weighed.before and not was_shown):
        proposal = budget_proposals.written(Proposal(change, weighed.seen, memory.response_url))
        return Over(blocks.confirm(weighed, proposal, desk.alerts_channel, change.why))
    doubts = project_typos.doubts(desk, change.scope)
    outcome = budgets.set_budget(desk.engine, change, by=form.user_id, seen=weighed.seen)
    return Taken(said(desk, outcome, channel).plus(*doubts), memory.response_url)


def _people_who_are_none(desk: Desk, form: Filled, change: Change) -> Mistakes | None:
    """Return what is wrong with the people whom the form names."""
    try:
        desk.directory.must_be_members(change.approvers or (), "approve requests")
    except MistakeError as mistake:
        return Mistakes({"approvers": str(mistake)})
    return form_scope.not_a_member(desk, form, change.scope, HAVE_BUDGET)


def confirm_submitted(desk: Desk, form: Filled) -> Submitted:
    proposal = budget_proposals.read(form.memory)
    if proposal is None:
        return Instead(refused("This form belongs to another version of Klingbot. Close it and open it again."))
    try:
        channel = channel_of(desk, proposal.change)
    except MistakeError as mistake:
        return Instead(refused(str(mistake)))
    outcome = budgets.set_budget(desk.engine, proposal.change, by=form.user_id, seen=proposal.seen)
    if isinstance(outcome, ChangedMeanwhile):
        return Instead(refused("Somebody has changed this budget meanwhile. Close this, and look at it again."))
    return Taken(said(desk, outcome, channel), proposal.response_url)


def remove_submitted(desk: Desk, form: Filled) -> Submitted:
    """What the form had not shown is shown first."""
    which, memory = _which(form), _memory(form)
    if isinstance(which, Mistakes):
        return which
    scope, kind = which
    if which != (memory.scope, memory.kind):
        return Instead(blocks.remove_budget(_shown(desk, form, _LOOK), desk.engine.calendar))
    if memory.seen == mark(None):
        return Mistakes({"kind" if memory.whose else "why": "There is no such budget, so there is nothing to remove."})
    why = _why(form.values.get("why"))
    outcome = budgets.remove_budget(desk.engine, scope, kind, by=form.user_id, why=why, seen=memory.seen)
    if isinstance(outcome, ChangedMeanwhile):
        return Instead(blocks.remove_budget(_shown(desk, form, _MEANWHILE), desk.engine.calendar))
    return Taken(removed(desk, outcome, scope, kind), memory.response_url)


def _opened(desk: Desk, click: Click) -> Shown:
    """About the budget that the button names, else about the workspace's to begin with."""
    kind, _, scope = click.value.partition(" ")
    if scope and kind in list(PeriodKind):
        return _showing(desk, None, PeriodKind(kind), scope, click.response_url)
    return _showing(desk, WORKSPACE, PeriodKind.MONTHLY, WORKSPACE, click.response_url)


def _shown(desk: Desk, form: Filled, note: str = "") -> Shown:
    memory, which = _memory(form), _which(form)
    option = memory.whose and (form.values.get("whose") or memory.whose)
    kind = PeriodKind(form.values.get("kind") or memory.kind)
    scope = None if isinstance(which, Mistakes) else which[0]
    return _showing(desk, option, kind, scope, memory.response_url, note)


def _showing(
    desk: Desk, option: str | None, kind: PeriodKind, scope: str | None, response_url: str | None, note: str = ""
) -> Shown:
    now: Seen | None = budgets.see(desk.engine, scope, kind) if scope else None
    memory = _Memory(option, scope, kind, now.mark if now else "", response_url)
    projects = budgets.known_projects(desk.engine) if option else []
    last = before_last(coverage(desk.engine)) if now and now.budget else ""
    return Shown(option, kind, now, projects, json.dumps(dataclass_json.to_json(memory)), note, last)


def _memory(form: Filled) -> _Memory:
    return dataclass_json.from_json(_Memory, json.loads(form.memory))


def _which(form: Filled) -> tuple[str, PeriodKind] | Mistakes:
    memory = _memory(form)
    kind = PeriodKind(form.values.get("kind") or memory.kind)
    if memory.whose is None:
        assert memory.scope is not None
        return memory.scope, kind
    scope = form_scope.scope(form, form.values.get("whose") or memory.whose)
    return scope if isinstance(scope, Mistakes) else (scope, kind)


def _change(form: Filled) -> Change | Mistakes:
    """What was filled in. A field that Slack does not tell of was not touched: that stays as it was."""
    which = _which(form)
    if isinstance(which, Mistakes):
        return which
    read: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, reader in _READERS.items():
        try:
            read |= reader(form.values[name]) if name in form.values else {}
        except (AmountError, MistakeError) as mistake:
            wrong[name] = f"{str(mistake).removesuffix('.')}."
    return Mistakes(wrong) if wrong else Change(*which, **read)


def _shares(text: str | None) -> tuple[int, ...]:
    try:
        return values.thresholds(values.typed_in_form(text))
    except MistakeError:
        raise MistakeError(f"Give whole percentages from 1 to {values.MOST_PERCENT}, like 80, 100.") from None


def _limit(read: Callable[[str], int], text: str | None) -> int:
    typed = values.typed_in_form(text)
    return 0 if not typed or values.is_cleared(typed) else read(values.ungrouped(typed))


def _why(text: str | None) -> str:
    return tidy(text or "")


_READERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "credits": lambda text: {"limit_millicredits": _limit(parse_credits, text)},
    "usd": lambda text: {"limit_microusd": _limit(parse_usd, text)},
    "alerts": lambda text: {"thresholds": _shares(text)},
    "channel": lambda channel_id: {"channel_id": channel_id or ""},
    "approvers": lambda user_ids: {"approvers": tuple(user_ids)},
    "tells": lambda ticked: {"forecast": "forecast" in ticked, "spike": "spike" in ticked},
    "why": lambda text: {"why": _why(text)},
}
"""What each field sets."""
