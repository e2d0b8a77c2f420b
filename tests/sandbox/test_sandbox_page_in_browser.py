"""The page as people use it, in a real Chromium."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from klingbot.sandbox.kling import CLIPS
from klingbot.sandbox.local_server import LocalServer
from klingbot.sandbox.page import routes as sandbox_page
from klingbot.sandbox.slack.local_slack import LocalSlack
from klingbot.sandbox.slack.roster import ALICE, BOB, BOT_USER_ID
from klingbot.sandbox.slack.workspace import Workspace
from tests.support.browser import launch, open_page
from tests.support.live_bot import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GENERAL, FINANCE = "C0GENERAL1", "C0FINANCE1"


@dataclass
class Local:
    """A local Slack that can be stopped and started again on the same port. No bot is connected."""

    server: LocalServer
    slack: LocalSlack

    @property
    def workspace(self) -> Workspace:
        return self.slack.workspace

    def start(self) -> None:
        slack = self.slack
        pages = sandbox_page.routes(
            slack.workspace, slack.views, slack.send, slack.share, slack.manifest, slack.interactions
        )
        self.server.start([*pages, Mount("/clips", StaticFiles(directory=CLIPS))])

    def stop(self) -> None:
        """Stop the server and wait until its port is free, which a busy machine may do after `stop` has returned."""
        self.server.stop()
        until(self._is_gone, "the server is gone")

    def _is_gone(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.server.port)) != 0

    def restart(self) -> None:
        self.server = LocalServer(self.server.port)
        self.start()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture
def local() -> Iterator[Local]:
    server = LocalServer(0)
    running = Local(server, LocalSlack(server))
    running.start()
    yield running
    running.server.stop()


@pytest.fixture
def page(browser, local) -> Iterator[Page]:
    """The page, as Alice in #general."""
    with open_page(browser, f"{local.server.url}/#alice/general") as page:
        expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #general")
        yield page


def texts(page: Page):
    return page.get_by_test_id("message-text")


