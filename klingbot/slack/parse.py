"""The text of a `/kling` command → what was asked for, or a UsageError that says what to write instead. Pure.

Two things are decided here and nowhere else:

- A prompt is whatever stands between the command and the flags, as typed. Quotes around the whole of it are taken off;
  other quotes belong to the prompt (a sign that says “OPEN”). What stands in quotes is never a flag.
- A quote that nothing closes is plain text in a prompt. In a flag's value it is a mistake, because the rest of the
  value would slip into the prompt and be paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from klingbot.slack import flags, scopes, values
from klingbot.slack.flags import Flag
from klingbot.slack.grammar import (
    USAGE,
    AlertsQuiet,
    AlertsRetry,
    AlertsShow,
    AlertsTest,
    Approve,
    AskForAmount,
    AskForRefused,
    Audit,
    BudgetList,
    BudgetRemove,
    BudgetSet,
    BudgetShow,
    Cancel,
    CancelWaiting,
    Command,
    Deny,
    DigestList,
    DigestNow,
    DigestOff,
    DigestSet,
    Generate,
    Help,
    Jobs,
    KeepWaiting,
    Menu,
    Options,
    ProjectSet,
    ProjectShow,
    Quote,
    Reconcile,
    Requests,
    RulesSet,
    RulesShow,
    ScopeRef,
    Thaw,
    Usage,
    UserRef,
    Withdraw,
    WriteOff,
)
from klingbot.slack.mistakes import MistakeError, UsageError, shown
from klingbot.slack.words import Word, clean, is_blank, plain, split, tidy
from klingbot.spelling import did_you_mean

__all__ = ["USAGE", "UsageError", "parse"]

T = TypeVar("T")

_COMMANDS = [key for key in USAGE if " " not in key]
LONGEST_REASON = 300
_BUDGET_WORDS = ["list", "show", "set", "remove"]
_ALERTS_WORDS = ["test", "retry", "quiet"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command taken apart: the bare words after its own name, its flags, and what is left when the flags are cut."""

    words: list[Word]
    flags: dict[str, Flag]
    prompt: str

    def read(self, name: str, reader: Callable[[str], T]) -> T | None:
        """The value of a flag, or None where it was not given."""
        flag = self.flags.get(name)
        return reader(flag.value.text) if flag and flag.value else None


def parse(text: str) -> Command:
    """What was asked for. Raises UsageError for anything that is not a whole and valid command; never anything else."""
    text = clean(text)
    bare, given = flags.sort(split(text))
    asks_for_help = any(flag.name == "help" for flag in given)
    if is_blank(text):
        return Menu()
    if asks_for_help and not bare:
        return Help()
    command, words = _command(bare)
    if asks_for_help:
        return Help(command)
    try:
        asked = _Asked(words, flags.check(command, given), _prompt(text, bare[0], words, given))
        return _READERS[command](asked)
    except MistakeError as mistake:
        raise UsageError(str(mistake), USAGE[command]) from None


def _command(bare: list[Word]) -> tuple[str, list[Word]]:
    """The command's key in USAGE, and the bare words after it."""
    if not bare:
        raise UsageError("The command is missing. Begin with one; /kling help names them all.", USAGE["help"])
    word, rest = bare[0].text.lower(), bare[1:]
    if word not in _COMMANDS:
        hint = did_you_mean(word, _COMMANDS)
        raise UsageError(f"Unknown command {shown(word)}.{hint} /kling help names them all.", USAGE["help"])
    if word == "alerts" and rest:
        return _alerts_command(rest[0].text.lower()), rest[1:]
    if word == "digest":
        return _digest_command(rest), rest
    if word != "budget" or not rest:
        return word, rest
    action = rest[0].text.lower()
    if action not in _BUDGET_WORDS:
        hint = did_you_mean(action, _BUDGET_WORDS, "budget ")
        if len(rest) == 1 and not hint:
            return "budget show", rest
        raise UsageError(
            f"Unknown word {shown(action)} after budget.{hint}"
            " Write budget list, or budget show, budget set or budget remove and a scope.",
            USAGE["budget"],
        )
    return ("budget" if action == "list" else f"budget {action}"), rest[1:]


def _alerts_command(action: str) -> str:
    if action in _ALERTS_WORDS:
        return f"alerts {action}"
    hint = did_you_mean(action, _ALERTS_WORDS, "alerts ")
    known = "Write alerts alone, or alerts test, alerts retry or alerts quiet."
    raise UsageError(f"Unknown word {shown(action)} after alerts.{hint} {known}", USAGE["alerts"])


def _digest_command(words: list[Word]) -> str:
    if len(words) < 2:
        return "digest list"
    return "digest now" if words[1].text.lower() == "now" else "digest"


