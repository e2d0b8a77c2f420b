"""Whether the ledger's SQLite file is sound, and is kept as it must be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from klingbot.common import private_files
from klingbot.doctor.findings import Finding, failed, listed, ok, unreadable, warning
from klingbot.store import Database, DatabaseError, snapshot
from klingbot.store.backend import sqlite

WAL_RESET_FIXED = (3, 51, 3)
"""The release of SQLite that mended its WAL-reset bug (sqlite.org, "Write-Ahead Logging")."""

_FULL = 2


def check(path: Path, ledger: Callable[[Database], list[Finding]]) -> list[Finding]:
    """What can be said of the file, and `ledger` of what is in it. It is neither made nor migrated."""
    version = _version()
    if not path.exists():
        return [version, *(_saved(path) or [_to_be_made(path)])]
    try:
        with snapshot(path) as db:
            if missing := sqlite.steps_missing(db):
                return [version, _outdated(path, missing)]
            found = ledger(db)
        return [version, _modes(path), _access(path), *_saved(path), *found]
    except DatabaseError as e:
        return [version, unreadable(e)]


def _saved(path: Path) -> list[Finding]:
    """Return a finding where a bot saved a copy of a ledger that was deleted under it."""
    copies = sqlite.copies(path)
    if not copies:
        return []
    if not path.exists():
        said = f"{path} is gone; what it contained is in {copies[-1]}"
        return [failed("database", said, f"Stop the bot, rename that copy to {path.name} and start again.")]
    said = (
        f"{copies[-1]} is a copy that was saved when the ledger was deleted; it may know of videos that this one lacks"
    )
    return [warning("database", said, "Keep whichever is right as the ledger, and move the other to another folder.")]


def _to_be_made(path: Path) -> Finding:
    folder = path.absolute().parent
    if not folder.is_dir():
        return failed(
            "database", f"there is no folder {folder} to make {path.name} in", "Make it, or change KLINGBOT_DB."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        said = f"{path.name} cannot be made in {folder}, where the bot may not write"
        return failed("database", said, "Let the bot's user write there, or let KLINGBOT_DB name another place.")
    return warning("database", f"{path} does not exist yet", "Nothing to do: the bot makes it.")


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


def _access(path: Path) -> Finding:
    """Judge who may read the ledger. Nothing is changed: somebody may have meant it."""
    beside = (Path(f"{path}{ending}") for ending in ("", "-wal", "-shm", ".lock"))
    open_to_others = [file for file in beside if file.exists() and not private_files.is_private(file)]
    if not open_to_others:
        return ok("access", "only the bot's own user may read the ledger")
    names = " ".join(str(file) for file in open_to_others)
    return warning(
        "access",
        f"other users of this machine have access to {listed([file.name for file in open_to_others])}",
        f"The ledger has prompts and names in it: chmod {private_files.OWNER_ONLY:o} {names}",
    )


def integrity(db: Database, now: int) -> Finding:
    faults = sqlite.faults(db)
    if not faults:
        return ok("integrity", "every page, index and reference is sound")
    return failed("integrity", listed(faults), "Stop the bot and restore a backup made before the damage.")
