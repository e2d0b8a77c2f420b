"""What manifest.yml promises Slack: the same file that people paste into Slack rules the sandbox."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MANIFEST = Path(__file__).parents[3] / "manifest.yml"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The bot scopes it asks for, and its slash commands as written there."""

    scopes: tuple[str, ...]
    commands: tuple[dict[str, Any], ...]

    def command(self, name: str) -> dict[str, Any] | None:
        return next((command for command in self.commands if command["command"] == name), None)


def read(path: Path = MANIFEST) -> Manifest:
    """Read the app's manifest. Raises OSError or yaml.YAMLError when that fails."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Manifest(
        scopes=tuple(content["oauth_config"]["scopes"]["bot"]),
        commands=tuple(content["features"]["slash_commands"]),
    )
