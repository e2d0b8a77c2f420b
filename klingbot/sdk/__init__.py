"""The ledger for scripts: `from klingbot import CostTracker, Budget, BudgetPeriod`.

`script_types` defines what scripts pass in and get back, `cost_tracker` and `enforced_client` do the work, `cost_file`
and `cost_file_import` take over a `cost_tracking.json`.
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
