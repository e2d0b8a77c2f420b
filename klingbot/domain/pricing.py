"""What a job costs: price lists and quotes. Pure.

A price list says, for each model it sells, the credits per second by resolution and sound. What a list does not sell is
refused with what it does sell; nothing is ever priced by a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from klingbot.common.typo_suggestions import did_you_mean
from klingbot.domain.money import MILLICREDITS, Amount

LEGACY_CHARACTERS = 2_500
"""The longest prompt on Kling's legacy standard, and the longest negative prompt (Kling's docs, text to video)."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One model of a price list, and how it is asked for at Kling."""

    name: str
    title: str
    durations: tuple[int, ...]
    """Lengths sold, in seconds."""
    rates: Mapping[tuple[str, bool], int]
    """Milli-credits per second by (resolution, with sound)."""
    legacy_name: str | None
    """`model_name` on Kling's legacy standard, None when not sold there."""
    new_name: str | None
    """Path segment on Kling's new standard, None when not sold there."""
    omni: bool = False
    """Asked for at the omni-video endpoint."""
    retired: date | None = None
    """The day Kling stopped making it."""
    prompt_characters: int = LEGACY_CHARACTERS
    """How long a prompt may be on the new standard."""
    picture_prompt_characters: int = LEGACY_CHARACTERS
    """The same where the video starts from a picture."""

    @property
    def resolutions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(resolution for resolution, _ in self.rates))

    @property
    def always_with_sound(self) -> bool:
        return all(audio for _, audio in self.rates)

    @property
    def takes_negative(self) -> bool:
        """Only the legacy standard's text-to-video and image-to-video take a negative prompt (Kling's docs)."""
        return self.legacy_name is not None and not self.omni


