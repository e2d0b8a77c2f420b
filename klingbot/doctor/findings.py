"""What a check found, and how a list of findings reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, but somebody should know."""
    FAILED = "failed"
    """Something does not work, or money could be lost from sight."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `fix` says what to do and is there for everything that is not ok."""

    health: Health
    what: str
    said: str
    fix: str | None = None


def ok(what: str, said: str) -> Finding:
    return Finding(Health.OK, what, said)


def warning(what: str, said: str, fix: str) -> Finding:
    return Finding(Health.WARNING, what, said, fix)


def failed(what: str, said: str, fix: str) -> Finding:
    return Finding(Health.FAILED, what, said, fix)


def unreadable(error: Exception) -> Finding:
    return failed("database", str(error), "If the database is damaged, stop the bot and restore a backup.")


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """`ok       Slack: …`, and under what is not ok, the way to mend it: once for neighbours that share it."""
    for fix, together in groupby(findings, lambda finding: finding.fix):
        for finding in together:
            yield f"{finding.health:<8} {finding.what}: {finding.said}"
        if fix:
            yield f"{'':<8} → {fix}"


def listed(ids: list[str], *, most: int = 5) -> str:
    """The first few, and how many more there are."""
    rest = len(ids) - most
    return ", ".join(ids[:most]) + (f" and {rest:,} more" if rest > 0 else "")
