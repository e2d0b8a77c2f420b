"""Mentions and direct messages: the same words as the command, answered where they were said, and each once."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_sdk.errors import SlackApiError

from klingbot.domain.jobs import Job, id_for
from klingbot.domain.source_images import uploaded
from klingbot.engine import Engine, kling_results
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.interactions import messages
from klingbot.store import jobs
from tests.support.ledger_checks import settle
from tests.unit.slack.conftest import BOT, GENERAL

ME = f"<@{BOT}>"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    """What it says comes to the hook."""
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def made(engine: Engine) -> list[Job]:
    rows = engine.store.read().execute("SELECT id FROM jobs ORDER BY asked_at, id").fetchall()
    return [job for row in rows if (job := jobs.get(engine.store.read(), row["id"]))]


def nothing_more(app: App, hook: Any) -> None:
    """Everything that was heard is dealt with by now, and nothing more was said."""
    app.listener_runner.listener_executor.shutdown()
    with pytest.raises(queue.Empty):
        hook.heard.get_nowait()


@pytest.mark.parametrize("socket", [False, True], ids=["http", "socket mode"])
def test_a_mention_makes_a_video_and_only_whoever_asked_sees_the_answer(
    bob: Any, hook: Any, engine: Engine, socket: bool
) -> None:
    assert bob.says(f"{ME} generate A fox &amp; a hound --duration 10", socket=socket).status == 200
    said = hook.said()
    assert (said["method"], said["channel"], said["user"]) == ("chat.postEphemeral", GENERAL, bob.user_id)
    assert said["text"].startswith("🎬 Held 20 credits ($1.20) for kling-v1.5, 10 s, 1080p")
    assert "thread_ts" not in said
    [job] = made(engine)
    assert (job.prompt, job.channel_id, job.user_id, job.thread_ts) == ("A fox & a hound", GENERAL, bob.user_id, None)


@pytest.mark.parametrize("direct", [False, True])
def test_a_message_is_read_as_it_was_seen(bob: Any, hook: Any, engine: Engine, direct: bool) -> None:
    words = "generate a :fox_face: for <@U0CAROL001> in <#C0FINANCE1|>\u00a0\u2011\u2011duration <tel:10|10>"
    bob.says(f"\u200b{ME}： {words}", direct=direct)
    assert hook.said()["text"].startswith("🎬 Held 20 credits")
    [job] = made(engine)
    assert (job.prompt, job.duration_seconds) == ("a 🦊 for @CC in #finance", 10)


def test_in_a_thread_the_answer_and_the_video_come_to_that_thread(bob: Any, hook: Any, engine: Engine) -> None:
    bob.says(f"{ME} generate a fox", thread_ts="1699999999.000100")
    said = hook.said()
    assert said["thread_ts"] == "1699999999.000100"
    assert "the video comes to this thread" in said["text"]
    [job] = made(engine)
    settle(engine, job)
    said_there = engine.store.read().execute("SELECT kind FROM outbox WHERE thread_ts = '1699999999.000100'")
    assert [row["kind"] for row in said_there.fetchall()] == ["video ready"]


def test_in_direct_messages_the_words_need_no_mention_and_the_answer_is_a_message(bob: Any, hook: Any) -> None:
    for words in ("budget", f"{ME} budget", "/kling budget", "`/kling budget`", "Budget"):
        bob.says(words, direct=True)
        said = hook.said()
        assert (said["method"], said["channel"]) == ("chat.postMessage", "D0BOB00001"), words
        assert said["text"].startswith("There are no budgets yet."), words
        assert "user" not in said


def test_in_a_thread_of_the_direct_messages_the_answer_stays_there(bob: Any, hook: Any) -> None:
    bob.says("help", direct=True, thread_ts="1699999999.000100")
    assert hook.said()["thread_ts"] == "1699999999.000100"


@pytest.mark.parametrize("text", [f"{ME}: budget", f"  {ME}, budget", f"<@{BOT}|klingbot> budget", f"{ME}\nbudget"])
def test_however_the_mention_is_written_the_words_behind_it_count(bob: Any, hook: Any, text: str) -> None:
    bob.says(text)
    assert hook.said()["text"].startswith("There are no budgets yet.")


def test_a_mention_without_words_opens_the_menu(bob: Any, hook: Any) -> None:
    for text in (ME, f"{ME}  ", f"{ME} /kling"):
        bob.says(text)
        assert "What would you like to do?" in hook.said()["text"]


# Once.


def test_the_same_event_delivered_again_makes_one_job_and_one_answer(
    bob: Any, hook: Any, app: App, engine: Engine
) -> None:
    for retry in range(4):
        assert bob.says(f"{ME} generate a fox", ts="1700000000.000042", retry=retry).status == 200
    assert hook.said()["text"].startswith("🎬 Held")
    nothing_more(app, hook)
    [job] = made(engine)
    assert job.id == id_for(f"{GENERAL} 1700000000.000042")


def test_the_same_event_at_another_process_makes_one_job_and_says_so(
    bob: Any, hook: Any, engine: Engine, directory: Directory, secret: str
) -> None:
    other = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    bob.says(f"{ME} generate a fox", ts="1700000000.000042")
    assert hook.said()["text"].startswith("🎬 Held")
    bob.app = other
    bob.says(f"{ME} generate a fox", ts="1700000000.000042", retry=1)
    assert hook.said()["text"].startswith("This is the same request as before")
    assert len(made(engine)) == 1
    other.listener_runner.listener_executor.shutdown()


def test_deliveries_at_once_make_one_job(bob: Any, app: App, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        for response in pool.map(lambda _: bob.says(f"{ME} generate a fox", ts="1700000000.000042"), range(8)):
            assert response.status == 200
    app.listener_runner.listener_executor.shutdown()
    assert len(made(engine)) == 1


def test_the_same_words_said_again_are_another_request(bob: Any, hook: Any, engine: Engine) -> None:
    for _ in range(2):
        bob.says(f"{ME} generate a fox")
        assert hook.said()["text"].startswith("🎬 Held")
    assert len(made(engine)) == 2


# What is not for it.


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B0OTHERBOT"},
        {"subtype": "bot_message", "bot_id": "B0OTHERBOT", "user": None},
        {"user": BOT},
        {"user": "USLACKBOT"},
        {"edited": {"user": "U0BOB00001", "ts": "1700000001.000000"}},
        {"subtype": "message_changed", "message": {"text": f"{ME} generate a fox"}, "user": None},
        {"subtype": "message_deleted", "deleted_ts": "1.2", "user": None},
        {"subtype": "channel_join"},
        {"subtype": "me_message"},
    ],
    ids=str,
)
@pytest.mark.parametrize("direct", [False, True])
def test_bots_edits_and_what_slack_itself_says_are_acknowledged_and_left_alone(
    bob: Any, hook: Any, app: App, engine: Engine, more: dict[str, Any], direct: bool
) -> None:
    assert bob.says(f"{ME} generate a fox", direct=direct, **more).status == 200
    nothing_more(app, hook)
    assert made(engine) == []


def test_messages_in_channels_that_do_not_mention_it_are_left_alone(
    bob: Any, hook: Any, app: App, engine: Engine
) -> None:
    for kind in ("channel", "group", "mpim"):
        assert bob.says("generate a fox", type="message", channel_type=kind).status == 200
    nothing_more(app, hook)
    assert made(engine) == []


def test_whoever_talks_about_it_is_told_how_to_talk_to_it(bob: Any, hook: Any, engine: Engine) -> None:
    for text in (f"I told {ME} generate a fox and it did", f"generate a fox {ME}", f"thanks, {ME}!"):
        bob.says(text)
        assert hook.said()["text"].startswith("Did you mean me? Begin with my name, like @klingbot budget")
    assert made(engine) == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("can you make a video of a fox?", "generate"),
        ("please generate a fox", "generate"),
        ("gernate a fox", "generate"),
        ("how much is left?", "budget"),
        ("what did we spend this month", "usage"),
        ("i need more credits", "ask"),
        ("cancle the video aaaaaaaaaaaa", "cancel"),
        ("hello there", "help"),
        ("hi, make me a fox", "generate"),
    ],
)
@pytest.mark.parametrize("direct", [False, True])
def test_conversation_gets_the_nearest_command_and_never_makes_a_video(
    bob: Any, hook: Any, engine: Engine, text: str, meant: str, direct: bool
) -> None:
    bob.says(text if direct else f"{ME} {text}", direct=direct)
    said = hook.said()
    assert f"Did you mean {meant}?" in said["text"]
    assert "Nothing was made or spent." in said["text"]
    assert "[Make a video]" in said["text"]
    assert made(engine) == []


# What words carry.


def test_people_in_a_prompt_are_called_by_name_and_nobody_is_mentioned(bob: Any, hook: Any, engine: Engine) -> None:
    bob.says(f"{ME} generate <@U0CAROL001> &lt;!channel&gt; and {ME} at <https://x.com/a|x.com/a>, <@U0NOBODY01>")
    said = hook.said()
    [job] = made(engine)
    assert job.prompt == "@CC <!channel> and @U0KLINGBOT at x.com/a, @U0NOBODY01"
    assert "<@" not in said["text"] and "<!" not in said["text"]


def test_a_name_cannot_smuggle_anything_into_a_prompt(bob: Any, hook: Any, slack: Any, engine: Engine) -> None:
    slack.people[2]["profile"]["display_name"] = "<!channel> --duration 10 & <@U0ALICE001>"
    bob.says(f"{ME} generate a fox with <@U0CAROL001>")
    said = hook.said()
    [job] = made(engine)
    assert job.prompt == "a fox with @<!channel> --duration 10 & <@U0ALICE001>"
    assert job.duration_seconds == 5
    assert "<!channel" not in json.dumps(said["blocks"]) and "<@U0ALICE" not in json.dumps(said["blocks"])


def test_while_slack_cannot_be_asked_people_keep_their_ids(bob: Any, hook: Any, slack: Any, engine: Engine) -> None:
    bob.is_known(slack)
    slack.trouble = SlackApiError("no", {"ok": False, "error": "internal_error"})
    bob.says(f"{ME} generate a fox with <@U0CAROL001>")
    assert hook.said()["text"].startswith("🎬 Held")
    assert made(engine)[0].prompt == "a fox with @U0CAROL001"


def test_people_and_channels_are_scopes_and_places_here_too(alice: Any, hook: Any) -> None:
    alice.says(f"{ME} budget set <@U0BOB00001> --credits 100 --period daily --channel <#C0FINANCE1>")
    assert hook.said()["text"].startswith("Budget set for <@U0BOB00001> (daily): new, 100 credits")


def test_only_admins_set_budgets_here_too(bob: Any, hook: Any) -> None:
    bob.says("budget set workspace --credits 100", direct=True)
    assert hook.said()["text"].startswith("Only admins can set budgets.")


def test_a_picture_that_was_sent_along_is_what_the_video_begins_with(bob: Any, hook: Any, engine: Engine) -> None:
    picture = [{"id": "F0NOTES001", "mimetype": "text/plain"}, {"id": "F0PICTURE1", "mimetype": "image/png"}]
    bob.says(f"{ME} generate The fox wakes up", files=picture)
    assert hook.said()["text"].startswith("🎬 Held")
    bob.says("generate The fox runs", direct=True, files=picture, subtype="file_share")
    assert hook.said()["text"].startswith("🎬 Held")
    assert {(job.prompt, job.image_url) for job in made(engine)} == {
        ("The fox wakes up", uploaded("F0PICTURE1")),
        ("The fox runs", uploaded("F0PICTURE1")),
    }


def test_what_was_sent_along_is_never_left_out_in_silence(bob: Any, hook: Any, engine: Engine) -> None:
    notes = [{"id": "F0NOTES001", "mimetype": "text/plain"}]
    bob.says(f"{ME} generate a fox", files=notes)
    assert hook.said()["text"].startswith("A video begins with a picture, and what you sent along is none.")
    bob.says(f"{ME} generate", files=[{"id": "F0PICTURE1", "mimetype": "image/png"}])
    assert hook.said()["text"].startswith("Say what should happen to the picture")
    bob.says("help", direct=True, files=notes, subtype="file_share")
    assert "/kling generate" in hook.said()["text"]
    assert made(engine) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"is_external": True, "mode": "external"}, "kept by another service"),
        ({"file_access": "check_file_info", "mimetype": None}, "Slack doesn't let me open that picture"),
        ({"mimetype": "image/gif"}, "Kling takes JPEG and PNG pictures"),
        ({"size": 60_000_000}, "Kling takes pictures of up to 50 MB"),
        ({"original_w": 200, "original_h": 300}, "The picture is 200 × 300 pixels"),
        ({"original_w": 3_000, "original_h": 300}, "The picture is 3000 × 300 pixels"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_before_anything_is_reserved(
    bob: Any, hook: Any, engine: Engine, file: dict[str, Any], said: str
) -> None:
    bob.says(f"{ME} generate a fox", files=[{"id": "F0PICTURE1", "mimetype": "image/png", **file}])
    assert said in hook.said()["text"]
    assert engine.store.read().execute("SELECT count(*) AS n FROM entries").fetchone()["n"] == 0


def test_nobody_can_name_a_file_that_they_cannot_see(bob: Any, hook: Any, engine: Engine) -> None:
    bob.says(f"{ME} generate a fox --image {uploaded('F0SECRET01')}")
    assert "Held" not in hook.said()["text"]
    assert made(engine) == []


# Forms need a press.


def test_a_form_is_opened_by_the_button_that_is_answered_instead(bob: Any, hook: Any, engine: Engine) -> None:
    bob.says(f"{ME} generate --model kling-pro --duration 10", thread_ts="1699999999.000100")
    said = hook.said()
    button = said["blocks"][1]["elements"][0]
    assert button["action_id"] == "menu.form"
    bob.clicks(button["action_id"], button["value"], f"{hook.url}/there", thread_ts="1699999999.000100")
    opened = hook.said()
    assert opened["method"] == "views.open"
    view = opened["view"]
    assert json.loads(view["private_metadata"])["wish"]["model"] == "kling-pro"
    assert json.loads(view["private_metadata"])["thread_ts"] == "1699999999.000100"
    assert made(engine) == []


def test_words_too_long_for_a_button_still_open_the_form(bob: Any, hook: Any) -> None:
    bob.says(f"{ME} generate --negative “{'x' * 2_400}”")
    assert hook.said()["blocks"][1]["elements"][0]["value"] == "generate"


# Where it cannot be said.


@pytest.mark.parametrize("text", [f"{ME} help", "help"], ids=["mention", "direct"])
def test_an_answer_for_which_slack_has_no_time_just_now_comes_a_little_later(bob: Any, hook: Any, text: str) -> None:
    for method in ("chat.postMessage", "chat.postEphemeral"):
        hook.once_refused[method] = "ratelimited"
    bob.says(text, direct=text == "help")
    assert hook.said()["method"] == ("chat.postMessage" if text == "help" else "chat.postEphemeral")


def test_an_answer_that_the_channel_does_not_take_comes_to_the_direct_messages(
    bob: Any, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.refused["chat.postEphemeral"] = "user_not_in_channel"
    bob.says(f"{ME} budget")
    said = hook.said()
    assert (said["method"], said["channel"]) == ("chat.postMessage", bob.user_id)


def test_buttons_in_a_thread_are_answered_in_that_thread(bob: Any, hook: Any, engine: Engine) -> None:
    bob.says(f"{ME} generate a fox")
    hook.said()
    [job] = made(engine)
    kling_results.refused(engine, job, "no")
    bob.clicks("video.again", job.id, f"{hook.url}/there", thread_ts="1699999999.000100")
    said = hook.said()
    assert (said["method"], said["thread_ts"]) == ("there", "1699999999.000100")
    assert {each.thread_ts for each in made(engine)} == {None, "1699999999.000100"}


def test_a_mention_is_acknowledged_before_it_is_answered(bob: Any, hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledged, answered = threading.Event(), messages.answer
    waited: list[bool] = []

    def slow(*args: Any) -> Any:
        waited.append(acknowledged.wait(20))
        return answered(*args)

    monkeypatch.setattr(messages, "answer", slow)
    assert bob.says(f"{ME} budget").status == 200
    acknowledged.set()
    assert hook.said()["method"] == "chat.postEphemeral"
    assert waited == [True], "the acknowledgement did not wait for the answer"


def test_an_unsigned_event_is_refused(bob: Any, hook: Any, app: App, engine: Engine) -> None:
    assert bob.says(f"{ME} generate a fox", headers={"content-type": ["application/json"]}).status == 401
    nothing_more(app, hook)
    assert made(engine) == []


def test_the_address_proves_itself_when_slack_tries_it(bob: Any, app: App) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB10", "token": "x"})
    response = app.dispatch(BoltRequest(body=body, headers={**bob.signed(body), "content-type": ["application/json"]}))
    assert (response.status, json.loads(response.body)) == (200, {"challenge": "3eZbrw1aB10"})