def send(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")


def test_what_one_person_sends_another_reads(page, local):
    send(page, "hello *everyone*")
    expect(texts(page)).to_have_text(["hello everyone"])
    expect(page.get_by_test_id("composer")).to_have_value("")
    page.get_by_test_id("persona-bob").click()
    expect(page.get_by_test_id("persona-bob")).to_have_attribute("aria-checked", "true")
    expect(texts(page)).to_have_text(["hello everyone"])
    assert page.url.endswith("#bob/general")
    send(page, "hi Alice")
    expect(texts(page)).to_have_text(["hello everyone", "hi Alice"])
    assert [m.user for m in local.workspace.messages(GENERAL, BOB.id)] == [ALICE.id, BOB.id]


def test_an_ephemeral_message_is_seen_by_its_reader_only(page, local):
    local.workspace.post(GENERAL, BOT_USER_ID, "40 credits held", ephemeral_to=ALICE.id)
    message = page.get_by_test_id("message")
    expect(message).to_have_attribute("data-ephemeral", "true")
    expect(message).to_contain_text("Only visible to you")
    page.get_by_test_id("persona-bob").click()
    local.workspace.post(GENERAL, BOT_USER_ID, "for all")
    expect(texts(page)).to_have_text(["for all"])
    page.get_by_test_id("persona-alice").click()
    expect(texts(page)).to_have_text(["40 credits held", "for all"])


def test_an_ephemeral_message_is_gone_on_reload(page, local):
    local.workspace.post(GENERAL, BOT_USER_ID, "40 credits held", ephemeral_to=ALICE.id)
    local.workspace.post(GENERAL, BOT_USER_ID, "for all")
    expect(texts(page)).to_have_text(["40 credits held", "for all"])
    page.reload()
    expect(texts(page)).to_have_text(["for all"])


def test_a_command_goes_to_the_bot_and_is_not_shown_itself(page):
    send(page, "/kling budget")
    answer = page.get_by_test_id("message")
    expect(answer).to_have_count(1)  # no bot is connected: Slack says so, to Alice only
    expect(answer).to_have_attribute("data-ephemeral", "true")
    expect(answer).to_contain_text("/kling failed with the error")


def test_a_button_that_the_bot_does_not_hear_of_says_so_below_the_message(page, local):
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    local.workspace.post(GENERAL, BOT_USER_ID, "Ready?", blocks=[{"type": "actions", "elements": [button]}])
    page.get_by_role("button", name="Go").click()  # no bot is connected
    expect(page.get_by_test_id("message").get_by_role("alert")).to_have_text(
        "Klingbot did not respond (dispatch_failed)."
    )


def test_replies_are_behind_their_message_and_only_broadcast_ones_are_in_the_channel(page, local):
    root = local.workspace.post(GENERAL, BOT_USER_ID, "marketing is at 80.4%")
    local.workspace.post(GENERAL, BOB.id, "looking", thread_ts=root.ts)
    local.workspace.post(GENERAL, BOT_USER_ID, "back under 80%", thread_ts=root.ts, broadcast=True)
    channel, thread = page.locator("#messages"), page.get_by_test_id("thread")
    expect(channel.get_by_test_id("message-text")).to_have_text(["marketing is at 80.4%", "back under 80%"])
    expect(channel.get_by_text("replied to a thread")).to_have_count(1)
    page.get_by_test_id("thread-link").get_by_text("2 replies").click()
    expect(thread.get_by_test_id("message-text")).to_have_text(["marketing is at 80.4%", "looking", "back under 80%"])
    reply = page.get_by_test_id("thread-composer")
    expect(reply).to_be_focused()
    reply.fill("thanks")
    reply.press("Enter")
    expect(thread.get_by_test_id("message-text")).to_have_count(4)
    expect(channel.get_by_text("3 replies")).to_be_visible()
    reply.press("Escape")
    expect(thread).to_be_hidden()


def test_there_are_no_commands_in_threads(page, local):
    root = local.workspace.post(GENERAL, BOT_USER_ID, "marketing is at 80.4%")
    page.get_by_test_id("message").hover()
    page.get_by_label("Reply in thread").click()
    page.get_by_test_id("thread-composer").fill("/kling budget")
    page.get_by_test_id("thread-composer").press("Enter")
    expect(page.get_by_test_id("thread")).to_contain_text("/kling is not supported in threads. Sorry!")
    (said,) = [m for m in local.workspace.messages(GENERAL, ALICE.id) if m.ephemeral_to]
    assert said.thread_ts == root.ts


def test_the_menu_leads_from_the_slash_to_a_subcommand(page):
    composer, menu = page.get_by_test_id("composer"), page.get_by_test_id("composer-menu")
    expect(menu).to_be_hidden()
    composer.press_sequentially("/")
    expect(menu).to_contain_text("Make a video, see what it costs")
    composer.press("Enter")
    expect(composer).to_have_value("/kling ")
    expect(menu.get_by_role("option")).to_contain_text(["generate", "quote", "budget"])
    composer.press_sequentially("b")
    expect(menu.get_by_role("option")).to_have_count(1)
    composer.press("Tab")
    expect(composer).to_have_value("/kling budget ")
    expect(menu).to_be_hidden()


def test_arrow_up_brings_back_what_was_sent_and_shift_enter_breaks_the_line(page):
    composer = page.get_by_test_id("composer")
    send(page, "one")
    send(page, "two")
    expect(texts(page)).to_have_text(["one", "two"])
    composer.press("ArrowUp")
    expect(composer).to_have_value("two")
    composer.press("ArrowUp")
    expect(composer).to_have_value("one")
    composer.press("Shift+Enter")
    expect(composer).to_have_value("one\n")


def test_an_example_fills_the_composer_and_the_strip_stays_dismissed(page):
    hints = page.get_by_test_id("hints")
    hints.get_by_text("/kling budget").click()
    expect(page.get_by_test_id("composer")).to_have_value("/kling budget")
    page.get_by_test_id("hints-dismiss").click()
    page.reload()
    expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #general")
    expect(hints).to_be_hidden()


def test_news_elsewhere_is_a_dot_until_it_is_read(page, local):
    finance = page.get_by_test_id("channel-finance")
    expect(finance).to_have_attribute("data-unread", "false")
    local.workspace.post(FINANCE, BOT_USER_ID, "marketing is at 80.4%")
    expect(finance).to_have_attribute("data-unread", "true")
    finance.click()
    expect(texts(page)).to_have_text(["marketing is at 80.4%"])
    expect(finance).to_have_attribute("data-unread", "false")


def test_a_channels_name_in_a_message_leads_there_and_back_leads_back(page, local):
    local.workspace.post(GENERAL, BOT_USER_ID, f"see <#{FINANCE}>")
    local.workspace.post(FINANCE, BOT_USER_ID, f"not <#{GENERAL}>")
    page.get_by_role("link", name="#finance").click()
    expect(texts(page)).to_have_text(["not #general"])
    assert page.url.endswith("#alice/finance")
    page.go_back()
    expect(texts(page)).to_have_text(["see #finance"])
    assert page.url.endswith("#alice/general")


def test_the_bare_address_opens_marketing_and_back_leaves_the_page(browser, local):
    with open_page(browser, "about:blank") as page:
        page.goto(local.server.url)
        expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #marketing")
        assert page.url.endswith("#alice/marketing")
        page.go_back()
        assert page.url == "about:blank"


def test_an_example_that_needs_a_budget_goes_where_that_is(page):
    page.get_by_test_id("hints").get_by_text("/kling generate").click()
    expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message #marketing")
    expect(page.get_by_test_id("composer")).to_have_value(re.compile("^/kling generate"))


def test_private_answers_do_not_run_into_one(page, local):
    for text in ("held", "refused"):
        local.workspace.post(GENERAL, BOT_USER_ID, text, ephemeral_to=ALICE.id)
    expect(page.get_by_text("Only visible to you").locator("visible=true")).to_have_count(2)


def test_edits_and_deletions_are_followed(page, local):
    message = local.workspace.post(GENERAL, BOT_USER_ID, "waiting")
    expect(texts(page)).to_have_text(["waiting"])
    local.workspace.update(GENERAL, message.ts, text="done")
    expect(texts(page)).to_have_text(["done"])
    expect(page.get_by_test_id("message")).to_contain_text("(edited)")
    local.workspace.delete(GENERAL, message.ts)
    expect(page.get_by_test_id("message")).to_have_count(0)


def test_a_finished_video_plays_in_place_and_plays_on_when_others_speak(page, local):
    clip = f"{local.server.url}/clips/wide-5.mp4"
    local.workspace.post(GENERAL, BOT_USER_ID, f"<{clip}|A fox in snow> is ready")
    video = page.locator("video")
    expect(video).to_be_visible()
    video.evaluate("v => v.play()")  # resolves when it plays; polling for that would need eval, which the page forbids
    assert video.evaluate("v => v.videoWidth > v.videoHeight && Math.round(v.duration)") == 5
    local.workspace.post(GENERAL, BOT_USER_ID, "next")
    expect(texts(page)).to_have_count(2)
    assert not video.evaluate("v => v.paused")


def test_reading_older_messages_is_not_disturbed_by_new_ones(page, local):
    for number in range(60):
        local.workspace.post(GENERAL, BOT_USER_ID, f"line {number}")
    expect(texts(page).nth(59)).to_be_in_viewport()
    scroll = page.locator("#scroll")
    scroll.evaluate("s => { s.scrollTop = 0 }")
    local.workspace.post(GENERAL, BOT_USER_ID, "the newest")
    expect(page.get_by_text("New messages")).to_be_visible()
    assert scroll.evaluate("s => s.scrollTop") == 0
    page.get_by_text("New messages").click()
    expect(texts(page).nth(60)).to_be_in_viewport()


def test_whoever_is_at_the_bottom_stays_there_when_a_video_turns_out_to_be_tall(page, local):
    for number in range(30):
        local.workspace.post(GENERAL, BOT_USER_ID, f"line {number}")
    local.workspace.post(GENERAL, BOT_USER_ID, f"<{local.server.url}/clips/tall-5.mp4|A fox> is ready")
    video = page.locator("video")
    expect(video).to_have_class("tall")
    expect(video).to_be_in_viewport(ratio=1)


def test_a_lost_connection_is_said_and_what_was_missed_is_caught_up(page, local):
    local.workspace.post(GENERAL, BOT_USER_ID, "said before, to Alice alone", ephemeral_to=ALICE.id)
    expect(texts(page)).to_have_count(1)
    local.stop()
    lost = page.get_by_text("Connection lost")
    expect(lost).to_be_visible()
    send(page, "anyone?")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    expect(page.get_by_test_id("composer")).to_have_value("anyone?")
    local.workspace.post(GENERAL, BOT_USER_ID, "said meanwhile")
    local.workspace.post(GENERAL, BOT_USER_ID, "and to Alice alone", ephemeral_to=ALICE.id)
    local.restart()
    expect(texts(page)).to_have_text(["said before, to Alice alone", "said meanwhile", "and to Alice alone"])
    expect(lost).to_be_hidden()


def test_a_video_that_could_not_be_loaded_is_loaded_when_the_connection_is_back(page, local):
    page.route("**/clips/**", lambda route: route.abort())
    local.workspace.post(GENERAL, BOT_USER_ID, f"<{local.server.url}/clips/wide-5.mp4|A fox> is ready")
    failed = "v => new Promise(done => { if (v.error) done(true); else v.onerror = () => done(true) })"
    assert page.locator("video").evaluate(failed)
    page.unroute("**/clips/**")
    local.stop()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    local.restart()
    expect(page.get_by_text("Connection lost")).to_be_hidden()
    page.locator("video").evaluate("v => v.play()")


def test_on_a_phone_the_channels_are_behind_a_button(browser, local):
    with open_page(browser, f"{local.server.url}/#bob/general", viewport={"width": 390, "height": 844}) as page:
        finance = page.get_by_test_id("channel-finance")
        expect(finance).to_be_attached()
        expect(finance).to_be_hidden()
        page.get_by_label("Show channels").click()
        finance.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("finance")
        expect(finance).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
