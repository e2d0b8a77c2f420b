"""The main job, end to end: a video asked for, held, made, paid and seen, until the money is gone.

Nothing stands in for anything here but the sandbox itself: the real bot process, the real page, a real browser.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.e2e.people import Person, visiting
from tests.acceptance.e2e.sandbox_process import SandboxPlace

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOX = "/kling generate A fox in snow --duration 10 --model kling-pro"
LONGER = "/kling generate A fox in snow, and the forest wakes --duration 15 --model kling-pro"
READY = ("alice's video is ready", "A fox in snow", "it is in the thread as well")


@pytest.fixture
def url(place: SandboxPlace) -> Iterator[str]:
    """The address that `python bot.py sandbox --fresh` prints."""
    with place.runs("--fresh") as bot:
        yield place.url(bot)


def test_from_the_first_video_to_the_last_credit(url: str, browser: Browser) -> None:
    with visiting(browser, url) as alice, visiting(browser, f"{url}/#bob/marketing") as bob:
        finds_the_first_steps_and_sample_data(alice)
        gets_a_video_for_what_was_held(alice)
        saw_the_video_but_not_the_answers(bob)
        is_told_at_80_percent(alice)
        finds_the_videos_after_a_reload(alice)
        is_refused_what_no_longer_fits(alice)
        spends_the_last_credit(alice)


def test_a_member_cannot_give_himself_a_budget(url: str, browser: Browser) -> None:
    with visiting(browser, f"{url}/#bob/marketing") as bob:
        bob.types("/kling budget set marketing --credits 1000")
        bob.is_answered("admin")
        bob.types("/kling budget show marketing")
        bob.is_answered("60.0% of 200 credits")


def finds_the_first_steps_and_sample_data(alice: Person) -> None:
    """The bare address leads to #marketing, as Alice, and its links and examples lead on."""
    steps = alice.sees("Welcome to the Klingbot sandbox")
    expect(steps).to_be_in_viewport(ratio=1)
    steps.get_by_role("link", name="#finance").click()
    expect(alice.page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #finance")
    alice.page.get_by_test_id("hints").get_by_text(FOX).click()
    expect(alice.page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #marketing")
    expect(alice.page.get_by_test_id("composer")).to_have_value(FOX)
    alice.page.get_by_test_id("composer").clear()
    alice.plays(alice.sees("your video is ready", "(sample) A logo drawn in sand", "80 credits left"))
    alice.types("/kling budget")
    alice.is_answered("marketing (monthly): 60.0%, 80 credits left of 200 credits")


def gets_a_video_for_what_was_held(alice: Person) -> None:
    alice.types(FOX)
    alice.is_answered("Held 40 credits ($2.40)", "A fox in snow")
    video = alice.sees(*READY)
    expect(video).to_contain_text("charged 40 credits ($2.40)")
    expect(video).to_have_attribute("data-ephemeral", "false")
    alice.plays(video)


def saw_the_video_but_not_the_answers(bob: Person) -> None:
    bob.plays(bob.sees(*READY))
    expect(bob.private).to_have_count(0)
    expect(bob.page.get_by_test_id("message").filter(has_text="Held 40 credits")).to_have_count(0)


def is_told_at_80_percent(alice: Person) -> None:
    alice.types("/kling budget show marketing")
    alice.is_answered("80.0% of 200 credits", "160 credits ($9.60) used")
    expect(alice.page.get_by_test_id("channel-finance")).to_have_attribute("data-unread", "true")
    alice.goes_to("finance")
    alert = alice.sees(
        "Budget alert", "marketing (monthly)", "80%", "120 credits ($7.20) used, 40 credits ($2.40) in flight"
    )
    expect(alert).to_have_attribute("data-ephemeral", "false")
    alice.goes_to("marketing")


def finds_the_videos_after_a_reload(alice: Person) -> None:
    alice.page.reload()
    alice.sees("your video is ready", "(sample)")
    alice.plays(alice.sees(*READY))
    expect(alice.private).to_have_count(0)


def is_refused_what_no_longer_fits(alice: Person) -> None:
    alice.types(LONGER)
    refusal = alice.is_answered("Budget exceeded for marketing (monthly)", "Needed: 60 credits ($3.60)")
    expect(refusal).to_contain_text("40 credits left of 200 credits")
    expect(refusal).to_contain_text("--duration 10 → 40 credits ($2.40)")


def spends_the_last_credit(alice: Person) -> None:
    alice.types(FOX)
    alice.is_answered("Held 40 credits ($2.40)")
    alice.types(FOX)
    alice.is_answered("Budget exceeded for marketing (monthly)", "Nothing on the price list fits into what is left")
    alice.goes_to("finance")
    alice.sees("marketing (monthly) is at 100.0%")
