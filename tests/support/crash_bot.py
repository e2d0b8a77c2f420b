"""The bot as `python bot.py` runs it, in a hurry: for tests that kill it many times and cannot wait for its patience.

Leases, lost replies and trouble are waited out in seconds, and what runs by the clock runs ten times a second.
"""

from __future__ import annotations

import bot
from klingbot.domain import retry_delays
from klingbot.engine import alerts, clips, job_message_updates, kling_results
from klingbot.store import digests, outbox_leases
from klingbot.workers import kling_poller, notifier, submitter
from klingbot.workers.scheduler import Tick


def hurried(name: str, seconds: float, function: object) -> Tick:
    return Tick(name, min(seconds, 0.1), function)  # type: ignore[arg-type]


if __name__ == "__main__":
    submitter.LOST_REPLY_MS = kling_poller.LOST_REPLY_MS = 1_500
    submitter.LEASE_MS = digests.LEASE_MS = 2_000
    notifier.SAY_SECONDS, notifier.NOTE_SECONDS, notifier.LEASE_MS = 3, 1, 4_000
    notifier.BACKLOG_MS = 3_600_000  # however long a busy machine takes, the tests look for each message by itself
    clips.LEASE_MS, clips.PATIENCE_MS = 5_000, 15_000
    alerts.PATIENCE_MS = clips.PATIENCE_MS
    job_message_updates.EVERY_MS = 300
    outbox_leases.PACE_MS = 100
    retry_delays.SOON_MS = retry_delays.LATER_MS = retry_delays.UNREACHABLE_MS = kling_results.BUSY_MOST_MS = 2_000
    bot.Tick = hurried  # type: ignore[assignment, attr-defined]
    bot.cli()
