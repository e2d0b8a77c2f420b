"""`/kling rules` and `/kling audit`, typed."""

from __future__ import annotations

from klingbot.domain.project_rules import Rules
from klingbot.engine import Engine, project_rules
from tests.unit.slack.conftest import ALICE, Person

MARKETING = "project:marketing"


def test_an_admin_sets_rules_one_at_a_time_and_hears_what_was_and_what_is(alice: Person, engine: Engine) -> None:
    assert "Rules of the project marketing: none → at most 100 credits a video" in alice.types(
        "rules marketing --ceiling 100"
    )
    alice.types("rules marketing --models kling-v1,kling-pro --confirm 40 --approve 80")
    assert project_rules.rules_of(engine, "marketing") == Rules(
        "marketing", ("kling-v1", "kling-pro"), 100_000, 40_000, 80_000
    )
    said = alice.types("rules marketing")
    assert "only kling-v1, kling-pro, at most 100 credits a video, asked again above 40 credits, approved" in said
    alice.types("rules marketing --models none --ceiling none --confirm none --approve none")
    assert project_rules.rules_of(engine, "marketing") == Rules("marketing")


def test_anybody_looks_and_only_admins_set(alice: Person, bob: Person, engine: Engine) -> None:
    assert "has no rules. An admin sets some" in bob.types("rules marketing")
    assert "Only admins can set a project's rules" in bob.types("rules marketing --ceiling 1")
    assert "Only admins can read who changed what" in bob.types("audit")
    assert project_rules.rules_of(engine, "marketing") == Rules("marketing")


def test_every_change_of_a_rule_is_in_the_audit_with_who_from_to_and_why(alice: Person, engine: Engine) -> None:
    alice.types("rules marketing --ceiling 100")
    alice.types('rules marketing --ceiling 60 --reason "the launch is over"')
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.by, newest.before, newest.after, newest.why) == (
        ALICE, "at most 100 credits a video", "at most 60 credits a video", "the launch is over",
    )  # fmt: skip
    assert f"<@{ALICE}> · project rules · marketing: at most 100 credits a video → at most 60 credits a video" in (
        alice.types("audit marketing")
    )


def test_what_changes_nothing_is_not_in_the_audit(alice: Person, engine: Engine) -> None:
    alice.types("rules marketing --ceiling 100")
    assert "still at most 100 credits" in alice.types("rules marketing --ceiling 100")
    assert len(project_rules.changes(engine, MARKETING)) == 1


def test_a_reason_alone_asks_for_the_rule(alice: Person) -> None:
    assert alice.types('rules marketing --reason "why not"').startswith("Which rule?")


def test_the_project_of_a_channel_is_in_the_audit_with_why(alice: Person, engine: Engine) -> None:
    alice.types('project marketing --reason "they moved in"')
    [newest] = project_rules.changes(engine, MARKETING)
    assert (newest.what, newest.before, newest.after) == ("project of #C0GENERAL1", "default", "marketing")
    assert (newest.by, newest.why) == (ALICE, "they moved in")
    assert alice.types('project --reason "but which"').startswith("The project is missing.")


def test_digests_are_in_the_audit_too(alice: Person, engine: Engine) -> None:
    alice.types('digest marketing weekly --channel #general --reason "finance asked"')
    alice.types("digest marketing weekly --channel #general")
    alice.types('digest marketing off --reason "nobody reads it"')
    off, on = project_rules.changes(engine, MARKETING)
    assert (on.what, on.before, on.after, on.why) == ("weekly digest", "", "09:00 to #C0GENERAL1", "finance asked")
    assert (off.before, off.after, off.why) == ("09:00 to #C0GENERAL1", "", "nobody reads it")
