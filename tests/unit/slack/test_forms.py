"""The form for a video: signed payloads in, and what Slack is asked to show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from slack_bolt import App

from klingbot.domain import prices
from klingbot.domain.jobs import Job
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.source_images import uploaded
from klingbot.engine import Engine, budgets, kling_results, open_engine, projects
from klingbot.engine.budgets import Change
from klingbot.engine.usage import usage
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.interactions import modals
from klingbot.store import Store, jobs
from tests.support.ledger_checks import settle
from tests.unit.slack.filling import as_slack_has_it, block, choose, chosen, names, submit, text

GENERAL, MARKETING = "C0GENERAL1", "C0MARKETNG"


@pytest.fixture
def engine(store: Store, clock: Any) -> Engine:
    """Kling's own prices: more to choose from."""
    return open_engine(store, prices.load("kling-api"), Calendar(ZoneInfo("UTC")), clock)


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def opened(person: Any, hook: Any, options: str = "") -> dict[str, Any]:
    """The view that `/kling generate` opens."""
    response = person.send(f"generate {options}", response_url=f"{hook.url}/answer")
    assert (response.status, response.body) == (200, "")
    said = hook.said()
    assert said["method"] == "views.open"
    return dict(said["view"])


def only_job(engine: Engine) -> Job:
    (row,) = engine.store.read().query("SELECT id FROM jobs")
    job = jobs.get(engine.store.read(), row["id"])
    assert job
    return job


def held(engine: Engine) -> int:
    return usage(engine, "workspace", PeriodKind.MONTHLY, "model").total.held.millicredits


# Opening.


def test_generate_without_a_prompt_opens_a_form_with_the_lists_own_choices(bob: Any, hook: Any) -> None:
    view = opened(bob, hook)
    assert (view["type"], view["title"]["text"], view["submit"]["text"]) == ("modal", "Make a video", "Make it")
    assert (chosen(view, "model"), chosen(view, "length"), chosen(view, "resolution")) == ("kling-2.6", "5", "1080p")
    assert [option["value"] for option in block(view, "length")["element"]["options"]] == ["5", "10"]
    assert [option["value"] for option in block(view, "aspect")["element"]["options"]] == ["16:9", "9:16", "1:1"]
    assert "2.5 credits ($0.35)" in text(view)
    assert "No budget limits this" in text(view)
    assert "channel" not in names(view), "it is the channel that the command was typed in"


def test_what_was_typed_already_stands_in_the_form(bob: Any, hook: Any) -> None:
    view = opened(bob, hook, "--model kling-3.0 --duration 12 --resolution 4k --audio --aspect 9:16 --negative “fog”")
    assert (chosen(view, "model"), chosen(view, "length"), chosen(view, "resolution")) == ("kling-3.0", "12", "4k")
    assert block(view, "sound")["element"]["initial_options"]
    assert (chosen(view, "aspect"), block(view, "negative")["element"]["initial_value"]) == ("9:16", "fog")


def test_when_slack_does_not_open_it_the_command_says_so(bob: Any, hook: Any) -> None:
    hook.statuses = [500]
    said = bob.types("generate")
    assert said == "Slack did not open the form in time. Nothing was held or changed; try again."


# Choosing.


def test_price_and_choices_follow_the_model(bob: Any, hook: Any) -> None:
    view = opened(bob, hook)
    choose(bob, view, model="kling-3.0-turbo", prompt="a fox")
    said = hook.said()
    assert (said["method"], said["view_id"]) == ("views.update", "V0FORM0001")
    assert len(block(said["view"], "length")["element"]["options"]) == 13
    assert "5 credits ($0.70)" in text(said["view"]), "5 s at 1.0"
    assert "sound" not in names(said["view"]), "it always has sound: there is nothing to choose"
    assert "negative" not in names(said["view"]), "it takes none"


def test_a_field_whose_choices_change_begins_anew_and_the_others_keep_what_is_in_them(bob: Any, hook: Any) -> None:
    view = opened(bob, hook)
    choose(bob, view, model="kling-3.0")
    changed = hook.said()["view"]
    assert block(changed, "length")["block_id"] != block(view, "length")["block_id"]
    for name in ("prompt", "model", "aspect", "image", "negative"):
        assert block(changed, name)["block_id"] == block(view, name)["block_id"]


