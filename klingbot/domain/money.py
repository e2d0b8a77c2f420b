"""Credits and US dollars: integers at rest, `Decimal` at the edge, floats nowhere.

At rest a credit is 1,000 milli-credits (Kling charges in fractions such as 1.5 units) and a dollar is 1,000,000
micro-USD (a credit can cost $0.098). USD is rounded, half up, to a cent only where a person reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MILLICREDITS = 1_000
MICROUSD = 1_000_000
_CENT = 10_000
_HALF_A_CENT = 5_000

# Far above any real budget, far below what a 64-bit column holds, so that sums cannot overflow.
MOST_CREDITS = 1_000_000_000
MOST_USD = 100_000_000

_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+")
_TWO_WAYS = re.compile(r"([1-9][0-9]{0,2})\.([0-9]{3})")
"""`10.000`: ten to some, ten thousand to others. A comma for thousands or a zero in front leaves one way."""


class AmountError(ValueError):
    """Text that is not an amount; the message says what is wrong and is meant for a person."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What something costs, in both currencies at once: they are held, settled and released together."""

    millicredits: int
    microusd: int

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.millicredits + other.millicredits, self.microusd + other.microusd)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.millicredits - other.millicredits, self.microusd - other.microusd)

    def __neg__(self) -> Amount:
        return Amount(-self.millicredits, -self.microusd)

    def __bool__(self) -> bool:
        return bool(self.millicredits or self.microusd)

    def __str__(self) -> str:
        return f"{show_credits(self.millicredits)} ({show_usd(self.microusd)})"


NOTHING = Amount(0, 0)


def parse_credits(text: str) -> int:
    """Milli-credits from what a person typed: `10000`, `10,000`, `1.5`. Raises AmountError, also for `10.000`."""
    return _parse(text, MILLICREDITS, MOST_CREDITS, "credits", decimals=3)


def parse_usd(text: str) -> int:
    """Micro-USD from what a person typed: `600`, `$600`, `1,250.50`. Raises AmountError."""
    return _parse(text.strip().removeprefix("$"), MICROUSD, MOST_USD, "USD", decimals=2)


def show_credits(millicredits: int) -> str:
    """`40 credits`, `1 credit`, `1.5 credits`, `10,000 credits`."""
    number = show_number(millicredits)
    return f"{number} credit" if abs(millicredits) == MILLICREDITS else f"{number} credits"


def show_number(millicredits: int) -> str:
    """The bare number of credits, without trailing zeros: `40`, `1.5`, `10,000`."""
    whole, rest = divmod(abs(millicredits), MILLICREDITS)
    sign = "-" if millicredits < 0 else ""
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{sign}{whole:,}{fraction}"


def type_credits(millicredits: int) -> str:
    """What `parse_credits` reads as exactly that many: `40`, `10000`, `1.5`, and `1.2340` where `1.234` is refused."""
    number = show_number(millicredits).replace(",", "")
    return f"{number}0" if _TWO_WAYS.fullmatch(number) else number


def show_usd(microusd: int) -> str:
    """`$2.40`, `$1,250.00`, `-$0.06`: rounded half up to a cent."""
    dollars, cents = divmod((abs(microusd) + _HALF_A_CENT) // _CENT, 100)
    sign = "-" if microusd < 0 and (dollars or cents) else ""
    return f"{sign}${dollars:,}.{cents:02d}"


def millicredits(number: Decimal) -> int:
    """Credits to milli-credits. Raises ValueError for more than three decimals: money is never rounded in secret."""
    return _whole(number, MILLICREDITS)


def microusd(number: Decimal) -> int:
    """Dollars to micro-USD. Raises ValueError for more than six decimals."""
    return _whole(number, MICROUSD)


def credits_of(millicredits: int) -> Decimal:
    """Exactly that many credits: the inverse of `millicredits`."""
    return Decimal(millicredits) / MILLICREDITS


def usd_of(microusd: int) -> Decimal:
    """Exactly that many dollars: the inverse of `microusd`."""
    return Decimal(microusd) / MICROUSD


def _whole(number: Decimal, unit: int) -> int:
    if not number.is_finite():
        raise ValueError(f"{number} is not an amount")
    exact = Fraction(number) * unit  # a product of Decimals is rounded to 28 digits, a product of fractions never
    if exact.denominator != 1:
        raise ValueError(f"{number} is finer than the unit it is kept in")
    return exact.numerator


def _parse(text: str, unit: int, most: int, name: str, *, decimals: int) -> int:
    if text.strip().startswith("-"):
        raise AmountError(f"{name} must be more than zero, got {text.strip()}")
    if not _NUMBER.fullmatch(text.strip()):
        raise AmountError(f"“{text.strip()}” is not an amount of {name}; write it like 10000, 10,000 or 1.5")
    number = Decimal(text.strip().replace(",", ""))
    if number == 0:
        raise AmountError(f"{name} must be more than zero, got {text.strip()}")
    if number > most:
        raise AmountError(f"{number:,} {name} is more than Klingbot can keep; the most is {most:,}")
    if number != round(number, decimals):
        raise AmountError(f"{name} can have at most {decimals} decimals, got {text.strip()}")
    if two_ways := _TWO_WAYS.fullmatch(text.strip()):
        raise AmountError(_two_ways(*two_ways.groups()))
    return int(number * unit)


def _two_ways(whole: str, rest: str) -> str:
    fraction = rest.rstrip("0")
    meant = f"{whole}.{fraction}" if fraction else whole
    exact = f"{meant}0" if fraction == rest else meant
    return f"{whole}.{rest} may mean {meant} or {whole},{rest}; write {exact} or {whole}{rest}"
