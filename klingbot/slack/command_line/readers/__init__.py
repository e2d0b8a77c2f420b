"""Readers of a command's words and flags, one for each command. They raise MistakeError for what means nothing."""

from __future__ import annotations

from collections.abc import Callable

from klingbot.slack.command_line.parsed_command import Asked
from klingbot.slack.command_line.readers import budget_reader, report_reader, video_reader
from klingbot.slack.command_line.types import Command

READERS: dict[str, Callable[[Asked], Command]] = {
    "generate": video_reader.generate,
    "quote": video_reader.quote,
    "budget": budget_reader.budget_list,
    "budget show": budget_reader.budget_show,
    "budget set": budget_reader.budget_set,
    "budget remove": budget_reader.budget_remove,
    "budget unlimited": budget_reader.budget_unlimited,
    "alerts": report_reader.alerts,
    "alerts test": report_reader.alerts_test,
    "alerts retry": report_reader.alerts_retry,
    "alerts quiet": report_reader.alerts_quiet,
    "usage": budget_reader.usage,
    "digest": report_reader.digest,
    "digest list": report_reader.digest_list,
    "digest now": report_reader.digest_now,
    "project": budget_reader.project,
    "project list": budget_reader.project_list,
    "project new": budget_reader.project_new,
    "project close": budget_reader.project_close,
    "jobs": video_reader.jobs,
    "cancel": video_reader.cancel,
    "keep-waiting": video_reader.keep_waiting,
    "write-off": video_reader.write_off,
    "thaw": video_reader.thaw,
    "ask": budget_reader.ask,
    "requests": budget_reader.requests,
    "approve": budget_reader.approve,
    "deny": budget_reader.deny,
    "withdraw": budget_reader.withdraw,
    "rules": budget_reader.rules,
    "audit": budget_reader.audit,
    "reconcile": budget_reader.reconcile,
    "help": report_reader.help,
}
"""By the command's key in USAGE."""
