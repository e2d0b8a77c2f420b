"""Prices: the guide's own example, what Kling's API sells, what nobody sells, and what is still affordable."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.domain.money import Amount
from klingbot.domain.prices import SHIPPED, PriceListError, load
from klingbot.domain.pricing import NotSold, PriceList, Quote, Wish, quote
from klingbot.domain.what_fits import affordable

CREDITS = load("credits")
KLING_API = load("kling-api")


def bought(prices: PriceList, wish: Wish) -> Quote:
    result = quote(prices, wish)
    assert isinstance(result, Quote), result
    return result


def refusal(prices: PriceList, wish: Wish) -> str:
    result = quote(prices, wish)
    assert isinstance(result, NotSold), result
    return result.sentence


# The guide that the default list comes from.


def test_the_guides_example_holds_to_the_cent() -> None:
    video = bought(CREDITS, Wish("kling-pro", 10, "1080p"))
    assert video.amount == Amount(40_000, 2_400_000)
    assert str(video.amount) == "40 credits ($2.40)"


def test_who_names_nothing_gets_the_guides_default() -> None:
    video = bought(CREDITS, Wish())
    assert (video.model.name, video.duration_seconds, str(video.amount)) == ("kling-v1.5", 5, "10 credits ($0.60)")


def guides_credits(duration: int, model: str) -> int:
    """The guide's `calculate_credits`, in its own words."""
    multipliers = {"kling-v1": 1.0, "kling-v1.5": 1.0, "kling-pro": 2.0}
    base = {5: 10, 10: 20}.get(duration, duration * 2)
    return int(base * multipliers[model])


def guides_rate(tier_credits: int) -> str:
    """The guide's `calculate_cost`, in its own words."""
    rate = "0.10"
    for threshold, dearer in [(100, "0.10"), (500, "0.08"), (2000, "0.06"), (10000, "0.05")]:
        if tier_credits >= threshold:
            rate = dearer
    return rate


@pytest.mark.parametrize("model", ["kling-v1", "kling-v1.5", "kling-pro"])
def test_every_length_that_is_sold_costs_what_the_guide_says(model: str) -> None:
    for duration in CREDITS.models[model].durations:
        for resolution in ("720p", "1080p"):
            video = bought(CREDITS, Wish(model, duration, resolution))
            assert video.amount.millicredits == guides_credits(duration, model) * 1_000


@pytest.mark.parametrize("pack", [0, 1, 99, 100, 101, 499, 500, 501, 1999, 2000, 2001, 9999, 10000, 10001, 10**9])
def test_any_pack_size_takes_the_guides_tier(pack: int) -> None:
    assert load("credits", pack=pack).microusd_per_credit == Fraction(guides_rate(pack)) * 1_000_000


@pytest.mark.parametrize(
    ("pack", "usd"), [(100, "$4.00"), (500, "$3.20"), (2000, "$2.40"), (None, "$2.40"), (10000, "$2.00")]
)
def test_the_example_at_each_pack(pack: int | None, usd: str) -> None:
    video = bought(load("credits", pack=pack), Wish("kling-pro", 10, "1080p"))
    assert str(video.amount) == f"40 credits ({usd})"


# What Kling's API sells: typed from its pricing page, in units per second. Not read from the list itself.

LONG = range(3, 16)
UNITS_PER_SECOND = [
    ("kling-3.0", "720p", False, "0.6", LONG),
    ("kling-3.0", "1080p", False, "0.8", LONG),
    ("kling-3.0", "4k", False, "3.0", LONG),
    ("kling-3.0", "720p", True, "0.9", LONG),
    ("kling-3.0", "1080p", True, "1.2", LONG),
    ("kling-3.0", "4k", True, "3.0", LONG),
    ("kling-3.0-turbo", "720p", True, "0.8", LONG),
    ("kling-3.0-turbo", "1080p", True, "1.0", LONG),
    ("kling-3.0-omni", "720p", False, "0.6", LONG),
    ("kling-3.0-omni", "1080p", False, "0.8", LONG),
    ("kling-3.0-omni", "4k", False, "3.0", LONG),
    ("kling-3.0-omni", "720p", True, "0.8", LONG),
    ("kling-3.0-omni", "1080p", True, "1.0", LONG),
    ("kling-3.0-omni", "4k", True, "3.0", LONG),
    ("kling-o1", "720p", False, "0.6", (5, 10)),
    ("kling-o1", "1080p", False, "0.8", (5, 10)),
    ("kling-2.6", "720p", False, "0.3", (5, 10)),
    ("kling-2.6", "1080p", False, "0.5", (5, 10)),
    ("kling-2.6", "1080p", True, "1.0", (5, 10)),
    ("kling-2.5-turbo", "720p", False, "0.3", (5, 10)),
    ("kling-2.5-turbo", "1080p", False, "0.5", (5, 10)),
]


