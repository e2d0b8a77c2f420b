"""What the bot does once a night, whichever process comes first: it proves the ledger, and forgets old prompts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from klingbot import doctor
from klingbot.doctor import Finding
from klingbot.domain.notifications import Unsound
from klingbot.domain.periods import Calendar
from klingbot.engine import Engine, alerts
from klingbot.store import Transaction, periodic_jobs
from klingbot.store.backend.location import Place
from klingbot.store.maintenance import prompt_retention

log = logging.getLogger(__name__)

NIGHTLY = "nightly"
QUIET = time(4)
"""On the wall clock of the calendar's zone: after midnight's new periods, and clear of most changes of the clocks."""
LEASE_MS = 2 * 3_600_000
"""Longer than proving any ledger takes: a round whose process was killed is made again after that."""
DAY_MS = 86_400_000
AT_ONCE = 200
"""Rows blanked in one transaction: whoever types a command gets a turn between them."""


@dataclass(frozen=True, slots=True)
class Nightly:
    engine: Engine
    database: Place
    keep_prompts_days: int | None
    """None: for ever."""

    def nightly(self) -> None:
        """Makes the night's round if it is due and nobody else makes it."""
        store, now = self.engine.store, self.engine.clock()
        if not periodic_jobs.due(store.read(), NIGHTLY, now):
            return
        first_at = next_night(self.engine.calendar, now)
        with store.write() as tx:
            claimed = periodic_jobs.claim(tx, NIGHTLY, now=now, lease_until=now + LEASE_MS, first_at=first_at)
        if not claimed:
            return
        self._prove(now)
        self._forget(now)
        with store.write() as tx:
            periodic_jobs.done(tx, NIGHTLY, next_at=next_night(self.engine.calendar, self.engine.clock()))

    def _prove(self, now: int) -> None:
        """Tells the admins of what is wrong, each thing once until it has been right again."""
        wrong = doctor.prove(self.database, now)
        log.log(logging.ERROR if wrong else logging.INFO, "the ledger was checked: %s", _summed_up(wrong))
        with self.engine.store.write() as tx:
            known, standing = periodic_jobs.found(tx), {finding.what for finding in wrong}
            for what in known - standing:
                periodic_jobs.mended(tx, what)
            for finding in wrong:
                if finding.what not in known:
                    periodic_jobs.note(tx, finding.what, finding.said, at=now)
                    content = Unsound(finding.what, finding.said, finding.fix or "")
                    alerts.to_admins(tx, f"unsound {finding.what} {now}", content, now)

    def _forget(self, now: int) -> None:
        if self.keep_prompts_days is None:
            return
        before = now - self.keep_prompts_days * DAY_MS
        jobs = self._all_of(lambda tx: prompt_retention.of_jobs(tx, before=before, most=AT_ONCE))
        messages = self._all_of(lambda tx: prompt_retention.of_messages(tx, before=before, most=AT_ONCE))
        log.info(
            "prompts older than %s days: blanked in %s jobs and %s messages", self.keep_prompts_days, jobs, messages
        )

    def _all_of(self, batch: Callable[[Transaction], int]) -> int:
        total = 0
        while True:
            with self.engine.store.write() as tx:
                count = batch(tx)
            total += count
            if count < AT_ONCE:
                return total


def next_night(calendar: Calendar, now: int) -> int:
    """The next time that the calendar's wall clock shows QUIET."""
    local = calendar.local(now)
    nights = (local.replace(hour=QUIET.hour, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in (0, 1))
    return next(at for night in nights if (at := round(night.timestamp() * 1000)) > now)


def _summed_up(wrong: Sequence[Finding]) -> str:
    return "; ".join(f"{finding.what}: {finding.said}" for finding in wrong) or "all is well"
