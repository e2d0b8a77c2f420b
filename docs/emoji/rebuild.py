"""Rebuild klingbot/slack/emoji_names.tsv: `npm pack emoji-datasource`, unpack it, pass the path of its emoji.json.

Slack's names are those of iamcal/emoji-data, which that package holds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NAMES = Path(__file__).parents[2] / "klingbot" / "slack" / "command_line" / "emoji_names.tsv"


def line(emoji: dict[str, Any]) -> str:
    """Return the emoji's names, its code points, and how it takes skin tones."""
    tones = emoji.get("skin_variations") or {}
    pair = tones.get("1F3FB-1F3FC", {}).get("unified", "").replace("1F3FB", "A").replace("1F3FC", "B")
    return "\t".join([" ".join(emoji["short_names"]), emoji["unified"], pair or ("A" if tones else "")]).rstrip()


def main() -> None:
    """Keep the comments at the top of the file and replace the rest."""
    emoji = sorted(json.loads(Path(sys.argv[1]).read_text()), key=lambda each: each["sort_order"])
    comments = [each for each in NAMES.read_text().splitlines() if each.startswith("#")]
    NAMES.write_text("\n".join([*comments, *map(line, emoji), ""]))


if __name__ == "__main__":
    main()
