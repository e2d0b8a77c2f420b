"""`python -m klingbot`: the same as `python bot.py`."""

from __future__ import annotations

from klingbot.cli import cli

if __name__ == "__main__":
    cli(prog_name="klingbot")
