"""The known word that somebody probably meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """` Did you mean --model?`, or nothing where no known word is near."""
    near = nearest(word, known)
    return f" Did you mean {prefix}{near}?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one begins or is a misspelling of."""
    typed, words = word[:40].lower(), list(known)
    begun = (each for each in words if len(typed) > 1 and each.startswith(typed))
    return next(begun, None) or resembled(typed, words)


def resembled(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one is a misspelling of."""
    return next(iter(difflib.get_close_matches(word[:40].lower(), known, n=1, cutoff=0.7)), None)
