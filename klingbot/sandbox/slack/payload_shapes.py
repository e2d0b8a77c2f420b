"""What JSON may look like: small checks that combine into the shape of a whole message.

A check is a function from a value and its place (a JSON pointer) to the problems it finds. The wording of the
problems is Slack's own, as seen in its `response_metadata.messages`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where as a JSON pointer."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.what} [json-pointer:{self.place}]"


Check = Callable[[Any, str], Iterator[Problem]]


def string(longest: int) -> Check:
    """Text of 1 to `longest` characters."""

    def check(value: Any, place: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(place, "must be a string")
        elif not value:
            yield Problem(place, "must be more than 0 characters")
        elif len(value) > longest:
            yield Problem(place, f"must be less than {longest + 1} characters")

    return check


def one_of(*allowed: Any) -> Check:
    """One of a few values."""

    def check(value: Any, place: str) -> Iterator[Problem]:
        if value not in allowed:
            yield Problem(place, f"must be one of {', '.join(map(str, allowed))}")

    return check


def list_of(most: int, item: Check) -> Check:
    """An array of 1 to `most` items."""

    def check(value: Any, place: str) -> Iterator[Problem]:
        if not isinstance(value, list | tuple):
            yield Problem(place, "must be an array")
            return
        if not value:
            yield Problem(place, "no less than 1 items allowed")
        if len(value) > most:
            yield Problem(place, f"no more than {most} items allowed")
        for index, each in enumerate(value):
            yield from item(each, f"{place}/{index}")

    return check


def object_of(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """An object with these fields and no others; `type` is left to `by_type`."""
    fields = required | (optional or {})

    def check(value: Any, place: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(place, "must be an object")
            return
        for name in (name for name in required if name not in value):
            yield Problem(place, f"missing required field: {name}")
        for name, each in value.items():
            if name in fields:
                yield from fields[name](each, f"{place}/{name}")
            elif name != "type":
                yield Problem(place, f"invalid additional property: {name}")

    return check


def by_type(kinds: dict[str, Check]) -> Check:
    """An object whose `type` says which check applies; any other type is refused."""

    def check(value: Any, place: str) -> Iterator[Problem]:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in kinds:
            yield from kinds[kind](value, place)
        else:
            yield Problem(f"{place}/type", f"unsupported type: {kind}")

    return check
