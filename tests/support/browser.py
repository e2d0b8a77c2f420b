"""A real Chromium for the tests that look at the page; `launch` skips the test where none is installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE_MS = 100_000
"""How long anything on a page may take before it counts as missing: a busy machine is no bug."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """The system's Chromium or Chrome; `CHROMIUM` in the environment goes first."""
    wanted = os.environ.get("CHROMIUM")
    names = (wanted, *_NAMES) if wanted else _NAMES
    found = (shutil.which(name) for name in names)
    placed = (place for place in _PLACES if Path(place).is_file())
    return next((path for path in (*found, *placed) if path), None)


@contextmanager
def launch() -> Iterator[Browser]:
    """A headless browser of its own, closed at the end."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium found: install it, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, url: str, **options: Any) -> Iterator[Any]:
    """A fresh page (no history, no storage) at `url`; its script errors fail the test."""
    visit = browser.new_context(**options)
    page = visit.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        page.goto(url)
        yield page
    finally:
        visit.close()
    assert not problems, problems
