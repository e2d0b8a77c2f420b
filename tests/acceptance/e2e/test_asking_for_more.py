"""Refused in a form, asked for more, approved by somebody else, made: by clicks alone, in two browsers at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.acceptance.e2e.people import Person, visiting
from tests.acceptance.e2e.sandbox_process import SandboxPlace

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROMPT = "A lighthouse in a storm"


@pytest.fixture
def url(place: SandboxPlace) -> Iterator[str]:
    with place.runs("--fresh") as bot:
        yield place.url(bot)


def test_a_refused_form_leads_to_a_video_once_somebody_else_approves(url: str, browser: Browser) -> None:
    with visiting(browser, f"{url}/#alice/finance") as alice, visiting(browser, f"{url}/#bob/marketing") as bob:
        alice.types("/kling budget set marketing --credits 150")
        alice.is_answered("150 credits")
        is_refused_in_the_form(bob)
        goes_back_to_what_he_typed(bob)
        asks_for_more(bob)
        approves(alice)
        gets_the_video(bob)


def form_of(person: Person) -> Locator:
    return person.page.get_by_test_id("modal")


def is_refused_in_the_form(bob: Person) -> None:
    bob.types("/kling generate --model kling-pro --duration 15")
    form = form_of(bob)
    form.get_by_label("What should it show?").fill(PROMPT)
    form.get_by_role("button", name="Make it").click()
    expect(form).to_contain_text("Budget exceeded for marketing (monthly)")
    expect(form.get_by_role("button", name="Make kling-pro, 7 s, 1080p: $1.68")).to_be_visible()


def goes_back_to_what_he_typed(bob: Person) -> None:
    form = form_of(bob)
    form.get_by_role("button", name="Change it").click()
    expect(form.get_by_label("What should it show?")).to_have_value(PROMPT)
    form.get_by_label("Length").select_option("10")
    expect(form).to_contain_text("40 credits ($2.40)")
    form.get_by_role("button", name="Make it").click()
    expect(form).to_contain_text("Needed: 40 credits ($2.40)")


def asks_for_more(bob: Person) -> None:
    form = form_of(bob)
    form.get_by_role("button", name="Ask for more").click()
    expect(form.get_by_label("Credits more for marketing (monthly)")).to_have_value("10")
    form.get_by_label("What is it for?").fill("launch week")
    form.get_by_role("button", name="Ask", exact=True).click()
    expect(form).to_have_count(0)
    bob.is_answered("Asked for, and you hear as soon as somebody decides", "10 credits ($0.60) more")


def approves(alice: Person) -> None:
    question = alice.sees("Bob Baker asks for 10 credits ($0.60) more", "launch week")
    question.get_by_role("button", name="Approve", exact=True).click()
    decided = alice.sees("approved", "10 credits ($0.60) more", "The video is on its way")
    expect(decided.get_by_role("button", name="Approve", exact=True)).to_have_count(0)


def gets_the_video(bob: Person) -> None:
    video = bob.sees("bob's video is ready", PROMPT, "it is in the thread as well")
    expect(video).to_contain_text("charged 40 credits ($2.40)")
    bob.plays(video)
    bob.types("/kling budget show marketing")
    bob.is_answered("150 credits plus 10 credits ($0.60) granted")
