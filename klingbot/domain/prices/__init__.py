"""Price lists as data: the TOML files beside this one, or a file of your own with the same shape."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from klingbot.domain import money
from klingbot.domain.prices.toml_reader import Table
from klingbot.domain.pricing import LEGACY_CHARACTERS, Model, NotSold, PriceList, Wish, quote

SHIPPED = ("credits", "kling-api")
_HERE = Path(__file__).parent
_RESOLUTIONS = ("720p", "1080p", "4k")
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
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as e:
        raise PriceListError(f"{name} is neither {' nor '.join(SHIPPED)} nor a readable file: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise PriceListError(f"{path.name} is not TOML: {e}") from e
    try:
        return _price_list(path.stem, Table("", data), pack, legacy_only)
    except ValueError as e:
        raise PriceListError(f"{path.name}: {e}") from e


def _price_list(name: str, file: Table, pack: int | None, legacy_only: bool) -> PriceList:
    file.only(
        "title",
        "kling_units",
        "source",
        "as_of",
        "default_model",
        "default_duration",
        "default_resolution",
        "aspects",
        "packs",
        "models",
    )
    models = {model: _model(model, table) for model, table in file.table("models").tables()}
    if legacy_only:
        models = {model: entry for model, entry in models.items() if entry.legacy_name}
    size, microusd_per_credit = _pack(file.table("packs"), pack)
    prices = PriceList(
        name=name,
        title=file.text("title"),
        models=models,
        default_model=file.text("default_model"),
        default_duration=file.whole("default_duration"),
        default_resolution=file.text("default_resolution"),
        aspects=file.texts("aspects"),
        pack=size,
        microusd_per_credit=microusd_per_credit,
        kling_units=file.flag("kling_units"),
        api_key=not legacy_only,
    )
    _check_default(prices)
    return prices


def _model(name: str, table: Table) -> Model:
    table.only(
        "title",
        "legacy",
        "new",
        "omni",
        "retired",
        "durations",
        "rates",
        "prompt_characters",
        "picture_prompt_characters",
    )
    characters = _characters(table, "prompt_characters", LEGACY_CHARACTERS)
    if "legacy" not in table.values and "new" not in table.values:
        raise ValueError(f"{table.place} must say how Kling is asked for it: legacy, new or both")
    return Model(
        name=name,
        title=table.text("title"),
        durations=table.wholes("durations"),
        rates=_rates(table.table("rates")),
        legacy_name=table.text("legacy") if "legacy" in table.values else None,
        new_name=table.text("new") if "new" in table.values else None,
        omni="omni" in table.values and table.flag("omni"),
        retired=table.day("retired") if "retired" in table.values else None,
        prompt_characters=characters,
        picture_prompt_characters=_characters(table, "picture_prompt_characters", characters),
    )


def _characters(table: Table, key: str, otherwise: int) -> int:
    return table.whole(key) if key in table.values else otherwise


def _rates(table: Table) -> dict[tuple[str, bool], int]:
    table.only(*_RESOLUTIONS)
    rates = {}
    for resolution, by_sound in table.tables():
        by_sound.only(*_SOUND)
        for sound in by_sound.values:
            rates[resolution, _SOUND[sound]] = by_sound.amount(sound, money.millicredits)
    return rates


def _pack(table: Table, pack: int | None) -> tuple[int, int]:
    """The size of the pack in force, and what it makes of a credit in micro-USD."""
    table.only("rule", "default", "usd_per_credit")
    size = table.whole("default") if pack is None else pack
    sold = table.table("usd_per_credit")
    for key in sold.values:
        if not (key.isascii() and key.isdigit() and int(key)):
            raise ValueError(f"{sold.at(key)} must be the size of a pack, a whole number above zero")
    packs = {int(key): sold.amount(key, money.microusd) for key in sold.values}
    return size, _microusd_per_credit(packs, table.text("rule"), size)


def _microusd_per_credit(packs: Mapping[int, int], rule: str, size: int) -> int:
    """`tier`: the price of the largest pack that `size` reaches, or of the smallest; `exact`: only sizes sold."""
    if rule == "exact":
        if size not in packs:
            sold = ", ".join(map(str, sorted(packs)))
            raise ValueError(
                f"no pack of {size} is sold; packs: {sold}. docs/price-lists.md says how to give another's price"
            )
        return packs[size]
    if rule != "tier":
        raise ValueError(f"packs.rule must be tier or exact, got {rule}")
    return packs[max((sold for sold in packs if sold <= size), default=min(packs))]


def _check_default(prices: PriceList) -> None:
    """What a person gets who leaves everything open must be sold."""
    default = quote(prices, Wish())
    if isinstance(default, NotSold):
        raise ValueError(f"the default video is not sold by this list. {default.sentence}")
