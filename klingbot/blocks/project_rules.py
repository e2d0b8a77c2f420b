"""What is said about a project's rules, and about who changed the rules of money."""

from __future__ import annotations

from collections.abc import Sequence

from klingbot.blocks.message import Message, message, section, sections
from klingbot.blocks.text import code, mention, name, neutral, scope_name, when, with_mentions
from klingbot.domain.periods import Calendar
from klingbot.domain.project_rules import Rules, in_words
from klingbot.engine.project_rules import RulesSet
from klingbot.store.audit import Change

LONGEST_RULES, LONGEST_BEFORE = 450, 150
"""Characters of a project's rules in words; 20 people and 20 channels fit."""
LONGEST = 80
"""Characters of what was, what became, and why, in a list."""


def show(rules: Rules) -> Message:
    said = in_words(rules)
    if said:
        return message(section(f"Rules of the project *{name(rules.project)}*: {with_mentions(said, LONGEST_RULES)}"))
    example = code(f"/kling rules {name(rules.project)} --ceiling 100 --confirm 40")
    return message(section(f"The project *{name(rules.project)}* has no rules. An admin sets some: {example}"))


def were_set(outcome: RulesSet) -> Message:
    before = with_mentions(in_words(outcome.before), LONGEST_BEFORE) or "none"
    after = with_mentions(in_words(outcome.after), LONGEST_RULES) or "none"
    changes = f"still {after}" if outcome.before == outcome.after else f"{before} → {after}"
    return message(section(f"Rules of the project *{name(outcome.after.project)}*: {changes}"))


def changes(found: Sequence[Change], calendar: Calendar) -> Message:
    if not found:
        return message(section("Nothing about money was changed yet."))
    return message(*sections(["*Who changed what about money*", *(_line(change, calendar) for change in found)]))


def _line(change: Change, calendar: Calendar) -> str:
    was, became = (with_mentions(text, LONGEST) or "none" for text in (change.before, change.after))
    why = f" “{neutral(change.why, LONGEST)}”" if change.why else ""
    what = f"{with_mentions(change.what, LONGEST)} · {scope_name(change.subject)}"
    return f"• {when(change.at, calendar)} {mention(change.by)} · {what}: {was} → {became}{why}"
