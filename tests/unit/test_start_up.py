"""What is slow to load is loaded when it is needed, and not before the bot is ready."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED_LATER = {"matplotlib", "numpy", "PIL", "prometheus_client", "psycopg", "klingbot.sandbox"}


def _loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_the_bot_starts_without_charts_metrics_and_the_other_engine() -> None:
    loaded = _loaded_by("import klingbot.app")
    assert "klingbot.store.backend.sqlite" in loaded
    assert loaded & NEEDED_LATER == set()


def test_a_chart_can_still_be_drawn_after_the_store_was_loaded_without_numpy() -> None:
    assert {"numpy", "matplotlib"} <= _loaded_by("import bot\nimport matplotlib.figure")