def test_the_budgets_are_shown_as_they_would_stand(bob: Any, hook: Any, engine: Engine) -> None:
    budgets.set_budget(engine, Change("project:default", PeriodKind.MONTHLY, limit_millicredits=10_000), by="U1")
    view = opened(bob, hook)
    assert "default (monthly): 0.0% → 25.0%, now 10 credits left of 10 credits" in text(view)
    choose(bob, view, model="kling-3.0", length="5", resolution="1080p")
    choose(bob, hook.said()["view"], at="2.0", length="15", resolution="4k")
    said = text(hook.said()["view"])
    assert "It would be refused: *Budget exceeded for default (monthly)*" in said
    assert "What still fits:\n• *kling-3.0*, 3 s, 4k → 9 credits ($1.26)" in said


def test_an_older_choice_is_not_shown_over_a_newer_one(bob: Any, hook: Any) -> None:
    view = opened(bob, hook)
    choose(bob, view, at="9.2", model="kling-3.0")
    hook.said()
    choose(bob, view, at="9.1", model="kling-2.6")
    choose(bob, view, at="9.3", model="kling-3.0-turbo")
    assert chosen(hook.said()["view"], "model") == "kling-3.0-turbo"


def test_what_slack_does_not_tell_is_as_the_form_showed_it(bob: Any, hook: Any, engine: Engine) -> None:
    """After an update Slack may leave fields out that nobody touched since (slackapi/bolt-js#1073)."""
    view = opened(bob, hook, "--model kling-3.0 --duration 12 --resolution 4k")
    body = as_slack_has_it(view, prompt="a fox")
    body["state"]["values"] = {"prompt": body["state"]["values"]["prompt"]}
    assert bob.acts({"type": "view_submission", "view": body, "response_urls": []}).body == ""
    job = only_job(engine)
    assert (job.model, job.duration_seconds, job.resolution) == ("kling-3.0", 12, "4k")


# Submitting.


def test_a_submitted_form_holds_the_job_and_its_answer_comes_to_the_channel(
    bob: Any, hook: Any, engine: Engine
) -> None:
    view = opened(bob, hook, "--model kling-3.0")
    filled = {"prompt": " a fox & friends\n", "length": "7", "aspect": "1:1", "image": "https://x.com/fox.png"}
    assert submit(bob, view, **filled, negative="fog") == {}
    said = hook.said()
    assert said["method"] == "answer"
    assert said["text"].startswith("🎬 Held 5.6 credits ($0.78) for kling-3.0, 7 s, 1080p · project default")
    job = only_job(engine)
    assert (job.prompt, job.negative, job.image_url) == ("a fox & friends", "fog", "https://x.com/fox.png")
    assert (job.duration_seconds, job.aspect, job.channel_id) == (7, "1:1", GENERAL)
    assert (job.user_id, job.response_url) == (bob.user_id, f"{hook.url}/answer")


def test_submitting_twice_holds_once(bob: Any, hook: Any, engine: Engine) -> None:
    view = opened(bob, hook)
    assert submit(bob, view, prompt="a fox") == submit(bob, view, prompt="a fox") == {}
    assert {hook.said()["text"][:12], hook.said()["text"][:12]} == {"🎬 Held 2.5 c", "This is the "}
    assert held(engine) == 2_500


def test_an_empty_prompt_is_pointed_out_where_it_belongs(bob: Any, hook: Any, engine: Engine) -> None:
    mistakes = submit(bob, opened(bob, hook), prompt=" \u200b ")
    assert mistakes == {"prompt": "Say what the video should show, like: a fox in the snow."}
    assert held(engine) == 0


def test_a_picture_that_is_no_web_address_is_pointed_out(bob: Any, hook: Any) -> None:
    assert "image" in submit(bob, opened(bob, hook), prompt="a fox", image="ftp://x.com/fox.png")


def test_while_kling_refuses_the_account_the_form_says_so(bob: Any, hook: Any, engine: Engine) -> None:
    kling_results.stopped(engine, code=1102, reason="no units left.")
    mistakes = submit(bob, opened(bob, hook), prompt="a fox")
    assert mistakes["model"].startswith("Kling takes no jobs from this account just now: no units left.")


def test_a_length_that_the_newly_chosen_model_lacks_is_pointed_out(bob: Any, hook: Any) -> None:
    """Submitted before the form could be shown anew."""
    view = opened(bob, hook, "--model kling-3.0 --duration 12")
    assert submit(bob, view, prompt="a fox", model="kling-2.6", length="12") == {
        "model": "kling-2.6 makes no 12-second videos, only 5 or 10 seconds."
    }


