"""Whether this process can do its work: it beats by the clock, and each beat is a write to the ledger.

So a full disk, a ledger that somebody keeps locked and a ticker that has stopped are noticed. Asking costs nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from klingbot.engine import Engine
from klingbot.store import DatabaseError, Transaction, facts, waits

log = logging.getLogger(__name__)

BEAT_SECONDS = 5
BACK_MS = 300_000
"""A last beat so far in the future was a clock's that was put back since."""
PATIENCE_SECONDS = 30
"""So long may a beat be late: a wait for another writer is no failure."""


@dataclass(slots=True)
class Pulse:
    engine: Engine
    seconds: Callable[[], float] = time.monotonic
    _problem: str | None = None
    _beating: bool = False
    _beat_before: int | None = None
    """This bot's own last beat, by its clock; None right after the start, when the ledger's counts."""
    _beaten_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._beaten_at = self.seconds()

    def beat(self) -> None:
        """Called every BEAT_SECONDS. Writes when it was; `doctor` reads that too."""
        self._beating = True
        try:
            with self.engine.store.write() as tx:
                self._mind_the_clock(tx, now := self.engine.clock())
                facts.put(tx, facts.LAST_BEAT, str(now))
            self._beat_before = now
        except DatabaseError as error:  # which names the server: the log may, who asks /healthz need not know
            self._noted("the ledger cannot be written: its database is away, busy or lost", str(error))
        except Exception as error:  # whatever it is, nobody's job can be held either
            self._noted(f"the ledger cannot be written: {error}")
        else:
            self._noted(None)
            self._beaten_at = self.seconds()
        finally:
            self._beating = False

    def trouble(self) -> str | None:
        """Why nothing can be done just now; None when all is well."""
        if self._problem:
            return self._problem
        silent = self.seconds() - self._beaten_at
        if silent < PATIENCE_SECONDS:
            return None
        if self._beating:
            return f"the ledger has been locked for {silent:.0f} s"
        return f"nothing has run by the clock for {silent:.0f} s"

    def _mind_the_clock(self, tx: Transaction, now: int) -> None:
        """What was to wait a minute does not wait an hour because the clock was an hour ahead when it was said.

        Once, whichever bot notices first; and not for another bot's clock, which may be ahead of this one's for ever.
        """
        before = facts.get(tx, facts.LAST_BEAT)
        ahead = int(before) - now if before else 0
        mine_was_put_back = self._beat_before is None or self._beat_before - now > BACK_MS
        if ahead > BACK_MS and mine_was_put_back:
            log.warning("the clock was put back by %s s; what waits is moved along with it", ahead // 1000)
            waits.move_back(tx, by=ahead)

    def _noted(self, problem: str | None, details: str = "") -> None:
        """Logs what is new."""
        if problem and problem != self._problem:
            log.error("%s", f"{problem} ({details})" if details else problem)
        if self._problem and not problem:
            log.info("the ledger can be written again")
        self._problem = problem