def _prompt(text: str, command: Word, words: list[Word], given: list[Flag]) -> str:
    """The text between the command and the flags, without quotes around the whole of it."""
    if len(words) == 1 and words[0].quoted:
        return plain(words[0].text).strip()
    pieces, position = [], 0
    for start, end in sorted([(command.start, command.end), *((flag.start, flag.end) for flag in given)]):
        pieces.append(text[position:start].strip())
        position = end
    pieces.append(text[position:].strip())
    return plain(" ".join(piece for piece in pieces if piece))


def _options(asked: _Asked) -> Options:
    return Options(
        prompt=values.prose("prompt", asked.prompt),
        duration_seconds=asked.read("duration", values.duration),
        model=asked.read("model", values.lowered),
        resolution=asked.read("resolution", values.lowered),
        audio=flags.is_on(asked.flags.get("audio")),
        aspect=asked.read("aspect", values.aspect),
        negative=asked.read("negative", values.negative),
        image_url=asked.read("image", values.image_url),
        project=asked.read("project", scopes.project_name),
    )


def _generate(asked: _Asked) -> Command:
    return Generate(_options(asked))


def _quote(asked: _Asked) -> Command:
    return Quote(_options(asked))


def _budget_list(asked: _Asked) -> Command:
    _only(asked.words, 0)
    return BudgetList()


def _budget_show(asked: _Asked) -> Command:
    return BudgetShow(_scope(asked.words))


def _budget_set(asked: _Asked) -> Command:
    if not asked.flags.keys() - {"period"}:
        raise MistakeError("The limit is missing. Give --credits, --usd or both, like --usd 600.")
    return BudgetSet(
        period=_period(asked),
        millicredits=asked.read("credits", values.credit_limit),
        microusd=asked.read("usd", values.usd_limit),
        thresholds=asked.read("alert", values.thresholds),
        channel=asked.read("channel", scopes.channel),
        approvers=asked.read("approvers", scopes.people),
        forecast=asked.read("forecast", values.on_off),
        spike=asked.read("spike", values.on_off),
        scope=_scope(asked.words),
    )


def _budget_remove(asked: _Asked) -> Command:
    return BudgetRemove(_scope(asked.words), _period(asked))


def _alerts(asked: _Asked) -> Command:
    return AlertsShow()


def _alerts_test(asked: _Asked) -> Command:
    _only(asked.words, 1)
    return AlertsTest(scopes.place(asked.words[0].text) if asked.words else None)


def _alerts_retry(asked: _Asked) -> Command:
    _only(asked.words, 0)
    return AlertsRetry()


def _alerts_quiet(asked: _Asked) -> Command:
    if len(asked.words) < 2:
        raise MistakeError("Say which channel and when, like /kling alerts quiet #finance 22:00-08:00, or off.")
    _only(asked.words, 2)
    channel, hours = scopes.place(asked.words[0].text), values.hours(asked.words[1].text)
    excepted = asked.read("except", values.exception)
    if excepted and hours is None:
        raise MistakeError("--except has no meaning with off. Leave it out.")
    return AlertsQuiet(channel, hours, over_passes=excepted is not None)


def _usage(asked: _Asked) -> Command:
    scope = _scope(asked.words) if asked.words else None
    return Usage(scope, _period(asked), asked.read("by", values.grouping))


def _period(asked: _Asked) -> str:
    return asked.read("period", values.period) or "monthly"


def _digest_list(asked: _Asked) -> Command:
    if asked.words and asked.words[0].text.lower() in ("now", "off"):
        raise MistakeError(f"Whose digest? Write the scope first, like /kling digest workspace {asked.words[0].text}.")
    return DigestList(_scope(asked.words) if asked.words else None)


def _digest(asked: _Asked) -> Command:
    scope, cadence = _scope(asked.words[:1]), values.cadence(asked.words[1].text)
    _only(asked.words, 2)
    minute, channel = asked.read("at", values.clock), asked.read("channel", scopes.channel)
    if cadence != "off":
        return DigestSet(scope, cadence, minute, channel)
    if minute is not None:
        raise MistakeError("--at has no meaning with off. Leave it out.")
    return DigestOff(scope, channel)


def _digest_now(asked: _Asked) -> Command:
    _only(asked.words, 2)
    return DigestNow(_scope(asked.words[:1]), asked.read("period", values.period))


def _project(asked: _Asked) -> Command:
    _only(asked.words, 1)
    return ProjectSet(scopes.project_name(asked.words[0].text)) if asked.words else ProjectShow()


def _cancel(asked: _Asked) -> Command:
    job = _job(asked)
    _only(asked.words, 1)
    return CancelWaiting() if job == "waiting" else Cancel(job)


def _jobs(asked: _Asked) -> Command:
    _only(asked.words, 1)
    if not asked.words:
        return Jobs()
    if values.lowered(asked.words[0].text) == "all":
        return Jobs(everybody=True)
    whose = scopes.scope(asked.words[0].text)
    if isinstance(whose, UserRef):
        return Jobs(whose)
    raise MistakeError("Whose jobs? Write /kling jobs for yours, @ and a person's name, or all.")


