"""What `python bot.py sandbox` adds to the bot: a sandbox to talk to, its settings, and something to see at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from klingbot.http.server import PortError
from klingbot.sandbox import Sandbox, start
from klingbot.sandbox.slack.roster import CHANNELS
from klingbot.settings import Settings, read
from klingbot.store import DatabaseError

FOLDER = Path(".sandbox")
FIRST_PORT = 3000

# The sandbox has a ledger, a Slack and a Kling of its own. Of the environment it takes only what changes how money is
# counted: real tokens and the real ledger must stay out of its reach.
_TAKEN = ("KLINGBOT_PRICE_LIST", "KLINGBOT_PACK", "KLINGBOT_TIMEZONE", "KLINGBOT_WEEK_START", "KLINGBOT_POLL_SECONDS")


@contextmanager
def sole_use(folder: Path = FOLDER) -> Iterator[None]:
    """Keeps every other sandbox out of the folder, until this process ends in whatever way.

    Two on one ledger would make each other's videos, and show them on the wrong page. Raises DatabaseError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        _lock(held, folder)
        yield
    finally:
        os.close(held)


def _lock(held: int, folder: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        raise DatabaseError(f"a sandbox runs already in {folder.resolve()}. Open its page, or stop it first.") from e


def open_sandbox(
    port: int | None, *, folder: Path = FOLDER, fresh: bool = False, kling_seconds: float = 6.0
) -> Sandbox:
    """A sandbox whose files are in that folder. `port`: None takes 3000, or any free one when 3000 is taken.

    Raises PortError when the port that was named is taken; nothing was forgotten then.
    """
    for candidate in (FIRST_PORT, 0) if port is None else (port,):
        try:
            return start(candidate, storage=folder, fresh=fresh, kling_seconds=kling_seconds)
        except PortError:
            if candidate in (0, port):
                raise
    raise AssertionError("a free port was found or the search ended in an error")


def settings_for(sandbox: Sandbox, env: Mapping[str, str], *, folder: Path = FOLDER) -> Settings:
    """The settings of a bot that talks to this sandbox and to nothing else. Raises SettingsError."""
    finance = next(channel.id for channel in CHANNELS if channel.name == "finance")
    return read(
        {
            "KLINGBOT_POLL_SECONDS": "1",
            **{name: value for name, value in env.items() if name in _TAKEN},
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.slack_api_url,
            "KLING_API_KEY": sandbox.kling_api_key,
            "KLING_API_URL": sandbox.kling_api_url,
            "KLINGBOT_DB": str(folder / "klingbot.db"),
            "KLINGBOT_ALERTS_CHANNEL": finance,
        }
    )
