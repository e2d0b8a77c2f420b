"""Reading a price list's tables: every value is asked for by its kind, so that a mistake is named with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a TOML file. Its methods raise ValueError with a sentence that begins with the place."""

    place: str
    """Dotted, as TOML writes it; empty for the file itself."""
    values: Mapping[str, Any]

    def at(self, key: str) -> str:
        """The place of that key; quoted where TOML would want it."""
        shown = key if key.replace("_", "").replace("-", "").isalnum() else f'"{key}"'
        return f"{self.place}.{shown}" if self.place else shown

    def only(self, *known: str) -> None:
        """Refuses any other key: a misspelt one would else be left out in silence."""
        for key in self.values:
            if key not in known:
                raise ValueError(f"{self.at(key)} is not understood; known here: {', '.join(known)}")

    def text(self, key: str) -> str:
        return str(self._get(key, "a text", _is_text))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self._get(key, "a list of texts", lambda value: _is_list_of(value, _is_text)))

    def whole(self, key: str) -> int:
        return int(self._get(key, "a whole number above zero", _is_whole))

    def wholes(self, key: str) -> tuple[int, ...]:
        listed = self._get(key, "a list of whole numbers above zero", lambda value: _is_list_of(value, _is_whole))
        return tuple(sorted(set(listed)))

    def flag(self, key: str) -> bool:
        return bool(self._get(key, "true or false", lambda value: isinstance(value, bool)))

    def day(self, key: str) -> date:
        day: date = self._get(key, "a date such as 2026-09-15", lambda value: type(value) is date)
        return day

    def amount(self, key: str, kept: Callable[[Decimal], int]) -> int:
        """A number, or the text of one, above zero, as the integer in which it is kept."""
        value = self._get(key, "a number above zero", _is_amount)
        try:
            return kept(Decimal(value))
        except ValueError as e:
            raise ValueError(f"{self.at(key)}: {e}") from e

    def table(self, key: str) -> Table:
        return Table(self.at(key), self._get(key, "a table with something in it", lambda v: isinstance(v, dict) and v))

    def tables(self) -> Iterator[tuple[str, Table]]:
        return ((key, self.table(key)) for key in self.values)

    def _get(self, key: str, what: str, fits: Callable[[Any], Any]) -> Any:
        if key not in self.values:
            raise ValueError(f"{self.at(key)} is missing; it must be {what}")
        value = self.values[key]
        if not fits(value):
            raise ValueError(f"{self.at(key)} must be {what}, got {value!r}")
        return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_list_of(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(fits, value))


def _is_amount(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return False
    try:
        return Decimal(value).is_finite() and Decimal(value) > 0
    except InvalidOperation:
        return False
