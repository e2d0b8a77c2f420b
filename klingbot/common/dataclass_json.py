"""Frozen dataclasses ↔ plain JSON values, for what is kept as JSON in the database. Pure."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def to_json(thing: Any) -> dict[str, Any]:
    """A dataclass as plain JSON values; dates in ISO form."""
    return typing.cast(dict[str, Any], _plain(asdict(thing)))


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """What `to_json` was given, by this version or one before it: a field that is new since then has its default.

    Raises KeyError for a field without a default that is missing.
    """
    return typing.cast(T, _build(kind, data))


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Reading annotations is what takes time here; a class keeps its own for ever."""
    return typing.get_type_hints(kind)


def _build(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in hint.__args__ if kind is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return tuple(_build(hint.__args__[0], each) for each in value)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        kept = [f.name for f in fields(hint) if f.name in value or f.default is MISSING]
        return hint(**{name: _build(hints[name], value[name]) for name in kept})
    if hint is date:
        return date.fromisoformat(value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value