def test_a_form_of_another_version_stays_open_and_says_so(bob: Any, hook: Any) -> None:
    view = {**opened(bob, hook), "callback_id": "teleport"}
    assert submit(bob, view, prompt="a fox")["prompt"].startswith("This form belongs to another version")


def test_when_something_breaks_the_form_stays_open_with_a_reference(
    bob: Any, hook: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(modals.FORMS, "generate", modals._Form(broken))
    reference = re.search(r"ref ([0-9a-f]{6})", submit(bob, opened(bob, hook), prompt="a fox")["prompt"])
    assert reference and reference[1] in caplog.text


# Shortcuts.


def test_the_shortcut_from_anywhere_asks_where_the_video_should_go(bob: Any, hook: Any, engine: Engine) -> None:
    assert bob.acts({"type": "shortcut", "callback_id": "generate"}).body == ""
    view = hook.said()["view"]
    assert "channel" in names(view)
    url = {"block_id": "channel", "action_id": "field", "channel_id": MARKETING, "response_url": f"{hook.url}/there"}
    assert submit(bob, view, [url], prompt="a fox", channel=MARKETING) == {}
    assert hook.said()["method"] == "there"
    job = only_job(engine)
    assert (job.channel_id, job.response_url) == (MARKETING, f"{hook.url}/there")


def test_where_the_video_should_go_can_be_chosen_again_for_it_decides_who_pays(
    bob: Any, hook: Any, engine: Engine
) -> None:
    projects.set_project(engine, MARKETING, "marketing", by="U0ALICE001")
    bob.acts({"type": "shortcut", "callback_id": "generate"})
    choose(bob, hook.said()["view"], at="2.0", channel=GENERAL)
    again = hook.said()["view"]
    assert "channel" in names(again)
    choose(bob, again, at="3.0", channel=MARKETING)
    view = hook.said()["view"]
    assert "project marketing" in text(view)
    assert submit(bob, view, prompt="a fox", channel=MARKETING) == {}
    assert only_job(engine).channel_id == MARKETING


def test_the_shortcut_on_a_message_makes_it_the_prompt_and_its_picture_the_first(bob: Any, hook: Any) -> None:
    message = {"text": "a fox &amp; <@U0CAROL001|carol>", "attachments": [{"image_url": "https://x.com/fox.png"}]}
    view = shortcut_on(bob, hook, message)
    assert block(view, "prompt")["element"]["initial_value"] == "a fox & @carol"
    assert block(view, "image")["element"]["initial_value"] == "https://x.com/fox.png"
    assert "channel" not in names(view)


def test_what_a_form_and_a_shortcut_hand_over_is_what_was_seen(bob: Any, hook: Any, engine: Engine) -> None:
    message = {"text": ":fox_face: calls <tel:+1555|555> for <@U0CAROL001> in <#C0FINANCE1> at 10:30:45 &amp;lt;"}
    view = shortcut_on(bob, hook, message)
    seen = "🦊 calls 555 for @CC in #finance at 10:30:45 &lt;"
    assert block(view, "prompt")["element"]["initial_value"] == seen
    typed = "\u200b:wave::skin-tone-3: & <b> &amp; :our-own:"
    assert submit(bob, view, prompt=typed, negative=":rain_cloud: ") == {}
    job = only_job(engine)
    assert (job.prompt, job.negative) == ("👋🏼 & <b> &amp; :our-own:", "🌧️")


def test_a_message_of_an_app_has_its_words_in_blocks(bob: Any, hook: Any) -> None:
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": ":fire: Launch"}}, {"type": "divider"}, None]
    view = shortcut_on(bob, hook, {"text": "", "blocks": blocks, "attachments": [{"fallback": "A &gt; B"}]})
    assert block(view, "prompt")["element"]["initial_value"] == "🔥 Launch\nA > B"


def test_again_and_vary_hand_over_what_kling_got(bob: Any, hook: Any, engine: Engine) -> None:
    bob.types("generate a :fox_face: says &amp;amp;")
    first = only_job(engine)
    bob.clicks("video.vary", first.id, f"{hook.url}/answer")
    assert block(hook.said()["view"], "prompt")["element"]["initial_value"] == first.prompt == "a 🦊 says &amp;"
    bob.clicks("video.again", first.id, f"{hook.url}/answer")
    hook.said()
    prompts = engine.store.read().query("SELECT prompt FROM jobs")
    assert [row["prompt"] for row in prompts] == [first.prompt] * 2


def shortcut_on(person: Any, hook: Any, message: dict[str, Any]) -> dict[str, Any]:
    """The form that it opens."""
    shortcut = {"type": "message_action", "callback_id": "generate_from_message", "channel": {"id": MARKETING}}
    person.acts({**shortcut, "message": message, "response_url": f"{hook.url}/there"})
    return dict(hook.said()["view"])


UPLOADS = [{"id": "F0NOTES001", "mimetype": "text/plain"}, {"id": "F0PICTURE1", "mimetype": "image/png"}]


def test_a_picture_that_was_uploaded_with_the_message_is_what_the_video_begins_with(
    bob: Any, hook: Any, engine: Engine
) -> None:
    view = shortcut_on(bob, hook, {"text": "The fox wakes up", "files": UPLOADS})
    assert "image" not in names(view)
    choose(bob, view, length="10")
    again = hook.said()["view"]
    assert block(again, "uploaded")["element"]["initial_options"][0]["value"] == "uploaded"
    assert submit(bob, again) == {}
    assert only_job(engine).image_url == uploaded("F0PICTURE1")


def test_what_was_uploaded_can_be_left_out(bob: Any, hook: Any, engine: Engine) -> None:
    view = shortcut_on(bob, hook, {"text": "The fox wakes up", "files": UPLOADS})
    assert submit(bob, view, uploaded=[]) == {}
    assert only_job(engine).image_url is None


def test_nobody_can_name_a_file_of_slacks_that_they_cannot_see(bob: Any, hook: Any, engine: Engine) -> None:
    view, secret = opened(bob, hook), uploaded("F0SECRET01")
    assert "image" in submit(bob, view, prompt="a fox", image=secret)
    choose(bob, view, prompt="a fox", image=secret)
    again = hook.said()["view"]
    assert "uploaded" not in names(again) and "SECRET" not in again["private_metadata"]
    assert engine.store.read().execute("SELECT count(*) AS n FROM jobs").fetchone()["n"] == 0


@pytest.mark.parametrize("where", ["attachments", "blocks"])
@pytest.mark.parametrize(
    "url",
    [
        uploaded("F0SECRET01"),
        f" {uploaded('F0SECRET01')}",
        "SLACK-FILE:F0SECRET01",
        "https://files.slack.com/files-pri/T1-F0SECRET01/fox.png",
        "http://localhost/fox.png",
        "file:///etc/passwd",
    ],
)
def test_a_message_cannot_name_a_file_of_slacks_or_what_kling_cannot_open(
    bob: Any, hook: Any, engine: Engine, where: str, url: str
) -> None:
    view = shortcut_on(bob, hook, {"text": "The fox wakes up", where: [{"type": "image", "image_url": url}]})
    assert "uploaded" not in names(view) and "SECRET" not in json.dumps(view)
    assert "initial_value" not in block(view, "image")["element"]
    assert "Kling can't" in json.dumps(view) or "not the web address of a picture" in json.dumps(view)
    assert submit(bob, view) == {}
    assert only_job(engine).image_url is None


def test_the_first_picture_of_a_message_that_kling_can_open_is_taken(bob: Any, hook: Any) -> None:
    shown = [{"image_url": uploaded("F0SECRET01")}, {"image_url": 7}, {"image_url": "https://x.com/fox.png"}, "odd"]
    view = shortcut_on(bob, hook, {"text": "a fox", "attachments": shown})
    assert block(view, "image")["element"]["initial_value"] == "https://x.com/fox.png"
    assert "Kling can't" not in json.dumps(view)


def test_an_uploaded_picture_that_cannot_be_used_is_left_out_and_the_form_says_why(bob: Any, hook: Any) -> None:
    external = {"id": "F0PICTURE1", "mimetype": "image/png", "is_external": True}
    view = shortcut_on(bob, hook, {"text": "a fox", "files": [external]})
    assert "uploaded" not in names(view)
    assert "kept by another service" in json.dumps(view)


def test_an_uploaded_picture_that_kling_would_refuse_is_pointed_out(bob: Any, hook: Any, engine: Engine) -> None:
    small = {"id": "F0PICTURE1", "mimetype": "image/png", "original_w": 200, "original_h": 200}
    view = shortcut_on(bob, hook, {"text": "a fox", "files": [small]})
    choose(bob, view, length="10")
    again = hook.said()["view"]
    assert submit(bob, again) == {
        "uploaded": "The picture is 200 × 200 pixels, and Kling needs 300 on each side. Send a larger one."
    }
    assert held(engine) == 0
    assert submit(bob, again, uploaded=[]) == {}


@pytest.mark.parametrize("url", ["http://localhost/fox.png", "https://files.slack.com/files-pri/T1-F1/fox.png"])
def test_an_address_that_kling_cannot_open_is_pointed_out(bob: Any, hook: Any, engine: Engine, url: str) -> None:
    assert "Kling can't" in submit(bob, opened(bob, hook), prompt="a fox", image=url)["image"]
    assert held(engine) == 0


@pytest.mark.parametrize("command", ["generate", "quote"])
def test_an_address_that_kling_cannot_open_is_refused_where_it_is_typed(bob: Any, engine: Engine, command: str) -> None:
    said = bob.types(f"{command} a fox --image <https://files.slack.com/files-pri/T1-F1/fox.png>")
    assert "Kling can't open pictures that are in Slack" in said and "Make a video from this" in said
    assert held(engine) == 0


def test_the_form_takes_as_long_a_prompt_as_the_model_and_slack_do(bob: Any, hook: Any, engine: Engine) -> None:
    view = shortcut_on(bob, hook, {"text": "x" * 4_000})
    assert block(view, "prompt")["element"]["max_length"] == 2_500
    assert block(view, "prompt")["element"]["initial_value"] == "x" * 2_500
    assert "the first 2,500 characters are in the form" in json.dumps(view)
    choose(bob, view, model="kling-3.0")
    assert block(hook.said()["view"], "prompt")["element"]["max_length"] == 3_000
    assert "Shorten it by 100" in submit(bob, view, prompt="x" * 2_600)["prompt"]
    assert held(engine) == 0
    assert submit(bob, view, prompt="x" * 3_000, model="kling-3.0") == {}


def test_a_shortcut_whose_form_does_not_open_says_so_in_the_direct_messages(bob: Any, hook: Any) -> None:
    hook.statuses = [500]
    bob.acts({"type": "shortcut", "callback_id": "generate"})
    said = hook.said()
    assert (said["method"], said["channel"]) == ("chat.postMessage", bob.user_id)
    assert said["text"].startswith("Slack did not open the form in time.")


# From a video that was made.


def made(person: Any, engine: Engine) -> Job:
    person.types("generate a fox --model kling-3.0 --duration 7 --aspect 9:16 --negative fog --project marketing")
    return settle(engine, only_job(engine))


def test_vary_opens_the_form_as_the_video_was_asked_for(bob: Any, carol: Any, hook: Any, engine: Engine) -> None:
    job = made(bob, engine)
    carol.clicks("video.vary", job.id, f"{hook.url}/there")
    view = hook.said()["view"]
    assert (chosen(view, "model"), chosen(view, "length"), chosen(view, "aspect")) == ("kling-3.0", "7", "9:16")
    assert submit(carol, view, prompt="a fox at night") == {}
    assert hook.said()["text"].startswith("🎬 Held 5.6 credits ($0.78) for kling-3.0, 7 s, 1080p · project marketing")
    (row,) = engine.store.read().query("SELECT user_id, negative FROM jobs WHERE prompt = 'a fox at night'")
    assert (row["user_id"], row["negative"]) == (carol.user_id, "fog")


def test_again_holds_the_same_for_whoever_clicked(bob: Any, carol: Any, hook: Any, engine: Engine) -> None:
    job = made(bob, engine)
    carol.clicks("video.again", job.id, f"{hook.url}/there")
    said = hook.said()
    assert said["replace_original"] is False
    assert said["text"].startswith("🎬 Held 5.6 credits ($0.78) for kling-3.0, 7 s, 1080p · project marketing")
    assert held(engine) == 5_600


def test_what_was_forgotten_is_asked_for_anew(bob: Any, hook: Any, engine: Engine) -> None:
    job = made(bob, engine)
    with engine.store.write() as tx:
        tx.execute("UPDATE jobs SET prompt = '' WHERE id = :id", {"id": job.id})
    bob.clicks("video.again", job.id, f"{hook.url}/there")
    assert hook.said()["method"] == "views.open"
    assert held(engine) == 0


def test_a_video_that_nobody_knows_is_not_made_again(bob: Any, hook: Any) -> None:
    bob.clicks("video.again", "aaaaaaaaaaaa", f"{hook.url}/there")
    assert hook.said()["text"].startswith("There is no job aaaaaaaaaaaa.")
