"""What a message says, read from what a bot sent and refused where Slack would refuse it.

Shared by the chat.* methods, by acknowledgements and by response_url: Slack holds all three to the same limits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.sandbox.slack import limits
from klingbot.sandbox.slack.files import Files


@dataclass(frozen=True, slots=True)
class Content:
    """Something that may be said. `unfurl` is false when the bot asked for no previews of pictures and videos.

    `unfurl_links` is about pages alone, of which the sandbox shows no previews (Slack's docs, unfurling links).
    """

    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    unfurl: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack's word for why not, and for bad blocks what is wrong where."""

    error: str
    problems: tuple[str, ...] = ()


def read(args: Mapping[str, Any], files: Files) -> Content | Refused:
    """What `text`, `blocks` and `unfurl_media` amount to. `files` are the pictures that blocks may show."""
    if args.get("attachments"):
        # The sandbox does not draw them, and dropping them in silence would hide a bug.
        return Refused("invalid_attachments")
    text = args.get("text") or ""
    if not isinstance(text, str):
        return Refused("invalid_arguments")
    if len(text) > limits.LONGEST_TEXT:
        return Refused("msg_too_long")
    blocks = _blocks(args.get("blocks"), files)
    if isinstance(blocks, Refused):
        return blocks
    if not text.strip() and not blocks:
        return Refused("no_text")
    return Content(text, blocks, flag(args, "unfurl_media"))


def flag(args: Mapping[str, Any], name: str, default: bool = True) -> bool:
    """A yes or no, as JSON or as a form spells it."""
    value = args.get(name)
    return default if value is None else value in (True, "true", "1")


def _blocks(given: Any, files: Files) -> tuple[dict[str, Any], ...] | Refused:
    if isinstance(given, str) and given:
        try:
            given = json.loads(given)
        except json.JSONDecodeError:
            return Refused("invalid_blocks_format")
    if not given:
        return ()
    problems = limits.problems(given) or list(files.problems(given))
    if problems:
        return Refused("invalid_blocks", tuple(str(problem) for problem in problems))
    if limits.characters(given) > limits.LONGEST_BLOCKS:
        return Refused("msg_blocks_too_long")
    return tuple(given)
