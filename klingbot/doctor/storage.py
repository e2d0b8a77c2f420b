"""Whether the ledger's file outlives a restart of its machine, as far as that can be seen from inside."""

from __future__ import annotations

import re
from pathlib import Path

from klingbot.doctor.findings import Finding, failed, ok, warning
from klingbot.store.backend.location import DatabaseUrl, Place

MOUNTS = Path("/proc/mounts")
_SWEPT = ("/tmp", "/var/tmp", "/dev/shm", "/run")
"""Folders that systems empty (Filesystem Hierarchy Standard)."""
_IN_MEMORY = ("tmpfs", "ramfs")
_OF_CONTAINERS = ("overlay", "aufs")
_VOLUME = "Mount a volume and let KLINGBOT_DB name a file on it; docs/operating.md has more (hosts that forget)."


def check(kept: Place, host: str | None) -> Finding:
    """`host` is the hosting service, where it is one that forgets its disk (`settings.host`)."""
    if isinstance(kept, DatabaseUrl):
        return ok("storage", str(kept))
    place = kept.absolute()
    kind = _kind_of_disk(place.resolve())
    if host == "Heroku":
        said = f"Heroku deletes {place} at least once a day"
        return failed(
            "storage", said, "Keep the ledger in PostgreSQL: heroku addons:create heroku-postgresql sets DATABASE_URL."
        )
    if host and not _on_a_mount(place):
        return failed("storage", f"{host} deletes {place} at every restart and deploy", _VOLUME)
    if kind in _IN_MEMORY:
        return failed("storage", f"{place} is kept in memory ({kind}): a restart of the machine deletes it", _VOLUME)
    if kind in _OF_CONTAINERS:
        return warning("storage", f"{place} is inside a container ({kind}) and is deleted with it", _VOLUME)
    if any(place.resolve().is_relative_to(folder) for folder in _SWEPT):
        return warning("storage", f"{place} is in a folder that systems empty", "Let KLINGBOT_DB name another place.")
    return ok("storage", f"{place}, on a volume of {host}'s" if host else str(place))


def _on_a_mount(place: Path) -> bool:
    """Whether any folder above it, other than the root, is a mount."""
    return any(folder.is_mount() for folder in place.resolve().parents if folder != Path("/"))


def _kind_of_disk(place: Path) -> str | None:
    """The file system that it is on, by the nearest mount above it; None where the system does not tell."""
    try:
        mounts = [line.split(" ")[1:3] for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    above = [(len(mount), kind) for mount, kind in mounts if place.is_relative_to(_unescaped(mount))]
    return max(above, key=lambda found: found[0])[1] if above else None


def _unescaped(mount: str) -> str:
    r"""Spaces are `\040` there (Linux's manual, fstab)."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mount)
