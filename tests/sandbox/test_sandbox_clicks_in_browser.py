"""Buttons as people press them: the real bot, the sandbox and a real Chromium."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from klingbot import app
from klingbot.common.clock import now_ms
from klingbot.domain import prices
from klingbot.sandbox import Sandbox, launcher
from klingbot.sandbox.slack.roster import ALICE, BOT_USER_ID
from klingbot.store import circuit_breakers, open_store
from tests.conftest import run_without_limit
from tests.sandbox.bolt_bot import eventually
from tests.sandbox.test_sandbox_files import png
from tests.support.browser import launch, open_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GENERAL = "C0GENERAL1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The real bot in a sandbox whose Kling has no room, so that jobs wait and none is tried."""
    folder: Path = tmp_path_factory.mktemp("sandbox")
    sandbox = launcher.open_sandbox(0, folder=folder)
    keep_the_way_closed(folder)
    stopping = threading.Event()
    thread = threading.Thread(target=app.run, args=(launcher.settings_for(sandbox, {}, folder=folder), stopping))
    thread.start()
    eventually(lambda: sandbox.calls.seen("apps.connections.open"))
    yield sandbox
    stopping.set()
    thread.join(30)
    sandbox.stop()
    assert not thread.is_alive()


def keep_the_way_closed(folder: Path) -> None:
    """Let no job be tried until somebody opens its gate by hand: one that is being tried is not cancelled at once."""
    with closing(open_store(folder / "klingbot.db")) as store:
        run_without_limit(store)
        with store.write() as tx:
            for model in prices.load("credits").sold:
                circuit_breakers.close(tx, model, opens_at=None, code=1303, reason="busy", at=now_ms())


@pytest.fixture
def page(browser: Browser, running: Sandbox) -> Iterator[Page]:
    """The page, as Alice in #general."""
    with open_page(browser, f"{running.url}/#alice/general") as page:
        expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #general")
        yield page


