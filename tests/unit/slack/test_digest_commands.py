"""`/kling digest`, typed: setting, listing, turning off, seeing one at once."""

from __future__ import annotations

import pytest

from klingbot.domain.budgets import project_scope
from klingbot.engine import Engine, digests
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, settle
from tests.unit.slack.conftest import FINANCE, FakeSlack, Person

MARKETING = project_scope("marketing")


def test_an_admin_sets_a_digest_and_hears_when_the_next_comes(alice: Person, engine: Engine) -> None:
    said = alice.types("digest marketing weekly --at 17:30 --channel #general")
    assert "Digest set: marketing, weekly at 17:30 (UTC) to <#C0GENERAL1>" in said
    assert "Nov 23, 2026 at 17:30" in said, "about last week, this very evening"
    assert "/kling digest marketing now --period weekly" in said
    [schedule] = digests.wanted(engine)
    assert (schedule.scope, schedule.kind, schedule.channel_id, schedule.minute) == (
        MARKETING, "weekly", "C0GENERAL1", 1050,
    )  # fmt: skip


def test_a_digest_of_a_name_that_is_almost_a_projects_is_set_with_a_doubt(alice: Person, engine: Engine) -> None:
    alice.types("project marketing")
    said = alice.types("digest markting weekly")
    assert said.startswith("Digest set: markting, weekly at 09:00")
    assert said.endswith("\nNo channel spends for markting yet. Did you mean marketing?")
    assert [each.scope for each in digests.wanted(engine)] == ["project:markting"]
    for text in ("digest marketing weekly", "digest summer-sale weekly", "digest workspace weekly"):
        assert "Did you mean" not in alice.types(text)


def test_the_default_place_is_the_alerts_channel_also_when_it_is_named(alice: Person, engine: Engine) -> None:
    assert f"to <#{FINANCE}>" in alice.types("digest marketing daily")
    alice.types("digest marketing daily --at 8 --channel #finance")
    [schedule] = digests.wanted(engine)
    assert (schedule.channel_id, schedule.minute) == (None, 480)


def test_a_channel_without_the_bot_is_taken_with_a_hint(alice: Person) -> None:
    assert "invite me there" in alice.types("digest marketing daily --channel #lounge")


def test_a_channel_that_is_not_there_is_not_taken(alice: Person, engine: Engine) -> None:
    assert "I can't see #nowhere" in alice.types("digest marketing daily --channel #nowhere")
    assert digests.wanted(engine) == []


@pytest.mark.parametrize("text", ["digest marketing weekly", "digest marketing off"])
def test_only_admins_set_digests_and_turn_them_off(bob: Person, engine: Engine, text: str) -> None:
    digests.want(engine, MARKETING, "monthly", None, None, by="UADMIN")  # type: ignore[arg-type]
    assert "Only admins can" in bob.types(text)
    assert [each.kind for each in digests.wanted(engine)] == ["monthly"]


def test_anybody_sees_which_digests_there_are(alice: Person, bob: Person) -> None:
    assert "No digests are set" in bob.types("digest")
    alice.types("digest workspace monthly")
    alice.types("digest marketing weekly --channel #general")
    everything = bob.types("digest")
    assert bob.types("digest list") == everything
    assert "workspace, monthly at 09:00 (UTC) to <#C0FINANCE1>, <!date^1796115600^next {" in everything
    assert "marketing, weekly at 09:00 (UTC) to <#C0GENERAL1>, <!date^1796029200^next {" in everything
    assert "workspace" not in bob.types("digest marketing")


def test_off_ends_a_scopes_digests_or_those_of_one_channel(alice: Person, engine: Engine) -> None:
    for text in ("daily", "weekly --channel #general", "monthly --channel #general"):
        alice.types(f"digest marketing {text}")
    said = alice.types("digest marketing off --channel #general")
    assert said.count("Turned off") == 2
    assert "Turned off: marketing, daily at 09:00 (UTC) to <#C0FINANCE1>" in alice.types("digest marketing off")
    assert "There is no such digest for marketing" in alice.types("digest marketing off")


def test_now_shows_the_last_period_to_whoever_asks(
    bob: Person, engine: Engine, clock: FakeClock, slack: FakeSlack
) -> None:
    settle(engine, hold(engine, "monday"))
    clock.tick(86_400)
    bob.is_known(slack)
    said = bob.types("digest marketing now --period daily")
    assert "Daily digest for marketing · 23 November 2026" in said
    assert "40 credits ($2.40) spent: nothing was spent the day before" in said
    assert "Mon 23 Nov $2.40" in said, "the chart in words"
    assert slack.asked == [], "Slack is not asked, so it cannot be slow"


def test_now_is_of_the_kind_that_is_set_and_weekly_without_any(alice: Person) -> None:
    assert "Weekly digest" in alice.types("digest marketing now")
    alice.types("digest marketing monthly")
    assert "Monthly digest" in alice.types("digest marketing now")


def test_a_digest_of_a_person_is_asked_for_by_name(bob: Person) -> None:
    assert "Weekly digest for <@U0CAROL001>" in bob.types("digest @carol now")
