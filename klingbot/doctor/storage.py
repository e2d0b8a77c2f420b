"""Whether the ledger's file outlives a restart of its machine."""

from __future__ import annotations

from pathlib import Path

from klingbot.doctor.findings import Finding, failed, ok


def check(path: Path, host: str | None) -> Finding:
    """`host` is the hosting service, where it is one that forgets its disk (`settings.host`)."""
    place = path.absolute()
    if host is None:
        return ok("storage", str(place))
    if host == "Heroku":
        return failed(
            "storage",
            f"Heroku deletes {place} at least once a day",
            "Run Klingbot where a disk lasts: Heroku has none.",
        )
    if _on_a_mount(place):
        return ok("storage", f"{place}, on a volume of {host}'s")
    return failed(
        "storage",
        f"{host} deletes {place} at every restart and deploy",
        f"Mount a volume on this machine of {host}'s, and let KLINGBOT_DB name a file on it.",
    )


def _on_a_mount(place: Path) -> bool:
    """Whether any folder above it, other than the root, is a mount."""
    return any(folder.is_mount() for folder in place.resolve().parents if folder != Path("/"))
