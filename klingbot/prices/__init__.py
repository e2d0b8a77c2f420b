"""Price lists as data: the TOML files beside this one, or a file of your own with the same shape."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from klingbot import money
from klingbot.pricing import Model, PriceList

SHIPPED = ("credits", "kling-api")
_HERE = Path(__file__).parent
_SOUND = {"silent": False, "audio": True}


class PriceListError(ValueError):
    """A price list that cannot be used; the message names the file, the place and the fix."""


def load(name: str = "credits", *, pack: int | None = None, legacy_only: bool = False) -> PriceList:
    """The price list of that name, or in the file of that path.

    `pack` is the size of the credit pack in force (None: the list's own default); it sets USD per credit.
    `legacy_only` leaves out what an AccessKey/SecretKey pair cannot ask for (Kling's new standard takes API keys only).
    Raises PriceListError.
    """
    path = _HERE / f"{name}.toml" if name in SHIPPED else Path(name)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise PriceListError(f"{name} is neither {' nor '.join(SHIPPED)} nor a readable file: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise PriceListError(f"{path.name} is not TOML: {e}") from e
    try:
        return _price_list(path.stem, data, pack, legacy_only)
    except KeyError as e:
        raise PriceListError(f"{path.name}: {e.args[0]} is missing") from e
    except (TypeError, AttributeError, InvalidOperation, ValueError) as e:
        raise PriceListError(f"{path.name}: {e}") from e


def _price_list(name: str, data: Mapping[str, Any], pack: int | None, legacy_only: bool) -> PriceList:
    packs = {int(size): Decimal(usd) for size, usd in data["packs"]["usd_per_credit"].items()}
    size = pack or int(data["packs"]["default"])
    models = {model: _model(model, entry) for model, entry in data["models"].items()}
    if legacy_only:
        models = {model: entry for model, entry in models.items() if entry.legacy_name}
    prices = PriceList(
        name=name,
        title=data["title"],
        models=models,
        default_model=data["default_model"],
        default_duration=data["default_duration"],
        default_resolution=data["default_resolution"],
        aspects=tuple(data["aspects"]),
        pack=size,
        microusd_per_credit=money.microusd(_usd_per_credit(packs, data["packs"]["rule"], size)),
        kling_units=data["kling_units"],
    )
    _check_default(prices)
    return prices


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    rates = {
        (resolution, _SOUND[sound]): money.millicredits(Decimal(rate))
        for resolution, by_sound in entry["rates"].items()
        for sound, rate in by_sound.items()
    }
    if not rates or min(rates.values()) <= 0:
        raise ValueError(f"every rate of {name} must be more than zero")
    if not entry.get("legacy") and not entry.get("new"):
        raise ValueError(f"{name} must say how Kling is asked for it: legacy, new or both")
    return Model(
        name=name,
        title=entry["title"],
        durations=tuple(sorted(entry["durations"])),
        rates=rates,
        legacy_name=entry.get("legacy"),
        new_name=entry.get("new"),
        omni=entry.get("omni", False),
        retired=entry.get("retired"),
    )


def _usd_per_credit(packs: Mapping[int, Decimal], rule: str, size: int) -> Decimal:
    """`tier`: the price of the largest pack that `size` reaches, or of the smallest; `exact`: only sizes sold."""
    if rule == "exact":
        if size not in packs:
            raise ValueError(f"no pack of {size} is sold; packs: {', '.join(map(str, sorted(packs)))}")
        return packs[size]
    if rule != "tier":
        raise ValueError(f"packs.rule must be tier or exact, got {rule}")
    return packs[max((sold for sold in packs if sold <= size), default=min(packs))]


def _check_default(prices: PriceList) -> None:
    model = prices.models.get(prices.default_model)
    if model is None or model.retired:
        raise ValueError(f"default_model {prices.default_model} is not sold by this list")
    if prices.default_duration not in model.durations or prices.default_resolution not in model.resolutions:
        raise ValueError(f"{model.name} is not sold at the list's default duration and resolution")
