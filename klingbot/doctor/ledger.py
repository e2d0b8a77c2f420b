"""Whether the ledger is sound: the file, the sums, and what waits for too long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from klingbot.doctor.findings import Finding, Health, failed, listed, ok, warning
from klingbot.store import Database, DatabaseError, checks, facts, gates, ledger, open_store, snapshot, sqlite
from klingbot.store.delivery import LONGEST_DELAY_MS

DAY_MS = 86_400_000
LONG_UNSAID_MS = LONGEST_DELAY_MS + 5 * 60_000
"""A message that has waited longer than between its rarest tries has met trouble."""

LONG_SILENT_SECONDS = 120

WAL_RESET_FIXED = (3, 51, 3)
"""The release of SQLite that mended its WAL-reset bug (sqlite.org, "Write-Ahead Logging")."""

_FULL = 2
_REPORT = "Make a backup (python bot.py backup FILE) before anything else, and report this with the ids."

Check = Callable[[Database, int], Finding]


def check(path: Path, now: int) -> list[Finding]:
    """Every check of that file. It is neither made nor migrated; `now` is UTC epoch milliseconds."""
    version = _version()
    if not path.exists():
        return [version, warning("database", f"{path} does not exist yet", "Nothing to do: the bot makes it.")]
    try:
        with snapshot(path) as db:
            if missing := sqlite.steps_missing(db):
                return [version, _outdated(path, missing)]
            found = [each(db, now) for each in CHECKS]
        return [version, _modes(path), *found]
    except DatabaseError as e:
        return [version, _unreadable(e)]


def prove(path: Path, now: int) -> list[Finding]:
    """Which invariants do not hold. Each has a view of its own: while one lasts, SQLite's log can only grow."""
    return [finding for each in INVARIANTS if (finding := _alone(each, path, now)).health is not Health.OK]


def _alone(check: Check, path: Path, now: int) -> Finding:
    try:
        with snapshot(path) as db:
            return check(db, now)
    except DatabaseError as e:
        return _unreadable(e)


def rebuild_sums(path: Path) -> None:
    """Makes totals and daily spend anew from the entries, which stay as they are. Raises DatabaseError."""
    with closing(open_store(path)) as store, store.write() as tx:
        ledger.rebuild(tx)


def _unreadable(error: DatabaseError) -> Finding:
    return failed("database", str(error), "If the file is damaged, stop the bot and restore a backup.")


def _version() -> Finding:
    version = ".".join(map(str, sqlite.VERSION))
    if sqlite.VERSION >= WAL_RESET_FIXED:
        return ok("SQLite", version)
    return warning(
        "SQLite",
        f"{version} has a rare bug that can damage a file when two connections write at the same instant (WAL-reset, "
        "mended in 3.51.3). Klingbot keeps clear of it: its writers, in all processes, queue on a lock",
        "Open the file with other programs for reading only, or run a Python that brings SQLite 3.51.3 or newer.",
    )


def _outdated(path: Path, missing: list[str]) -> Finding:
    said = f"{path} has yet to go through {', '.join(missing)}"
    return warning("database", said, "Run python bot.py migrate (starting the bot does it too), then look again.")


def _modes(path: Path) -> Finding:
    modes = sqlite.modes(path)
    if modes.journal == "wal" and modes.synchronous == _FULL:
        return ok("database", f"{path} opens for writing, with WAL and synchronous FULL")
    return failed(
        "database",
        f"{path} is kept with journal mode {modes.journal} and synchronous {modes.synchronous}, not with WAL and FULL",
        "Keep it on a local disk: network file systems do not give SQLite what it needs.",
    )


def _integrity(db: Database, now: int) -> Finding:
    faults = sqlite.faults(db)
    if not faults:
        return ok("integrity", "every page, index and reference is sound")
    return failed("integrity", listed(faults), "Stop the bot and restore a backup made before the damage.")


def _totals(db: Database, now: int) -> Finding:
    return _proved("totals", len(ledger.mismatches(db)))


def _daily_spend(db: Database, now: int) -> Finding:
    return _proved("daily spend", ledger.spend_mismatches(db))


def _proved(what: str, wrong: int) -> Finding:
    if not wrong:
        return ok(what, "equal to what the entries add up to")
    fix = "Make a backup, then run python bot.py doctor --rebuild: totals and daily spend are made anew from entries."
    return failed(what, f"{wrong:,} not equal to what the entries add up to", fix)


def _holds(db: Database, now: int) -> Finding:
    without, left_over = checks.strays(db)
    if without:
        return failed("holds", f"live jobs without a hold: {listed(without)}", _REPORT)
    if left_over:
        return failed("holds", f"jobs that have ended while their hold has not: {listed(left_over)}", _REPORT)
    return ok("holds", "every live job has one, and no job that has ended")


def _verdicts(db: Database, now: int) -> Finding:
    silent = checks.silent_jobs(db, now - DAY_MS)
    if not silent:
        return ok("verdicts", "no job has waited for Kling's word for more than a day")
    return warning(
        "verdicts",
        f"no word from Kling for more than a day on: {listed(silent)}",
        "The bot keeps asking, and the holds stay. Is it running, with the keys of the account that took them?",
    )


def _outbox(db: Database, now: int) -> Finding:
    box = checks.outbox(db)
    age = now - (box.oldest_at if box.oldest_at is not None else now)
    said = f"{box.waiting:,} waiting, {box.failed:,} given up"
    if box.failed:
        return warning("outbox", said, "The column outbox.problem says why; the bot's log has more.")
    if age > LONG_UNSAID_MS:
        said = f"{box.waiting:,} waiting, the oldest for {age // 60_000:,} minutes"
        return warning("outbox", said, "Is the bot running, and invited to its channels (/invite @klingbot)?")
    return ok("outbox", said)


def _account(db: Database, now: int) -> Finding:
    gate = gates.get(db, gates.ACCOUNT)
    if gate is None or gate.tries == 0:
        return ok("submitting", "not stopped")
    return failed("submitting", f"stopped, with the holds kept: {gate.reason}", "Mend that at Kling; the bot resumes.")


def _pulse(db: Database, now: int) -> Finding:
    beat = facts.get(db, facts.LAST_BEAT)
    if beat is None:
        return ok("scheduler", "no bot has run with this ledger yet")
    ago = max(0, now - int(beat)) // 1000
    if ago < LONG_SILENT_SECONDS:
        return ok("scheduler", f"a bot was at work {ago} s ago")
    return warning(
        "scheduler", f"no bot has been at work for {ago // 60:,} minutes", "Is it running? Its log says more."
    )


INVARIANTS: tuple[Check, ...] = (_integrity, _totals, _daily_spend, _holds)
"""What must always be so, whatever Slack, Kling and people do."""
CHECKS: tuple[Check, ...] = (*INVARIANTS, _verdicts, _outbox, _pulse, _account)
