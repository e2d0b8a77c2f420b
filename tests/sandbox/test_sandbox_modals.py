"""Modals: opened in answer to what a person did, filled in, submitted; with a real Bolt app at the other end."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from klingbot.sandbox.slack import view_limits
from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.delivery import Failure
from klingbot.sandbox.slack.fields import REQUIRED
from klingbot.sandbox.slack.payloads import NothingToPressError
from klingbot.sandbox.slack.roster import ALICE, BOB, TEAM_ID
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import View
from tests.sandbox.bolt_bot import Bot, eventually

GENERAL = "C0GENERAL1"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.upper()), "value": value}


def field(block_id: str, kind: str, **more: Any) -> dict[str, Any]:
    """An input block; `optional` and `dispatch_action` are the block's own."""
    own = {name: more.pop(name) for name in ("optional", "dispatch_action") if name in more}
    element = {"type": kind, "action_id": "it", **more}
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element, **own}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = blocks or (field("prompt", "plain_text_input"),)
    return {"type": "modal", "title": plain("A form"), "submit": plain("Go"), "blocks": list(given), **more}


@pytest.fixture
def bot(bot: Bot) -> Bot:
    for person in (ALICE.id, BOB.id):
        for view in bot.sandbox.slack.views.stack(person)[:1]:
            bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.close(person, view.id, everything=True))
    bot.quiet()
    return bot


@pytest.fixture
def trigger(bot: Bot) -> Callable[[], str]:
    """A fresh trigger id of Bob's."""

    def fresh() -> str:
        heard = len(bot.heard)
        bot.sandbox.send(BOB.id, GENERAL, "/kling")
        eventually(lambda: len(bot.heard) > heard)
        return str(bot.heard[-1]["trigger_id"])

    return fresh


@pytest.fixture
def opened(bot: Bot, trigger: Callable[[], str]) -> Callable[..., View]:
    """Bob has this modal open."""

    def open_view(*blocks: dict[str, Any], **more: Any) -> View:
        bot.client.views_open(trigger_id=trigger(), view=modal(*blocks, **more))
        return top(bot)

    return open_view


def top(bot: Bot) -> View:
    return bot.sandbox.slack.views.stack(BOB.id)[-1]


def stack(bot: Bot) -> list[str]:
    return [view.given["title"]["text"] for view in bot.sandbox.slack.views.stack(BOB.id)]


def submit(bot: Bot, view: View, **typed: Any) -> Any:
    values = {block_id: {"it": value} for block_id, value in typed.items()}
    return bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.submit(BOB.id, view.id, values))


def refusal(call: Callable[..., Any], **args: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**args)
    return str(refused.value.response["error"])


# Opening.


def test_a_trigger_opens_one_modal(bot: Bot, trigger: Callable[[], str]) -> None:
    used = trigger()
    view = bot.client.views_open(trigger_id=used, view=modal(private_metadata="C1"))["view"]
    assert (view["root_view_id"], view["previous_view_id"], view["team_id"]) == (view["id"], None, TEAM_ID)
    assert (view["private_metadata"], top(bot).id) == ("C1", view["id"])
    assert refusal(bot.client.views_open, trigger_id=used, view=modal()) == "exchanged_trigger_id"
    assert bot.sandbox.slack.views.stack(ALICE.id) == ()


def test_a_trigger_is_worth_nothing_after_three_seconds() -> None:
    now = [0.0]
    triggers = Triggers(lambda: now[0])
    early, late = triggers.open(BOB.id), triggers.open(BOB.id)
    now[0] = 3.0
    assert triggers.exchange(early) == BOB.id
    now[0] = 3.1
    assert triggers.exchange(late) == Refused("expired_trigger_id")
    assert triggers.exchange("made up") == Refused("invalid_trigger_id")


