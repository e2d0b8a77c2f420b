"""Parameters of statements, which are written `:name`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

NAME = re.compile(r"(?<![:\w]):([a-z_]\w*)")


@lru_cache(maxsize=1024)
def by_place(sql: str) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """The statement with numbers for names (`?1`), and what puts its parameters in that order.

    Python's sqlite3 looks each name up anew whenever it executes: of a hold, that was a twentieth.
    """
    names: dict[str, int] = {}
    numbered = NAME.sub(lambda found: f"?{names.setdefault(found[1], len(names) + 1)}", sql)
    return numbered, itemgetter(*names) if len(names) > 1 else lambda params: tuple(params[name] for name in names)
