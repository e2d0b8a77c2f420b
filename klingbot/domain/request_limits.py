"""Kling's limits on the texts and the picture of a request. Pure.

Both of Kling's standards have limits of their own (kling.ai/document-api). Which one a request goes to is decided as in
`klingbot.kling.wire.route`: the new one needs an API key and takes no negative prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.jobs import Request
from klingbot.domain.pricing import LEGACY_CHARACTERS, Model, PriceList
from klingbot.domain.source_images import fault, unreachable, uploaded_id

MOST_PICTURE_BYTES = 50_000_000
MOST_PICTURE_BYTES_LEGACY = 10_000_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Reasons why Kling would refuse a request: a sentence about each part that it does not take."""

    prompt: str | None = None
    negative: str | None = None
    picture: str | None = None

    @property
    def first(self) -> str | None:
        return self.prompt or self.negative or self.picture


def faults(prices: PriceList, model: Model, request: Request) -> Faults:
    """Return what Kling would refuse of the request when that model is to make it."""
    most = prompt_characters(prices, model, request)
    return Faults(
        prompt=_too_long("prompt", request.prompt, most, _roomier(prices, model, request, most)),
        negative=_too_long("negative prompt", request.negative or "", LEGACY_CHARACTERS),
        picture=_picture(request, picture_bytes(legacy=_is_legacy(prices, model, request))),
    )


def prompt_characters(prices: PriceList, model: Model, request: Request) -> int:
    """Return how long the prompt may be, in Unicode code points: Kling does not say what it counts."""
    if _is_legacy(prices, model, request):
        return LEGACY_CHARACTERS
    return model.picture_prompt_characters if request.image_url else model.prompt_characters


def picture_bytes(*, legacy: bool) -> int:
    """Return how large an uploaded picture may be on that standard."""
    return MOST_PICTURE_BYTES_LEGACY if legacy else MOST_PICTURE_BYTES


def _is_legacy(prices: PriceList, model: Model, request: Request) -> bool:
    return not (prices.api_key and model.new_name and not request.negative)


def _too_long(name: str, text: str, most: int, elsewhere: str = "") -> str | None:
    over = len(text) - most
    if over <= 0:
        return None
    said = f"The {name} is {len(text):,} characters long and Kling takes up to {most:,}."
    return f"{said} Shorten it by {over:,}{elsewhere}."


def _roomier(prices: PriceList, model: Model, request: Request, most: int) -> str:
    """Return which other model would take a prompt of that length, as the end of a sentence."""
    for name in prices.sold:
        room = prompt_characters(prices, prices.models[name], request)
        if room > most and len(request.prompt) <= room:
            return f", or choose {name}, which takes {room:,}"
    return ""


def _picture(request: Request, most_bytes: int) -> str | None:
    if request.image_url is None:
        return None
    if uploaded_id(request.image_url):
        return fault(request.picture, most_bytes) if request.picture else None
    return unreachable(request.image_url)
