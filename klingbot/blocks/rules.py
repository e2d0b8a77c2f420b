"""What is said about a project's rules, and about who changed the rules of money."""

from __future__ import annotations

import re
from collections.abc import Sequence

from klingbot.blocks.message import Message, message, section, sections
from klingbot.blocks.text import channel, code, mention, name, neutral, scope_name, when
from klingbot.engine.ruling import RulesSet
from klingbot.periods import Calendar
from klingbot.rules import Rules, in_words
from klingbot.store.audit import Change

_PERSON, _CHANNEL = re.compile(r"@([UW][A-Z0-9]{2,20})"), re.compile(r"#([CG][A-Z0-9]{2,20})")
LONGEST = 80
"""Characters of what was, what became, and why, in a list."""


def show(rules: Rules) -> Message:
    said = in_words(rules)
    if said:
        return message(section(f"Rules of the project *{name(rules.project)}*: {neutral(said)}"))
    example = code(f"/kling rules {name(rules.project)} --ceiling 100 --confirm 40")
    return message(section(f"The project *{name(rules.project)}* has no rules. An admin sets some: {example}"))


def were_set(outcome: RulesSet) -> Message:
    before, after = (neutral(in_words(rules)) or "none" for rules in (outcome.before, outcome.after))
    changes = f"still {after}" if before == after else f"{before} → {after}"
    return message(section(f"Rules of the project *{name(outcome.after.project)}*: {changes}"))


def changes(found: Sequence[Change], calendar: Calendar) -> Message:
    if not found:
        return message(section("Nothing about money was changed yet."))
    return message(*sections(["*Who changed what about money*", *(_line(change, calendar) for change in found)]))


def _line(change: Change, calendar: Calendar) -> str:
    was, became = (_named(text) or "none" for text in (change.before, change.after))
    why = f" “{neutral(change.why, LONGEST)}”" if change.why else ""
    what = f"{_named(change.what)} · {scope_name(change.subject)}"
    return f"• {when(change.at, calendar)} {mention(change.by)} · {what}: {was} → {became}{why}"


def _named(text: str) -> str:
    """With people and channels, which stand in it by their ids, as Slack shows them."""
    return _CHANNEL.sub(
        lambda found: channel(found[1]), _PERSON.sub(lambda found: mention(found[1]), neutral(text, LONGEST))
    )
