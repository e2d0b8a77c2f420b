"""The use cases, each one transaction, in rooms named for what is done. They know neither Slack nor HTTP.

Begin with `asking`, which prices and holds, and `verdicts`, which books what Kling says.
"""

from klingbot.engine.core import Clock, Engine, open_engine

__all__ = ["Clock", "Engine", "open_engine"]
