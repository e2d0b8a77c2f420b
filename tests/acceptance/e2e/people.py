"""People at the sandbox's page: each has a tab of their own, and they may all look at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Error, Locator, Page, expect

from tests.support.browser import open_page

# Resolves to the video's readyState once it has moved on; the page forbids eval, so playing cannot be polled for.
_PLAY = """video => new Promise((played, failed) => {
  video.ontimeupdate = () => video.currentTime > 0.2 && played(video.readyState);
  setTimeout(() => failed(new Error(`stands at ${video.currentTime} s: ${video.error?.message}`)), 10_000);
  video.play().catch(failed);
})"""
_HAVE_CURRENT_DATA = 2


@dataclass(frozen=True, slots=True)
class Person:
    page: Page

    def goes_to(self, channel: str) -> None:
        self.page.get_by_test_id(f"channel-{channel}").click()
        expect(self.page.get_by_test_id("composer")).to_have_attribute("placeholder", f"Message #{channel}")

    def types(self, text: str) -> None:
        """Letter by letter, with the menu of commands open beside it."""
        self.page.get_by_test_id("composer").press_sequentially(text)
        self.page.get_by_test_id("composer").press("Enter")

    def sees(self, *words: str) -> Locator:
        """The one message with all of these words; waits for it, within the page's timeout."""
        return _only(self.page.get_by_test_id("message"), words)

    def is_answered(self, *words: str) -> Locator:
        """As `sees`, among the messages that nobody else sees."""
        return _only(self.private, words)

    @property
    def private(self) -> Locator:
        """What only this person sees."""
        return self.page.locator("[data-ephemeral=true]")

    def plays(self, message: Locator) -> None:
        """The message's video, in place. An edit of the message, when its clip has come, begins it anew."""
        try:
            state = message.locator("video").evaluate(_PLAY)
        except Error:
            state = message.locator("video").evaluate(_PLAY)
        assert state >= _HAVE_CURRENT_DATA


def _only(messages: Locator, words: tuple[str, ...]) -> Locator:
    for each in words:
        messages = messages.filter(has_text=each)
    expect(messages).to_have_count(1)
    return messages


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Person]:
    """Somebody at that address."""
    with open_page(browser, url) as page:
        # Until the page knows the workspace, it does nothing with what is typed.
        expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", re.compile("^Message "))
        yield Person(page)
