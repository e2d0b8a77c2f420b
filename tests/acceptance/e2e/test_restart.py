"""A bot that ends in the middle of a job, in whatever way, finishes it the next time: once."""

from __future__ import annotations

import signal

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.acceptance.e2e.people import Person, visiting
from tests.acceptance.e2e.sandbox_process import SandboxPlace
from tests.support.live_bot import LiveBot, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Where its clip is by then depends on what the bot was doing when it ended; at Kling it can be seen at once.
READY = ("carol's video is ready",)


@pytest.mark.timeout(400)  # what the killed bot was just doing is left to the next one when its lease ends
def test_jobs_in_flight_when_the_bot_is_killed_or_stopped_are_finished_once(
    place: SandboxPlace, browser: Browser
) -> None:
    with place.runs("--fresh") as killed:
        url = place.url(killed)
        with visiting(browser, f"{url}/#carol/marketing") as carol:
            asks_until_kling_makes(carol, "A fox in snow", url, number=1)
            end(killed, signal.SIGKILL)
            expect(carol.page.get_by_text("Connection lost")).to_be_visible()
            with place.runs() as stopped:
                asks_until_kling_makes(carol, "An owl at night", url, number=2)
                end(stopped, signal.SIGTERM)
            with place.runs():
                carol.plays(carol.sees(*READY, "An owl at night"))
                carol.plays(carol.sees(*READY, "A fox in snow"))
                carol.types("/kling budget show marketing")
                carol.is_answered("70.0% of 200 credits", "140 credits ($8.40) used, nothing in flight")
                assert tasks(url) == ["succeeded", "succeeded"], "Kling was asked once for each"


def asks_until_kling_makes(person: Person, prompt: str, url: str, *, number: int) -> None:
    """Asks for the sandbox's first, second … video. The page may have lost its bot just now, and says so until then."""
    expect(person.page.get_by_text("Connection lost")).to_be_hidden()
    person.types(f"/kling generate {prompt}")
    person.is_answered("Held 10 credits ($0.60)", prompt)
    until(lambda: tasks(url)[number - 1 :] == ["processing"], "Kling is making it")


def tasks(url: str) -> list[str]:
    """Where each task stands that the local Kling was ever given."""
    listed = requests.get(f"{url}/kling/control/tasks", timeout=30).json()
    return [task["status"] for task in listed]


def end(bot: LiveBot, number: signal.Signals) -> None:
    bot.process.send_signal(number)
    bot.process.wait(30)
