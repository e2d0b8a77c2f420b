"""What is said of budgets, rules, spending, and asking for more. Pure."""

from __future__ import annotations

from klingbot.domain.jobs import DEFAULT_PROJECT
from klingbot.slack.command_line import people_and_scopes, values
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.parsed_command import Asked, only, period_of, reason_of, request_id, scope_of
from klingbot.slack.command_line.types import (
    Approve,
    AskForAmount,
    AskForRefused,
    Audit,
    BudgetList,
    BudgetRemove,
    BudgetSet,
    BudgetShow,
    BudgetUnlimited,
    Command,
    Deny,
    ProjectClose,
    ProjectList,
    ProjectNew,
    ProjectSet,
    ProjectShow,
    Reconcile,
    Requests,
    RulesSet,
    RulesShow,
    Usage,
    Withdraw,
)

_LIMIT_MISSING = "The limit is missing. Give --credits, --usd or both, like --usd 600."
_SCOPE_AND_LIMIT_MISSING = (
    "The scope and the limit are missing. Write workspace, @user or a project's name, and --credits, --usd or both,"
    " like /kling budget set workspace --usd 600."
)


def budget_list(asked: Asked) -> Command:
    only(asked.words, 0)
    return BudgetList()


def budget_show(asked: Asked) -> Command:
    return BudgetShow(scope_of(asked.words))


def budget_set(asked: Asked) -> Command:
    if not asked.flags.keys() - {"period", "reason"}:
        raise MistakeError(_LIMIT_MISSING if asked.words else _SCOPE_AND_LIMIT_MISSING)
    return BudgetSet(
        period=period_of(asked),
        millicredits=asked.read("credits", values.credit_limit),
        microusd=asked.read("usd", values.usd_limit),
        thresholds=asked.read("alert", values.thresholds),
        channel=asked.read("channel", people_and_scopes.channel),
        approvers=asked.read("approvers", people_and_scopes.approvers),
        forecast=asked.read("forecast", values.usually_on),
        spike=asked.read("spike", values.usually_on),
        reason=reason_of(asked),
        scope=scope_of(asked.words),
    )


def budget_remove(asked: Asked) -> Command:
    return BudgetRemove(scope_of(asked.words), period_of(asked), reason_of(asked))


def budget_unlimited(asked: Asked) -> Command:
    only(asked.words, 1)
    on = values.on_off(asked.words[0].text) if asked.words else True
    return BudgetUnlimited(on, reason_of(asked))


def usage(asked: Asked) -> Command:
    scope = scope_of(asked.words) if asked.words else None
    return Usage(scope, period_of(asked), asked.read("by", values.grouping))


def project(asked: Asked) -> Command:
    only(asked.words, 1)
    if asked.words:
        return ProjectSet(_project_name(asked.words[0].text), reason_of(asked))
    if asked.flags:
        raise MistakeError("The project is missing. Name it, like /kling project marketing.")
    return ProjectShow()


def _project_name(text: str) -> str:
    """Return the project that is named; the default one for `none`. `project:none` is a project of that name."""
    if values.is_cleared(text):
        return DEFAULT_PROJECT
    return people_and_scopes.project_name(text)


def project_list(asked: Asked) -> Command:
    only(asked.words, 0)
    return ProjectList()


def project_new(asked: Asked) -> Command:
    return ProjectNew(_project(asked, "new"), reason_of(asked))


def project_close(asked: Asked) -> Command:
    return ProjectClose(_project(asked, "close"), reason_of(asked))


def _project(asked: Asked, action: str) -> str:
    only(asked.words, 1)
    if not asked.words:
        raise MistakeError(f"The project is missing. Name it, like /kling project {action} marketing.")
    return _project_name(asked.words[0].text)


def rules(asked: Asked) -> Command:
    only(asked.words, 1)
    project = people_and_scopes.project_name(asked.words[0].text) if asked.words else None
    if not asked.flags:
        return RulesShow(project)
    if not asked.flags.keys() - {"reason"}:
        raise MistakeError(
            "Which rule? Give one of --models, --ceiling, --confirm, --approve, --people and --channels,"
            " like --ceiling 100."
        )
    if project is None:
        raise MistakeError("The project is missing. Name it, like /kling rules marketing --ceiling 100.")
    return RulesSet(
        project=project,
        models=asked.read("models", values.models),
        ceiling=asked.read("ceiling", values.credit_rule("ceiling")),
        confirm_above=asked.read("confirm", values.credit_rule("confirm")),
        approve_above=asked.read("approve", values.credit_rule("approve")),
        people=asked.read("people", people_and_scopes.spenders),
        channels=asked.read("channels", people_and_scopes.channels),
        reason=reason_of(asked),
    )


def audit(asked: Asked) -> Command:
    return Audit(scope_of(asked.words) if asked.words else None)


def reconcile(asked: Asked) -> Command:
    only(asked.words, 0)
    return Reconcile()


def ask(asked: Asked) -> Command:
    reason, until = reason_of(asked), asked.read("until", values.day)
    if not {"credits", "usd"} & asked.flags.keys():
        return AskForRefused(request_id(asked), reason, until)
    return AskForAmount(
        scope=scope_of(asked.words),
        period=period_of(asked),
        reason=reason,
        millicredits=asked.read("credits", values.credit_amount),
        microusd=asked.read("usd", values.usd_amount),
        until=until,
    )


def requests(asked: Asked) -> Command:
    only(asked.words, 0)
    return Requests()


def approve(asked: Asked) -> Command:
    return Approve(
        request_id(asked),
        millicredits=asked.read("credits", values.credit_amount),
        microusd=asked.read("usd", values.usd_amount),
    )


def deny(asked: Asked) -> Command:
    return Deny(request_id(asked), reason_of(asked))


def withdraw(asked: Asked) -> Command:
    return Withdraw(request_id(asked))
