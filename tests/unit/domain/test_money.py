"""Amounts: what people type, what is kept, what is shown."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.domain.money import (
    MOST_CREDITS,
    MOST_USD,
    NOTHING,
    Amount,
    AmountError,
    microusd,
    millicredits,
    parse_credits,
    parse_usd,
    show_credits,
    show_number,
    show_usd,
    type_credits,
)

AMOUNTS = st.builds(Amount, st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("10000", 10_000_000),
        ("10,000", 10_000_000),
        ("1,000,000.25", 1_000_000_250),
        ("1.5", 1_500),
        (".5", 500),
        ("0.001", 1),
        ("0.500", 500),
        ("10.5000", 10_500),
        ("1,250.500", 1_250_500),
        ("1250.500", 1_250_500),
        ("1.500000000000000000000000000000000000", 1_500),
        (" 40 ", 40_000),
        ("007", 7_000),
        ("1000000000", MOST_CREDITS * 1_000),
    ],
)
def test_credits_are_read_into_millicredits(text: str, kept: int) -> None:
    assert parse_credits(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("600", 600_000_000),
        ("$600", 600_000_000),
        (" $ 600 ", 600_000_000),
        ("1,250.50", 1_250_500_000),
        ("$.01", 10_000),
        ("100,000,000", MOST_USD * 1_000_000),
    ],
)
def test_dollars_are_read_into_microusd(text: str, kept: int) -> None:
    assert parse_usd(text) == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "credits must be more than zero, got 0"),
        ("0.000", "credits must be more than zero, got 0.000"),
        ("-5", "credits must be more than zero, got -5"),
        ("1.0005", "credits can have at most 3 decimals, got 1.0005"),
        ("1000000000.001", "1,000,000,000.001 credits is more than Klingbot can keep; the most is 1,000,000,000"),
        ("10.000", "10.000 may mean 10 or 10,000; write 10 or 10000"),
        (" 1.500 ", "1.500 may mean 1.5 or 1,500; write 1.5 or 1500"),
        ("250.025", "250.025 may mean 250.025 or 250,025; write 250.0250 or 250025"),
        ("", "“” is not an amount of credits; write it like 10000, 10,000 or 1.5"),
        ("lots", "“lots” is not an amount of credits; write it like 10000, 10,000 or 1.5"),
    ],
)
def test_what_is_not_an_amount_of_credits_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_credits(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "1e5",
        "1.000.000",
        "+5",
        "5.",
        ".",
        "1,00",
        "1,0000",
        ",100",
        "1.000,50",
        "1 000",
        "٥",
        "NaN",
        "inf",
        "$5",
        "0x10",
        "1_000",
    ],
)
def test_a_spelling_that_could_be_read_two_ways_is_no_amount(text: str) -> None:
    with pytest.raises(AmountError, match=f"“{re.escape(text)}” is not an amount of credits"):
        parse_credits(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$0", "USD must be more than zero, got 0"),
        ("-$5", "USD must be more than zero, got -$5"),
        ("$-5", "USD must be more than zero, got -5"),
        ("0.005", "USD can have at most 2 decimals, got 0.005"),
        ("$10.000", "10.000 may mean 10 or 10,000; write 10 or 10000"),
        ("10.005", "USD can have at most 2 decimals, got 10.005"),
        ("100000001", "100,000,001 USD is more than Klingbot can keep; the most is 100,000,000"),
        ("$", "“” is not an amount of USD; write it like 10000, 10,000 or 1.5"),
        ("$$5", "“$5” is not an amount of USD; write it like 10000, 10,000 or 1.5"),
        ("5$", "“5$” is not an amount of USD; write it like 10000, 10,000 or 1.5"),
    ],
)
def test_what_is_not_an_amount_of_dollars_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_usd(text)
    assert str(caught.value) == message


@given(st.text() | st.text("0123456789,.$- "))
def test_any_text_is_an_amount_that_can_be_kept_or_an_amount_error(text: str) -> None:
    for read, most in ((parse_credits, MOST_CREDITS * 1_000), (parse_usd, MOST_USD * 1_000_000)):
        try:
            kept = read(text)
        except AmountError:
            continue
        assert 0 < kept <= most


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (40_000, "40 credits"),
        (1_000, "1 credit"),
        (-1_000, "-1 credit"),
        (1_500, "1.5 credits"),
        (10_000_000, "10,000 credits"),
        (1_234_567_890, "1,234,567.89 credits"),
        (50, "0.05 credits"),
        (-1_050, "-1.05 credits"),
        (0, "0 credits"),
    ],
)
def test_credits_are_shown_without_trailing_zeros(kept: int, shown: str) -> None:
    assert show_credits(kept) == shown


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (2_400_000, "$2.40"),
        (1_250_000_000, "$1,250.00"),
        (-60_000, "-$0.06"),
        (4_999, "$0.00"),
        (5_000, "$0.01"),
        (14_999, "$0.01"),
        (15_000, "$0.02"),
        (-4_999, "$0.00"),
        (-5_000, "-$0.01"),
        (0, "$0.00"),
        (MOST_USD * 1_000_000, "$100,000,000.00"),
    ],
)
def test_dollars_are_shown_to_the_cent_rounded_half_up(kept: int, shown: str) -> None:
    assert show_usd(kept) == shown


@given(st.integers(1, MOST_CREDITS * 1_000) | st.integers(1, 1_000_000))
def test_credits_that_are_shown_are_read_back_exactly_or_asked_about(kept: int) -> None:
    try:
        assert parse_credits(show_number(kept)) == kept
    except AmountError as asked:
        assert "may mean" in str(asked)
        assert 1_000 < kept < 1_000_000 and kept % 10, "below a thousand, and as fine as credits get"


@given(st.integers(1, MOST_CREDITS * 1_000) | st.integers(1, 1_000_000))
def test_credits_that_a_form_begins_with_are_read_back_exactly(kept: int) -> None:
    assert parse_credits(type_credits(kept)) == kept


@given(st.integers(1, 999), st.integers(0, 999))
def test_both_ways_out_of_an_amount_with_two_meanings_are_taken(whole: int, rest: int) -> None:
    with pytest.raises(AmountError) as asked:
        parse_credits(f"{whole}.{rest:03}")
    fraction, thousands = str(asked.value).rpartition("write ")[2].split(" or ")
    assert parse_credits(fraction) == whole * 1_000 + rest
    assert parse_credits(thousands) == (whole * 1_000 + rest) * 1_000


@given(st.integers(1, MOST_USD * 100).map(lambda cents: cents * 10_000))
def test_whole_cents_that_are_shown_are_read_back_exactly(kept: int) -> None:
    assert parse_usd(show_usd(kept)) == kept


@given(st.integers(-(10**18), 10**18))
def test_no_dollars_are_shown_more_than_half_a_cent_off(kept: int) -> None:
    shown = Decimal(show_usd(kept).replace("$", "").replace(",", ""))
    assert abs(shown * 1_000_000 - kept) <= 5_000


@pytest.mark.parametrize(
    ("number", "kept"),
    [("1.5", 1_500), ("0.001", 1), ("-2", -2_000), ("1E+3", 1_000_000), ("0", 0)],
)
def test_a_number_of_credits_is_kept_as_millicredits(number: str, kept: int) -> None:
    assert millicredits(Decimal(number)) == kept


@pytest.mark.parametrize(("number", "kept"), [("0.098", 98_000), ("0.000001", 1), ("-0.06", -60_000)])
def test_a_number_of_dollars_is_kept_as_microusd(number: str, kept: int) -> None:
    assert microusd(Decimal(number)) == kept


@pytest.mark.parametrize("number", ["0.0000005", "1.0000000000000000000000000000000001", "NaN", "Infinity"])
def test_a_number_that_cannot_be_kept_exactly_is_refused_rather_than_rounded(number: str) -> None:
    for keep in (millicredits, microusd):
        with pytest.raises(ValueError, match=r"finer than the unit|not an amount"):
            keep(Decimal(number))


@given(AMOUNTS, AMOUNTS)
def test_amounts_add_up_and_are_taken_off_again_without_loss(one: Amount, other: Amount) -> None:
    assert one + other == other + one
    assert one + other - other == one
    assert one + -one == NOTHING
    assert one + NOTHING == one


@pytest.mark.parametrize(
    ("amount", "something"),
    [(NOTHING, False), (Amount(1, 0), True), (Amount(0, 1), True), (Amount(-1, 0), True)],
)
def test_an_amount_is_something_when_either_currency_is(amount: Amount, something: bool) -> None:
    assert bool(amount) is something


def test_an_amount_reads_as_credits_with_dollars_beside_them() -> None:
    assert str(Amount(40_000, 2_400_000)) == "40 credits ($2.40)"
