"""Klingbot: Kling AI videos from Slack, inside budgets that hold.

Scripts share the bot's ledger: `from klingbot import CostTracker`. What they import is loaded when they ask for it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klingbot.sdk import (
        Budget,
        BudgetEnforcedClient,
        BudgetExceededError,
        BudgetPeriod,
        CostTracker,
        KlingError,
        UsageRecord,
    )

__version__ = "0.1.0"
__all__ = [
    "Budget",
    "BudgetEnforcedClient",
    "BudgetExceededError",
    "BudgetPeriod",
    "CostTracker",
    "KlingError",
    "UsageRecord",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from klingbot import sdk

    return getattr(sdk, name)
