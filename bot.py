"""Entry point: `python bot.py` runs the bot, `python bot.py sandbox` runs it with a local Slack and a local Kling."""

from __future__ import annotations

from klingbot.cli import cli

if __name__ == "__main__":
    cli()
