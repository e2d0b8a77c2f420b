"""Tasks on disk, so that those of an earlier run are still finished and still played."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from klingbot.sandbox import journal
from klingbot.sandbox.kling.local_tasks import LocalTask
from klingbot.sandbox.kling.models import BY_PATH_NAME
from klingbot.sandbox.kling.task_requests import Ask


def write(path: Path, task: LocalTask) -> None:
    """Keep a task that was taken just now; what becomes of it is a matter of time alone."""
    journal.append(path, {**_plain(task), "ask": {**_plain(task.ask), "model": task.ask.model.path_name}})


def read(path: Path) -> list[LocalTask]:
    """The tasks kept there, oldest first. Raises KeyError for a model that is no longer known."""
    return [_task(entry) for entry in journal.read(path)]


def _plain(thing: LocalTask | Ask) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def _task(entry: dict[str, Any]) -> LocalTask:
    ask = entry["ask"]
    return LocalTask(**{**entry, "ask": Ask(**{**ask, "model": BY_PATH_NAME[ask["model"]]})})
