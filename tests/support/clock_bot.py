"""The bot as `python bot.py` runs it, on a machine whose clock is as far ahead as the file `ahead` says, in seconds."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import time_machine

import bot

AHEAD = Path("ahead")
LOOK_SECONDS = 0.02


def follow() -> None:
    """Set the clock whenever the file changes."""
    shown, travelling = 0, None
    while not threading.Event().wait(LOOK_SECONDS):
        wanted = int(AHEAD.read_text() or 0) if AHEAD.exists() else 0
        if wanted == shown:
            continue
        if travelling:
            travelling.stop()
        shown, travelling = wanted, None
        if wanted:
            travelling = time_machine.travel(time.time() + wanted, tick=True)
            travelling.start()


if __name__ == "__main__":
    threading.Thread(target=follow, daemon=True).start()
    bot.cli()
