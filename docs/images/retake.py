"""Takes the README's pictures anew by playing its first minute: `.venv/bin/python docs/images/retake.py`.

Needs Chromium (or Chrome) on the machine. Run it when an answer, an alert or the page has changed its looks.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
BOT = HERE.parent.parent / "bot.py"
FOX = "/kling generate A fox in snow --duration 10 --model kling-pro"
TOO_LONG = "/kling generate A fox in snow, and the whole forest wakes up --duration 15 --model kling-pro"
SHOW_A_FRAME = """video => new Promise(done => {
  video.onseeked = done;
  const seek = () => { video.currentTime = 4 };
  video.readyState ? seek() : video.onloadedmetadata = seek;
})"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sandbox() as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        # Drawn a little larger and shown at 1280 x 800, so that the answer and the video are both in sight.
        whole = visit(chromium, url, viewport={"width": 1440, "height": 900}, device_scale_factor=8 / 9)
        take_the_page(whole)
        take_the_crops(visit(chromium, url, viewport={"width": 1280, "height": 800}, device_scale_factor=1.5))
        chromium.close()


@contextmanager
def sandbox() -> Iterator[str]:
    """A fresh sandbox in a folder of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free, tempfile.TemporaryDirectory() as folder:
        port = free.getsockname()[1]
        free.close()
        bot = subprocess.Popen([sys.executable, str(BOT), "sandbox", "--fresh", "--port", str(port)], cwd=folder)
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            bot.terminate()
            bot.wait(30)


def visit(chromium: Browser, url: str, **looks: Any) -> Page:
    page = chromium.new_context(**looks).new_page()
    page.set_default_timeout(30_000)
    page.goto(url)
    page.get_by_test_id("hints-dismiss").click()
    page.get_by_test_id("channel-marketing").click()
    return page


def take_the_page(page: Page) -> None:
    say(page, FOX)
    expect(page.locator("video")).to_have_count(2, timeout=30_000)  # the sample's and the fox
    page.locator("video").last.evaluate(SHOW_A_FRAME)
    page.locator("#scroll").evaluate("list => { list.scrollTop = list.scrollHeight }")
    page.wait_for_timeout(2_000)  # the player fades its spinner out
    page.screenshot(path=HERE / "sandbox.png")


def take_the_crops(page: Page) -> None:
    say(page, TOO_LONG)
    crop(page.get_by_test_id("message").filter(has_text="Budget exceeded"), "refusal.png")
    page.get_by_test_id("channel-finance").click()
    crop(page.get_by_test_id("message").filter(has_text="Budget alert"), "alert.png")


def say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Escape")  # closes the menu of commands
    page.get_by_test_id("send").click()


def crop(message: Locator, name: str) -> None:
    """One message, without the empty right half of its row."""
    expect(message).to_have_count(1, timeout=10_000)
    message.scroll_into_view_if_needed()
    box = message.bounding_box()
    assert box is not None
    clip = {"x": box["x"], "y": box["y"], "width": 760, "height": box["height"]}
    message.page.screenshot(path=HERE / name, clip=clip)  # type: ignore[arg-type]


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the sandbox did not start")


if __name__ == "__main__":
    main()
