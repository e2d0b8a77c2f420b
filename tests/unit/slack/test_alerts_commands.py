"""`/kling alerts`: what waits and what failed, a test that says whether it arrived, another try, quiet hours."""

from __future__ import annotations

from typing import Any

import pytest

from klingbot.engine import Engine
from klingbot.engine import outbox as engine_outbox
from klingbot.store import outbox, outbox_leases, quiet_channels
from tests.conftest import FakeClock
from tests.unit.slack.conftest import ALICE, FINANCE, LOUNGE


def put(engine: Engine, key: str, **place: Any) -> None:
    with engine.store.write() as tx:
        outbox.put(tx, key, "crossed", {}, at=engine.clock(), **place)


def claimed(engine: Engine, tx: Any) -> outbox.OutboxMessage:
    message = outbox_leases.claim(tx, now=engine.clock(), lease_until=engine.clock() + 1)
    assert message is not None
    return message


@pytest.mark.parametrize(
    "command", ["alerts", "alerts test", "alerts retry", "alerts quiet #finance 22-8", "alerts quiet #finance off"]
)
def test_only_admins_see_and_change_how_alerts_are_delivered(bob: Any, command: str) -> None:
    assert bob.types(command).startswith("Only admins can")


def test_when_nothing_waits_that_is_said(alice: Any) -> None:
    assert alice.types("alerts").startswith("Nothing waits to be said.")


def test_what_waits_is_shown_by_place_with_why_and_when_it_is_tried_again(
    alice: Any, engine: Engine, clock: FakeClock
) -> None:
    for key in ("one", "two"):
        put(engine, key, channel_id=FINANCE)
    clock.tick(3600)
    put(engine, "three", user_id=ALICE)
    with engine.store.write() as tx:
        outbox_leases.again(tx, claimed(engine, tx), due_at=clock() + 240_000, problem="ratelimited")
    said = alice.types("alerts").splitlines()
    lines = said[said.index("Waiting: 3 messages") :]  # what is overdue comes first
    assert lines[1] == (
        "<#C0FINANCE1>: 2 messages, <!date^1795435200^the oldest from {date_short_pretty} at {time}|the oldest from "
        "Nov 23, 2026 at 12:00 UTC> · ratelimited, tried 1× · <!date^1795439040^next try {date_short_pretty} at {time}|"
        "next try Nov 23, 2026 at 13:04 UTC>"
    )
    assert lines[2].startswith(f"<@{ALICE}>: 1 message, <!date^1795438800^the oldest from {{")


def test_what_was_given_up_is_shown_and_can_be_put_back(alice: Any, engine: Engine) -> None:
    put(engine, "one", channel_id=FINANCE)
    with engine.store.write() as tx:
        outbox_leases.failed(tx, claimed(engine, tx), problem="KeyError on our side; the log has more")
    said = alice.types("alerts")
    assert "Given up: 1 message" in said
    assert "crossed for <#C0FINANCE1>" in said
    assert "KeyError on our side" in said

    assert alice.types("alerts retry").startswith("1 message will be tried again now.")
    assert outbox.counts(engine.store.read()) == {"waiting": 1, "failed": 0}
    assert alice.types("alerts retry").startswith("Nothing was given up")


def test_quiet_hours_are_set_shown_and_taken_away(alice: Any, engine: Engine) -> None:
    said = alice.types("alerts quiet #finance 22:00-08:00 --except over")
    assert "<#C0FINANCE1> 22:00-08:00 (UTC); what is over budget comes through" in said
    assert "<#C0FINANCE1> 22:00-08:00 (UTC); what is over budget comes through" in alice.types("alerts")
    assert "I am not in <#C0LOUNGE01> yet" in alice.types("alerts quiet #lounge 12-13")
    assert alice.types("alerts quiet #finance off").startswith("<#C0FINANCE1> has no quiet hours any more.")
    assert alice.types("alerts quiet #finance off") == "<#C0FINANCE1> has no quiet hours."
    assert [hours.channel_id for hours in quiet_channels.every(engine.store.read())] == [LOUNGE]


def test_what_is_held_goes_out_when_quiet_hours_are_taken_away(alice: Any, engine: Engine, clock: FakeClock) -> None:
    alice.types("alerts quiet #finance 0-23:59")
    put(engine, "one", channel_id=FINANCE)
    with engine.store.write() as tx:
        outbox_leases.hold(tx, claimed(engine, tx), until=clock() + 3_600_000)
    assert "<#C0FINANCE1>: 1 message" in alice.types("alerts")
    assert "quiet hours until" in alice.types("alerts")
    assert not outbox_leases.any_due(engine.store.read(), clock())
    alice.types("alerts quiet #finance off")
    assert outbox_leases.any_due(engine.store.read(), clock())


@pytest.mark.parametrize(("command", "goes_to"), [("alerts test #general", "C0GENERAL1"), ("alerts test", FINANCE)])
def test_a_test_is_queued_once_for_the_channel_or_for_where_alerts_go(
    alice: Any, engine: Engine, command: str, goes_to: str
) -> None:
    for _ in range(2):  # Slack delivers the command twice
        assert alice.types(command, trigger="t1").startswith(f"A test alert is on its way to <#{goes_to}>.")
    (line,) = engine_outbox.unsaid(engine).lines
    assert (line.name, line.waiting) == (goes_to, 1)


def test_a_channel_that_is_not_there_cannot_be_tested(alice: Any, engine: Engine) -> None:
    assert "I can't see #nowhere" in alice.types("alerts test #nowhere")
    assert outbox.counts(engine.store.read())["waiting"] == 0
