"""The known word that somebody probably meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """` Did you mean --model?`, or nothing where no known word is near."""
    typed, words = word[:40].lower(), list(known)
    begun = [each for each in words if len(typed) > 1 and each.startswith(typed)]
    near = begun or difflib.get_close_matches(typed, words, n=1, cutoff=0.7)
    return f" Did you mean {prefix}{near[0]}?" if near else ""