def _keep_waiting(asked: _Asked) -> Command:
    job = _job(asked)
    _only(asked.words, 1)
    return KeepWaiting(job)


def _write_off(asked: _Asked) -> Command:
    job = _job(asked)
    reason = " ".join(asked.prompt.split()[1:])
    if not reason:
        raise MistakeError("The reason is missing. It stays in the ledger beside your name: say why nobody waits.")
    if len(reason) > LONGEST_REASON:
        raise MistakeError(f"The reason is {len(reason):,} characters long. Say it in {LONGEST_REASON}.")
    return WriteOff(job, reason)


def _thaw(asked: _Asked) -> Command:
    _only(asked.words, 0)
    return Thaw()


def _reconcile(asked: _Asked) -> Command:
    _only(asked.words, 0)
    return Reconcile()


def _job(asked: _Asked) -> str:
    if not asked.words:
        raise MistakeError("The job is missing. /kling jobs shows the ids of yours.")
    return values.job_id(asked.words[0].text)


def _ask(asked: _Asked) -> Command:
    reason, until = _reason(asked), asked.read("until", values.day)
    if not {"credits", "usd"} & asked.flags.keys():
        return AskForRefused(_request(asked), reason, until)
    return AskForAmount(
        scope=_scope(asked.words),
        period=_period(asked),
        reason=reason,
        millicredits=asked.read("credits", values.credit_amount),
        microusd=asked.read("usd", values.usd_amount),
        until=until,
    )


def _requests(asked: _Asked) -> Command:
    _only(asked.words, 0)
    return Requests()


def _approve(asked: _Asked) -> Command:
    return Approve(
        _request(asked),
        millicredits=asked.read("credits", values.credit_amount),
        microusd=asked.read("usd", values.usd_amount),
    )


def _deny(asked: _Asked) -> Command:
    return Deny(_request(asked), _reason(asked))


def _withdraw(asked: _Asked) -> Command:
    return Withdraw(_request(asked))


def _rules(asked: _Asked) -> Command:
    _only(asked.words, 1)
    project = scopes.project_name(asked.words[0].text) if asked.words else None
    if not asked.flags:
        return RulesShow(project)
    if project is None:
        raise MistakeError("The project is missing. Name it, like /kling rules marketing --ceiling 100.")
    return RulesSet(
        project=project,
        models=asked.read("models", values.models),
        ceiling=asked.read("ceiling", values.credit_rule("ceiling")),
        confirm_above=asked.read("confirm", values.credit_rule("confirm")),
        approve_above=asked.read("approve", values.credit_rule("approve")),
    )


def _audit(asked: _Asked) -> Command:
    return Audit(_scope(asked.words) if asked.words else None)


def _request(asked: _Asked) -> str:
    if not asked.words:
        raise MistakeError("The request is missing. Copy its id from the refusal, or from /kling requests.")
    _only(asked.words, 1)
    return values.request_id(asked.words[0].text)


def _reason(asked: _Asked) -> str:
    return asked.read("reason", tidy) or ""


def _help(asked: _Asked) -> Command:
    topic = " ".join(word.text for word in asked.words[:3]).lower()
    if topic and topic not in USAGE:
        hint = did_you_mean(topic, USAGE, "help ")
        raise MistakeError(f"No help about {shown(topic)}.{hint} /kling help names every command.")
    return Help(topic or None)


def _scope(words: list[Word]) -> ScopeRef:
    if not words:
        raise MistakeError("The scope is missing. Add workspace, @user or a project's name.")
    _only(words, 1)
    return scopes.scope(words[0].text)


def _only(words: list[Word], most: int) -> None:
    if len(words) > most:
        raise MistakeError(f"Unexpected word {shown(words[most].text)}. Leave it out, or give it with its flag.")


_READERS: dict[str, Callable[[_Asked], Command]] = {
    "generate": _generate,
    "quote": _quote,
    "budget": _budget_list,
    "budget show": _budget_show,
    "budget set": _budget_set,
    "budget remove": _budget_remove,
    "alerts": _alerts,
    "alerts test": _alerts_test,
    "alerts retry": _alerts_retry,
    "alerts quiet": _alerts_quiet,
    "usage": _usage,
    "digest": _digest,
    "digest list": _digest_list,
    "digest now": _digest_now,
    "project": _project,
    "jobs": _jobs,
    "cancel": _cancel,
    "keep-waiting": _keep_waiting,
    "write-off": _write_off,
    "thaw": _thaw,
    "ask": _ask,
    "requests": _requests,
    "approve": _approve,
    "deny": _deny,
    "withdraw": _withdraw,
    "rules": _rules,
    "audit": _audit,
    "reconcile": _reconcile,
    "help": _help,
}
