"""Projects in Slack: what members are told, what admins press, and that no surface gets around a closed project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.blocks import render
from klingbot.domain.jobs import Job
from klingbot.domain.notifications import PastProjects
from klingbot.domain.project_access import ProjectState
from klingbot.engine import Engine, project_rules, projects
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.store import jobs
from tests.support.ledger_checks import hold
from tests.unit.slack.conftest import ALICE, BOB, FINANCE, GENERAL, Person, person
from tests.unit.slack.filling import answer

NOTHING = "Nothing was reserved or spent"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def made(engine: Engine) -> list[Job]:
    rows = engine.store.read().execute("SELECT id FROM jobs ORDER BY asked_at, id").fetchall()
    return [job for row in rows if (job := jobs.get(engine.store.read(), row["id"]))]


def buttons(payload: dict[str, Any]) -> list[tuple[str, str]]:
    found = [each for block in payload["blocks"] for each in [*block.get("elements", ()), block.get("accessory", {})]]
    return [(each["action_id"], each["value"]) for each in found if each.get("type") == "button"]


def close(engine: Engine, name: str) -> None:
    projects.decide(engine, name, is_open=False, by=ALICE)


# Members.


@pytest.mark.parametrize("name", ["zzz-9", "other", "OTHER"])
def test_a_member_cannot_spend_for_a_project_that_there_is_not(bob: Person, engine: Engine, name: str) -> None:
    response = bob.send(f"generate a fox --project {name}")
    said = json.loads(response.body)
    assert said["text"].startswith(f"There is no project {name.lower()} yet\nOnly admins create projects.")
    assert said["text"].endswith(NOTHING)
    assert (buttons(said), made(engine)) == ([], [])
    assert "It would be refused: There is no project" in bob.types(f"quote a fox --project {name}")


@pytest.mark.parametrize(
    "name", ["Marketing", "MARKETING", "“marketing”", '" marketing "', "mark\u200beting", "marketing"]
)
def test_however_a_project_is_typed_it_is_the_same_one(bob: Person, engine: Engine, name: str) -> None:
    bob.types(f"generate a fox --project {name}")
    assert [job.project for job in made(engine)] == ["marketing"]


@pytest.mark.parametrize(
    "name", ["mаrketing", "märketing", "marketing/x", "-marketing", "m" * 41, "workspace", "<!here>"]
)
def test_a_name_that_only_looks_like_one_is_no_project(alice: Person, engine: Engine, name: str) -> None:
    """The first has a Cyrillic а."""
    before = projects.listing(engine)
    for command in (
        f"project new {name}",
        f"project {name}",
        f"generate a fox --project {name}",
        f"rules {name} --ceiling 5",
    ):
        alice.types(command)
    assert projects.listing(engine) == before
    assert made(engine) == []


def test_the_channels_own_project_can_be_closed(alice: Person, bob: Person, engine: Engine) -> None:
    alice.types("project marketing")
    close(engine, "marketing")
    assert bob.types("generate a fox").startswith(
        "The project marketing is closed, and this channel spends for it\nAn admin can open it again."
    )
    assert made(engine) == []


def test_no_button_gets_around_a_closed_project(bob: Person, hook: Any, engine: Engine) -> None:
    job = hold(engine, "r1", user_id=BOB, project="marketing")
    close(engine, "marketing")
    bob.clicks("video.again", job.id, hook.url)
    assert hook.said()["text"].startswith("The project marketing is closed\nAn admin can open it again.")
    assert len(made(engine)) == 1


def test_a_form_that_was_open_before_says_why_and_stays(bob: Person, hook: Any, engine: Engine) -> None:
    assert bob.send("generate --project marketing").body == ""
    view = hook.said()["view"]
    close(engine, "marketing")
    told = answer(bob, view, prompt="a fox")
    assert told["response_action"] == "push", "the form is still there below it"
    assert told["view"]["blocks"][0]["text"]["text"].startswith("*The project marketing is closed*\n")
    assert made(engine) == []


def test_a_form_for_a_project_that_there_is_not_says_so_before_it_is_sent(bob: Person, hook: Any) -> None:
    bob.send("generate --project zzz-9")
    assert "It would be refused: There is no project zzz-9 yet." in json.dumps(hook.said()["view"])


def test_people_and_channels_are_named_as_slack_shows_them(alice: Person, bob: Person) -> None:
    alice.types("rules marketing --people @alice,<@U0CAROL001|carol>")
    said = json.loads(bob.send("generate a fox --project marketing").body)["text"]
    assert said.startswith("Only <@U0ALICE001> and <@U0CAROL001> may spend for the project marketing\n")
    alice.types("rules marketing --people any --channels #finance")
    said = json.loads(bob.send("generate a fox --project marketing").body)["text"]
    assert said.startswith(f"Videos for the project marketing are made in <#{FINANCE}> only\n")
    assert "made in <#C0FINANCE1> only" in json.loads(bob.send("quote a fox --project marketing").body)["text"]
    bob.channel_id = FINANCE
    assert bob.types("generate a fox --project marketing").startswith("🎬 Held")
    assert "only in <#C0FINANCE1>" in alice.types("rules marketing")
    alice.types("rules marketing --channels any")
    bob.channel_id = GENERAL
    assert bob.types("generate a heron --project marketing").startswith("🎬 Held")


def test_an_id_is_never_cut_in_the_audit(alice: Person) -> None:
    alice.types("rules marketing --people @bob,@carol --channels #finance,#general --ceiling 30")
    said = alice.types("audit marketing")
    assert "only for <@U0BOB00001>" in said and "…" in said
    assert set(re.findall(r"<[@#](\w*)", said)) <= {ALICE, BOB, "U0CAROL001", FINANCE, GENERAL}


def test_rules_for_a_name_that_is_almost_a_projects_are_set_with_a_doubt(alice: Person) -> None:
    said = alice.types("rules markting --ceiling 30")
    assert said.endswith("\nNo channel spends for markting yet. Did you mean marketing?")
    assert "Did you mean" not in alice.types("rules markting --ceiling 40"), "it is known by its rules now"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--people @nobody", "I know nobody called"),
        ("--people <@U0ERIN0001>", "can't spend for a project: they aren't in this workspace"),
        ("--people <@U0KLINGBOT>", "Klingbot itself can't spend for a project"),
        ("--channels #secrets", "I can't see #secrets"),
        ("--people bob/carol", "I know nobody"),
    ],
)
def test_rules_name_only_members_and_channels_that_there_are(
    alice: Person, slack: Any, engine: Engine, flags: str, sentence: str
) -> None:
    slack.people.append(person("U0ERIN0001", "erin", team_id="T0PARTNER1"))
    assert sentence in alice.types(f"rules marketing {flags}")
    assert project_rules.rules_of(engine, "marketing").people == ()


# Admins.


def test_an_admin_creates_and_closes_projects(alice: Person, bob: Person, engine: Engine) -> None:
    assert bob.types("project new lab").startswith("Only admins can create and close projects.")
    assert alice.types("project new Lab").startswith("The project lab is open now.")
    assert alice.types("project new lab").startswith("The project lab is open already.")
    assert bob.types("generate a fox --project lab").startswith("🎬 Held")
    assert bob.types("project close lab").startswith("Only admins can create and close projects.")
    said = alice.types('project close lab --reason "it is over"')
    assert said.startswith("The project lab is closed now.") and "1 video that is already under way" in said
    assert "Closed: lab" in bob.types("project list")
    assert alice.types("project new lab").startswith("The project lab is open again.")
    assert [change.why for change in project_rules.changes(engine, "project:lab")] == ["", "it is over", ""]


def test_an_admin_who_names_a_new_project_is_asked_and_creates_it_with_one_press(
    alice: Person, hook: Any, engine: Engine
) -> None:
    said = json.loads(alice.send("generate a fox --project zzz-9").body)
    assert buttons(said) == [("project.open", "zzz-9")]
    assert made(engine) == []
    alice.clicks("project.open", "zzz-9", hook.url)
    assert hook.said()["text"].startswith("The project zzz-9 is open now.")
    assert alice.types("generate a fox --project zzz-9").startswith("🎬 Held")


def test_only_an_admin_opens_a_project_with_the_button(bob: Person, hook: Any, engine: Engine) -> None:
    for action in ("project.open", "project.keep", "project.keep_all", "project.leave"):
        bob.clicks(action, "zzz-9", hook.url)
        assert hook.said()["text"].startswith("Only admins can create and close projects.")
    assert projects.state_of(engine, "zzz-9") is ProjectState.UNKNOWN


@pytest.mark.parametrize("name", ["markting", "marketing2", "marketing-", "rnarketing"])
def test_a_name_that_is_almost_anothers_is_asked_about(alice: Person, hook: Any, engine: Engine, name: str) -> None:
    said = json.loads(alice.send(f"project new {name}").body)
    assert said["text"].startswith("There is already a project marketing.")
    assert buttons(said) == [("project.open", name)]
    assert alice.types(f"project {name}").startswith(f"There is no project {name} yet. Did you mean marketing?")
    assert projects.state_of(engine, name) is ProjectState.UNKNOWN
    alice.clicks("project.open", name, hook.url)
    hook.said()
    assert projects.state_of(engine, name) is ProjectState.OPEN


def test_a_name_that_is_almost_a_closed_projects_is_asked_about_too(alice: Person, engine: Engine) -> None:
    close(engine, "marketing")
    assert alice.types("project new markting").startswith("There is already a project marketing.")
    assert alice.types("project markting").startswith("There is no project markting yet. Did you mean marketing?")
    assert projects.state_of(engine, "markting") is ProjectState.UNKNOWN


def test_what_is_set_up_for_a_closed_project_says_that_it_is_closed(alice: Person, engine: Engine) -> None:
    close(engine, "lab")
    for command in ("budget set lab --usd 5", "rules lab --ceiling 5", "project lab"):
        said = json.loads(alice.send(command).body)
        assert "lab is closed, so nobody can spend for it yet." in said["text"], command
        assert ("project.open", "lab") in buttons(said)


def test_closing_what_there_is_not_closes_nothing(alice: Person, engine: Engine) -> None:
    assert alice.types("project close markting").startswith(
        "There is no project markting, so there is nothing to close. Did you mean marketing?"
    )
    assert projects.state_of(engine, "markting") is ProjectState.UNKNOWN


def test_projects_that_are_called_like_a_word_of_the_command_are_written_with_a_prefix(
    alice: Person, engine: Engine
) -> None:
    assert alice.types("project new").startswith("The project is missing.")
    assert alice.types("project new project:new").startswith("The project new is open now.")
    alice.types("project project:new")
    assert projects.project_of(engine, GENERAL) == "new"


# Projects of before.


def test_projects_of_before_are_decided_about_with_single_presses(alice: Person, hook: Any, engine: Engine) -> None:
    names = ("lab", "other", "zzz-9")
    for name in names:
        hold(engine, name, project=name)
    with engine.store.write() as tx:
        tx.execute("UPDATE project_states SET is_open = NULL WHERE project IN ('lab', 'other', 'zzz-9')")
    said = render(PastProjects(names), engine.calendar)
    assert buttons(said.payload()) == [
        *(("project.keep", name) for name in names), ("project.keep_all", "all"), ("project.leave", "all"),
    ]  # fmt: skip
    alice.clicks("project.keep", "lab", hook.url)
    left = hook.said()
    assert left["replace_original"] is True
    assert [value for action, value in buttons(left) if action == "project.keep"] == ["other", "zzz-9"]
    alice.clicks("project.leave", "all", hook.url)
    assert "No older project is left to decide about." in hook.said()["text"]
    found = projects.listing(engine)
    assert (found.opened, found.closed) == (("default", "lab", "marketing", "sales"), ("other", "zzz-9"))


def test_a_press_on_an_old_list_reopens_nothing_that_was_closed_since(alice: Person, hook: Any, engine: Engine) -> None:
    close(engine, "lab")
    alice.clicks("project.keep", "lab", hook.url)
    hook.said()
    assert projects.state_of(engine, "lab") is ProjectState.CLOSED


def test_a_form_names_the_projects_that_there_are(alice: Person, hook: Any) -> None:
    alice.types("project new lab")
    alice.clicks("budget.set", "any", hook.url)
    assert "project:lab" in json.dumps(hook.said()["view"])
