"""What manifest.yml promises Slack: the file that people paste there. `doctor` and the sandbox go by the same one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MANIFEST = Path(__file__).parents[2] / "manifest.yml"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The bot scopes it asks for, the events it hears of, and its slash commands and shortcuts as written there."""

    scopes: tuple[str, ...]
    commands: tuple[dict[str, Any], ...]
    shortcuts: tuple[dict[str, Any], ...] = ()
    events: tuple[str, ...] = ()

    def command(self, name: str) -> dict[str, Any] | None:
        return next((command for command in self.commands if command["command"] == name), None)


def read(path: Path = MANIFEST) -> Manifest:
    """Raises OSError or yaml.YAMLError."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Manifest(
        scopes=tuple(content["oauth_config"]["scopes"]["bot"]),
        commands=tuple(content["features"]["slash_commands"]),
        shortcuts=tuple(content["features"].get("shortcuts", ())),
        events=tuple(content["settings"].get("event_subscriptions", {}).get("bot_events", ())),
    )
