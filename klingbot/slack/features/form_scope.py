"""The scope of a form: what was chosen in `klingbot.blocks.modals.scope_fields`, and what is wrong with it."""

from __future__ import annotations

from klingbot.blocks.modals.scope_fields import OTHER_PROJECT, PERSON
from klingbot.domain.budgets import project_scope, user_scope
from klingbot.slack.command_line import people_and_scopes
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.values import typed_in_form
from klingbot.slack.context import Desk
from klingbot.slack.interactions.form_values import Filled, Mistakes


def scope(form: Filled, option: str) -> str | Mistakes:
    """The scope that `option` and the fields that go with it come to."""
    if option == PERSON:
        person = form.values.get("person")
        return user_scope(person) if person else _wanted(form, "person", "Choose a person.")
    if option != OTHER_PROJECT:
        return option
    try:
        return project_scope(people_and_scopes.project_name(typed_in_form(form.values.get("project"))))
    except MistakeError as mistake:
        return _wanted(form, "project", str(mistake))


def not_a_member(desk: Desk, form: Filled, scope: str, what: str) -> Mistakes | None:
    """Return what is wrong with the person whom the scope is about. Raises SlackUnavailableError."""
    try:
        desk.must_be_members(scope, what)
    except MistakeError as mistake:
        return _wanted(form, "person", str(mistake))
    return None


def _wanted(form: Filled, name: str, sentence: str) -> Mistakes:
    """Below its field, or below the choice that has just brought that field about."""
    field = next((each for each in (name, "whose") if each in form.block_ids), form.first_field)
    return Mistakes({field or name: sentence})
