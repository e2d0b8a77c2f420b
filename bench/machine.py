"""What a run was measured on, in a few lines."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median


def described() -> str:
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%-d %B %Y}. {_processor()}, {os.cpu_count()} cores, load {load:.1f} before the run; "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}; "
        f"SQLite {sqlite3.sqlite_version}; `fdatasync` of 12 KiB: {_sync() * 1_000_000:,.0f} µs (median)."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _sync() -> float:
    """The least that anything durable costs here."""
    found = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(100):
            file.seek(0)
            file.write(b"x" * 12_288)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - began)
    return median(found)
