"""Takes the pictures of the README and the docs anew by playing them: `.venv/bin/python docs/images/retake.py`.

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
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
BOT = HERE.parent.parent / "bot.py"
sys.path.insert(0, str(BOT.parent))

from klingbot.domain import prices  # noqa: E402
from klingbot.domain.budgets import project_scope, user_scope  # noqa: E402
from klingbot.domain.jobs import Request  # noqa: E402
from klingbot.domain.periods import Calendar, PeriodKind  # noqa: E402
from klingbot.domain.pricing import Wish  # noqa: E402
from klingbot.engine import Engine, budgets, digests, hold_outcomes, job_requests, kling_results, open_engine  # noqa: E402
from klingbot.engine.budgets import Change  # noqa: E402
from klingbot.sandbox import start  # noqa: E402
from klingbot.sandbox.slack.roster import ALICE, BOB, CAROL, Person  # noqa: E402
from klingbot.slack.api.directory import Directory  # noqa: E402
from klingbot.slack.api.message_sender import Sender, patient_client  # noqa: E402
from klingbot.slack.api.picture_uploads import PictureUploads  # noqa: E402
from klingbot.store import open_store  # noqa: E402
from klingbot.workers.digest_sender import DigestSender  # noqa: E402
from klingbot.workers.notifier import Notifier  # noqa: E402

FINANCE, MARKETING = "C0FINANCE1", project_scope("marketing")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MODELS = ("kling-pro", "kling-v1.5", "kling-v1")
WORK = (2, 4, 1, 3, 3, 0, 0, 3, 5, 2, 6, 4, 1, 0)
"""How many videos were asked for on each day of two weeks."""
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
    """All of them, or only those whose names are given: `first-minute`, `digest` and the others of TAKES."""
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        for name in sys.argv[1:] or TAKES:
            TAKES[name](chromium)
        chromium.close()


def take_the_first_minute(chromium: Browser) -> None:
    with sandbox() as url:
        # Drawn a little larger and shown at 1280 x 800, so that the answer and the video are both in sight.
        whole = visit(chromium, url, viewport={"width": 1440, "height": 900}, device_scale_factor=8 / 9)
        take_the_page(whole)
        take_the_crops(visit(chromium, url, viewport={"width": 1280, "height": 800}, device_scale_factor=1.5))


def take_the_way_out(chromium: Browser) -> None:
    """A video that does not fit: refused in the form, asked for, approved by somebody else."""
    looks: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "device_scale_factor": 1.5}
    with sandbox() as url:
        alice, bob = visit(chromium, url, **looks), visit(chromium, url, **looks)
        say(alice, "/kling budget set marketing --credits 150")
        bob.get_by_test_id("persona-bob").click()
        say(bob, "/kling generate --model kling-pro --duration 10")
        form = bob.get_by_test_id("modal")
        form.get_by_label("What should it show?").fill("A lighthouse in a storm, seen from the sea")
        form.get_by_role("button", name="Make it").click()
        expect(form).to_contain_text("Budget exceeded")
        bob.mouse.move(0, 0)
        shoot(form, "refused-form.png")
        form.get_by_role("button", name="Ask for more").click()
        form.get_by_label("What is it for?").fill("The launch film is due on Friday")
        shoot(form, "ask.png")
        form.get_by_role("button", name="Ask", exact=True).click()
        alice.get_by_test_id("channel-finance").click()
        question = alice.get_by_test_id("message").filter(has_text="launch film is due")
        crop(question, "question.png")
        question.get_by_role("button", name="Approve", exact=True).click()
        approved = alice.get_by_test_id("message").filter(has_text="The video is on its way")
        expect(approved).to_have_count(1)
        alice.mouse.move(0, 0)
        crop(approved, "approved.png")


def take_the_forms(chromium: Browser) -> None:
    """What is asked for in a form: a video, a budget and its raise, a digest; and the home of an admin."""
    looks: dict[str, Any] = {"viewport": {"width": 1280, "height": 1400}, "device_scale_factor": 1.5}
    with sandbox() as url:
        page = visit(chromium, url, **looks)
        say(page, "/kling generate --model kling-pro --duration 10")
        form = page.get_by_test_id("modal")
        form.get_by_label("What should it show?").fill("A lighthouse in a storm, seen from the sea")
        shoot(form, "generate-form.png")
        page.keyboard.press("Escape")
        say(page, "/kling budget show marketing")
        page.get_by_role("button", name="Change").last.click()
        form.get_by_label("Limit in credits").fill("300")
        shoot(form, "budget-form.png")
        form.get_by_label("Why?").fill("The launch film")
        form.get_by_role("button", name="Set it").click()
        expect(form).to_contain_text("200 credits → 300 credits")
        shoot(form, "budget-raise.png")
        form.get_by_role("button", name="Raise it").click()
        expect(form).to_have_count(0)
        say(page, FOX)
        expect(page.locator("video")).to_have_count(2, timeout=30_000)  # the sample's and the fox
        page.get_by_test_id("channel-klingbot").click()
        page.get_by_test_id("tab-home").click()
        home = page.get_by_test_id("home")
        expect(home).to_contain_text("A fox in snow")
        page.set_viewport_size({"width": 1280, "height": 1000})
        shoot(home, "home.png")


def take_the_usage(chromium: Browser) -> None:
    """Who spent what: as a table, and as a chart."""
    with sandbox() as url:
        page = visit(chromium, url, viewport={"width": 1280, "height": 900}, device_scale_factor=1.5)
        say(page, "/kling usage --by user")
        table = page.get_by_test_id("message").filter(has=page.locator("table"))
        crop(table, "usage.png")
        table.get_by_role("button", name="As a chart").click()
        crop(page.get_by_test_id("message").filter(has=page.locator(".chart")), "usage-chart.png")


def take_the_digest(chromium: Browser) -> None:
    """A Monday's digest, of two weeks that are played with the clock set back."""
    with tempfile.TemporaryDirectory() as folder, closing(open_store(Path(folder) / "klingbot.db")) as store:
        local = start()
        now = Now(time.time_ns() // 1_000_000)
        engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), now, requires_budget=False)
        play_two_weeks(engine, now)
        client = patient_client(local.bot_token, local.slack_api_url)
        DigestSender(engine, PictureUploads(client), Directory(client).names).tell()
        Notifier(engine, Sender(client), None, lambda: []).deliver()
        page = visit(chromium, local.url, viewport={"width": 1280, "height": 1100}, device_scale_factor=1.5)
        page.get_by_test_id("channel-finance").click()
        message = page.get_by_test_id("message").filter(has_text="Weekly digest")
        expect(message.locator("img[alt^='Spend per day']")).to_be_visible()
        crop(message, "digest.png")
        local.stop()


