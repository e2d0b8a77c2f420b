"""What a form offers: the choices around a wish that a price list sells. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.pricing import Model, PriceList, Quote, Wish, quote


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be changed about a video, one thing at a time."""

    now: Quote
    models: tuple[Model, ...]
    durations: tuple[int, ...]
    """Seconds."""
    resolutions: tuple[str, ...]
    can_have_sound: bool
    can_be_silent: bool
    aspects: tuple[str, ...]


def choices(prices: PriceList, wish: Wish) -> Choices:
    """The choices around a wish; what the list does not sell of it is first replaced by the nearest that it sells."""
    now = quote(prices, nearest(prices, wish))
    assert isinstance(now, Quote), now
    model = now.model
    return Choices(
        now=now,
        models=tuple(prices.models[name] for name in prices.sold),
        durations=model.durations,
        resolutions=model.resolutions,
        can_have_sound=(now.resolution, True) in model.rates,
        can_be_silent=(now.resolution, False) in model.rates,
        aspects=prices.aspects,
    )


def nearest(prices: PriceList, wish: Wish) -> Wish:
    """The wish in full, with what its model does not sell replaced by the nearest that it does."""
    model = prices.models[wish.model if wish.model in prices.sold else prices.default_model]
    length = wish.duration_seconds or prices.default_duration
    resolution = wish.resolution or prices.default_resolution
    if resolution not in model.resolutions:
        resolution = model.resolutions[-1]
    return Wish(
        model=model.name,
        duration_seconds=min(model.durations, key=lambda sold: abs(sold - length)),
        resolution=resolution,
        audio=wish.audio if (resolution, wish.audio) in model.rates else not wish.audio,
        aspect=wish.aspect if wish.aspect in prices.aspects else prices.aspects[0],
        negative=wish.negative and model.takes_negative,
    )
