"""The one import of sqlite_utils, without numpy.

Where numpy is installed, sqlite_utils would load it only to know numpy's kinds of numbers: a third of the bot's time to
start. Every other module takes sqlite_utils from here, so the order of imports does not matter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Make the import of a module fail within the block as if it were not installed, unless it is loaded already."""
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
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations", "sqlite_utils"]
