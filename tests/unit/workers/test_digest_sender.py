"""A digest on its whole way: due, drawn, uploaded, queued, said. The sandbox's Slack is as strict as Slack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from klingbot import sandbox as local
from klingbot.domain import charts
from klingbot.domain.budgets import project_scope
from klingbot.domain.notifications import DigestReady
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, digests
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.sandbox.slack.workspace import Message
from klingbot.slack.api.message_sender import Sender
from klingbot.slack.api.picture_uploads import PictureUploads
from klingbot.workers.digest_sender import PATIENCE_MS, DigestSender
from klingbot.workers.notifier import Notifier
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, queued, settle

pytestmark = pytest.mark.backend("sqlite")

FINANCE, LOUNGE, ALICE = "C0FINANCE1", "C0LOUNGE01", "U0ALICE001"
MARKETING = project_scope("marketing")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = local.start(posting_rate=False)
    yield running
    running.stop()


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return WebClient(sandbox.bot_token, base_url=sandbox.slack_api_url, timeout=30, retry_handlers=[])


@pytest.fixture
def digest_sender(engine: Engine, client: WebClient) -> DigestSender:
    return DigestSender(engine, PictureUploads(client), lambda: {"U1": "Uma *bold* @here"})


@pytest.fixture
def notifier(engine: Engine, client: WebClient) -> Notifier:
    return Notifier(engine, Sender(client), FINANCE, lambda: [ALICE])


@pytest.fixture
def monday_morning(engine: Engine, clock: FakeClock) -> Engine:
    """Last week somebody made a video; the weekly digest for #finance is due this very minute."""
    clock.set(2026, 11, 18, 10)
    digests.want(engine, MARKETING, PeriodKind.WEEKLY, FINANCE, None, by=ALICE)
    settle(engine, hold(engine, "last week"))
    _said_elsewhere(engine)
    clock.set(2026, 11, 23, 9)
    return engine


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn does not matter here, and drawing takes its time."""
    monkeypatch.setattr(charts, "draw", lambda chart: b"\x89PNG\r\n\x1a\n")


def _said_elsewhere(engine: Engine) -> None:
    """The video itself is of no concern here."""
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")


def seen(sandbox: Sandbox, channel: str = FINANCE) -> list[Message]:
    return sandbox.workspace.messages(channel, ALICE)


def blocks(message: Message, kind: str) -> list[dict[str, object]]:
    return [block for block in message.blocks if block["type"] == kind]


def test_a_digest_arrives_with_its_chart_and_says_the_same_in_words(
    monday_morning: Engine, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier
) -> None:
    digest_sender.tell()
    notifier.deliver()

    [message] = seen(sandbox)
    assert "Weekly digest for marketing · the week of 16 November 2026" in message.text
    assert "40 credits ($2.40) spent" in message.text
    assert "Uma ∗bold∗" in message.text, "by name: a mention would call her every week"
    assert "<@U1>" not in message.text and "@here" not in message.text
    [image] = blocks(message, "image")
    file = sandbox.workspace.files.find(image["slack_file"]["id"])  # type: ignore[index]
    assert file and file.kind == "png"
    for words in (image["alt_text"], file.alt, message.text):
        assert "Wed 18 Nov $2.40" in str(words)


@pytest.mark.usefixtures("quickly")
def test_a_digest_is_said_once_however_often_it_is_looked_for(
    monday_morning: Engine, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier, clock: FakeClock
) -> None:
    for _ in range(5):
        digest_sender.tell()
        notifier.deliver()
        clock.tick(61)
    assert len(seen(sandbox)) == 1


def test_a_period_in_which_nothing_happened_is_one_line_without_a_picture(
    engine: Engine, clock: FakeClock, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier
) -> None:
    digests.want(engine, MARKETING, PeriodKind.DAILY, FINANCE, None, by=ALICE)
    clock.set(2026, 11, 24, 9)
    digest_sender.tell()
    notifier.deliver()
    [message] = seen(sandbox)
    assert message.text.splitlines() == [
        "📊 Daily digest for marketing · 23 November 2026: nothing was asked for, and nothing spent"
    ]
    assert sandbox.calls.seen("files.getUploadURLExternal") == []


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"])
@pytest.mark.parametrize("kind", ["server_error", "ratelimited", "hang_up"])
@pytest.mark.usefixtures("quickly")
def test_an_upload_that_fails_for_now_is_tried_again_a_minute_later(
    monday_morning: Engine, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier, clock: FakeClock,
    step: str, kind: str,
) -> None:  # fmt: skip
    sandbox.faults.add(step, Fault(kind))  # type: ignore[arg-type]
    digest_sender.tell()
    assert queued(monday_morning.store, DigestReady) == []
    clock.tick(61)
    digest_sender.tell()
    notifier.deliver()
    [message] = seen(sandbox)
    assert blocks(message, "image")


@pytest.mark.usefixtures("quickly")
def test_while_slack_takes_no_files_the_words_wait_ten_minutes_and_go_alone(
    monday_morning: Engine, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier, clock: FakeClock
) -> None:
    sandbox.faults.add("files.getUploadURLExternal", Fault("server_error"), times=99)
    due_at, tries = clock(), 0
    while clock() - due_at <= PATIENCE_MS:
        digest_sender.tell()
        notifier.deliver()
        tries += 1
        assert bool(seen(sandbox)) == (clock() - due_at >= PATIENCE_MS)
        clock.tick(60)
    assert tries == 11
    [message] = seen(sandbox)
    assert not blocks(message, "image")
    assert "Wed 18 Nov $2.40" in message.text
    assert "late" not in message.text


@pytest.mark.usefixtures("quickly")
def test_where_slack_says_no_to_a_file_the_words_go_at_once(
    monday_morning: Engine, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier
) -> None:
    sandbox.faults.add("files.getUploadURLExternal", Fault("slack_error", error="file_uploads_disabled"))
    digest_sender.tell()
    notifier.deliver()
    [message] = seen(sandbox)
    assert not blocks(message, "image")
    assert "40 credits ($2.40) spent" in message.text


def test_a_chart_that_cannot_be_drawn_does_not_cost_the_words(
    monday_morning: Engine,
    sandbox: Sandbox,
    digest_sender: DigestSender,
    notifier: Notifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(chart: charts.Chart) -> bytes:
        raise MemoryError

    monkeypatch.setattr(charts, "draw", broken)
    digest_sender.tell()
    notifier.deliver()
    [message] = seen(sandbox)
    assert not blocks(message, "image")


@pytest.mark.usefixtures("quickly")
def test_a_picture_that_slack_will_not_show_is_replaced_by_its_words(
    monday_morning: Engine, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier
) -> None:
    digest_sender.tell()
    sandbox.workspace.files._files.clear()  # somebody deleted it in Slack
    notifier.deliver()
    [message] = seen(sandbox)
    assert not blocks(message, "image")
    assert "Wed 18 Nov $2.40" in message.text


@pytest.mark.usefixtures("quickly")
def test_a_digest_for_a_channel_that_does_not_take_it_comes_to_the_default_channel_with_its_chart(
    engine: Engine, clock: FakeClock, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier
) -> None:
    digests.want(engine, MARKETING, PeriodKind.DAILY, LOUNGE, None, by=ALICE)
    settle(engine, hold(engine, "today"))
    _said_elsewhere(engine)
    clock.set(2026, 11, 24, 9)
    digest_sender.tell()
    for _ in range(3):
        notifier.deliver()
        clock.tick(2)
    [message] = seen(sandbox)
    assert blocks(message, "image")
    assert "This was meant for" in message.text


def test_a_late_digest_says_so_and_how_many_never_came(
    engine: Engine, clock: FakeClock, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier
) -> None:
    digests.want(engine, MARKETING, PeriodKind.DAILY, FINANCE, None, by=ALICE)
    clock.set(2026, 11, 27, 11)
    digest_sender.tell()
    notifier.deliver()
    [message] = seen(sandbox)
    assert "🕘 late: <!date^" in message.text and "|it was due Nov 27, 2026 at 09:00 UTC>, while" in message.text
    assert "3 digests before this one never came" in message.text


def test_one_digest_that_breaks_does_not_hold_up_the_others(
    engine: Engine, clock: FakeClock, sandbox: Sandbox, digest_sender: DigestSender, notifier: Notifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from klingbot.workers import digest_sender as module

    for scope in ("project:a", "project:b"):
        digests.want(engine, scope, PeriodKind.DAILY, FINANCE, None, by=ALICE)
    figures = module.figures

    def breaks_for_a(engine: Engine, scope: str, period: object) -> object:
        if scope == "project:a":
            raise ZeroDivisionError
        return figures(engine, scope, period)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "figures", breaks_for_a)
    clock.set(2026, 11, 24, 9)
    for _ in range(2):  # the ticker logs a failure and calls again
        try:
            digest_sender.tell()
        except ZeroDivisionError:
            clock.tick(5)
    notifier.deliver()
    assert ["Daily digest for b" in message.text for message in seen(sandbox)] == [True]
