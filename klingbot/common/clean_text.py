"""Text from outside, made harmless: one line that every database keeps and that no reader is misled by. Pure."""

from __future__ import annotations

import re

# Control characters (PostgreSQL refuses NUL), lone surrogates (no UTF-8 exists for them), line and paragraph
# separators, and marks that turn the direction of the sentence around them.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

_LONGEST = 20_000


def one_line(text: str, most: int) -> str:
    """Return the text on one line, without characters that are not seen, and cut to `most` characters."""
    # Cut before anything else: the work must not grow with what a stranger sends.
    line = " ".join(UNSEEN.sub(" ", text[: most + _LONGEST]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
