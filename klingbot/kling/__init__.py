"""Kling's API: ask for a video, ask what became of it. Nothing here knows budgets, Slack or the database."""

from klingbot.kling.auth import ApiKey, Credentials, KeyPair
from klingbot.kling.client import KlingClient
from klingbot.kling.outcomes import Accepted, Action, AlreadyTaken, LookUp, NotSent, Rejected, ReplyLost, Unreachable
from klingbot.kling.tasks import Cash, Status, Task, TaskRequest
from klingbot.kling.wire import MOST_IDS, route

__all__ = [
    "MOST_IDS",
    "Accepted",
    "Action",
    "AlreadyTaken",
    "ApiKey",
    "Cash",
    "Credentials",
    "KeyPair",
    "KlingClient",
    "LookUp",
    "NotSent",
    "Rejected",
    "ReplyLost",
    "Status",
    "Task",
    "TaskRequest",
    "Unreachable",
    "route",
]