@pytest.mark.parametrize(("model", "resolution", "audio", "rate", "durations"), UNITS_PER_SECOND)
def test_kling_api_charges_klings_units(
    model: str, resolution: str, audio: bool, rate: str, durations: tuple[int, ...]
) -> None:
    assert KLING_API.models[model].durations == tuple(durations)
    for seconds in durations:
        video = bought(KLING_API, Wish(model, seconds, resolution, audio))
        units = Fraction(rate) * seconds
        assert video.amount.millicredits == units * 1_000
        assert video.amount.microusd == units * Fraction("0.14") * 1_000_000
        assert (video.resolution, video.audio) == (resolution, audio)


def test_kling_api_sells_nothing_beyond_that_table() -> None:
    sold = {(name, *rate) for name in KLING_API.sold for rate in KLING_API.models[name].rates}
    assert sold == {(model, resolution, audio) for model, resolution, audio, _, _ in UNITS_PER_SECOND}


@pytest.mark.parametrize(
    ("model", "five_seconds", "ten_seconds"),
    [("kling-2.6", "1.5", "3.0"), ("kling-2.5-turbo", "1.5", "3.0"), ("kling-3.0", "3.0", "6.0")],
)
def test_kling_api_agrees_with_the_totals_kling_publishes(model: str, five_seconds: str, ten_seconds: str) -> None:
    for seconds, units in [(5, five_seconds), (10, ten_seconds)]:
        assert bought(KLING_API, Wish(model, seconds, "720p")).amount.millicredits == Fraction(units) * 1_000


@pytest.mark.parametrize(("pack", "usd"), [(100, "0.098"), (1000, "0.09799"), (5000, "0.14"), (60000, "0.126")])
def test_kling_api_knows_the_packs_kling_sells(pack: int, usd: str) -> None:
    assert load("kling-api", pack=pack).microusd_per_credit == Fraction(usd) * 1_000_000


@pytest.mark.parametrize("pack", [0, 99, 101, 2000, 59999])
def test_a_pack_kling_does_not_sell_has_no_price(pack: int) -> None:
    with pytest.raises(PriceListError, match=f"no pack of {pack} is sold; packs: 100, 1000, 5000, 60000"):
        load("kling-api", pack=pack)


def test_turbo_has_sound_whether_asked_for_or_not() -> None:
    silent, loud = (bought(KLING_API, Wish("kling-3.0-turbo", 5, "720p", audio)) for audio in (False, True))
    assert silent.audio
    assert silent.amount == loud.amount


def test_a_part_of_a_micro_usd_is_rounded_up_never_down() -> None:
    odd = replace(KLING_API, microusd_per_credit=140_001)
    assert odd.amount(1) == Amount(1, 141)
    assert odd.amount(1_000) == Amount(1_000, 140_001)


def test_a_key_pair_is_sold_only_what_the_legacy_standard_makes() -> None:
    assert set(KLING_API.sold) - set(load("kling-api", legacy_only=True).sold) == {"kling-3.0-turbo"}


# What is not sold is refused with what is.

SOLD_BY_KLING_API = "kling-3.0, kling-3.0-turbo, kling-3.0-omni, kling-o1, kling-2.6 and kling-2.5-turbo"


