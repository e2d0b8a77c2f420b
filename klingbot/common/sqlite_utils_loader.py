"""sqlite_utils, loaded without numpy.

It would load numpy, where there is one, only to know numpy's kinds of numbers: a third of the bot's time to start.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Importing it in this block fails as if it were not installed."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # the import system's own mark for "not to be found"
    try:
        yield
    finally:
        del sys.modules[name]


with _absent("numpy"):
    import sqlite_utils

__all__ = ["sqlite_utils"]
