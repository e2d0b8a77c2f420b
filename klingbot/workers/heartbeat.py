"""The heartbeat: whether this process can do its work. Each beat is a write to the ledger.

So a full disk, a ledger that another program keeps locked and a scheduler that has stopped are noticed. The heartbeat
also takes over a new time of the system clock, and corrects what a wrong one has left in the ledger.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from klingbot.common.clock import SteadyClock
from klingbot.domain.ledger_faults import LedgerFault
from klingbot.domain.notifications import Unsound
from klingbot.engine import Engine, alerts
from klingbot.store import DatabaseError, LedgerLostError, NotKeptError, Transaction
from klingbot.store.backend import ledger_identity, metadata
from klingbot.store.maintenance import clock_shift
from klingbot.store.maintenance.clock_shift import TOLERANCE_MS, Longest

log = logging.getLogger(__name__)

BEAT_SECONDS = 5
PATIENCE_SECONDS = 30
"""How late a beat may be: to wait for another writer is no failure."""

WENT_BACK = Unsound(
    "older state",
    "The database lacks what was written to it a moment ago: a backup was restored, or a standby server took over",
    "Compare the ledger with Kling's bill (/kling reconcile): videos that it does not know were charged all the same.",
)


_FAULTS: Mapping[LedgerFault | None, str] = {
    LedgerFault.AWAY: "its database is away",
    LedgerFault.BUSY: "its database is busy",
    LedgerFault.FULL: "the disk is full",
    LedgerFault.UNWRITABLE: "its file or server can only be read, or the disk fails",
}


@dataclass(slots=True)
class Heartbeat:
    engine: Engine
    seconds: Callable[[], float] = time.monotonic
    clock: SteadyClock | None = None
    """The engine's clock, where that does not follow the jumps of the system clock by itself."""
    longest: Longest = field(default_factory=Longest)
    _problem: str | None = None
    _beating: bool = False
    _step_ms: int = 0
    """The jump of the system clock that was logged last."""
    _beat_before: int | None = None
    """When this process beat last, by its clock."""
    _beats: int = 0
    """How many beats the ledger had seen at that."""
    _is_rescued: bool = False
    """Whether what a lost ledger contained was saved."""
    _differs: bool = False
    """Whether another bot's clock was ahead of this one's at the last beat."""
    _beaten_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._beaten_at = self.seconds()

    def beat(self) -> None:
        """Write that a bot is at work; call it every BEAT_SECONDS. `doctor` reads that too."""
        self._beating = True
        try:
            step = self._settled_step()
            with self.engine.store.write() as tx:
                now = self._corrected(tx, step)
                metadata.put(tx, metadata.LAST_BEAT, str(now))
                beats = self._counted(tx, now)
            self._beat_before, self._beats, self._is_rescued = now, beats, False
            if step and self.clock:
                self.clock.adopt(step)
        except LedgerLostError as error:
            self._noted(f"the ledger is lost: {error.reason}; the bot's log says what to do", log_as=str(error))
            self._rescue()
        except DatabaseError as error:  # its message names the server: /healthz must not, the log may
            fault = error.fault if isinstance(error, NotKeptError) else None
            problem = f"the ledger cannot be written: {_FAULTS.get(fault, 'its database does not answer as it should')}"
            self._noted(problem, log_as=f"{problem} ({error})")
        except Exception as error:  # whatever the reason, no job can be held either
            self._noted(f"the ledger cannot be written: {error}")
        else:
            self._noted(None)
            self._beaten_at = self.seconds()
        finally:
            self._beating = False

    def trouble(self) -> str | None:
        """Return why this process cannot work, or None when it can."""
        if self._problem:
            return self._problem
        silent = self.seconds() - self._beaten_at
        if silent < PATIENCE_SECONDS:
            return None
        if self._beating:
            return f"the ledger has been locked for {silent:.0f} s"
        return f"nothing has run by the clock for {silent:.0f} s"

    def _settled_step(self) -> int:
        """Return the jump of the system clock that is to be taken over now, in milliseconds; log a new one."""
        if self.clock is None:
            return 0
        step = self.clock.step_ms()
        if step and not self._step_ms:
            log.warning("the system clock has jumped by %+d s; it is followed once it keeps to that", step // 1000)
        self._step_ms = step
        return self.clock.settled_step_ms()

    def _corrected(self, tx: Transaction, step: int) -> int:
        """Move the ledger to a new time of the clock, correct what a wrong clock has left, and return the time."""
        before = self.engine.clock()
        if step > 0:
            clock_shift.extend(tx, now=before, by=step)
            log.warning("the system clock's new time is taken over, which is %d s ahead", step // 1000)
        now = before + step
        if self._another_is_ahead(tx, now):
            return now
        if corrected := clock_shift.correct(tx, now=now, longest=self.longest):
            log.warning("a clock was ahead: corrected what waited for its time (%s)", ", ".join(corrected))
        return now

    def _another_is_ahead(self, tx: Transaction, now: int) -> bool:
        """Return whether another bot at work has a clock that is ahead of this one's; log it once.

        Nobody knows which of the two is right, and to correct the other's leases with every beat would end them early.
        """
        last = int(metadata.get(tx, metadata.LAST_BEAT) or 0)
        own = self._beat_before
        differs = last - now > TOLERANCE_MS and own is not None and own - now <= TOLERANCE_MS
        if differs and not self._differs:
            log.error("another bot's clock is %d s ahead of this one's: set both by NTP", (last - now) // 1000)
        self._differs = differs
        return differs

    def _counted(self, tx: Transaction, now: int) -> int:
        """Count this beat, and tell the admins of a ledger that has fewer than it had before. Return the count."""
        beats = ledger_identity.count_beat(tx)
        if beats <= self._beats:
            log.error("the ledger is in an older state than before: a backup was restored, or a standby took over")
            alerts.to_admins(tx, f"ledger went back {now}", WENT_BACK, now)
        return beats

    def _rescue(self) -> None:
        """Save what only this process can still read, and log what to do, once."""
        if self._is_rescued:
            return
        try:
            said = self.engine.store.rescue(self.engine.clock())
        except Exception as error:
            log.warning("the ledger's content could not be saved yet: %s", error)
            return
        self._is_rescued = True
        if said:
            log.error("%s", said)

    def _noted(self, problem: str | None, *, log_as: str | None = None) -> None:
        """Log what is new."""
        if problem and problem != self._problem:
            log.error("%s", log_as or problem)
        if self._problem and not problem:
            log.info("the ledger can be written again")
        self._problem = problem