@dataclass(frozen=True, slots=True, eq=False)
class PriceList:
    """Prices in force: a list, and the pack that sets USD per credit. Each is equal to itself alone."""

    name: str
    title: str
    models: Mapping[str, Model]
    default_model: str
    default_duration: int
    default_resolution: str
    aspects: tuple[str, ...]
    pack: int
    microusd_per_credit: int
    kling_units: bool
    """Whether a credit is a Kling unit, so that a job settles at Kling's own deduction."""
    api_key: bool = True
    """Whether Kling is asked with an API key, which its new standard wants; else with a key pair."""

    @property
    def sold(self) -> tuple[str, ...]:
        return tuple(name for name, model in self.models.items() if not model.retired)

    def amount(self, millicredits: int) -> Amount:
        """Those credits with their price at the pack in force, rounded up to a micro-USD."""
        return Amount(millicredits, -(-millicredits * self.microusd_per_credit // MILLICREDITS))

    def amount_in_usd(self, microusd: int) -> Amount:
        """Those micro-USD with the credits they buy at the pack in force, rounded up to a milli-credit."""
        return Amount(-(-microusd * MILLICREDITS // self.microusd_per_credit), microusd)


@dataclass(frozen=True, slots=True)
class Wish:
    """The part of a request that has a price; None where the person left it to the list's default."""

    model: str | None = None
    duration_seconds: int | None = None
    resolution: str | None = None
    audio: bool = False
    aspect: str | None = None
    negative: bool = False
    silent: bool = False
    """No sound, and said so: a model that always has it is then not what is wanted."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a job will cost and exactly what it buys."""

    model: Model
    duration_seconds: int
    resolution: str
    audio: bool
    aspect: str
    amount: Amount
    price_list: str
    microusd_per_credit: int
    negative: bool = False
    """Whether it was asked for with a negative prompt."""


@dataclass(frozen=True, slots=True)
class NotSold:
    """The list does not sell that; `sentence` says what it does sell."""

    sentence: str


@lru_cache(maxsize=1024)
def quote(prices: PriceList, wish: Wish) -> Quote | NotSold:
    """The price of a wish, or why it cannot be bought. Prices do not change while the bot runs, so it is kept."""
    name = prices.default_model if wish.model is None else wish.model
    model = prices.models.get(name)
    if model is None:
        return NotSold(f"There is no model {name}.{did_you_mean(name, prices.sold)} Sold here: {_listed(prices.sold)}.")
    if model.retired:
        return NotSold(f"Kling stopped making {name} on {model.retired}. Sold here: {_listed(prices.sold)}.")
    return _refused(prices, model, wish) or _quoted(prices, model, wish)


def _refused(prices: PriceList, model: Model, wish: Wish) -> NotSold | None:
    duration, resolution = _duration(prices, wish), _resolution(prices, wish)
    if duration not in model.durations:
        return NotSold(f"{model.name} makes no {duration}-second videos, only {_lengths(model)}.")
    if resolution not in model.resolutions:
        return NotSold(f"{model.name} is not sold in {resolution}, only in {_listed(model.resolutions)}.")
    if wish.silent and model.always_with_sound:
        return NotSold(_never_silent(prices, model))
    audio = wish.audio or model.always_with_sound
    if (resolution, audio) not in model.rates:
        return NotSold(_no_sound(prices, model, resolution) if audio else _no_silence(model, resolution))
    if wish.aspect is not None and wish.aspect not in prices.aspects:
        return NotSold(f"There is no aspect {wish.aspect}; choose {_listed(prices.aspects, 'or')}.")
    if wish.negative and not model.takes_negative:
        return NotSold(f"{model.name} takes no --negative prompt; leave it out or choose another model.")
    return None


def _quoted(prices: PriceList, model: Model, wish: Wish) -> Quote:
    duration, resolution = _duration(prices, wish), _resolution(prices, wish)
    audio = wish.audio or model.always_with_sound
    return Quote(
        model=model,
        duration_seconds=duration,
        resolution=resolution,
        audio=audio,
        aspect=wish.aspect or prices.aspects[0],
        amount=prices.amount(model.rates[resolution, audio] * duration),
        price_list=prices.name,
        microusd_per_credit=prices.microusd_per_credit,
        negative=wish.negative,
    )


def _duration(prices: PriceList, wish: Wish) -> int:
    return prices.default_duration if wish.duration_seconds is None else wish.duration_seconds


def _resolution(prices: PriceList, wish: Wish) -> str:
    return prices.default_resolution if wish.resolution is None else wish.resolution


def _no_sound(prices: PriceList, model: Model, resolution: str) -> str:
    elsewhere = [r for r, audio in model.rates if audio]
    if elsewhere:
        return f"{model.name} has no sound in {resolution}, only in {_listed(elsewhere)}."
    others = [name for name in prices.sold if any(audio for _, audio in prices.models[name].rates)]
    if others:
        return f"{model.name} has no sound; these have: {_listed(others)}."
    return f"{model.name} has no sound, and nothing on the list “{prices.name}” has; leave out --audio."


def _no_silence(model: Model, resolution: str) -> str:
    silent = [r for r, audio in model.rates if not audio]
    return f"{model.name} in {resolution} always has sound: add --audio, or choose {_listed(silent, 'or')}."


def _never_silent(prices: PriceList, model: Model) -> str:
    others = [name for name in prices.sold if any(not audio for _, audio in prices.models[name].rates)]
    elsewhere = f", or choose {_listed(others, 'or')}" if others else ""
    return f"{model.name} always has sound: leave out --audio=off{elsewhere}."


def _lengths(model: Model) -> str:
    first, last = model.durations[0], model.durations[-1]
    if len(model.durations) > 2 and model.durations == tuple(range(first, last + 1)):
        return f"{first} to {last} seconds"
    return f"{_listed([str(seconds) for seconds in model.durations], 'or')} seconds"


def _listed(words: list[str] | tuple[str, ...], last: str = "and") -> str:
    *rest, end = words
    return f"{', '.join(rest)} {last} {end}" if rest else end
