"""Whose budget or digest a form is about: what was chosen in `klingbot.blocks.whose`, and what is wrong with it."""

from __future__ import annotations

from klingbot.blocks.whose import OTHER_PROJECT, PERSON
from klingbot.budgets import project_scope, user_scope
from klingbot.slack import scopes
from klingbot.slack.filled import Filled, Mistakes
from klingbot.slack.mistakes import MistakeError


def scope(form: Filled, option: str) -> str | Mistakes:
    """The scope that `option` and the fields that go with it come to."""
    if option == PERSON:
        person = form.values.get("person")
        return user_scope(person) if person else _wanted(form, "person", "Choose a person.")
    if option != OTHER_PROJECT:
        return option
    try:
        return project_scope(scopes.project_name(form.values.get("project") or ""))
    except MistakeError as mistake:
        return _wanted(form, "project", str(mistake))


def _wanted(form: Filled, name: str, sentence: str) -> Mistakes:
    """Below its field, or below the choice that has just brought that field about."""
    return Mistakes({name if name in form.block_ids else "whose": sentence})
