"""What a command's words and flags stand for: a reader for each, which raises MistakeError for what means nothing."""

from __future__ import annotations

from collections.abc import Callable

from klingbot.slack.asked import Asked
from klingbot.slack.grammar import Command
from klingbot.slack.readers import money, telling, videos

READERS: dict[str, Callable[[Asked], Command]] = {
    "generate": videos.generate,
    "quote": videos.quote,
    "budget": money.budget_list,
    "budget show": money.budget_show,
    "budget set": money.budget_set,
    "budget remove": money.budget_remove,
    "budget unlimited": money.budget_unlimited,
    "alerts": telling.alerts,
    "alerts test": telling.alerts_test,
    "alerts retry": telling.alerts_retry,
    "alerts quiet": telling.alerts_quiet,
    "usage": money.usage,
    "digest": telling.digest,
    "digest list": telling.digest_list,
    "digest now": telling.digest_now,
    "project": money.project,
    "project list": money.project_list,
    "project new": money.project_new,
    "project close": money.project_close,
    "jobs": videos.jobs,
    "cancel": videos.cancel,
    "keep-waiting": videos.keep_waiting,
    "write-off": videos.write_off,
    "thaw": videos.thaw,
    "ask": money.ask,
    "requests": money.requests,
    "approve": money.approve,
    "deny": money.deny,
    "withdraw": money.withdraw,
    "rules": money.rules,
    "audit": money.audit,
    "reconcile": money.reconcile,
    "help": telling.help,
}
"""By the command's key in USAGE."""