def take_the_story(chromium: Browser) -> None:
    """An alert that was rewritten, its thread beside it, and the reply that the channel sees as well."""
    with tempfile.TemporaryDirectory() as folder, closing(open_store(Path(folder) / "klingbot.db")) as store:
        local = start()
        now = Now(time.time_ns() // 1_000_000)
        engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), now)
        notifier = Notifier(engine, Sender(patient_client(local.bot_token, local.slack_api_url)), None, lambda: [])
        change = Change(MARKETING, PeriodKind.MONTHLY, 200_000, thresholds=(50, 80, 100), channel_id=FINANCE)
        budgets.set_budget(engine, change, by=ALICE.id)
        for n in range(6):  # five of 40 credits use it up, and the sixth is turned away
            ask(engine, f"story {n} of 6", (ALICE, BOB, CAROL)[n % 3], "kling-pro")
            for _ in range(3):  # one message a second
                notifier.deliver()
                now.at += 2_000
        page = visit(chromium, local.url, viewport={"width": 1440, "height": 1060}, device_scale_factor=1)
        page.get_by_test_id("channel-finance").click()
        page.get_by_test_id("thread-link").first.click()
        page.wait_for_timeout(1_000)
        page.screenshot(path=HERE / "story.png")
        local.stop()


def play_two_weeks(engine: Engine, now: Now) -> None:
    """Jobs on each day, some of which failed and some of which were refused. It ends on Monday at nine."""
    monday = engine.periods().weekly.start
    now.at = monday - 14 * DAY_MS
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.WEEKLY, limit_microusd=42_000_000), by=ALICE.id)
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, limit_microusd=60_000_000), by=ALICE.id)
    budgets.set_budget(engine, Change(user_scope(CAROL.id), PeriodKind.DAILY, 60_000), by=ALICE.id)
    for day, hours in enumerate(WORK):
        for hour in range(hours):
            now.at = monday + (day - 14) * DAY_MS + (9 + hour) * HOUR_MS
            ask(engine, f"{day} {hour}", (ALICE, BOB, CAROL)[(day * hour) % 3], MODELS[(day + hour) % 3])
    now.at = monday - 7 * DAY_MS + 10 * HOUR_MS
    digests.want(engine, MARKETING, PeriodKind.WEEKLY, FINANCE, None, by=ALICE.id)
    now.at = monday + 9 * HOUR_MS


