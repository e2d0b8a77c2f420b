"""The use cases, each one transaction. They know neither Slack nor HTTP.

Begin with `job_requests`, which prices and holds, and `kling_results`, which books what Kling says.
"""

from klingbot.engine.core import Clock, Engine, open_engine

__all__ = ["Clock", "Engine", "open_engine"]
