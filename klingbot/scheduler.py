"""What runs by the clock: a table of name, interval and function. APScheduler is only the ticker.

Every function is safe to run twice and in two processes at once: the rows it claims decide, never the ticker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from klingbot.store import DatabaseError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    name: str
    seconds: float
    function: Callable[[], None]


def start(ticks: Sequence[Tick]) -> BackgroundScheduler:
    """Starts ticking, each function at once and then in its interval, never two runs of one at a time."""
    # A run that takes longer than its interval makes the next one wait; that is meant and no cause for a warning.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(len(ticks))},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    for tick in ticks:
        scheduler.add_job(
            _guarded(tick), "interval", seconds=tick.seconds, id=tick.name, next_run_time=datetime.now(UTC)
        )
    scheduler.start()
    return scheduler


def _guarded(tick: Tick) -> Callable[[], None]:
    """The function, whose failure is logged and does not stop the ticking."""

    def run() -> None:
        try:
            tick.function()
        except DatabaseError as e:
            log.warning("%s was left for later: %s It runs again in %s s", tick.name, e, tick.seconds)
        except Exception:
            log.exception("%s broke; it runs again in %s s", tick.name, tick.seconds)

    return run
