"""The views.* methods: modals that answer what a person did, and the app's home."""

import json
from typing import Any

from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.reply_checks import Args, Reply, Slack, error, ok, refused, word
from klingbot.sandbox.slack.views import View


def open_view(slack: Slack, args: Args) -> Reply:
    """views.open and views.push: both put a modal on top of what this person has open."""
    user = slack.triggers.exchange(word(args, "trigger_id"))
    return refused(user) if isinstance(user, Refused) else _reply(slack.views.push(user, _view(args)))


def update(slack: Slack, args: Args) -> Reply:
    """views.update, by view_id or external_id."""
    key = word(args, "view_id") or word(args, "external_id")
    return _reply(slack.views.update(key, _view(args), word(args, "hash")))


def publish(slack: Slack, args: Args) -> Reply:
    """views.publish: the home of one person."""
    user = word(args, "user_id")
    if user not in slack.workspace.people:
        return error("user_not_found")
    return _reply(slack.views.publish(user, _view(args), word(args, "hash")))


def _view(args: Args) -> Any:
    """The view, as JSON or as a form carries it."""
    given = args.get("view")
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return None


def _reply(outcome: View | Refused) -> Reply:
    return refused(outcome) if isinstance(outcome, Refused) else ok(view=outcome.shown())
