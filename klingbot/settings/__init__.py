"""The environment, read once into one frozen `Settings`. No other layer reads environment variables.

Every problem is collected before anything is said, each names its variable, and no secret is ever shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path
from typing import TypeVar

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from klingbot.common.log_format import SHAPES
from klingbot.settings.setting_values import LedgerSettings, Settings, SettingsError
from klingbot.settings.variables import KLING_API_URL, Reading
from klingbot.store.backend.location import Place, database_url

__all__ = [
    "KLING_API_URL",
    "LedgerSettings",
    "Settings",
    "SettingsError",
    "database",
    "environment",
    "host",
    "kling_api_url",
    "ledger",
    "log_shape",
    "place",
    "read",
]

_FORGETFUL = {"DYNO": "Heroku", "FLY_APP_NAME": "Fly.io", "RAILWAY_*": "Railway", "RENDER": "Render"}
"""Variables that these services set on their machines."""

T = TypeVar("T")


def environment(dotenv: Path = Path(".env")) -> dict[str, str]:
    """The process's environment over the `.env` file's, if there is one. Raises SettingsError."""
    text = _text(dotenv)
    broken = [line.original.line for line in parse_stream(StringIO(text)) if line.error]
    if broken:
        # A line that is left out in silence may be the one with the admins or the time zone.
        raise SettingsError(tuple(f"{dotenv}, line {n}, is not NAME=value; look at its quotes too." for n in broken))
    values = {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}
    return {**values, **os.environ}


def read(env: Mapping[str, str]) -> Settings:
    """Settings from environment variables. An empty variable counts as unset. Raises SettingsError."""
    return _read(env, lambda reading: reading.settings())


def ledger(env: Mapping[str, str]) -> LedgerSettings:
    """Only what the ledger needs; tokens may be missing. Raises SettingsError."""
    return _read(env, lambda reading: reading.ledger(legacy_only="KLING_ACCESS_KEY" in reading.env))


def database(env: Mapping[str, str]) -> Place:
    """Where the ledger is: `DATABASE_URL`, `KLINGBOT_DB`, or `klingbot.db` beside the bot. Raises SettingsError."""
    return _read(env, lambda reading: reading.place())


def log_shape(env: Mapping[str, str]) -> str:
    """How the log is written: `text` or `json`. What is neither is for `read` to complain about."""
    shape = env.get("KLINGBOT_LOG", "").strip().lower()
    return shape if shape in SHAPES else SHAPES[0]


def place(name: str, text: str) -> Place:
    """Where a ledger is, as a person writes it: a URL, or a file. Raises SettingsError."""
    if "://" not in text:
        return Path(text)
    try:
        return database_url(text)
    except ValueError as e:
        raise SettingsError((f"{name} {e}",)) from e


def kling_api_url(env: Mapping[str, str]) -> str:
    """Where Kling is. Raises SettingsError."""
    return _read(env, lambda reading: reading.url("KLING_API_URL", KLING_API_URL))


def host(env: Mapping[str, str]) -> str | None:
    """The hosting service whose machines forget their own disk at every restart, if this is one of them.

    Heroku never has another disk; the rest keep what is on a mounted volume (their docs on dynos, volumes and disks).
    """
    present = [name for name, value in env.items() if value.strip()]
    found = (service for mark, service in _FORGETFUL.items() if any(fnmatchcase(name, mark) for name in present))
    return next(found, None)


def _text(dotenv: Path) -> str:
    if not dotenv.exists() or dotenv.is_dir():
        return ""
    try:
        return dotenv.read_text(encoding="utf-8")
    except OSError as e:
        raise SettingsError((f"{dotenv} cannot be read ({e.strerror}): let the bot's user read it.",)) from e
    except UnicodeDecodeError as e:
        raise SettingsError((f"{dotenv} cannot be read: it is not UTF-8 text. Save it as UTF-8.",)) from e


def _read(env: Mapping[str, str], part: Callable[[Reading], T]) -> T:
    reading = Reading({name: value.strip() for name, value in env.items() if value.strip()})
    found = part(reading)
    if reading.problems:
        raise SettingsError(tuple(reading.problems))
    return found
