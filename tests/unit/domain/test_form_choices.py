"""What a form offers is sold, whatever was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.domain import prices
from klingbot.domain.form_choices import choices, nearest
from klingbot.domain.pricing import Quote, Wish, quote

LISTS = {name: prices.load(name) for name in prices.SHIPPED}
KLING = LISTS["kling-api"]

WISHES = st.builds(
    Wish,
    model=st.none() | st.sampled_from([name for each in LISTS.values() for name in each.models]) | st.text(),
    duration_seconds=st.none() | st.integers(1, 60),
    resolution=st.none() | st.sampled_from(["720p", "1080p", "4k"]) | st.text(),
    audio=st.booleans(),
    aspect=st.none() | st.sampled_from(["16:9", "9:16", "1:1"]) | st.text(),
    negative=st.booleans(),
)


@pytest.mark.parametrize("name", LISTS)
@given(wish=WISHES)
def test_whatever_is_wished_for_something_is_offered_that_is_sold(name: str, wish: Wish) -> None:
    listed = LISTS[name]
    found = nearest(listed, wish)
    assert isinstance(quote(listed, found), Quote)
    assert nearest(listed, found) == found


@given(wish=WISHES)
def test_each_single_choice_that_is_offered_can_be_made(wish: Wish) -> None:
    offered = choices(KLING, wish)
    now = offered.now
    for seconds in offered.durations:
        assert isinstance(quote(KLING, Wish(now.model.name, seconds, now.resolution, now.audio)), Quote)
    for audio in [True] * offered.can_have_sound + [False] * offered.can_be_silent:
        priced = quote(KLING, Wish(now.model.name, now.duration_seconds, now.resolution, audio))
        assert isinstance(priced, Quote) and priced.audio == audio
    for model in offered.models:
        assert quote(KLING, nearest(KLING, Wish(model.name))).model is model


def test_what_is_sold_as_wished_stays_as_it_is() -> None:
    wish = Wish("kling-3.0", 12, "4k", True, "9:16", True)
    assert nearest(KLING, wish) == wish


def test_what_is_not_sold_gives_way_to_the_nearest() -> None:
    assert nearest(KLING, Wish("kling-2.6", 12, "4k", True)) == Wish("kling-2.6", 10, "1080p", True, "16:9")
    assert nearest(KLING, Wish("kling-3.0-turbo", 12)).audio, "it always has sound"
    assert not nearest(KLING, Wish("kling-2.6", 5, "720p", True)).audio, "it has none in 720p"
    assert nearest(KLING, Wish("no such model")).model == KLING.default_model