def test_there_are_at_most_three_views_in_a_stack(bot: Bot, trigger: Callable[[], str]) -> None:
    first = bot.client.views_open(trigger_id=trigger(), view=modal())["view"]
    for _ in range(2):
        view = bot.client.views_push(trigger_id=trigger(), view=modal())["view"]
    assert view["root_view_id"] == first["id"] != view["previous_view_id"]
    assert refusal(bot.client.views_push, trigger_id=trigger(), view=modal()) == "push_limit_reached"


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(type="home"), "must be modal [json-pointer:/view/type]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(field("a", "date")), "unsupported type: date [json-pointer:/view/blocks/0/element/type]"),
        (modal(field("a", "plain_text_input"), field("a", "datepicker")), "`block_id` already exists: a"),
        (
            modal(field("a", "static_select", options=[option("x")], initial_option=option("y"))),
            "must be one of the options [json-pointer:/view/blocks/0/element/initial_option]",
        ),
    ],
)
def test_a_view_that_slack_would_not_take_is_refused(view: dict[str, Any], problem: str) -> None:
    assert problem in " ".join(map(str, view_limits.problems(view, "modal")))


def test_a_form_needs_a_button_to_submit_it() -> None:
    form = modal()
    del form["submit"]
    (problem,) = view_limits.problems(form, "modal")
    assert str(problem) == "missing required field: submit [json-pointer:/view]"


def test_a_view_of_more_than_250_kilobytes_is_too_large(bot: Bot, trigger: Callable[[], str]) -> None:
    view = modal(*[{"type": "section", "text": plain("x" * 2900)}] * 90)
    assert refusal(bot.client.views_open, trigger_id=trigger(), view=view) == "view_too_large"


# Filling in and submitting.

FIELDS = [
    field("text", "plain_text_input", initial_value="a fox"),
    field("number", "number_input", is_decimal_allowed=True),
    field("choice", "static_select", options=[option("a"), option("b")], initial_option=option("a")),
    field("radio", "radio_buttons", options=[option("5"), option("10")]),
    field("ticks", "checkboxes", options=[option("x"), option("y")], optional=True),
    field("day", "datepicker", optional=True),
    field("who", "users_select", optional=True),
]


def test_the_bot_gets_every_field_as_slack_tells_it(bot: Bot, opened: Callable[..., View]) -> None:
    view = opened(*FIELDS, private_metadata="C1", callback_id="form")
    assert submit(bot, view, number="2.5", radio="10", ticks=["y"], who=ALICE.id) is None
    (body,) = bot.submitted

    assert (body["type"], body["user"]["id"], body["response_urls"]) == ("view_submission", BOB.id, [])
    told = body["view"]
    assert (told["id"], told["private_metadata"], told["callback_id"]) == (view.id, "C1", "form")
    assert {block: said["it"] for block, said in told["state"]["values"].items()} == {
        "text": {"type": "plain_text_input", "value": "a fox"},
        "number": {"type": "number_input", "value": "2.5"},
        "choice": {"type": "static_select", "selected_option": option("a")},
        "radio": {"type": "radio_buttons", "selected_option": option("10")},
        "ticks": {"type": "checkboxes", "selected_options": [option("y")]},
        "day": {"type": "datepicker", "selected_date": None},
        "who": {"type": "users_select", "selected_user": ALICE.id},
    }
    assert stack(bot) == []


def test_what_slack_itself_finds_wrong_the_bot_never_hears_of(bot: Bot, opened: Callable[..., View]) -> None:
    view = opened(
        field("prompt", "plain_text_input", max_length=5),
        field("most", "number_input", is_decimal_allowed=False, min_value="1", max_value="9"),
        field("seconds", "radio_buttons", options=[option("5")]),
    )
    assert submit(bot, view, prompt="too long", most="10") == {
        "prompt": "Please use 5 characters or fewer.",
        "most": "Please enter a number of at most 9.",
        "seconds": REQUIRED,
    }
    assert submit(bot, view, prompt="", most="two", seconds="5") == {
        "prompt": REQUIRED,
        "most": "Please enter a valid number.",
    }
    assert bot.submitted == []
    assert stack(bot) == ["A form"]


