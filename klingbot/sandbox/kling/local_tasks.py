"""The tasks that the local Kling has taken, and the account that pays for them. Time is always handed in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from klingbot.sandbox.kling.refusals import Refusal
from klingbot.sandbox.kling.task_requests import Ask

_BEFORE_ALL_TASKS = 867283741759111201  # task ids that follow look like Kling's own: 18 digits
_SUBMITTED_SHARE = 0.25

WORD_BLOCKED = "forbidden"
"""A prompt with this word is refused by moderation."""
WORD_FAILING = "fails"
"""A prompt with this word is taken, runs, and ends as failed without a charge."""


@dataclass(frozen=True, slots=True)
class LocalTask:
    """One task ever taken. What has become of it depends on nothing but the time."""

    task_id: str
    route: str
    """The path that it was created at."""
    ask: Ask
    taken_at: float
    """Epoch seconds, as `done_at`."""
    done_at: float

    @property
    def changes(self) -> tuple[float, float, float]:
        """When it is taken, begun and done."""
        return self.taken_at, self.taken_at + (self.done_at - self.taken_at) * _SUBMITTED_SHARE, self.done_at

    def status(self, now: float) -> Literal["submitted", "processing", "succeeded", "failed"]:
        if now < self.changes[1]:
            return "submitted"
        if now < self.done_at:
            return "processing"
        return "failed" if self._fails else "succeeded"

    def message(self, now: float) -> str:
        return "Failure to pass the risk control system" if self.status(now) == "failed" else ""

    def charge(self, now: float) -> Decimal | None:
        """Units deducted: none before the end, zero for a failure."""
        if now < self.done_at:
            return None
        return Decimal(0) if self._fails else self.ask.units

    def updated_at(self, now: float) -> float:
        return min(now, self.done_at)

    def summary(self, now: float) -> dict[str, str | None]:
        """The task for tests of another process."""
        charge = self.charge(now)
        return {
            "task_id": self.task_id,
            "external_task_id": self.ask.external_id,
            "route": self.route,
            "status": self.status(now),
            "units": None if charge is None else str(charge),
        }

    @property
    def _fails(self) -> bool:
        return WORD_FAILING in self.ask.prompt.casefold()


class Account:
    """Every task taken, with the limits that Kling sets on an account: slots and units."""

    def __init__(
        self, *, slots: int, units: Decimal | None, ids_are_unique: bool, earlier: Sequence[LocalTask] = ()
    ) -> None:
        """`units` is the prepaid pack, None for one without end. `earlier` tasks were taken by it before."""
        self.slots = slots
        self.units = units
        self.ids_are_unique = ids_are_unique
        self.tasks = {task.task_id: task for task in earlier}
        self._task_ids = itertools.count(1 + max(map(int, self.tasks), default=_BEFORE_ALL_TASKS))

    def take(self, ask: Ask, route: str, *, now: float, seconds: float) -> LocalTask:
        """Start a task that runs for that many seconds. Raises Refusal 1102, 1201, 1301 or 1303."""
        if WORD_BLOCKED in ask.prompt.casefold():
            raise Refusal(1301)
        if self.ids_are_unique and self.with_external_id(ask.external_id):
            raise Refusal(1201, f"External_task_id {ask.external_id} already exists")
        left = self.left(now)
        if left is not None and left < ask.units:
            raise Refusal(1102)
        if len(self.running(now)) >= self.slots:
            raise Refusal(1303)
        task = LocalTask(str(next(self._task_ids)), route, ask, taken_at=now, done_at=now + seconds)
        self.tasks[task.task_id] = task
        return task

    def find(self, either_id: str) -> LocalTask | None:
        """The task with that id of Kling's, or else the first with that id of the caller's."""
        return self.tasks.get(either_id) or next(iter(self.with_external_id(either_id)), None)

    def with_external_id(self, external_id: str) -> list[LocalTask]:
        tasks = list(self.tasks.values())
        return [task for task in tasks if external_id and task.ask.external_id == external_id]

    def running(self, now: float) -> list[LocalTask]:
        return [task for task in list(self.tasks.values()) if now < task.done_at]

    def left(self, now: float) -> Decimal | None:
        """Units of the pack that are neither charged nor promised to a running task."""
        if self.units is None:
            return None
        promised = sum((task.ask.units for task in self.running(now)), Decimal(0))
        return self.units - promised - self.charged(now)

    def charged(self, now: float) -> Decimal:
        """Units deducted so far, over all tasks."""
        return sum((task.charge(now) or Decimal(0) for task in list(self.tasks.values())), Decimal(0))
