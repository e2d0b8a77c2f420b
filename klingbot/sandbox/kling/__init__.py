"""The local Kling: both of its API generations over HTTP, the tasks it has taken, and the clips it answers with."""

from klingbot.sandbox.kling.kling_faults import Fault
from klingbot.sandbox.kling.local_kling import CLIPS, LocalKling

__all__ = ["CLIPS", "Fault", "LocalKling"]