def test_errors_keep_the_modal_open(bot: Bot, opened: Callable[..., View]) -> None:
    bot.on_submit = lambda ack, **_: ack(response_action="errors", errors={"prompt": "Say more."})
    assert submit(bot, opened(), prompt="fox") == {"prompt": "Say more."}
    assert stack(bot) == ["A form"]


def test_errors_for_what_cannot_be_filled_in_are_refused(bot: Bot, opened: Callable[..., View]) -> None:
    bot.on_submit = lambda ack, **_: ack(response_action="errors", errors={"nonsense": "Say more."})
    assert submit(bot, opened(), prompt="fox") == Refused("invalid_response_errors")


@pytest.mark.parametrize(
    ("action", "left"),
    [("update", ["A form", "Next"]), ("push", ["A form", "A form", "Next"]), ("clear", [])],
)
def test_a_submission_is_answered_with_what_is_seen_next(
    bot: Bot, opened: Callable[..., View], action: str, left: list[str]
) -> None:
    more = {} if action == "clear" else {"view": modal(title=plain("Next"))}
    bot.on_submit = lambda ack, **_: ack(response_action=action, **more)
    opened()
    assert submit(bot, opened(), prompt="fox") is None
    assert stack(bot) == left


def test_an_update_that_slack_would_not_take_leaves_the_modal_as_it_is(bot: Bot, opened: Callable[..., View]) -> None:
    bot.on_submit = lambda ack, **_: ack(response_action="update", view=modal(title=plain("x" * 25)))
    outcome = submit(bot, opened(), prompt="fox")
    assert isinstance(outcome, Refused) and outcome.error == "invalid_arguments"
    assert stack(bot) == ["A form"]


@pytest.mark.slow
def test_a_submission_not_acked_within_three_seconds_has_timed_out(bot: Bot, opened: Callable[..., View]) -> None:
    view = opened()
    bot.on_submit = lambda ack, **_: time.sleep(4)
    assert submit(bot, view, prompt="fox") is Failure.TIMED_OUT
    assert stack(bot) == ["A form"]
    eventually(lambda: bot.submitted)


def test_a_modal_is_submitted_once_and_by_its_reader_only(bot: Bot, opened: Callable[..., View]) -> None:
    view = opened()
    with pytest.raises(NothingToPressError):
        bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.submit(ALICE.id, view.id, {}))
    submit(bot, view, prompt="fox")
    with pytest.raises(NothingToPressError):
        submit(bot, view, prompt="fox")


# Changing and closing.


def test_a_choice_in_a_modal_reaches_the_bot_with_all_that_is_filled_in(bot: Bot, opened: Callable[..., View]) -> None:
    models = field("model", "static_select", options=[option("a"), option("b")], dispatch_action=True)
    view = opened(models, field("prompt", "plain_text_input"))
    typed = {"model": {"it": "b"}, "prompt": {"it": "a fox"}}
    bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.act(BOB.id, view.id, "it", "model", "b", typed))
    (body,) = bot.clicked

    (action,) = body["actions"]
    assert (action["block_id"], action["selected_option"]) == ("model", option("b"))
    assert body["container"] == {"type": "view", "view_id": view.id}
    assert body["view"]["state"]["values"]["prompt"]["it"]["value"] == "a fox"
    assert not {"response_url", "channel", "message"} & body.keys()


def test_an_update_keeps_what_is_filled_in_under_the_same_ids_only(bot: Bot, opened: Callable[..., View]) -> None:
    choice = {"options": [option("a"), option("b")], "initial_option": option("a"), "dispatch_action": True}
    view = opened(field("same", "static_select", **choice), field("old", "static_select", **choice))
    typed = {"same": {"it": "b"}, "old": {"it": "b"}}
    bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.act(BOB.id, view.id, "it", "same", "b", typed))
    fresh = modal(field("same", "static_select", **choice), field("new", "static_select", **choice))
    updated = bot.client.views_update(view_id=view.id, view=fresh)["view"]

    values = updated["state"]["values"]
    assert values["same"]["it"]["selected_option"] == option("b")
    assert values["new"]["it"]["selected_option"] == option("a")