@pytest.mark.parametrize(
    ("prices", "wish", "sentence"),
    [
        (
            CREDITS,
            Wish("kling-v9"),
            "There is no model kling-v9. Did you mean kling-v1? Sold here: kling-v1, kling-v1.5 and kling-pro.",
        ),
        (
            KLING_API,
            Wish("kling-2.1"),
            f"Kling stopped making kling-2.1 on 2026-09-15. Sold here: {SOLD_BY_KLING_API}.",
        ),
        (CREDITS, Wish("kling-v1", 7), "kling-v1 makes no 7-second videos, only 5 or 10 seconds."),
        (CREDITS, Wish("kling-v1", 0), "kling-v1 makes no 0-second videos, only 5 or 10 seconds."),
        (CREDITS, Wish("kling-v1", -5), "kling-v1 makes no -5-second videos, only 5 or 10 seconds."),
        (KLING_API, Wish("kling-3.0", 2), "kling-3.0 makes no 2-second videos, only 3 to 15 seconds."),
        (KLING_API, Wish("kling-3.0", 16), "kling-3.0 makes no 16-second videos, only 3 to 15 seconds."),
        (KLING_API, Wish("kling-2.6", 5, "4k"), "kling-2.6 is not sold in 4k, only in 720p and 1080p."),
        (KLING_API, Wish("kling-2.6", 5, "720p", True), "kling-2.6 has no sound in 720p, only in 1080p."),
        (
            KLING_API,
            Wish("kling-o1", 5, "720p", True),
            "kling-o1 has no sound; these have: kling-3.0, kling-3.0-turbo, kling-3.0-omni and kling-2.6.",
        ),
        (
            CREDITS,
            Wish(audio=True),
            "kling-v1.5 has no sound, and nothing on the list “credits” has; leave out --audio.",
        ),
        (
            KLING_API,
            Wish("kling-3.0-turbo", silent=True),
            "kling-3.0-turbo always has sound: leave out --audio=off, or choose kling-3.0, kling-3.0-omni, kling-o1, "
            "kling-2.6 or kling-2.5-turbo.",
        ),
        (CREDITS, Wish(aspect="4:3"), "There is no aspect 4:3; choose 16:9, 9:16 or 1:1."),
        (
            KLING_API,
            Wish("kling-3.0-turbo", negative=True),
            "kling-3.0-turbo takes no --negative prompt; leave it out or choose another model.",
        ),
        (
            KLING_API,
            Wish("kling-o1", negative=True),
            "kling-o1 takes no --negative prompt; leave it out or choose another model.",
        ),
    ],
)
def test_what_is_not_sold_is_refused_with_what_is(prices: PriceList, wish: Wish, sentence: str) -> None:
    assert refusal(prices, wish) == sentence


@pytest.mark.parametrize("name", [n for n, model in KLING_API.models.items() if model.retired])
def test_no_retired_model_can_be_bought_at_any_length(name: str) -> None:
    for duration in (None, 5, 10):
        assert "Kling stopped making" in refusal(KLING_API, Wish(name, duration, "1080p"))


# A price list of one's own: each mistake is one sentence with the file and the place.

OWN = """
title = "Ours"
kling_units = false
default_model = "small"
default_duration = 5
default_resolution = "720p"
aspects = ["16:9"]
[packs]
rule = "tier"
default = 100
usd_per_credit = { 100 = "0.10", 500 = 0.08 }
[models.small]
title = "Small"
legacy = "kling-v2-6"
durations = [5, 10]
rates = { "720p" = { silent = 1.5 } }
"""


def own(tmp_path: Path, text: str) -> str:
    path = tmp_path / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_list_of_ones_own_is_read_to_the_last_decimal(tmp_path: Path) -> None:
    prices = load(own(tmp_path, OWN.replace("1.5 }", "0.1 }")))
    assert bought(prices, Wish(duration_seconds=10)).amount == Amount(1_000, 100_000)
    assert prices.name == "ours"


