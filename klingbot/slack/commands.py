"""`/kling`: parse, do, answer. The answer is the acknowledgement itself, seen only by whoever typed the command.

So it needs neither a bot in the channel nor a second call to Slack, and comes within the three seconds that Slack
gives. Everything slow is left to the dispatcher and the notifier.
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
from klingbot.slack import (
    budget_requirement,
    budgeting,
    delivering,
    digesting,
    failures,
    generating,
    grammar,
    increasing,
    parse,
    projects,
    queueing,
    ruling,
    screen,
    spending,
    syntax,
)
from klingbot.slack.desk import Answer, Asker, Click, Desk, Opens, Private
from klingbot.slack.directory import SlackUnavailableError
from klingbot.slack.mistakes import MistakeError, UnknownCommandError, UsageError


def register(app: App, desk: Desk) -> None:
    def kling(ack: Ack, command: dict[str, Any], client: WebClient) -> None:
        asker = Asker(command["user_id"], command["channel_id"], command["trigger_id"], command.get("response_url"))
        said = answer(desk, asker, command.get("text", ""))
        trouble = screen.open_form(client, command["trigger_id"], said.view) if isinstance(said, Opens) else said
        ack({"response_type": "ephemeral", **trouble.payload()} if trouble else "")

    app.command("/kling")(kling)


def answer(desk: Desk, asker: Asker, text: str) -> Message | Opens:
    """What a command comes to. A person's mistake is answered; only a mistake of ours is raised."""
    try:
        command = parse.parse(text)
    except UnknownCommandError as mistake:
        return help_blocks.unknown_command(mistake.sentence, mistake.usage)
    except UsageError as mistake:
        return short_answers.mistake(mistake.sentence, mistake.usage)
    row = _COMMANDS[type(command)]
    usage = parse.USAGE[row.usage]
    try:
        if row.admins_only and not desk.directory.is_admin(asker.user_id):
            return short_answers.admins_only(row.admins_only, usage)
        return failures.again(lambda: row.answer(desk, asker, command))
    except MistakeError as mistake:
        return short_answers.mistake(str(mistake), usage)
    except SlackUnavailableError as trouble:
        return short_answers.unavailable(str(trouble))


def _menu(desk: Desk, asker: Asker, command: grammar.Menu) -> Message:
    return help_blocks.menu(desk.engine.prices, for_admin=desk.directory.seems_admin(asker.user_id))


def pressed(desk: Desk, click: Click) -> Answer:
    """A button that stands for a command: it does what typing that would."""
    asker = Asker(click.user_id, click.channel_id, click.trigger_id, click.response_url, click.thread_ts)
    said = answer(desk, asker, click.value)
    return said if isinstance(said, Opens) else Private(said)


def _help(desk: Desk, asker: Asker, command: grammar.Help) -> Message:
    if command.topic:
        return help_blocks.topic(command.topic, parse.USAGE, syntax.options(command.topic), desk.engine.prices)
    return help_blocks.overview(parse.USAGE, desk.engine.prices)


@dataclass(frozen=True, slots=True)
class _Row:
    usage: str
    """Its key in USAGE."""
    answer: Callable[[Desk, Asker, Any], Message | Opens]
    admins_only: str | None = None
    """What only admins can do, to be said to everybody else."""


_COMMANDS = {
    grammar.Generate: _Row("generate", generating.generate),
    grammar.Quote: _Row("quote", generating.quote),
    grammar.Cancel: _Row("cancel", generating.cancel),
    grammar.CancelWaiting: _Row(
        "cancel waiting", queueing.cancel_waiting, admins_only="release everybody's waiting jobs"
    ),
    grammar.Jobs: _Row("jobs", queueing.show),
    grammar.KeepWaiting: _Row("keep-waiting", queueing.keep_waiting, admins_only="decide about stuck jobs"),
    grammar.WriteOff: _Row("write-off", queueing.write_off, admins_only="write jobs off"),
    grammar.Reconcile: _Row("reconcile", spending.reconcile, admins_only="look at Kling's bill"),
    grammar.Thaw: _Row("thaw", queueing.thaw, admins_only="open the way to Kling by hand"),
    grammar.BudgetList: _Row("budget", budgeting.show_all),
    grammar.BudgetShow: _Row("budget show", budgeting.show),
    grammar.BudgetSet: _Row("budget set", budgeting.put, admins_only="set budgets"),
    grammar.BudgetRemove: _Row("budget remove", budgeting.remove, admins_only="remove budgets"),
    grammar.BudgetUnlimited: _Row(
        "budget unlimited", budget_requirement.choose, admins_only="decide to run without a limit"
    ),
    grammar.AlertsShow: _Row("alerts", delivering.show, admins_only="see what is still to be said"),
    grammar.AlertsTest: _Row("alerts test", delivering.test, admins_only="send a test alert"),
    grammar.AlertsRetry: _Row("alerts retry", delivering.retry, admins_only="put messages back"),
    grammar.AlertsQuiet: _Row("alerts quiet", delivering.quiet, admins_only="set quiet hours"),
    grammar.Usage: _Row("usage", spending.usage),
    grammar.DigestList: _Row("digest list", digesting.show_all),
    grammar.DigestSet: _Row("digest", digesting.put, admins_only="set digests"),
    grammar.DigestOff: _Row("digest", digesting.turn_off, admins_only="turn digests off"),
    grammar.DigestNow: _Row("digest now", digesting.show_now),
    grammar.ProjectShow: _Row("project", projects.show),
    grammar.ProjectSet: _Row("project", projects.put, admins_only="set the project that a channel spends for"),
    grammar.ProjectList: _Row("project list", projects.listing),
    grammar.ProjectNew: _Row("project new", projects.create, admins_only=projects.WHO),
    grammar.ProjectClose: _Row("project close", projects.close, admins_only=projects.WHO),
    grammar.AskForRefused: _Row("ask", increasing.ask_for_refused),
    grammar.AskForAmount: _Row("ask", increasing.ask_for_amount),
    grammar.Requests: _Row("requests", increasing.requests),
    grammar.Approve: _Row("approve", increasing.approve),
    grammar.Deny: _Row("deny", increasing.deny),
    grammar.Withdraw: _Row("withdraw", increasing.withdraw),
    grammar.RulesShow: _Row("rules", ruling.show),
    grammar.RulesSet: _Row("rules", ruling.put, admins_only="set a project's rules"),
    grammar.Audit: _Row("audit", ruling.audit, admins_only="read who changed what"),
    grammar.Menu: _Row("help", _menu),
    grammar.Help: _Row("help", _help),
}
