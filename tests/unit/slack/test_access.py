"""Who gets through to the bot: every way in, for members, guests, outsiders, bots and people nobody can look up."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_sdk.errors import SlackApiError

from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.membership import Actor, Home
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets
from klingbot.engine.budgets import Change
from klingbot.slack.api.directory import Directory, quick_client
from klingbot.slack.api.lookup_cache import FRESH_SECONDS, MOST_KEPT, SPARE_SECONDS, LookupCache
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.interactions.home import Homes
from tests.support.ledger_checks import hold
from tests.unit.slack.conftest import BOT, GENERAL, TEAM, Person, person

THEIRS, ERIN, GWEN, DAVE, ROBO, NOBODY = (
    "T0PARTNER1",
    "U0ERIN0001",
    "U0GWEN0001",
    "U0DAVE0001",
    "U0ROBO0001",
    "U0NOBODY01",
)
COMPANY, GUESTS, LEFT, PEOPLE, UNSURE = (
    "Sorry, I only work for the company that installed me.",
    "Sorry, guests can't use Klingbot here.",
    "Sorry, your Slack account is deactivated.",
    "Sorry, I only take requests from people.",
    "I couldn't check that you belong to this workspace.",
)
Act = Callable[[Person, Any], Any]


@pytest.fixture
def slack(slack: Any) -> Any:
    """With people in it who are not members. Erin is an admin where she comes from."""
    slack.people += [
        person(ERIN, "erin", admin=True, team_id=THEIRS),
        person(GWEN, "gwen", is_restricted=True),
        person(DAVE, "dave", admin=True, deleted=True),
        person(ROBO, "robo", is_bot=True),
    ]
    return slack


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def jobs_in(engine: Engine) -> int:
    return int(engine.store.read().execute("SELECT count(*) AS n FROM jobs").fetchone()["n"])


# The ways in. Each does something as a person, and returns what they see.


def by_command(who: Person, hook: Any) -> str:
    return who.types("generate a fox")


def by_mention(who: Person, hook: Any) -> str:
    who.says(f"<@{BOT}> generate a fox")
    said = hook.said()
    assert (said["method"], said["channel"], said["user"]) == ("chat.postEphemeral", GENERAL, who.user_id)
    return str(said["text"])


def by_direct_message(who: Person, hook: Any) -> str:
    who.says("generate a fox", direct=True)
    said = hook.said()
    assert (said["method"], said["channel"]) == ("chat.postMessage", f"D{who.user_id[1:]}")
    return str(said["text"])


def by_button(who: Person, hook: Any) -> str:
    assert who.clicks("video.again", "klnosuchjob", hook.url).status == 200
    said = hook.said()
    assert said["replace_original"] is False
    return str(said["text"])


def by_button_at_home(who: Person, hook: Any) -> str:
    where = {"container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1", "type": "home"}}
    press = {"type": "button", "action_id": "menu.budget", "block_id": "b", "value": "budget"}
    assert who.acts({"type": "block_actions", "actions": [press], **where}).status == 200
    said = hook.said()
    assert (said["method"], said["channel"]) == ("chat.postMessage", who.user_id)
    return str(said["text"])


def by_form(who: Person, hook: Any) -> str:
    element = {"type": "plain_text_input", "action_id": "field"}
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "generate",
        "private_metadata": "{}",
        "blocks": [{"type": "input", "block_id": "prompt", "element": element}],
        "state": {"values": {"prompt": {"field": {"type": "plain_text_input", "value": "a fox"}}}},
    }
    said = json.loads(who.acts({"type": "view_submission", "view": view}).body)
    assert said["response_action"] == "errors"
    return str(said["errors"]["prompt"])


def by_form_without_fields(who: Person, hook: Any) -> str:
    view = {"id": "V1", "type": "modal", "callback_id": "budget.confirm", "private_metadata": "{}"}
    whole = view | {"blocks": [], "state": {"values": {}}}
    said = json.loads(who.acts({"type": "view_submission", "view": whole}).body)
    assert said["response_action"] == "update"
    return str(said["view"]["blocks"][0]["text"]["text"])


def by_shortcut(who: Person, hook: Any) -> str:
    assert who.acts({"type": "shortcut", "callback_id": "generate"}).status == 200
    said = hook.said()
    assert said["method"] == "views.open"
    return str(said["view"]["blocks"][0]["text"]["text"])


def by_message_shortcut(who: Person, hook: Any) -> str:
    about = {"message": {"ts": "1.2", "text": "a fox"}, "channel": {"id": GENERAL}, "response_url": hook.url}
    assert who.acts({"type": "message_action", "callback_id": "generate_from_message", **about}).status == 200
    return str(hook.said()["text"])


def by_home(who: Person, hook: Any) -> str:
    event = {"type": "app_home_opened", "user": who.user_id, "tab": "home", "channel": "D1"}
    sends(who, event)
    said = hook.said()
    assert (said["method"], said["user_id"]) == ("views.publish", who.user_id)
    return "\n".join(each["text"]["text"] for each in said["view"]["blocks"] if each["type"] == "section")


def sends(who: Person, event: dict[str, Any], **envelope: Any) -> None:
    body = json.dumps({"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event, **envelope})
    headers = {**who.signed(body), "content-type": ["application/json"]}
    assert who.app.dispatch(BoltRequest(body=body, headers=headers)).status == 200


WAYS_IN: list[Act] = [
    by_command,
    by_mention,
    by_direct_message,
    by_button,
    by_button_at_home,
    by_form,
    by_form_without_fields,
    by_shortcut,
    by_message_shortcut,
    by_home,
]
every_way_in = pytest.mark.parametrize("act", WAYS_IN, ids=lambda act: act.__name__)


def nothing_more(app: App, hook: Any) -> None:
    app.listener_runner.listener_executor.shutdown()
    with pytest.raises(queue.Empty):
        hook.heard.get_nowait()


@every_way_in
@pytest.mark.parametrize(("user_id", "sentence"), [(ERIN, COMPANY), (GWEN, GUESTS), (DAVE, LEFT), (NOBODY, COMPANY)])
def test_who_is_no_member_gets_a_polite_answer_and_nothing_else(
    app: App, hook: Any, engine: Engine, act: Act, user_id: str, sentence: str
) -> None:
    """Although the request itself says that they are of this workspace."""
    said = act(Person(app, user_id), hook)
    assert said.startswith(sentence), said
    assert "Nothing was spent or changed." in said
    assert jobs_in(engine) == 0
    nothing_more(app, hook)


@every_way_in
@pytest.mark.parametrize("trouble", [TimeoutError(), SlackApiError("no", {"ok": False, "error": "ratelimited"})])
def test_while_slack_cannot_say_who_somebody_is_they_are_declined(
    app: App, hook: Any, slack: Any, engine: Engine, act: Act, bob: Person, trouble: Exception
) -> None:
    slack.trouble = trouble
    said = act(bob, hook)
    assert said.startswith(UNSURE) and "Try again in a minute." in said
    assert jobs_in(engine) == 0
    slack.trouble = None
    assert bob.types("generate a fox").startswith("🎬 Held"), "the silence is not remembered"


@pytest.mark.parametrize("where", ["command", "click", "mention", "direct"])
def test_what_a_request_says_of_another_workspace_is_enough_and_slack_is_not_asked(
    app: App, hook: Any, slack: Any, engine: Engine, bob: Person, where: str
) -> None:
    match where:
        case "command":
            bob.team_id = THEIRS
            said = bob.types("generate a fox")
        case "click":
            bob.team_id = THEIRS
            said = by_button(bob, hook)
        case "mention":
            bob.says(f"<@{BOT}> generate a fox", user_team=THEIRS, source_team=THEIRS)
            said = hook.said()["text"]
        case _:
            bob.says("generate a fox", direct=True, user_team=THEIRS)
            said = hook.said()["text"]
    assert said.startswith(COMPANY)
    assert (slack.asked, jobs_in(engine)) == ([], 0)


def test_an_outsider_with_an_old_job_cannot_make_it_again(app: App, hook: Any, engine: Engine) -> None:
    job = hold(engine, "r1", user_id=ERIN)
    Person(app, ERIN).clicks("video.again", job.id, hook.url)
    assert hook.said()["text"].startswith(COMPANY)
    assert jobs_in(engine) == 1


def test_another_companys_admin_is_none_here(app: App, directory: Directory, engine: Engine) -> None:
    assert Person(app, ERIN).types("budget set workspace --credits 5").startswith(COMPANY)
    assert not directory.is_admin(ERIN)
    assert ERIN not in directory.known_admins()
    assert budgets.standings(engine) == []


@pytest.mark.parametrize("user_id", [ERIN, GWEN, DAVE, ROBO])
def test_the_settings_make_nobody_an_admin_who_is_no_member(slack: Any, user_id: str) -> None:
    directory = Directory(slack, admins=(user_id, "U0BOB00001"))
    assert not directory.is_admin(user_id)
    assert directory.known_admins() == ("U0BOB00001",)


def test_admins_in_the_settings_are_told_also_while_slack_cannot_be_asked(slack: Any) -> None:
    slack.trouble = TimeoutError()
    assert Directory(slack, admins=("U0BOB00001",)).known_admins() == ("U0BOB00001",)


def test_guests_get_through_where_the_settings_let_them_in(engine: Engine, slack: Any, hook: Any, secret: str) -> None:
    directory = Directory(slack, guests=True)
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    assert Person(built, GWEN).types("generate a fox").startswith("🎬 Held")
    assert Person(built, ERIN).types("generate a fox").startswith(COMPANY)
    assert Person(built, GWEN).types("budget set workspace --credits 5").startswith("Only admins")


def test_people_of_the_same_organization_are_members(app: App, directory: Directory, slack: Any) -> None:
    """Their ids may begin with W, and shared channels act from another workspace (slackapi/bolt-python#767)."""
    directory.know_home(Home(TEAM, "E0OURS0001", BOT))
    grid = {"enterprise_user": {"id": "W0WANDA001", "enterprise_id": "E0OURS0001", "teams": ["T0SIBLING1"]}}
    slack.people.append(person("W0WANDA001", "wanda", team_id="T0SIBLING1", **grid))
    wanda = Person(app, "W0WANDA001", team_id="T0SIBLING1")
    assert wanda.types("generate a fox").startswith("🎬 Held")
    slack.people[-1]["enterprise_user"]["enterprise_id"] = "E0THEIRS01"
    assert not directory.admits(directory_anew(slack, "E0OURS0001").membership(Actor("W0WANDA001")))


def directory_anew(slack: Any, enterprise_id: str) -> Directory:
    made = Directory(slack)
    made.know_home(Home(TEAM, enterprise_id, BOT))
    return made


def test_an_installation_for_a_whole_organization_has_no_workspace_of_its_own(slack: Any) -> None:
    slack.home = {"team_id": None, "enterprise_id": "E0OURS0001"}
    slack.people[1] |= {"team_id": "T0ANY00001", "enterprise_user": {"enterprise_id": "E0OURS0001"}}
    directory = Directory(slack)
    assert directory.admits(directory.membership(Actor("U0BOB00001")))
    assert not directory.admits(directory.membership(Actor(ERIN)))


def test_without_a_home_nobody_gets_through(engine: Engine, slack: Any, hook: Any, secret: str) -> None:
    slack.home = {}
    built = build(Desk(engine, Directory(slack)), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    assert Person(built, "U0BOB00001").types("generate a fox").startswith(UNSURE)
    assert jobs_in(engine) == 0


# Bots.


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    "more", [{"bot_id": "B1"}, {"bot_profile": {"id": "B1"}}, {"user": "USLACKBOT"}, {"user": ROBO}]
)
def test_no_bot_is_answered_when_it_speaks(
    app: App, hook: Any, bob: Person, engine: Engine, direct: bool, more: Any
) -> None:
    bob.says(f"<@{BOT}> generate a fox", direct=direct, **more)
    nothing_more(app, hook)
    assert jobs_in(engine) == 0


def test_a_bot_that_presses_and_types_spends_nothing(app: App, hook: Any, engine: Engine) -> None:
    assert Person(app, ROBO).types("generate a fox").startswith(PEOPLE)
    assert by_button(Person(app, ROBO), hook).startswith(PEOPLE)
    assert jobs_in(engine) == 0


@pytest.mark.parametrize("mark", ["is_workflow_bot", "is_connector_bot"])
def test_workflows_are_bots_and_users_of_an_app_are_people(app: App, slack: Any, bob: Person, mark: str) -> None:
    slack.people[1]["is_app_user"] = True
    assert bob.types("generate a fox").startswith("🎬 Held")
    slack.people[2][mark] = True
    assert Person(app, "U0CAROL001").types("generate a fox").startswith(PEOPLE)


# Odd requests.


def test_a_request_that_names_nobody_reaches_no_listener(app: App, hook: Any, bob: Person, engine: Engine) -> None:
    for event in ({"type": "app_mention", "text": "generate a fox", "channel": GENERAL, "ts": "1.1"}, {}):
        sends(bob, event)
    nothing_more(app, hook)
    assert jobs_in(engine) == 0


def test_a_refusal_is_said_once_however_often_the_event_comes(app: App, hook: Any) -> None:
    event = {"type": "app_mention", "user": ERIN, "text": f"<@{BOT}> budget", "channel": GENERAL, "ts": "1.1"}
    for _ in range(3):
        sends(Person(app, ERIN), event)
    assert hook.said()["text"].startswith(COMPANY)
    nothing_more(app, hook)


def test_an_edited_or_deleted_message_is_no_request(app: App, hook: Any, bob: Person) -> None:
    for subtype in ("message_changed", "message_deleted"):
        sends(bob, {"type": "message", "subtype": subtype, "channel_type": "im", "channel": "D1", "ts": "1.1"})
    nothing_more(app, hook)


def test_closing_a_form_and_choosing_from_a_menu_are_acknowledged_in_silence(app: App, hook: Any) -> None:
    erin = Person(app, ERIN)
    assert erin.acts({"type": "view_closed", "view": {"id": "V1", "callback_id": "generate"}}).body == ""
    assert json.loads(erin.acts({"type": "block_suggestion", "value": "a"}).body) == {"options": []}
    nothing_more(app, hook)


# What Slack is asked.


def test_slack_is_asked_once_who_a_member_is(bob: Person, slack: Any, seconds: Any) -> None:
    for _ in range(5):
        bob.types("budget")
    assert slack.asked == ["users.info"]
    seconds.now += FRESH_SECONDS
    bob.types("budget")
    assert slack.asked == ["users.info"] * 2


def test_a_known_member_goes_on_for_an_hour_while_slack_cannot_be_asked(bob: Person, slack: Any, seconds: Any) -> None:
    bob.is_known(slack)
    slack.trouble = TimeoutError()
    seconds.now += FRESH_SECONDS
    for _ in range(3):
        assert bob.types("generate a fox").startswith("🎬 Held")
    assert slack.asked == ["users.info"], "a silent Slack is not asked each time"
    seconds.now += SPARE_SECONDS
    assert bob.types("generate a fox").startswith(UNSURE)


def test_who_has_left_is_out_after_some_minutes(bob: Person, slack: Any, seconds: Any) -> None:
    bob.is_known(slack)
    slack.people[1]["deleted"] = True
    seconds.now += FRESH_SECONDS
    assert bob.types("generate a fox").startswith(LEFT)


def test_no_more_answers_are_kept_than_fit() -> None:
    cache = LookupCache(lambda: 0.0)
    for number in range(MOST_KEPT + 1):
        cache.put(str(number), number)
    assert cache.fresh("0") is None
    assert cache.fresh(str(MOST_KEPT)) is not None


# Who is named in a command.


@pytest.mark.parametrize(
    ("user_id", "why"),
    [
        (ERIN, "“Erin Baker” can't approve requests: they aren't in this workspace."),
        (GWEN, "“Gwen Baker” can't approve requests: guests don't use Klingbot here."),
        (DAVE, "“Dave Baker” can't approve requests: their Slack account is deactivated."),
        (ROBO, "“Robo Baker” can't approve requests: that's a bot."),
        (NOBODY, "That person can't approve requests: they aren't in this workspace."),
    ],
)
def test_only_members_approve(alice: Person, engine: Engine, user_id: str, why: str) -> None:
    assert alice.types(f"budget set marketing --usd 5 --approvers <@{user_id}>").startswith(why)
    assert budgets.standings(engine) == []


def test_a_home_is_no_longer_drawn_for_who_has_left(
    engine: Engine, slack: Any, directory: Directory, seconds: Any, hook: Any
) -> None:
    homes = Homes(Desk(engine, directory), quick_client("xoxb-fake", f"{hook.url}/"))
    homes.open("U0BOB00001")
    assert hook.said()["method"] == "views.publish"
    slack.people[1]["deleted"] = True
    seconds.now += FRESH_SECONDS
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, 90_000), by="UADMIN")
    homes.refresh()
    assert hook.heard.empty()
