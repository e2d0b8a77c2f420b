"""Once a day: Kling's packs and its bill are fetched, and the engine compares them with the ledger."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from klingbot.domain import money
from klingbot.domain.reconciliation import Billed, UnitPack
from klingbot.engine import Engine, reconciliation
from klingbot.kling import Action, KlingClient, Rejected, Unreachable
from klingbot.kling.account import Charge, Pack
from klingbot.store import periodic_jobs

log = logging.getLogger(__name__)

ROUND = "reconcile"
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
BILL_DAYS = 7
"""How far back the bill is read each day: rows that appear late are seen as well."""
FRESH_MS = HOUR_MS
"""Charges younger than this wait for the next day: their jobs may not be settled yet."""
MOST_PAGES = 400
"""Of the bill, with 500 charges each: twenty times what the largest team makes in those days."""
PACK_DAYS = 400
"""Kling lists packs by when they were bought, and sells them for up to a year."""
BILL_SECONDS = 45 * 60
"""How long reading the bill may take, less than the lease."""
LEASE_MS = HOUR_MS

Trouble = Rejected | Unreachable


@dataclass(frozen=True, slots=True)
class Reconciler:
    engine: Engine
    kling: KlingClient
    pause_seconds: float = 1.1
    """Between two questions: Kling asks for at most one a second (its docs, account information)."""
    _closing: threading.Event = field(default_factory=threading.Event)

    def daily(self) -> None:
        """Compares, if it is due and nobody else does. After trouble that may pass, again in an hour."""
        if not self.engine.prices.kling_units or not self._claimed():
            return
        now = self.engine.clock()
        since = now - BILL_DAYS * DAY_MS
        trouble = self._packs(now) or self._bill(since, now - FRESH_MS)
        if trouble:
            reason = trouble.plain if isinstance(trouble, Rejected) else trouble.reason
            log.warning("Kling's bill could not be read: %s", reason)
            reconciliation.not_asked(self.engine, reason, since=since)
        with self.engine.store.write() as tx:
            periodic_jobs.done(tx, ROUND, next_at=now + (HOUR_MS if _may_pass(trouble) else DAY_MS))

    def close(self) -> None:
        """No further page is asked for."""
        self._closing.set()

    def _claimed(self) -> bool:
        now, store = self.engine.clock(), self.engine.store
        if not periodic_jobs.due(store.read(), ROUND, now):
            return False
        with store.write() as tx:
            return periodic_jobs.claim(tx, ROUND, now=now, lease_until=now + LEASE_MS, first_at=now)

    def _packs(self, now: int) -> Trouble | None:
        said = self.kling.packs(now - PACK_DAYS * DAY_MS, now)
        if isinstance(said, Rejected | Unreachable):
            return said
        live = [_unit_pack(pack) for pack in said if pack.ends_at > now]
        reconciliation.note_packs(self.engine, live)
        return None

    def _bill(self, since: int, until: int) -> Trouble | None:
        """Compares nothing unless it is read to its end: half a bill proves nothing."""
        charges: list[Charge] = []
        cursor: str | None = None
        ends = time.monotonic() + BILL_SECONDS
        for _ in range(MOST_PAGES):
            if time.monotonic() > ends:
                return Unreachable("its bill comes too slowly", answered=True)
            if self._closing.wait(self.pause_seconds):
                return Unreachable("the bot was stopped meanwhile")
            page = self.kling.charges(since, until, cursor)
            if isinstance(page, Rejected | Unreachable):
                return page
            charges += [charge for charge in page.rows if charge.at <= until]
            cursor = page.cursor
            if cursor is None:
                new = reconciliation.compare(self.engine, _by_task(charges), since=since)
                log.info("Kling's bill was compared: %s charges, %s new differences", len(charges), len(new))
                return None
        return Unreachable("its bill has no end", answered=True)


def _by_task(charges: Iterable[Charge]) -> list[Billed]:
    """A task may be paid from several packs, or be credited again: only its sum says what it cost."""
    rows: defaultdict[str, list[Charge]] = defaultdict(list)
    for charge in charges:
        rows[charge.task_id].append(charge)
    return [
        Billed(
            task_id,
            _millicredits(sum((row.units for row in own), Decimal(0))),
            own[0].at,
            own[0].model,
            own[0].api_key_name,
        )
        for task_id, own in rows.items()
    ]


def _unit_pack(pack: Pack) -> UnitPack:
    return UnitPack(pack.id, pack.name, _millicredits(pack.total), _millicredits(pack.left), pack.ends_at)


def _millicredits(units: Decimal) -> int:
    """Rounded up, as settling rounds."""
    return math.ceil(units * money.MILLICREDITS)


def _may_pass(trouble: Trouble | None) -> bool:
    """A network that is away and a busy Kling do; credentials that may not read the bill do not."""
    return isinstance(trouble, Unreachable) or (trouble is not None and trouble.action is Action.WAIT)
