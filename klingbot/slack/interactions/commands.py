"""`/kling`: parse, do, answer. The answer is the acknowledgement itself, seen only by whoever typed the command.

So it needs neither a bot in the channel nor a second call to Slack, and comes within the three seconds that Slack
gives. Everything slow is left to the submitter and the notifier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from klingbot.blocks import help as help_blocks
from klingbot.blocks import short_answers
from klingbot.blocks.message import Message
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.command_line import command_usage, parser, types
from klingbot.slack.command_line.mistakes import MistakeError, UnknownCommandError, UsageError
from klingbot.slack.context import Answer, Asker, Click, Desk, Opens, Private
from klingbot.slack.features import (
    budgets,
    digests,
    first_budget_buttons,
    generate,
    increases,
    outbox,
    project_commands,
    project_rules,
    queue_commands,
)
from klingbot.slack.features import usage as slack_usage
from klingbot.slack.interactions import answers, failures


def register(app: App, desk: Desk) -> None:
    def kling(ack: Ack, command: dict[str, Any], client: WebClient) -> None:
        asker = Asker(command["user_id"], command["channel_id"], command["trigger_id"], command.get("response_url"))
        said = answer(desk, asker, command.get("text", ""))
        trouble = answers.open_form(client, command["trigger_id"], said.view) if isinstance(said, Opens) else said
        ack({"response_type": "ephemeral", **trouble.payload()} if trouble else "")

    app.command("/kling")(kling)


def answer(desk: Desk, asker: Asker, text: str) -> Message | Opens:
    """Return the answer to a command. A person's mistake is answered; only a mistake of ours is raised."""
    try:
        command = parser.parse(text)
    except UnknownCommandError as mistake:
        return help_blocks.unknown_command(mistake.sentence, mistake.usage)
    except UsageError as mistake:
        return short_answers.mistake(mistake.sentence, mistake.usage)
    row = _COMMANDS[type(command)]
    usage = parser.USAGE[row.usage]
    try:
        if row.admins_only and not desk.directory.is_admin(asker.user_id):
            return short_answers.admins_only(row.admins_only, usage)
        return failures.again(lambda: row.answer(desk, asker, command))
    except MistakeError as mistake:
        return short_answers.mistake(str(mistake), usage)
    except SlackUnavailableError as trouble:
        return short_answers.unavailable(str(trouble))


def _menu(desk: Desk, asker: Asker, command: types.Menu) -> Message:
    return help_blocks.menu(desk.engine.prices, for_admin=desk.directory.seems_admin(asker.user_id))


def pressed(desk: Desk, click: Click) -> Answer:
    """A button that stands for a command: it does what typing that would."""
    asker = Asker(click.user_id, click.channel_id, click.trigger_id, click.response_url, click.thread_ts)
    said = answer(desk, asker, click.value)
    return said if isinstance(said, Opens) else Private(said)


def _help(desk: Desk, asker: Asker, command: types.Help) -> Message:
    if command.topic:
        return help_blocks.topic(command.topic, parser.USAGE, command_usage.options(command.topic), desk.engine.prices)
    return help_blocks.overview(parser.USAGE, desk.engine.prices)


@dataclass(frozen=True, slots=True)
class _Row:
    usage: str
    """Its key in USAGE."""
    answer: Callable[[Desk, Asker, Any], Message | Opens]
    admins_only: str | None = None
    """What only admins can do, to be said to everybody else."""


_COMMANDS = {
    types.Generate: _Row("generate", generate.generate),
    types.Quote: _Row("quote", generate.quote),
    types.Cancel: _Row("cancel", generate.cancel),
    types.CancelWaiting: _Row(
        "cancel waiting", queue_commands.cancel_waiting, admins_only="release everybody's waiting jobs"
    ),
    types.Jobs: _Row("jobs", queue_commands.show),
    types.KeepWaiting: _Row("keep-waiting", queue_commands.keep_waiting, admins_only="decide about stuck jobs"),
    types.WriteOff: _Row("write-off", queue_commands.write_off, admins_only="write jobs off"),
    types.Reconcile: _Row("reconcile", slack_usage.reconcile, admins_only="look at Kling's bill"),
    types.Thaw: _Row("thaw", queue_commands.thaw, admins_only="open the way to Kling by hand"),
    types.BudgetList: _Row("budget", budgets.show_all),
    types.BudgetShow: _Row("budget show", budgets.show),
    types.BudgetSet: _Row("budget set", budgets.put, admins_only="set budgets"),
    types.BudgetRemove: _Row("budget remove", budgets.remove, admins_only="remove budgets"),
    types.BudgetUnlimited: _Row(
        "budget unlimited", first_budget_buttons.choose, admins_only="decide to run without a limit"
    ),
    types.AlertsShow: _Row("alerts", outbox.show, admins_only="see what is still to be said"),
    types.AlertsTest: _Row("alerts test", outbox.test, admins_only="send a test alert"),
    types.AlertsRetry: _Row("alerts retry", outbox.retry, admins_only="put messages back"),
    types.AlertsQuiet: _Row("alerts quiet", outbox.quiet, admins_only="set quiet hours"),
    types.Usage: _Row("usage", slack_usage.usage),
    types.DigestList: _Row("digest list", digests.show_all),
    types.DigestSet: _Row("digest", digests.put, admins_only="set digests"),
    types.DigestOff: _Row("digest", digests.turn_off, admins_only="turn digests off"),
    types.DigestNow: _Row("digest now", digests.show_now),
    types.ProjectShow: _Row("project", project_commands.show),
    types.ProjectSet: _Row("project", project_commands.put, admins_only="set the project that a channel spends for"),
    types.ProjectList: _Row("project list", project_commands.listing),
    types.ProjectNew: _Row("project new", project_commands.create, admins_only=project_commands.WHO),
    types.ProjectClose: _Row("project close", project_commands.close, admins_only=project_commands.WHO),
    types.AskForRefused: _Row("ask", increases.ask_for_refused),
    types.AskForAmount: _Row("ask", increases.ask_for_amount),
    types.Requests: _Row("requests", increases.requests),
    types.Approve: _Row("approve", increases.approve),
    types.Deny: _Row("deny", increases.deny),
    types.Withdraw: _Row("withdraw", increases.withdraw),
    types.RulesShow: _Row("rules", project_rules.show),
    types.RulesSet: _Row("rules", project_rules.put, admins_only="set a project's rules"),
    types.Audit: _Row("audit", project_rules.audit, admins_only="read who changed what"),
    types.Menu: _Row("help", _menu),
    types.Help: _Row("help", _help),
}