@pytest.mark.parametrize(
    ("written", "instead", "sentence"),
    [
        ('title = "Ours"', "", "title is missing"),
        ('title = "Ours"', 'titel = "Ours"', "titel is not understood; known here: title,"),
        ('title = "Small"', "", "models.small.title is missing"),
        ('legacy = "kling-v2-6"', "", "models.small must say how Kling is asked for it: legacy, new or both"),
        ('legacy = "kling-v2-6"', "legacy = 26", "models.small.legacy must be a text, got 26"),
        ("kling_units = false", 'kling_units = "no"', "kling_units must be true or false, got 'no'"),
        ("default_duration = 5", 'default_duration = "5"', "default_duration must be a whole number above zero"),
        ("default_duration = 5", "default_duration = 7", "small makes no 7-second videos, only 5 or 10 seconds."),
        ('default_resolution = "720p"', 'default_resolution = "4k"', "small is not sold in 4k, only in 720p."),
        ('default_model = "small"', 'default_model = "big"', "There is no model big. Sold here: small."),
        ('aspects = ["16:9"]', "aspects = []", "aspects must be a list of texts, got []"),
        ('aspects = ["16:9"]', 'aspects = "16:9"', "aspects must be a list of texts, got '16:9'"),
        ("durations = [5, 10]", "durations = []", "models.small.durations must be a list of whole numbers"),
        ("durations = [5, 10]", 'durations = "5"', "models.small.durations must be a list of whole numbers"),
        ("durations = [5, 10]", "durations = [5, -10]", "models.small.durations must be a list of whole numbers"),
        ("durations = [5, 10]", "duration = [5, 10]", "models.small.duration is not understood"),
        ("durations = [5, 10]", "durations = [5]\nretird = true", "models.small.retird is not understood"),
        ("durations = [5, 10]", 'durations = [5]\nretired = "soon"', "models.small.retired must be a date"),
        ('{ "720p" = { silent = 1.5 } }', "{}", "models.small.rates must be a table with something in it"),
        ('{ "720p" = { silent = 1.5 } }', "2", "models.small.rates must be a table with something in it"),
        ('"720p" = {', '"540p" = {', "models.small.rates.540p is not understood; known here: 720p, 1080p, 4k"),
        ("{ silent = 1.5 }", "{ loud = 1.5 }", "models.small.rates.720p.loud is not understood"),
        ("{ silent = 1.5 }", "1.5", "models.small.rates.720p must be a table"),
        ("silent = 1.5", "silent = 0", "models.small.rates.720p.silent must be a number above zero, got 0"),
        ("silent = 1.5", "silent = -1.5", "models.small.rates.720p.silent must be a number above zero"),
        ("silent = 1.5", "silent = nan", "models.small.rates.720p.silent must be a number above zero"),
        ("silent = 1.5", 'silent = "dear"', "models.small.rates.720p.silent must be a number above zero, got 'dear'"),
        ("silent = 1.5", "silent = 0.0001", "models.small.rates.720p.silent: 0.0001 is finer than"),
        ('rule = "tier"', 'rule = "nearest"', "packs.rule must be tier or exact, got nearest"),
        ('rule = "tier"', 'rule = "exact"\nsize = 5', "packs.size is not understood"),
        ("default = 100", "default = -100", "packs.default must be a whole number above zero"),
        ('100 = "0.10"', '100 = "free"', "packs.usd_per_credit.100 must be a number above zero, got 'free'"),
        ('100 = "0.10"', 'few = "0.10"', "packs.usd_per_credit.few must be the size of a pack"),
        ('100 = "0.10"', '100 = "0.1000001"', "packs.usd_per_credit.100: 0.1000001 is finer than"),
        ("[packs]", "[pack]", "pack is not understood"),
        ("aspects =", "aspects", "is not TOML"),
    ],
)
def test_a_mistake_in_a_list_is_named_with_its_file_and_place(
    tmp_path: Path, written: str, instead: str, sentence: str
) -> None:
    assert OWN.count(written) == 1
    with pytest.raises(PriceListError) as error:
        load(own(tmp_path, OWN.replace(written, instead)))
    assert str(error.value).startswith("ours.toml")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_list_that_sells_its_default_only_with_sound_is_told_so(tmp_path: Path) -> None:
    both = '{ "720p" = { audio = "2" }, "1080p" = { silent = "3" } }'
    with pytest.raises(PriceListError, match="small in 720p always has sound: add --audio, or choose 1080p"):
        load(own(tmp_path, OWN.replace('{ "720p" = { silent = 1.5 } }', both)))


def test_a_file_that_is_not_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceListError, match=r"^ours\.toml is not TOML"):
        load(str(tmp_path / "ours.toml"))