def ask(engine: Engine, name: str, person: Person, model: str) -> None:
    held = job_requests.hold(engine, Request(name, person.id, "C0MARKETNG", "(sample)", Wish(model, 10), "marketing"))
    if not isinstance(held, hold_outcomes.Held):
        return
    posting = kling_results.submitting(engine, held.job, "/sample", due_at=engine.clock()) or held.job
    taken = kling_results.submitted(engine, posting, f"sample-{held.job.id}", due_at=engine.clock()) or held.job
    if name.endswith("4"):
        kling_results.failed(engine, taken, "the prompt was refused")
    else:
        kling_results.succeeded(engine, taken, units=None, video_url="https://videos.example/fox.mp4")


@dataclass
class Now:
    at: int

    def __call__(self) -> int:
        return self.at


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
    fox = page.get_by_test_id("message").filter(has_text="in the thread as well").filter(has_text="A fox in snow")
    expect(fox).to_have_count(1, timeout=30_000)
    fox.locator("video").evaluate(SHOW_A_FRAME)
    page.locator("#scroll").evaluate("list => { list.scrollTop = list.scrollHeight }")
    page.wait_for_timeout(2_000)  # the player fades its spinner out
    page.screenshot(path=HERE / "sandbox.png")
    fox.get_by_text("1 reply").click()
    page.locator("video").last.evaluate(SHOW_A_FRAME)
    page.locator("#scroll").evaluate("list => { list.scrollTop = list.scrollHeight }")
    page.mouse.move(0, 0)
    page.wait_for_timeout(2_000)
    page.screenshot(path=HERE / "job-message.png")


def take_the_crops(page: Page) -> None:
    say(page, TOO_LONG)
    crop(page.get_by_test_id("message").filter(has_text="Budget exceeded"), "refusal.png")
    page.get_by_test_id("channel-finance").click()
    crop(page.get_by_test_id("message").filter(has_text="Budget alert"), "alert.png")


def say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Escape")  # closes the menu of commands
    page.get_by_test_id("send").click()


def shoot(shown: Locator, name: str) -> None:
    """All of a form, or of a home, with nothing pointed at."""
    shown.page.mouse.move(0, 0)
    shown.page.wait_for_timeout(500)  # it may be drawn once more after it has come
    shown.screenshot(path=HERE / name)


def crop(message: Locator, name: str) -> None:
    """One message, without the empty right half of its row."""
    expect(message).to_have_count(1, timeout=10_000)
    message.page.wait_for_timeout(500)
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


TAKES = {
    "first-minute": take_the_first_minute,
    "digest": take_the_digest,
    "story": take_the_story,
    "way-out": take_the_way_out,
    "forms": take_the_forms,
    "usage": take_the_usage,
}

if __name__ == "__main__":
    main()
