"""Malformed answers to order: what the local Kling says wrongly of tasks, so that a test can watch the bot cope."""

from __future__ import annotations

from typing import Any

from klingbot.sandbox.kling.local_tasks import LocalTask
from klingbot.sandbox.kling.task_requests import Fields


class Oddities:
    """Fields that replace the true ones in what is told about a finished task, by a word in its prompt."""

    def __init__(self) -> None:
        self._by_word: dict[str, Fields] = {}

    def add(self, word: str, fields: Fields) -> None:
        """Tell these fields of tasks whose prompt has that word. The last order for a word counts."""
        self._by_word[word] = fields

    def add_json(self, order: dict[str, Any]) -> None:
        """Take a `word` and its `fields`. Raises ValueError for anything else."""
        match order:
            case {"word": str(word), "fields": dict(fields)} if word:
                self.add(word, fields)
            case _:
                raise ValueError("an oddity has a `word` of a prompt, and the `fields` to tell")

    def clear(self) -> None:
        """Tell the truth again."""
        self._by_word.clear()

    def told(self, task: LocalTask, shown: Fields, now: float) -> Fields:
        """Return what is told about a task instead of the truth."""
        if now < task.done_at:
            return shown
        for word, fields in self._by_word.items():
            if word in task.ask.prompt.split():
                return shown | fields
        return shown
