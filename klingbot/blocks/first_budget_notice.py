"""Messages about the need for a first budget, and about running without a limit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from klingbot.blocks.message import Block, Message, actions, button, confirm, context, message, section
from klingbot.blocks.text import mention, name, when
from klingbot.domain.budgets import Waiver
from klingbot.domain.notifications import RunsUnlimited
from klingbot.domain.periods import Calendar
from klingbot.engine.first_budget import Coverage

NOT_YET = "No budget is set yet, so I can't start videos"
MOST_ADMINS, MOST_PROJECTS = 5, 8
LONGEST_WHY = 300
"""Characters of a reason on a button, which carries 2,000 (Slack's docs, button element)."""
_SURE = "Anyone here can then spend any amount on videos. Your name and the time go into the audit log."


def declined(admins: Sequence[str], *, for_admin: bool) -> Message:
    """Tell a person why nothing was started: an admin with the ways out, anyone else with the people to ask."""
    return not_yet(admins, for_admin=for_admin).plus(context("Nothing was reserved or spent"))


def not_yet(admins: Sequence[str], *, for_admin: bool) -> Message:
    """Say that nothing can be started, to an admin or to anyone else."""
    if for_admin:
        said = section(f"*{NOT_YET}*", "Set the first one for the workspace, a project or a person.")
        return message(said, ways_out())
    return message(section(f"*{NOT_YET}*", whom_to_ask(admins)))


def none_set(coverage: Coverage, calendar: Calendar, *, for_admin: bool) -> Message:
    """Say that there is no budget and that videos are made all the same."""
    assert coverage.waiver is not None
    said = section("*There are no budgets yet.*", _chosen(coverage.waiver, calendar))
    return message(said, *([_way_back(coverage)] if for_admin else []))


def whom_to_ask(admins: Sequence[str]) -> str:
    """Name the people who can set a budget, as far as they are known."""
    named = ", ".join(mention(user_id) for user_id in admins[:MOST_ADMINS])
    return f"Ask an admin to set one: {named}." if named else "Ask an admin to set one."


def chosen_for(why: str = "") -> str:
    """Return what the button carries: the reason that was typed with the command, which may be none."""
    return json.dumps({"why": why[:LONGEST_WHY]}, ensure_ascii=False)


def ways_out() -> Block:
    """Return the two buttons that let videos start."""
    sure = confirm("Run without a limit?", _SURE, "Run without a limit", danger=True)
    return actions(
        button("Set the first budget", "budget.set", "any", style="primary"),
        button("Run without a limit", "budget.unlimited", chosen_for(), confirm=sure),
    )


def asks_to_waive(coverage: Coverage, why: str) -> Message:
    """Ask an admin who typed the command whether it is meant. `why` travels on the button."""
    now = "Your budgets still apply. If the last one is removed, I keep making videos." if coverage.has_budget else ""
    return message(
        section("*Run without a limit?*", now, _SURE),
        actions(button("Run without a limit", "budget.unlimited", chosen_for(why), style="danger")),
        context("Nothing changes before you press"),
    )


def waived(coverage: Coverage, calendar: Calendar) -> Message:
    """Confirm that videos are made without a budget, and offer the way back."""
    assert coverage.waiver is not None
    first = "Your budgets still apply" if coverage.has_budget else "Videos now start without a limit"
    return message(
        section(f"*{first}*", _chosen(coverage.waiver, calendar)),
        _way_back(coverage),
    )


def required(coverage: Coverage) -> Message:
    """Confirm that a budget is needed again."""
    if coverage.has_budget:
        return message(section("*I need a budget to start videos again*", "You have one, so nothing stops."))
    return message(section(f"*{NOT_YET}*", "Videos already reserved are still made."), ways_out())


def before_last(coverage: Coverage) -> str:
    """Return what it means to remove a budget that may be the last; empty while there are others."""
    if coverage.budgets != 1:
        return ""
    if coverage.waiver and coverage.waiver.is_chosen:
        return f"This is the last budget. After that there is no limit: {mention(coverage.waiver.by)} chose that."
    return "This is the last budget. Without one I start no more videos."


def after_last(coverage: Coverage, calendar: Calendar) -> list[Block]:
    """Return what follows from the removal of the last budget; nothing while there are others."""
    if coverage.has_budget:
        return []
    if coverage.waiver is None:
        return [section("It was the last budget, so I start no more videos until you set one."), ways_out()]
    return [section(f"It was the last budget: anyone can now spend any amount. {_chosen(coverage.waiver, calendar)}")]


def runs_unlimited(content: RunsUnlimited, calendar: Calendar) -> Message:
    """Tell the admins of an upgraded ledger that nothing limits what is spent."""
    return message(
        section(
            "*No budget limits what your team spends on videos*",
            "New installations start nothing before a first budget is set. You made videos without one before this "
            "upgrade, so I keep going until you set a budget. Without a budget, anyone can spend any amount.",
        ),
        actions(
            button("Set the first budget", "budget.set", "any", style="primary"),
            button("Keep going without a limit", "budget.unlimited", chosen_for()),
        ),
    )


def warnings(coverage: Coverage, calendar: Calendar) -> Iterator[Block]:
    """Yield what an admin should know on the home tab while something is not limited."""
    if not coverage.may_start:
        yield section(f"*{NOT_YET}*", "Set the first one for the workspace, a project or a person.")
        yield ways_out()
    elif not coverage.has_budget and coverage.waiver:
        yield section(f"*⚠️ Nothing limits what is spent*\n{_chosen(coverage.waiver, calendar)}")
        yield _way_back(coverage)
    elif coverage.uncovered_projects:
        names = ", ".join(name(each) for each in coverage.uncovered_projects[:MOST_PROJECTS])
        more = len(coverage.uncovered_projects) - MOST_PROJECTS
        others = f" and {more:,} more" if more > 0 else ""
        yield section(
            f"*⚠️ No limit for {names}{others}*",
            "Anyone without a budget of their own can spend any amount there. A workspace budget limits everything.",
        )


def _chosen(waiver: Waiver, calendar: Calendar) -> str:
    if not waiver.is_chosen:
        return "You made videos without a budget before the upgrade, so I keep going until you set one."
    return f"{mention(waiver.by)} {when(waiver.at, calendar, 'chose to run without a limit')}."


def _way_back(coverage: Coverage) -> Block:
    return actions(
        button("Set a budget" if coverage.has_budget else "Set the first budget", "budget.set", "any", style="primary"),
        button("Require a budget again", "budget.required", "any"),
    )
