"""The room that budgets leave, and the videos nearest to a declined one that still fit into it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from klingbot.domain.budgets import Standing
from klingbot.domain.money import Amount
from klingbot.domain.pricing import PriceList, Quote, Wish, quote

_NO_LIMIT = 2**62


def room(standings: Iterable[Standing]) -> Amount:
    """Return the most that one more hold may be without breaking any of these budgets."""
    standings = list(standings)
    credits_left = [left for s in standings if (left := s.left_millicredits) is not None]
    usd_left = [left for s in standings if (left := s.left_microusd) is not None]
    return Amount(min(credits_left, default=_NO_LIMIT), min(usd_left, default=_NO_LIMIT))


def affordable(prices: PriceList, wanted: Quote, left: Amount, *, most: int = 3) -> list[Quote]:
    """Return up to `most` quotes that fit into `left`, nearest to what was wanted first, each model once."""
    fitting = [
        offer
        for offer in _offers(prices, wanted)
        if offer.amount.millicredits <= left.millicredits and offer.amount.microusd <= left.microusd
    ]
    fitting.sort(key=lambda offer: _distance(wanted, offer))
    nearest: dict[str, Quote] = {}
    for offer in fitting:
        nearest.setdefault(offer.model.name, offer)
    return list(nearest.values())[:most]


def _offers(prices: PriceList, wanted: Quote) -> Iterator[Quote]:
    for name in prices.sold:
        model = prices.models[name]
        if wanted.negative and not model.takes_negative:
            continue
        for resolution, audio in model.rates:
            for duration in model.durations:
                offer = quote(prices, Wish(name, duration, resolution, audio, wanted.aspect, wanted.negative))
                if isinstance(offer, Quote):
                    yield offer


def _distance(wanted: Quote, offer: Quote) -> tuple[bool, bool, bool, int, int]:
    """Put the same model first, then the same sound and resolution, the nearest length, and the highest price."""
    return (
        offer.model.name != wanted.model.name,
        offer.audio != wanted.audio,
        offer.resolution != wanted.resolution,
        abs(offer.duration_seconds - wanted.duration_seconds),
        -offer.amount.millicredits,
    )
