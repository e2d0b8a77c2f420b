"""The fields in which a form asks whose budget or digest is meant, and for which period."""

from __future__ import annotations

from collections.abc import Sequence

from klingbot.blocks.message import Block
from klingbot.blocks.modals import view
from klingbot.blocks.modals.view import MOST_OPTIONS, field
from klingbot.domain.budgets import WORKSPACE, project_scope
from klingbot.domain.periods import PeriodKind

PERSON, OTHER_PROJECT = "person", "other"
LONGEST_PROJECT = 40


def whose(chosen: str, projects: Sequence[str]) -> list[Block]:
    """`chosen` is a scope, PERSON or OTHER_PROJECT: the last two ask for more."""
    known = {project_scope(name): name for name in projects[: MOST_OPTIONS - 3]}
    options = {WORKSPACE: "The workspace", **known, OTHER_PROJECT: "Another project…", PERSON: "A person…"}
    asked = [field("whose", "Whose?", view.select(options, chosen), tells=True)]
    if chosen == OTHER_PROJECT:
        asked.append(field("project", "Which project?", view.text_input(most=LONGEST_PROJECT), tells=True))
    if chosen == PERSON:
        asked.append(field("person", "Which person?", view.person_select(), tells=True))
    return asked


def every(kind: PeriodKind, label: str = "For every") -> Block:
    words = {PeriodKind.DAILY: "day", PeriodKind.WEEKLY: "week", PeriodKind.MONTHLY: "month"}
    return field("kind", label, view.select({each.value: word for each, word in words.items()}, kind), tells=True)