@pytest.mark.parametrize("name", ["credit", "", "/no/such/file.toml"])
def test_a_list_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(PriceListError, match="is neither credits nor kling-api nor a readable file"):
        load(name)


# What is still affordable.


def offers(prices: PriceList, wanted: Quote) -> list[Quote]:
    """Everything on the list that could be had instead, by asking for each in turn."""
    wishes = [
        Wish(name, duration, resolution, audio, wanted.aspect, wanted.negative)
        for name in prices.models
        for duration in range(1, 20)
        for resolution in ("720p", "1080p", "4k")
        for audio in (False, True)
    ]
    return [offer for wish in wishes if isinstance(offer := quote(prices, wish), Quote)]


def fits(offer: Quote, left: Amount) -> bool:
    return offer.amount.millicredits <= left.millicredits and offer.amount.microusd <= left.microusd


LISTS = {name: load(name) for name in SHIPPED}
AMOUNTS = st.builds(Amount, st.integers(0, 80_000), st.integers(0, 6_000_000))


@st.composite
def situations(draw: st.DrawFn) -> tuple[PriceList, Quote, Amount]:
    prices = LISTS[draw(st.sampled_from(SHIPPED))]
    negative = draw(st.booleans())
    model = draw(st.sampled_from([n for n in prices.sold if prices.models[n].takes_negative or not negative]))
    resolution, audio = draw(st.sampled_from(sorted(prices.models[model].rates)))
    duration = draw(st.sampled_from(prices.models[model].durations))
    aspect = draw(st.sampled_from(prices.aspects))
    return prices, bought(prices, Wish(model, duration, resolution, audio, aspect, negative)), draw(AMOUNTS)


@given(situations())
def test_everything_offered_is_sold_and_fits(situation: tuple[PriceList, Quote, Amount]) -> None:
    prices, wanted, left = situation
    sold = offers(prices, wanted)
    for offer in affordable(prices, wanted, left):
        assert offer in sold
        assert fits(offer, left)


@given(situations())
def test_something_is_offered_whenever_the_cheapest_fits(situation: tuple[PriceList, Quote, Amount]) -> None:
    prices, wanted, left = situation
    assert bool(affordable(prices, wanted, left)) == any(fits(offer, left) for offer in offers(prices, wanted))


@given(situations())
def test_nothing_that_fits_is_nearer_to_what_was_wanted(situation: tuple[PriceList, Quote, Amount]) -> None:
    prices, wanted, left = situation
    fitting = [offer for offer in offers(prices, wanted) if fits(offer, left)]
    offered = affordable(prices, wanted, left)
    if not offered:
        return
    first, same_model = offered[0], [offer for offer in fitting if offer.model == wanted.model]
    assert (first.model == wanted.model) == bool(same_model)
    if same_model and (
        same_kind := [o for o in same_model if (o.audio, o.resolution) == (wanted.audio, wanted.resolution)]
    ):
        assert (first.audio, first.resolution) == (wanted.audio, wanted.resolution)
        gaps = [abs(offer.duration_seconds - wanted.duration_seconds) for offer in same_kind]
        assert abs(first.duration_seconds - wanted.duration_seconds) == min(gaps)


@given(situations(), st.integers(1, 6))
def test_each_model_is_offered_once_and_no_more_than_asked_for(
    situation: tuple[PriceList, Quote, Amount], most: int
) -> None:
    names = [offer.model.name for offer in affordable(*situation, most=most)]
    assert len(names) == len(set(names)) <= most


def test_a_shorter_video_of_the_same_model_is_offered_before_another_model() -> None:
    wanted = bought(CREDITS, Wish("kling-pro", 10))
    offered = affordable(CREDITS, wanted, Amount(30_000, 10**9))
    assert [(o.model.name, o.duration_seconds) for o in offered] == [
        ("kling-pro", 7),
        ("kling-v1", 10),
        ("kling-v1.5", 10),
    ]


def test_who_gave_a_negative_prompt_is_offered_only_models_that_take_one() -> None:
    wanted = bought(KLING_API, Wish("kling-3.0", 10, negative=True))
    names = {offer.model.name for offer in affordable(KLING_API, wanted, Amount(10**9, 10**9), most=9)}
    assert names == {"kling-3.0", "kling-2.6", "kling-2.5-turbo"}
