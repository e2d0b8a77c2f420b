"""What can be said after `/kling`: one frozen dataclass per command."""

from __future__ import annotations

from klingbot.slack.command_line.types.budget_commands import (
    Approve,
    AskForAmount,
    AskForRefused,
    Audit,
    BudgetList,
    BudgetRemove,
    BudgetSet,
    BudgetShow,
    BudgetUnlimited,
    Deny,
    Reconcile,
    Requests,
    RulesSet,
    RulesShow,
    Withdraw,
)
from klingbot.slack.command_line.types.mention_types import (
    ChannelRef,
    DefaultChannel,
    ProjectRef,
    ScopeRef,
    UserRef,
    WorkspaceRef,
)
from klingbot.slack.command_line.types.report_commands import (
    AlertsQuiet,
    AlertsRetry,
    AlertsShow,
    AlertsTest,
    DigestList,
    DigestNow,
    DigestOff,
    DigestSet,
    Help,
    Menu,
    Usage,
)
from klingbot.slack.command_line.types.video_commands import (
    Cancel,
    CancelWaiting,
    Generate,
    Jobs,
    KeepWaiting,
    Options,
    ProjectClose,
    ProjectList,
    ProjectNew,
    ProjectSet,
    ProjectShow,
    Quote,
    Thaw,
    WriteOff,
)

Command = (
    Generate
    | Quote
    | BudgetList
    | BudgetShow
    | BudgetSet
    | BudgetRemove
    | BudgetUnlimited
    | Usage
    | DigestList
    | DigestSet
    | DigestOff
    | DigestNow
    | ProjectShow
    | ProjectSet
    | ProjectList
    | ProjectNew
    | ProjectClose
    | Cancel
    | CancelWaiting
    | Jobs
    | KeepWaiting
    | WriteOff
    | Thaw
    | AskForRefused
    | AskForAmount
    | Requests
    | Approve
    | Deny
    | Withdraw
    | RulesShow
    | RulesSet
    | Audit
    | Reconcile
    | AlertsShow
    | AlertsTest
    | AlertsRetry
    | AlertsQuiet
    | Menu
    | Help
)

__all__ = [
    "AlertsQuiet",
    "AlertsRetry",
    "AlertsShow",
    "AlertsTest",
    "Approve",
    "AskForAmount",
    "AskForRefused",
    "Audit",
    "BudgetList",
    "BudgetRemove",
    "BudgetSet",
    "BudgetShow",
    "BudgetUnlimited",
    "Cancel",
    "CancelWaiting",
    "ChannelRef",
    "Command",
    "DefaultChannel",
    "Deny",
    "DigestList",
    "DigestNow",
    "DigestOff",
    "DigestSet",
    "Generate",
    "Help",
    "Jobs",
    "KeepWaiting",
    "Menu",
    "Options",
    "ProjectClose",
    "ProjectList",
    "ProjectNew",
    "ProjectRef",
    "ProjectSet",
    "ProjectShow",
    "Quote",
    "Reconcile",
    "Requests",
    "RulesSet",
    "RulesShow",
    "ScopeRef",
    "Thaw",
    "Usage",
    "UserRef",
    "Withdraw",
    "WorkspaceRef",
    "WriteOff",
]
