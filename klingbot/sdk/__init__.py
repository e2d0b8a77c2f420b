"""The ledger for scripts: `from klingbot import CostTracker, Budget, BudgetPeriod`.

`shapes` says what scripts hand in and get back, `cost_tracker` and `client` do the work, `file` and `importing` take
over a `cost_tracking.json`.
"""

from klingbot.sdk.cost_tracker import CostTracker
from klingbot.sdk.enforced_client import BudgetEnforcedClient, BudgetExceededError, KlingError
from klingbot.sdk.script_types import Budget, BudgetPeriod, UsageRecord

__all__ = [
    "Budget",
    "BudgetEnforcedClient",
    "BudgetExceededError",
    "BudgetPeriod",
    "CostTracker",
    "KlingError",
    "UsageRecord",
]
