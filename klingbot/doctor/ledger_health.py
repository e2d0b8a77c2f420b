"""Whether the ledger is sound: its sums, and what waits for too long.

`sqlite_health` and `postgres_health` check its backend.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from klingbot.doctor import sqlite_health
from klingbot.doctor.findings import Finding, Health, failed, listed, ok, unreadable, warning
from klingbot.engine.first_budget import coverage_of
from klingbot.engine.overdue import find_in
from klingbot.store import Database, DatabaseError, circuit_breakers, open_store, snapshot
from klingbot.store.backend import metadata
from klingbot.store.backend.location import Place
from klingbot.store.maintenance import calendar_change, ledger_checks, totals_proof
from klingbot.store.outbox_leases import LONGEST_DELAY_MS

DAY_MS = 86_400_000
LONG_UNSAID_MS = LONGEST_DELAY_MS + 5 * 60_000
"""A message that has waited longer than between its rarest tries has met trouble."""

LONG_SILENT_SECONDS = 120
_REPORT = "Make a backup (python bot.py backup FILE) before anything else, and report this with the ids."

Check = Callable[[Database, int], Finding]


def check(place: Place, now: int) -> list[Finding]:
    """Every check of that ledger. It is neither made nor migrated; `now` is UTC epoch milliseconds."""
    keeper = _keeper(place)
    return keeper.check(place, lambda db: [each(db, now) for each in (keeper.integrity, *CHECKS)])


def prove(place: Place, now: int) -> list[Finding]:
    """Which invariants do not hold. Each has a view of its own: while one lasts, SQLite's log can only grow."""
    invariants = (_keeper(place).integrity, *INVARIANTS)
    return [finding for each in invariants if (finding := _alone(each, place, now)).health is not Health.OK]


def _alone(check: Check, place: Place, now: int) -> Finding:
    try:
        with snapshot(place) as db:
            return check(db, now)
    except DatabaseError as e:
        return unreadable(e)


class Keeper(Protocol):
    """The checks of one backend: the module `sqlite_health` or `postgres_health`."""

    def check(self, place: Any, ledger: Callable[[Database], list[Finding]], /) -> list[Finding]:
        """What can be said of the keeper, and `ledger` of what it keeps."""

    def integrity(self, db: Database, now: int, /) -> Finding: ...


def _keeper(place: Place) -> Keeper:
    if isinstance(place, Path):
        return sqlite_health
    from klingbot.doctor import postgres_health

    return postgres_health


def rebuild_sums(place: Place) -> None:
    """Makes totals and daily spend anew from the entries, which stay as they are. Raises DatabaseError."""
    with closing(open_store(place)) as store, store.write(patient=True) as tx:
        totals_proof.rebuild(tx)


def _totals(db: Database, now: int) -> Finding:
    return _proved("totals", len(totals_proof.mismatches(db)))


def _daily_spend(db: Database, now: int) -> Finding:
    return _proved("daily spend", totals_proof.spend_mismatches(db))


def _proved(what: str, wrong: int) -> Finding:
    if not wrong:
        return ok(what, "equal to what the entries add up to")
    fix = "Make a backup, then run python bot.py doctor --rebuild: totals and daily spend are made anew from entries."
    return failed(what, f"{wrong:,} not equal to what the entries add up to", fix)


def _holds(db: Database, now: int) -> Finding:
    without, left_over = ledger_checks.strays(db)
    if without:
        return failed("holds", f"live jobs without a hold: {listed(without)}", _REPORT)
    if left_over:
        return failed("holds", f"jobs that have ended while their hold has not: {listed(left_over)}", _REPORT)
    return ok("holds", "every live job has one, and no job that has ended")


def _verdicts(db: Database, now: int) -> Finding:
    silent = ledger_checks.silent_jobs(db, now - DAY_MS)
    if not silent:
        return ok("verdicts", "no job has waited for Kling's word for more than a day")
    return warning(
        "verdicts",
        f"no word from Kling for more than a day on: {listed(silent)}",
        "The bot keeps asking, and the holds stay. Is it running, with the keys of the account that took them? "
        "An admin can give a hold back: /kling write-off.",
    )


def _outbox(db: Database, now: int) -> Finding:
    box = ledger_checks.outbox(db)
    age = now - (box.oldest_at if box.oldest_at is not None else now)
    said = f"{box.waiting:,} waiting, {box.failed:,} given up"
    if box.failed:
        return warning("outbox", said, "In Slack, /kling alerts says which and why; /kling alerts retry tries again.")
    if age > LONG_UNSAID_MS:
        said = f"{box.waiting:,} waiting, the oldest for {age // 60_000:,} minutes"
        return warning("outbox", said, "Is the bot running, and invited to its channels (/invite @klingbot)?")
    return ok("outbox", said)


def _account(db: Database, now: int) -> Finding:
    gate = circuit_breakers.get(db, circuit_breakers.ACCOUNT)
    if gate is None or gate.tries == 0:
        return ok("submitting", "not stopped")
    return failed("submitting", f"stopped, with the holds kept: {gate.reason}", "Mend that at Kling; the bot resumes.")


def _limits(db: Database, now: int) -> Finding:
    """Only a warning: whether to go without a limit is the admins' choice."""
    coverage, one = coverage_of(db), "An admin sets one in Slack, like /kling budget set workspace --usd 600."
    if not coverage.may_start:
        return warning("budgets", "there are none, so the bot starts no videos", one)
    if coverage.waiver and not coverage.has_budget:
        who = f"as {coverage.waiver.by} chose" if coverage.waiver.is_chosen else "as it was before an upgrade"
        return warning("budgets", f"there are none, and anyone can spend any amount, {who}", one)
    if coverage.uncovered_projects:
        projects = listed(list(coverage.uncovered_projects))
        said = f"anyone without a budget of their own can spend any amount for {projects}"
        return warning("budgets", said, "A budget of the workspace limits everything: /kling budget set workspace.")
    return ok("budgets", "every video counts against one")


def _pulse(db: Database, now: int) -> Finding:
    beat = metadata.get(db, metadata.LAST_BEAT)
    if beat is None:
        return ok("scheduler", "no bot has run with this ledger yet")
    ago = max(0, now - int(beat)) // 1000
    if ago < LONG_SILENT_SECONDS:
        return ok("scheduler", f"a bot was at work {ago} s ago")
    return warning(
        "scheduler", f"no bot has been at work for {ago // 60:,} minutes", "Is it running? Its log says more."
    )


def _overdue(db: Database, now: int) -> Finding:
    kept = calendar_change.kept(db)
    if kept is None:
        return ok("overdue", "nothing: no bot has used this ledger yet")
    found = find_in(db, kept, now, reconciles=False)
    if not found:
        return ok("overdue", "nothing")
    said = ", ".join(f"{each.kind} ({each.count:,}, {(now - each.since) // 60_000:,} min late)" for each in found)
    return warning("overdue", said, "Is the bot running? Its log says what gets in the way.")


INVARIANTS: tuple[Check, ...] = (_totals, _daily_spend, _holds)
"""What must always be so, whatever Slack, Kling and people do."""
CHECKS: tuple[Check, ...] = (*INVARIANTS, _verdicts, _outbox, _overdue, _pulse, _account, _limits)
