"""The use cases, each one transaction. They know neither Slack nor HTTP.

`asking` prices and holds, `cancelling` gives back what waits; `verdicts` books what Kling says; `budgeting` sets and
shows budgets; `usage` tells who spent what; `alerting` queues what must be said.
"""

from klingbot.engine.core import Clock, Engine, open_engine

__all__ = ["Clock", "Engine", "open_engine"]
