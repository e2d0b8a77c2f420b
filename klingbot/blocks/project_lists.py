"""Messages about projects: lists of open and closed ones, and why somebody may not spend for one."""

from __future__ import annotations

from collections.abc import Sequence

from klingbot.blocks.message import (
    Block,
    Message,
    actions,
    beside,
    button,
    confirm,
    context,
    message,
    section,
    sections,
)
from klingbot.blocks.text import code, mention, name, with_mentions
from klingbot.domain.notifications import PastProjects
from klingbot.domain.periods import Calendar
from klingbot.domain.project_access import ProjectState
from klingbot.engine.hold_outcomes import ProjectBarred
from klingbot.engine.projects import Decided, ProjectList

MOST_ROWS = 10
MOST_NAMES = 50
LONGEST_ROW = 100
"""Characters of a name that is offered by itself. Slack's names have up to 40; scripts may have written longer ones."""


def barred(outcome: ProjectBarred, *, for_admin: bool) -> Message:
    """Decline a video; an admin can open the project with one press."""
    news, _, then = outcome.sentence.partition(". ")
    opens = actions(open_button(outcome.project)) if for_admin and outcome.can_be_opened else None
    return message(
        section(f"*{with_mentions(news, 600)}*", with_mentions(then, 600)),
        *([opens] if opens else []),
        context("Nothing was reserved or spent"),
    )


def open_button(project: str) -> Block:
    return button(f"Open {project}", "project.open", project, style="primary")


def is_closed(project: str) -> list[Block]:
    """Say below what was set up for a project that nobody can spend for it."""
    return [section(f"*{name(project)}* is closed, so nobody can spend for it yet."), actions(open_button(project))]


def decided(outcome: Decided) -> Message:
    shown = f"*{name(outcome.project)}*"
    if outcome.after is ProjectState.CLOSED:
        still = "is still closed" if outcome.before is ProjectState.CLOSED else "is closed now"
        return message(section(f"The project {shown} {still}.", _under_way(outcome.under_way)))
    if outcome.before is ProjectState.OPEN:
        return message(section(f"The project {shown} is open already."))
    first = "is open again" if outcome.before is ProjectState.CLOSED else "is open now"
    return message(section(f"The project {shown} {first}.", "Members can spend for it within its budgets and rules."))


def doubted(project: str, meant: str) -> Message:
    """Ask before a project is created whose name is almost another's."""
    said = f"There is already a project *{name(meant)}*. Is *{name(project)}* another one?"
    return message(section(said), actions(open_button(project)), context("Nothing was changed yet"))


def listing(found: ProjectList, *, for_admin: bool) -> Message:
    lines = [
        f"*Open projects*: {_names(found.opened)}",
        f"Closed: {_names(found.closed)}" if found.closed else "",
        f"Used before, not open yet: {_names(found.undecided)}" if found.undecided else "",
    ]
    example = (
        context(f"Create one: {code('/kling project new NAME')}") if for_admin else context("Admins create projects")
    )
    return message(*sections(filter(None, lines)), *(_rows(found.undecided) if for_admin else []), example)


def past(content: PastProjects, calendar: Calendar) -> Message:
    """Ask an admin which projects of before members may go on spending for."""
    return message(
        section(
            "*Which of your older projects stay open?*",
            "Members can now spend only for projects that an admin has created. These were used before and have no "
            "budget, rules or channel, so they are closed until you open them.",
        ),
        *_rows(content.names),
    )


def after(names: Sequence[str], opened: Sequence[str], by: str) -> Message:
    """Show what is left to decide after somebody has opened some of them."""
    done = f"{mention(by)} opened {_names(opened)}." if opened else f"{mention(by)} left them closed."
    if not names:
        return message(section(done, "No older project is left to decide about."))
    return message(section("*Which of your older projects stay open?*", done), *_rows(names))


def _rows(names: Sequence[str]) -> list[Block]:
    if not names:
        return []
    offered = [each for each in names if len(each) <= LONGEST_ROW][:MOST_ROWS]
    rows = [beside(section(f"*{name(each)}*"), button("Open", "project.keep", each)) for each in offered]
    others = [each for each in names if each not in offered]
    more = [context(f"{len(others):,} more: {_names(others)}")] if others else []
    sure = confirm("Open all of them?", f"Members can then spend for all {len(names):,} projects.", "Open all")
    every = button(f"Open all {len(names):,}", "project.keep_all", "all", confirm=sure)
    return [*rows, *more, actions(every, button("Leave them closed", "project.leave", "all"))]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(name(each) for each in names[:MOST_NAMES])
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return f"{shown}{more}" if shown else "none"


def _under_way(count: int) -> str:
    if not count:
        return "Nobody can spend for it until an admin opens it again."
    videos = "1 video that is" if count == 1 else f"{count:,} videos that are"
    return f"Nobody can spend for it until an admin opens it again. {videos} already under way will be finished."
