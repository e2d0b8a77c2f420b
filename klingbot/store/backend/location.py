"""Where a ledger is kept: in a file, by SQLite, or in a PostgreSQL database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_SCHEMES = ("postgresql", "postgres")
"""Both are libpq's; Heroku writes the second."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """`postgresql://user:password@host:port/name?sslmode=…`, shown without what is secret. Made by `database_url`."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


Place = Path | DatabaseUrl


def database_url(text: str) -> DatabaseUrl:
    """Raises ValueError, whose message goes on from the name of what was to hold a URL and shows nothing secret."""
    scheme, there, _ = text.partition("://")
    try:
        urlsplit(text)
    except ValueError:
        there = ""
    if not there:
        raise ValueError("must be an address like postgresql://user:password@host:5432/name")
    if scheme not in _SCHEMES:
        raise ValueError(
            f"must start with postgresql://, not {scheme}://. For an SQLite file, unset it and set KLINGBOT_DB."
        )
    return DatabaseUrl(text)
