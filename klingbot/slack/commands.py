"""`/kling`: parse, do, answer. The answer is the acknowledgement itself, seen only by whoever typed the command.

So it needs neither a bot in the channel nor a second call to Slack, and comes within the three seconds that Slack
gives. Everything slow is left to the dispatcher and the notifier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App

from klingbot.blocks import answers
from klingbot.blocks import help as help_blocks
from klingbot.blocks.message import Message
from klingbot.slack import budgeting, digesting, generating, parse, queueing, spending
from klingbot.slack.desk import Asker, Desk
from klingbot.slack.directory import SlackUnavailableError
from klingbot.slack.mistakes import MistakeError, UsageError


def register(app: App, desk: Desk) -> None:
    def kling(ack: Ack, command: dict[str, Any]) -> None:
        asker = Asker(command["user_id"], command["channel_id"], command["trigger_id"], command.get("response_url"))
        said = answer(desk, asker, command.get("text", ""))
        ack({"response_type": "ephemeral", **said.payload()})

    app.command("/kling")(kling)


def answer(desk: Desk, asker: Asker, text: str) -> Message:
    """What a command comes to. A person's mistake is answered; only a mistake of ours is raised."""
    try:
        command = parse.parse(text)
    except UsageError as mistake:
        return answers.mistake(mistake.sentence, mistake.usage)
    row = _COMMANDS[type(command)]
    usage = parse.USAGE[row.usage]
    try:
        if row.admins_only and not desk.directory.is_admin(asker.user_id):
            return answers.admins_only(row.admins_only, usage)
        return row.answer(desk, asker, command)
    except MistakeError as mistake:
        return answers.mistake(str(mistake), usage)
    except SlackUnavailableError as trouble:
        return answers.unavailable(str(trouble))


def _help(desk: Desk, asker: Asker, command: parse.Help) -> Message:
    if command.topic:
        return help_blocks.topic(command.topic, parse.USAGE, desk.engine.prices)
    return help_blocks.overview(parse.USAGE, desk.engine.prices)


@dataclass(frozen=True, slots=True)
class _Row:
    usage: str
    """Its key in USAGE."""
    answer: Callable[[Desk, Asker, Any], Message]
    admins_only: str | None = None
    """What only admins can do, to be said to everybody else."""


_COMMANDS = {
    parse.Generate: _Row("generate", generating.generate),
    parse.Quote: _Row("quote", generating.quote),
    parse.Cancel: _Row("cancel", generating.cancel),
    parse.CancelWaiting: _Row(
        "cancel waiting", queueing.cancel_waiting, admins_only="release everybody's waiting jobs"
    ),
    parse.Jobs: _Row("jobs", queueing.show),
    parse.KeepWaiting: _Row("keep-waiting", queueing.keep_waiting, admins_only="decide about stuck jobs"),
    parse.WriteOff: _Row("write-off", queueing.write_off, admins_only="write jobs off"),
    parse.Thaw: _Row("thaw", queueing.thaw, admins_only="open the way to Kling by hand"),
    parse.BudgetList: _Row("budget", budgeting.show_all),
    parse.BudgetShow: _Row("budget show", budgeting.show),
    parse.BudgetSet: _Row("budget set", budgeting.put, admins_only="set budgets"),
    parse.BudgetRemove: _Row("budget remove", budgeting.remove, admins_only="remove budgets"),
    parse.Usage: _Row("usage", spending.usage),
    parse.DigestList: _Row("digest list", digesting.show_all),
    parse.DigestSet: _Row("digest", digesting.put, admins_only="set digests"),
    parse.DigestOff: _Row("digest", digesting.turn_off, admins_only="turn digests off"),
    parse.DigestNow: _Row("digest now", digesting.show_now),
    parse.ProjectShow: _Row("project", spending.show_project),
    parse.ProjectSet: _Row("project", spending.set_project, admins_only="set the project that a channel spends for"),
    parse.Help: _Row("help", _help),
}