def send(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")


def test_a_waiting_job_is_cancelled_with_one_press(page: Page, running: Sandbox) -> None:
    send(page, "/kling generate A fox in snow")
    answer = page.get_by_test_id("message").last
    expect(answer).to_contain_text("A fox in snow")
    answer.get_by_role("button", name="Cancel").click()
    expect(answer).to_contain_text("Nothing was charged; the hold of")
    expect(answer).to_contain_text("Only visible to you")
    expect(answer.get_by_role("button")).to_have_count(0)


def button(words: str, **more: object) -> dict[str, object]:
    return {"type": "button", "action_id": words, "value": "1", "text": {"type": "plain_text", "text": words}, **more}


def plain(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


def test_a_question_is_asked_first_and_the_press_counts_only_after_a_yes(page: Page, running: Sandbox) -> None:
    question = {
        "title": plain("Write it off?"),
        "text": {"type": "mrkdwn", "text": "The hold of *40 credits* is given back."},
        "confirm": plain("Write off"),
        "deny": plain("Keep waiting"),
        "style": "danger",
    }
    elements = [button("job.nonsense", style="danger", confirm=question)]
    running.workspace.post(GENERAL, BOT_USER_ID, "Stuck", blocks=[{"type": "actions", "elements": elements}])
    press, dialog = page.get_by_role("button", name="job.nonsense"), page.get_by_role("alertdialog")
    before = len(running.slack.interactions.sent)

    press.click()
    expect(dialog).to_contain_text("The hold of 40 credits is given back.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    press.click()
    dialog.get_by_role("button", name="Keep waiting").click()
    expect(dialog).to_have_count(0)
    assert len(running.slack.interactions.sent) == before

    press.click()
    expect(dialog.get_by_role("button", name="Write off")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("This button belongs to another version of Klingbot")).to_be_visible()
    assert running.slack.interactions.sent[-1]["user"]["id"] == ALICE.id


def test_a_video_is_asked_for_by_form_with_the_keyboard_alone(page: Page, running: Sandbox) -> None:
    send(page, "/kling generate --model kling-pro")
    form = page.get_by_test_id("modal")
    prompt, length = form.get_by_label("What should it show?"), form.get_by_label("Length")
    expect(prompt).to_be_focused()
    expect(form).to_contain_text("20 credits ($1.20)")
    page.keyboard.press("Control+Enter")
    expect(form.get_by_role("alert")).to_have_text("Please complete this required field.")
    expect(prompt).to_be_focused()
    page.keyboard.type("A fox by form")
    length.focus()
    page.keyboard.press("End")  # the longest
    expect(form).to_contain_text("60 credits ($3.60)")
    expect(length).to_be_focused()
    expect(prompt).to_have_value("A fox by form")
    page.keyboard.press("Control+Enter")
    expect(form).to_have_count(0)
    expect(page.get_by_test_id("message").last).to_contain_text("Held 60 credits ($3.60) for kling-pro, 15 s, 1080p")


def test_escape_closes_a_form_and_nothing_is_held(page: Page, running: Sandbox) -> None:
    page.get_by_role("button", name="Make a video", exact=True).click()
    form = page.get_by_test_id("modal")
    expect(form.get_by_label("Where should it go?")).to_have_value(GENERAL)
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    eventually(lambda: not running.slack.views.stack(ALICE.id))


def test_a_message_becomes_the_prompt(page: Page, running: Sandbox) -> None:
    send(page, "A lighthouse in a storm")
    message = page.get_by_test_id("message").filter(has_text="A lighthouse in a storm")
    message.hover()
    message.get_by_role("button", name="Make a video from this").click()
    form = page.get_by_test_id("modal")
    expect(form.get_by_label("What should it show?")).to_have_value("A lighthouse in a storm")
    form.get_by_role("button", name="Make it").click()
    expect(page.get_by_test_id("message").last).to_contain_text("A lighthouse in a storm")
    expect(page.get_by_test_id("message").last).to_contain_text("Held 10 credits ($0.60)")


def test_a_picture_that_was_sent_with_a_message_begins_the_video(page: Page, running: Sandbox) -> None:
    page.get_by_test_id("composer").fill("The fox wakes up")
    picture = {"name": "fox.png", "mimeType": "image/png", "buffer": png(320, 320)}
    page.get_by_test_id("picture").set_input_files([picture])  # type: ignore[list-item]
    message = page.get_by_test_id("message").filter(has_text="The fox wakes up")
    expect(message.get_by_role("img", name="fox.png")).to_be_visible()
    message.hover()
    message.get_by_role("button", name="Make a video from this").click()
    form = page.get_by_test_id("modal")
    expect(form.get_by_label("The picture that was uploaded to Slack")).to_be_checked()
    form.get_by_role("button", name="Make it").click()
    expect(page.get_by_test_id("message").last).to_contain_text("Held 10 credits ($0.60)")


def test_the_home_shows_what_one_has_and_follows_by_itself(page: Page, running: Sandbox) -> None:
    page.get_by_test_id("persona-carol").click()
    page.get_by_test_id("channel-klingbot").click()
    page.get_by_test_id("tab-home").click()
    home = page.get_by_test_id("home")
    expect(home).to_contain_text("Nothing waits or is being made.")
    home.get_by_role("button", name="Make a video").click()
    form = page.get_by_test_id("modal")
    form.get_by_label("What should it show?").fill("A whale from home")
    form.get_by_label("Where should it go?").select_option(GENERAL)
    form.get_by_role("button", name="Make it").click()
    expect(home).to_contain_text("A whale from home")
    expect(home).to_contain_text("waits")
    home.get_by_role("button", name="Cancel").click()
    expect(home).to_contain_text("Nothing waits or is being made.")
    page.get_by_test_id("tab-messages").click()
    expect(page.get_by_test_id("message").last).to_contain_text("the hold of 10 credits ($0.60) was given back")


def test_a_budget_is_set_by_form_and_raised_after_a_yes(page: Page, running: Sandbox) -> None:
    page.get_by_test_id("channel-klingbot").click()
    page.get_by_test_id("tab-home").click()
    home, form = page.get_by_test_id("home"), page.get_by_test_id("modal")
    home.get_by_role("button", name="Set a budget").click()
    form.get_by_label("Whose?").select_option(label="A person…")
    form.get_by_label("Which person?").select_option(label="Bob Baker")
    expect(form).to_contain_text("Bob Baker (monthly) has no budget.")
    form.get_by_label("Limit in credits").fill("100")
    form.get_by_label("Who may approve more of it").select_option(label="Carol Chen")
    form.get_by_role("button", name="Set it").click()
    expect(home).to_contain_text("100 credits left of 100 credits")

    home.get_by_role("button", name="Change").click()
    amount = form.get_by_label("Limit in credits")
    expect(amount).to_have_value("100")
    amount.fill("1000")
    form.get_by_role("button", name="Set it").click()
    expect(form).to_contain_text("100 credits → 1,000 credits")
    form.get_by_role("button", name="Back").click()
    expect(amount).to_have_value("1000")
    amount.fill("200")
    form.get_by_role("button", name="Set it").click()
    expect(form).to_contain_text("100 credits → 200 credits")
    form.get_by_role("button", name="Raise it").click()
    expect(form).to_have_count(0)
    expect(home).to_contain_text("200 credits left of 200 credits")
    page.get_by_test_id("tab-messages").click()
    expect(page.get_by_test_id("message").last).to_contain_text("@Bob Baker (monthly): 100 credits → 200 credits")


def test_a_digest_is_set_moved_and_turned_off_by_form(page: Page, running: Sandbox) -> None:
    form = page.get_by_test_id("modal")
    send(page, "/kling digest")
    page.get_by_role("button", name="Set a digest").last.click()
    form.get_by_label("Whose?").select_option(label="Another project…")
    form.get_by_label("Which project?").fill("films")
    form.get_by_label("At what time?").fill("17:30")
    form.get_by_label("Where to?").select_option(label="#finance")
    form.get_by_role("button", name="Set it").click()
    expect(page.get_by_test_id("message").last).to_contain_text("Digest set: films, weekly at 17:30")
    expect(form).to_have_count(0)

    send(page, "/kling digest films")
    listed = page.get_by_test_id("message").filter(has=page.get_by_role("button", name="Turn off"))
    listed.get_by_role("button", name="Change").click()
    expect(form.get_by_label("At what time?")).to_have_value("17:30")
    form.get_by_label("At what time?").fill("08:00")
    form.get_by_role("button", name="Change it").click()
    expect(page.get_by_test_id("message").last).to_contain_text("Digest set: films, weekly at 08:00")
    expect(form).to_have_count(0)

    listed.get_by_role("button", name="Turn off").click()
    form.get_by_label("Why?").fill("nobody reads it")
    form.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_test_id("message").last).to_contain_text("Turned off: films, weekly at 08:00")


def test_usage_is_drawn_as_a_table_and_a_chart_and_handed_over_as_csv(page: Page, running: Sandbox) -> None:
    send(page, "/kling generate A fox for the books")
    expect(page.get_by_test_id("message").last).to_contain_text("A fox for the books")
    send(page, "/kling usage --by user")
    table = page.get_by_test_id("message").filter(has=page.locator("table"))
    expect(table.locator("tr").nth(1)).to_contain_text("@Alice Archer")
    table.get_by_role("button", name="As a chart").click()
    expect(page.get_by_test_id("message").last.locator(".chart")).to_contain_text("alice")
    table.get_by_role("button", name="As CSV").click()
    expect(page.get_by_test_id("message").last).to_contain_text("The CSV is in your direct messages with me.")
    page.get_by_test_id("channel-klingbot").click()
    file = page.get_by_test_id("message").last
    expect(file).to_contain_text("Usage of workspace by user")
    expect(file.get_by_role("link", name="by-user.csv")).to_have_attribute("href", re.compile(r"/files/F\w+/usage-"))