def test_what_was_filled_in_is_forgotten_with_its_field(bot: Bot, opened: Callable[..., View]) -> None:
    """A form that was something else in between begins as it is given."""
    choice = {"options": [option("a"), option("b")], "initial_option": option("a"), "dispatch_action": True}
    view = opened(field("same", "static_select", **choice))
    typed = {"same": {"it": "b"}}
    bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.act(BOB.id, view.id, "it", "same", "b", typed))
    bot.client.views_update(view_id=view.id, view=modal(field("other", "plain_text_input")))
    updated = bot.client.views_update(view_id=view.id, view=modal(field("same", "static_select", **choice)))["view"]
    assert updated["state"]["values"]["same"]["it"]["selected_option"] == option("a")


def test_an_update_of_a_view_that_has_changed_meanwhile_is_refused(bot: Bot, opened: Callable[..., View]) -> None:
    view = opened()
    bot.client.views_update(view_id=view.id, view=modal(title=plain("Second")), hash=view.hash)
    late = refusal(bot.client.views_update, view_id=view.id, view=modal(title=plain("Third")), hash=view.hash)
    assert late == "hash_conflict"
    assert stack(bot) == ["Second"]


def test_a_view_that_was_closed_is_not_found(bot: Bot, opened: Callable[..., View]) -> None:
    view = opened(external_id="mine")
    bot.client.views_update(external_id="mine", view=modal())
    submit(bot, view, prompt="fox")
    assert refusal(bot.client.views_update, view_id=view.id, view=modal()) == "not_found"


@pytest.mark.parametrize("wants_to_know", [True, False])
def test_the_bot_hears_of_a_closed_modal_where_it_wanted_to(
    bot: Bot, opened: Callable[..., View], wants_to_know: bool
) -> None:
    opened(title=plain("Below"))
    view = opened(notify_on_close=wants_to_know)
    bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.close(BOB.id, view.id, everything=False))
    assert [body["is_cleared"] for body in bot.closed] == [False] * wants_to_know
    assert stack(bot) == ["Below"]


def test_clear_on_close_takes_the_whole_stack_along(bot: Bot, opened: Callable[..., View]) -> None:
    opened()
    view = opened(clear_on_close=True)
    bot.sandbox.slack.wait_for(bot.sandbox.slack.interactions.close(BOB.id, view.id, everything=False))
    assert stack(bot) == []


# The home.


def test_whoever_opens_the_home_is_told_to_the_bot_which_draws_it(bot: Bot) -> None:
    slack = bot.sandbox.slack
    assert slack.wait_for(slack.interactions.open_home(BOB.id)) is None
    (event,) = eventually(lambda: bot.events)  # Bolt acknowledges events before their listener runs
    assert (event["user"], event["tab"], event["channel"]) == (BOB.id, "home", "D0BOB00001")
    assert "view" not in event, "nothing was drawn yet"

    home = {"type": "home", "blocks": [{"type": "section", "text": plain("Welcome")}]}
    view = bot.client.views_publish(user_id=BOB.id, view=home)["view"]
    slack.wait_for(slack.interactions.open_home(BOB.id))
    assert eventually(lambda: bot.events[1:])[0]["view"]["id"] == view["id"]
    assert slack.views.home(ALICE.id) is None
    bot.client.views_publish(user_id=BOB.id, view=home, hash=view["hash"])
    assert refusal(bot.client.views_publish, user_id=BOB.id, view=home, hash=view["hash"]) == "hash_conflict"
    assert refusal(bot.client.views_publish, user_id=BOB.id, view=modal()) == "invalid_arguments"
