"""The ledger for scripts: `from klingbot import CostTracker, Budget, BudgetPeriod`.

`shapes` says what scripts hand in and get back, `cost_tracker` and `client` do the work, `file` and `importing` take
over a `cost_tracking.json`.
"""

from klingbot.tracker.client import BudgetEnforcedClient, BudgetExceededError, KlingError
from klingbot.tracker.cost_tracker import CostTracker
from klingbot.tracker.shapes import Budget, BudgetPeriod, UsageRecord

__all__ = [
    "Budget",
    "BudgetEnforcedClient",
    "BudgetExceededError",
    "BudgetPeriod",
    "CostTracker",
    "KlingError",
    "UsageRecord",
]
