"""The whole face of `/kling`: signed commands in, private answers out, over a real engine and a real ledger."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt import App, BoltRequest

from klingbot.domain import prices
from klingbot.domain.budgets import Total
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.membership import Home
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.periods import PeriodKind
from klingbot.domain.reconciliation import Billed, UnitPack
from klingbot.engine import Engine, budgets, job_requests, kling_results, reconciliation, stuck_jobs
from klingbot.engine.usage import usage
from klingbot.slack.api.directory import Directory
from klingbot.slack.api.lookup_cache import FRESH_SECONDS
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Asker, Desk
from klingbot.slack.interactions.commands import answer
from klingbot.store import jobs
from tests.both_databases.test_query_plans import traced
from tests.conftest import FakeClock
from tests.support.ledger_checks import settle

FORTY = Amount(40_000, 2_400_000)
PRO = "--model kling-pro --duration 10"
ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
GENERAL, FINANCE = "C0GENERAL1", "C0FINANCE1"


def total(engine: Engine, scope: str = "workspace") -> Total:
    return usage(engine, scope, PeriodKind.MONTHLY, "model").total


def job_in(engine: Engine, said: str) -> Job:
    """The job whose id an answer shows."""
    found = re.search(r"[Jj]ob ([a-z2-7]{12})", said)
    assert found, said
    job = jobs.get(engine.store.read(), found[1])
    assert job
    return job


# Who is let in.


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": ["v0=bad"], "x-slack-request-timestamp": [str(int(time.time()))]},
    ],
)
def test_an_unsigned_command_is_refused(bob: Any, engine: Engine, headers: dict[str, Any]) -> None:
    assert bob.send("generate a fox", headers=headers).status == 401
    assert total(engine) == Total()


def test_a_command_signed_with_another_secret_is_refused(bob: Any, engine: Engine) -> None:
    bob.secret = "not the secret"
    assert bob.send("generate a fox").status == 401
    assert total(engine) == Total()


def test_a_command_replayed_after_five_minutes_is_refused(app: App, bob: Any) -> None:
    body = "command=%2Fkling&text=help&user_id=U1&channel_id=C1&trigger_id=1"
    fresh, stale = bob.signed(body), bob.signed(body, at=time.time() - 301)
    assert app.dispatch(BoltRequest(body=body, headers=fresh)).status == 200
    assert app.dispatch(BoltRequest(body=body, headers=stale)).status == 401


def test_without_a_signing_secret_nothing_gets_in_over_http(engine: Engine, directory: Directory) -> None:
    app = build(Desk(engine, directory), token="xoxb-fake", api_url="http://127.0.0.1:9/")
    timestamp, body = str(int(time.time())), "command=%2Fkling&text=help&user_id=U1&channel_id=C1&trigger_id=1"
    keyless = hmac.new(b"", f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-slack-signature": [f"v0={keyless}"], "x-slack-request-timestamp": [timestamp]}
    assert app.dispatch(BoltRequest(body=body, headers=headers)).status == 401


def test_socket_mode_needs_no_signature(engine: Engine, directory: Directory) -> None:
    app = build(Desk(engine, directory), token="xoxb-fake", api_url="http://127.0.0.1:9/")
    payload = {"command": "/kling", "text": "help", "user_id": BOB, "channel_id": GENERAL, "trigger_id": "1"}
    assert app.dispatch(BoltRequest(body=payload, mode="socket_mode")).status == 200


# Asking for videos.


def test_generate_holds_and_answers_privately_without_asking_slack(bob: Any, engine: Engine, slack: Any) -> None:
    bob.is_known(slack)
    said = bob.types(f"generate a fox in the snow {PRO} --project marketing")
    assert said.startswith("🎬 Held 40 credits ($2.40) for kling-pro, 10 s, 1080p · project marketing\n")
    assert "> a fox in the snow" in said
    assert total(engine) == total(engine, "project:marketing") == total(engine, f"user:{BOB}") == Total(FORTY, NOTHING)
    assert slack.asked == []


def test_a_job_keeps_who_asked_where_and_how_to_answer(bob: Any, engine: Engine) -> None:
    said = bob.types('generate a fox --negative "text, blur" --image https://x.example/fox.png --aspect 9:16')
    job = job_in(engine, said)
    assert (job.user_id, job.channel_id, job.state) == (BOB, GENERAL, JobState.HELD)
    assert (job.prompt, job.negative, job.aspect) == ("a fox", "text, blur", "9:16")
    assert job.image_url == "https://x.example/fox.png"
    assert job.response_url == "https://hooks.slack.com/commands/1/2"


def test_the_same_command_delivered_three_times_holds_once(bob: Any, engine: Engine) -> None:
    first = bob.types(f"generate a fox {PRO}", trigger="13345224609.738474920")
    again = [bob.types(f"generate a fox {PRO}", trigger="13345224609.738474920") for _ in range(2)]
    job = job_in(engine, first)
    assert all(f"same request as before: job {job.id}" in said and "Nothing more was held" in said for said in again)
    assert total(engine).held == FORTY


def test_the_same_words_typed_twice_are_two_jobs(bob: Any, engine: Engine) -> None:
    first, second = bob.types(f"generate a fox {PRO}"), bob.types(f"generate a fox {PRO}")
    assert job_in(engine, first).id != job_in(engine, second).id
    assert total(engine).held == FORTY + FORTY


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--model sora", "There is no model sora. Sold here: kling-v1, kling-v1.5 and kling-pro."),
        ("--duration 7", "kling-v1.5 makes no 7-second videos, only 5 or 10 seconds."),
        ("--resolution 4k", "kling-v1.5 is not sold in 4k, only in 720p and 1080p."),
        ("--aspect 21:9", "There is no aspect 21:9; choose 16:9, 9:16 or 1:1."),
        ("--audio", "kling-v1.5 has no sound"),
        ("--modle kling-pro", "Did you mean --model?"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "quote"])
def test_what_is_not_sold_is_refused_with_what_is(
    bob: Any, engine: Engine, command: str, options: str, sentence: str
) -> None:
    said = bob.types(f"{command} a fox {options}")
    assert sentence in said
    assert said.splitlines()[-1].startswith(f"/kling {command} ")
    assert total(engine) == Total()


@pytest.mark.parametrize(("sound", "held"), [("--audio=off", False), ("--audio", True), ("", True)])
def test_whoever_wants_silence_is_never_charged_for_sound(
    engine: Engine, directory: Directory, sound: str, held: bool
) -> None:
    in_units = replace(engine, prices=prices.load("kling-api"))
    typed = f"generate a fox --model kling-3.0-turbo {sound}"
    said = answer(Desk(in_units, directory), Asker(BOB, GENERAL, "1", None), typed).text
    assert ("kling-3.0-turbo always has sound: leave out --audio=off" in said) is not held
    assert (total(engine).held.millicredits > 0) is held


def test_a_job_over_budget_is_refused_with_what_still_fits(alice: Any, bob: Any, engine: Engine) -> None:
    alice.types("budget set marketing --credits 60 --usd 3.60")
    bob.types(f"generate a fox {PRO} --project marketing")
    said = bob.types(f"generate an owl {PRO} --project marketing")
    assert said.startswith("Budget exceeded for marketing (monthly)\nNeeded: 40 credits ($2.40)")
    assert "20 credits and $1.20 left of 60 credits and $3.60 (66.6%" in said
    assert "|resets Dec 1, 2026 at 00:00 UTC>" in said
    assert "--duration 5 → 20 credits ($1.20)" in said
    assert total(engine).held == FORTY


def test_what_a_refusal_offers_is_accepted_when_typed(alice: Any, bob: Any, engine: Engine) -> None:
    alice.types("budget set workspace --credits 39")
    refusal = bob.types(f"generate a fox {PRO}")
    offered = re.findall(r"• (--.+?) → (.+)", refusal)
    assert len(offered) == 3
    for options, amount in offered:
        typed = " ".join(["generate a fox", PRO if "--model" not in options else "--duration 10"])
        typed = typed.replace("--duration 10", "") if "--duration" in options else typed
        said = bob.types(f"{typed} {options}")
        assert said.startswith(f"🎬 Held {amount} for "), said
        bob.types(f"cancel {job_in(engine, said).id}")


def test_a_quote_spends_nothing_and_says_what_would_happen(alice: Any, bob: Any, engine: Engine) -> None:
    alice.types("budget set workspace --credits 50")
    assert "workspace (monthly): 0.0% → 80.0%" in bob.types(f"quote {PRO}")
    bob.types(f"generate a fox {PRO}")
    assert "It would be refused: Budget exceeded for workspace (monthly)" in bob.types(f"quote a fox {PRO}")
    assert total(engine).held == FORTY


def test_while_kling_refuses_the_account_new_jobs_are_refused_with_the_reason(bob: Any, engine: Engine) -> None:
    bob.types("generate a fox")
    kling_results.stopped(engine, code=1102, reason="The Kling account has no units left.")
    said = bob.types("generate an owl")
    assert "Kling takes no jobs from this account just now: The Kling account has no units left." in said
    assert total(engine).held == Amount(10_000, 600_000)


@pytest.mark.parametrize("prompt", ["&lt;!channel&gt; look", "&lt;@U0ALICE001&gt; look", "@here look", "*look* `here`"])
def test_no_prompt_can_mention_or_format(bob: Any, prompt: str) -> None:
    response = bob.send(f"generate {prompt}")
    assert response.status == 200
    echoed = re.findall(r"> .*", json.loads(response.body)["text"])
    assert len(echoed) == 1
    assert not re.search(r"<|@here|[*`]", echoed[0])
    assert "look" in echoed[0]


def test_mentions_in_a_prompt_are_kept_as_plain_words(bob: Any, engine: Engine) -> None:
    job = job_in(engine, bob.types("generate <@U0ALICE001|alice> in <#C0FINANCE1|finance> R&amp;D"))
    assert job.prompt == "@alice in #finance R&D"


def test_a_direct_message_works_like_any_channel(bob: Any) -> None:
    bob.channel_id = "D0BOB00001"
    assert bob.types("generate a fox").startswith("🎬 Held 10 credits ($0.60)")


# Cancelling.


def test_people_cancel_their_own_jobs_without_slack_being_asked(bob: Any, engine: Engine, slack: Any) -> None:
    bob.is_known(slack)
    job = job_in(engine, bob.types("generate a fox"))
    assert bob.types(f"cancel {job.id}") == (
        f"Cancelled job {job.id}. Nothing was charged; the hold of 10 credits ($0.60) was given back."
    )
    assert total(engine) == Total()
    assert slack.asked == []


def test_only_admins_cancel_other_peoples_jobs(alice: Any, bob: Any, carol: Any, engine: Engine) -> None:
    job = job_in(engine, bob.types("generate a fox"))
    assert f"was asked for by <@{BOB}>: only they or an admin can cancel it." in carol.types(f"cancel {job.id}")
    assert total(engine).held == job.quote
    assert alice.types(f"cancel {job.id}").startswith(f"Cancelled job {job.id}.")
    assert total(engine) == Total()


def test_what_kling_has_cannot_be_cancelled(bob: Any, engine: Engine) -> None:
    job = job_in(engine, bob.types("generate a fox"))
    kling_results.submitting(engine, job, "text2video", due_at=engine.clock() + 1000)
    kling_results.submitted(engine, job, "task", due_at=engine.clock() + 1000)
    assert "is being made at Kling. It is too late to cancel" in bob.types(f"cancel {job.id}")
    assert total(engine).held == job.quote


def test_a_job_that_never_was_cannot_be_cancelled(bob: Any) -> None:
    assert bob.types("cancel nosuchjob").startswith("There is no job nosuchjob.")


# Budgets.


def test_an_admin_sets_changes_and_removes_a_budget(alice: Any, engine: Engine) -> None:
    said = alice.types("budget set marketing --credits 10,000 --usd $600 --alert 50,90 --channel <#C0FINANCE1|finance>")
    assert said.startswith("Budget set for marketing (monthly): new, 10,000 credits and $600.00\n")
    assert said.endswith("alerts at 50%, 90% go to <#C0FINANCE1> · forecast on · spike on")
    said = alice.types("budget set marketing --forecast off --spike=no")
    assert "still 10,000 credits and $600.00; forecast on → off; spike on → off" in said
    assert said.endswith("alerts at 50%, 90% go to <#C0FINANCE1> · forecast off · spike off")
    said = alice.types("budget set marketing --credits 5000")
    assert "10,000 credits and $600.00 → 5,000 credits and $600.00" in said
    assert "alerts at 50%, 90% go to <#C0FINANCE1>" in said, "what was not given stays"
    assert "marketing (monthly): 5,000 credits and $600.00 → no budget" in alice.types("budget remove marketing")
    budgets.remove_budget(engine, "project:marketing", PeriodKind.MONTHLY, by="U0ALICE001")
    assert "There is no monthly budget for marketing" in alice.types("budget remove marketing")


@pytest.mark.parametrize(
    "text", ["budget set marketing --credits 5", "budget remove workspace", "project lab", "budget set @bob --usd 5"]
)
def test_members_change_nothing(alice: Any, bob: Any, engine: Engine, text: str) -> None:
    alice.types("budget set workspace --credits 100")
    before = budgets.standings(engine)
    said = bob.types(text)
    assert said.startswith("Only admins can ")
    assert said.splitlines()[-1].startswith("/kling ")
    assert budgets.standings(engine) == before
    assert "the project default" in bob.types("project")


def test_named_admins_replace_slacks_own(engine: Engine, slack: Any, alice: Any, bob: Any) -> None:
    desk = Desk(engine, Directory(slack, admins=(BOB,)))
    alice.app = bob.app = build(desk, token="t", api_url="http://127.0.0.1:9/", signing_secret=bob.secret)
    assert alice.types("budget set workspace --credits 5").startswith("Only admins can set budgets.")
    assert bob.types("budget set workspace --credits 5").startswith("Budget set for workspace (monthly)")


def test_while_slack_cannot_be_asked_nobody_is_taken_for_an_admin(
    alice: Any, engine: Engine, slack: Any, seconds: Any
) -> None:
    alice.is_known(slack)
    seconds.now += FRESH_SECONDS
    slack.trouble = TimeoutError()
    said = alice.types("budget set workspace --credits 5")
    assert said == (
        "I could not ask Slack whether you are an admin just now (TimeoutError), so nothing was changed. "
        "Try again in a minute."
    )
    assert budgets.standings(engine) == []


def test_a_budget_for_a_name_that_is_almost_a_projects_is_set_with_a_doubt(alice: Any, engine: Engine) -> None:
    alice.types("project marketing")
    said = alice.types("budget set markting --usd 100")
    assert said.startswith("Budget set for markting (monthly): new, $100.00\n")
    assert said.endswith("\nNo channel spends for markting yet. Did you mean marketing?")
    assert [standing.budget.scope for standing in budgets.standings(engine)] == ["project:markting"]
    assert "Did you mean" not in alice.types("budget set markting --usd 90"), "it is known by its budget now"


@pytest.mark.parametrize("scope", ["marketing", "summer-sale", "workspace", "@bob"])
def test_a_budget_for_whom_there_is_no_doubt_is_set_without_one(alice: Any, scope: str) -> None:
    alice.types("project marketing")
    said = alice.types(f"budget set {scope} --usd 100")
    assert said.startswith("Budget set for ") and "Did you mean" not in said


def test_a_new_budget_without_a_limit_is_refused(alice: Any, engine: Engine) -> None:
    said = alice.types("budget set marketing --alert 50")
    assert "--credits, --usd or both" in said
    assert budgets.standings(engine) == []


def test_people_and_channels_are_understood_as_typed(alice: Any, engine: Engine) -> None:
    alice.types("budget set @bob --usd 5 --channel #finance")
    (standing,) = budgets.standings(engine)
    assert (standing.budget.scope, standing.budget.channel_id) == (f"user:{BOB}", FINANCE)


@pytest.mark.parametrize("named", ["@klingbot", "<@U0KLINGBOT|klingbot>", "@bob,<@U0KLINGBOT>"])
def test_the_bot_itself_is_no_approver(
    alice: Any, engine: Engine, directory: Directory, slack: Any, named: str
) -> None:
    slack.people.append({"id": "U0KLINGBOT", "name": "klingbot", "is_bot": True, "profile": {}})
    directory.know_home(Home("T0SANDBOX1", bot_user_id="U0KLINGBOT"))
    said = alice.types(f"budget set marketing --usd 5 --approvers {named}")
    assert said.startswith("Klingbot itself can't approve requests. Name people instead.\n/kling budget set ")
    assert budgets.standings(engine) == []
    assert alice.types("budget set marketing --usd 5 --approvers @bob").startswith("Budget set for marketing")


@pytest.mark.parametrize("channel", ["#secrets", "<#C0SECRETS1|secrets>"])
def test_a_channel_that_the_bot_cannot_see_is_refused_with_the_way_in(alice: Any, engine: Engine, channel: str) -> None:
    said = alice.types(f"budget set marketing --usd 5 --channel {channel}")
    assert said.startswith("I can't see #secrets.") and "/invite @klingbot" in said
    assert budgets.standings(engine) == []


def test_a_channel_that_the_bot_is_not_in_is_taken_with_a_warning(alice: Any, engine: Engine) -> None:
    said = alice.types("budget set marketing --usd 5 --channel #lounge")
    assert "I am not in <#C0LOUNGE01> yet: invite me there (/invite @klingbot)" in said
    assert budgets.standings(engine)[0].budget.channel_id == "C0LOUNGE01"


def test_nobody_gets_a_budget_by_a_wrong_name(alice: Any, engine: Engine) -> None:
    said = alice.types("budget set @bbo --usd 5")
    assert said.startswith("I know nobody called “bbo”.")
    assert said.splitlines()[-1].startswith("/kling budget set ")
    assert budgets.standings(engine) == []


def test_anyone_reads_every_budget_and_its_standing(alice: Any, bob: Any) -> None:
    alice.types("budget set workspace --credits 100")
    alice.types("budget set <@U0BOB00001|bob> --period daily --usd 6")
    bob.types(f"generate a fox {PRO}")
    listed = bob.types("budget")
    assert "workspace (monthly): 40.0%, 60 credits left of 100 credits" in listed
    assert f"<@{BOB}> (daily): 40.0%, $3.60 left of $6.00" in listed
    shown = bob.types("budget show @bob")
    assert "40.0% of $6.00 for 23 November 2026: 0 credits ($0.00) used, 40 credits ($2.40) in flight" in shown
    assert shown.endswith(f"alerts at 80%, 100% go to <#{FINANCE}>")
    assert bob.types("budget show lab").startswith("There is no budget for lab.")


# Usage, projects, help.


def test_usage_is_this_month_of_the_workspace_by_model_unless_said_otherwise(bob: Any, carol: Any) -> None:
    bob.types(f"generate a fox {PRO} --project marketing")
    carol.types("generate an owl")
    assert bob.types("usage").splitlines() == [
        "Usage of workspace · November 2026",
        "0 credits ($0.00) used, 50 credits ($3.00) in flight",
        "• kling-pro: used 0 credits ($0.00), in flight 40 credits ($2.40), jobs 1",
        "• kling-v1.5: used 0 credits ($0.00), in flight 10 credits ($0.60), jobs 1",
        "[As a chart] [As CSV]",
    ]
    assert f"• <@{BOB}>: used 0 credits ($0.00), in flight 40 credits" in bob.types(
        "usage marketing --by user --period daily"
    )
    assert "Monday 23 November" in bob.types("usage @carol --by day --period week")


def test_usage_of_nothing_teaches_what_to_type(bob: Any) -> None:
    assert bob.types("usage lab") == (
        "Nothing was asked for yet (lab, November 2026). Make a video: /kling generate a fox in the snow"
    )


def test_a_channel_spends_for_the_project_that_an_admin_chose(alice: Any, bob: Any, engine: Engine) -> None:
    assert alice.types("project marketing") == (
        "This channel now spends for the project marketing. Until now it was default; what was spent there stays there."
    )
    assert bob.types("project").startswith("This channel spends for the project marketing.")
    assert job_in(engine, bob.types("generate a fox")).project == "marketing"
    alice.types("project new lab")
    assert job_in(engine, bob.types("generate a fox --project lab")).project == "lab"
    bob.channel_id = "C0ELSEWHERE"
    assert job_in(engine, bob.types("generate a fox")).project == "default"


@pytest.mark.parametrize("text", [f"generate a fox {PRO}", "quote a fox", "quote"])
def test_a_mistyped_project_is_asked_about_before_anything_is_held(
    alice: Any, bob: Any, engine: Engine, text: str
) -> None:
    alice.types("budget set video-lab --credits 5")
    said = bob.types(f"{text} --project vido-lab")
    assert "There is no project vido-lab yet" in said and "Did you mean video-lab? Only admins create" in said
    assert total(engine) == Total()
    assert bob.types("generate a fox --project video-lab").startswith("Budget exceeded for video-lab")


@pytest.mark.parametrize("made", ["budget set lab-b --usd 5", "rules lab-b --ceiling 100"])
def test_a_project_that_an_admin_has_set_up_is_taken_however_near_its_name_is(
    alice: Any, bob: Any, engine: Engine, made: str
) -> None:
    alice.types("budget set lab-a --usd 5")
    assert "Did you mean lab-a?" in bob.types("generate a fox --project lab-b")
    alice.types(made)
    assert job_in(engine, bob.types("generate a fox --project lab-b")).project == "lab-b"


def test_a_project_that_is_named_costs_no_look_up(engine: Engine, directory: Directory) -> None:
    def statements(text: str) -> set[str]:
        asker = Asker(BOB, GENERAL, text, None)
        return set(traced(engine, lambda: answer(Desk(engine, directory), asker, text)))

    statements("generate a fox --project sales")
    assert statements("generate an owl") == statements("generate a heron --project sales")


@pytest.mark.parametrize("text", ["help", "--help"])
def test_help_shows_everything_that_can_be_typed(bob: Any, text: str) -> None:
    said = bob.types(text)
    assert "/kling generate PROMPT" in said and "/kling help budget set" in said


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_typed_is_answered_with_a_menu(bob: Any, text: str) -> None:
    said = bob.types(text)
    assert said.splitlines()[1] == "[Make a video] [Budgets] [My jobs] [Usage] [Help]"


def test_help_about_one_command_is_about_that_one(bob: Any) -> None:
    said = bob.types("help usage")
    assert said.startswith("/kling usage [SCOPE]") and "generate" not in said


@pytest.mark.parametrize(
    "text", ["generat a fox", "make me a fox", "budget sho x", "usage --period yearly", "quote --duration x", "cancel"]
)
def test_a_mistake_is_answered_with_a_sentence_and_the_usage_line(bob: Any, engine: Engine, text: str) -> None:
    sentence, *_, usage_line = bob.types(text).splitlines()
    assert not sentence.startswith("/kling")
    assert usage_line.startswith("/kling ")
    assert total(engine) == Total()


def test_what_was_mistyped_is_shown_back_harmless(bob: Any) -> None:
    assert "<" not in bob.types("&lt;!channel&gt; *now*")


# When something breaks.


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holding fails in a way that nobody foresaw."""

    def hold(*_: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(job_requests, "hold", hold)


@pytest.mark.usefixtures("broken")
def test_a_failure_shows_a_reference_that_the_log_explains(bob: Any, caplog: pytest.LogCaptureFixture) -> None:
    said = bob.types("generate a secret plan")
    found = re.search(r"\(ref ([0-9a-f]{6})\)", said)
    assert found
    assert "Traceback" not in said and "disk" not in said
    (record,) = [record for record in caplog.records if found[1] in record.getMessage()]
    assert record.exc_info and "the disk is gone" in str(record.exc_info[1])
    assert "a secret plan" not in caplog.text


@pytest.mark.usefixtures("broken")
def test_each_failure_has_a_reference_of_its_own(bob: Any) -> None:
    assert bob.types("generate a fox") != bob.types("generate a fox")


# Jobs in the queue, and jobs in trouble.


def test_people_find_their_jobs_again_with_ids_and_places(
    bob: Any, carol: Any, engine: Engine, clock: FakeClock
) -> None:
    first = job_in(engine, bob.types("generate a fox in the snow"))
    clock.tick(1)
    second = job_in(engine, carol.types("generate a secret party"))
    said = bob.types("jobs")
    assert f"{first.id} waits, next in line · held 10 credits ($0.60)" in said
    assert "> a fox in the snow" in said
    assert second.id not in said
    assert f"{second.id} waits, 1 job ahead of it" in carol.types("jobs")
    settle(engine, first)
    assert "is done · charged 10 credits ($0.60) · <https://kling.test/v.mp4|video>" in bob.types("jobs")
    everybody = bob.types("jobs all")
    assert "kling.test" not in everybody
    assert f"{second.id} waits, next in line" in everybody
    assert "secret party" not in everybody + bob.types(f"jobs <@{CAROL}>")
    assert "secret party" in carol.types(f"jobs <@{CAROL}>")


def test_an_answer_that_was_lost_is_said_where_people_look(bob: Any, engine: Engine, clock: FakeClock) -> None:
    job = job_in(engine, bob.types("generate a fox"))
    kling_results.submitting(engine, job, "/text-to-video/kling-2.6", due_at=0)
    assert "is on its way to Kling" in bob.types("jobs")
    clock.tick(61)
    assert "Kling's answer was lost: Kling is being asked whether it has it" in bob.types("jobs")


def test_an_admin_writes_a_stuck_job_off_with_a_reason(alice: Any, bob: Any, engine: Engine, clock: FakeClock) -> None:
    job = job_in(engine, bob.types("generate a fox"))
    kling_results.submitting(engine, job, "/text-to-video/kling-2.6", due_at=0)
    assert "not for so long that it counts as stuck" in alice.types(f"write-off {job.id} nobody wants it")
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=86_400_000)
    assert "goes on waiting" in alice.types(f"keep-waiting {job.id}")
    assert total(engine).held == Amount(10_000, 600_000)
    said = alice.types(f"write-off {job.id} nobody wants it")
    assert said.startswith(f"Wrote off job {job.id}: its hold of 10 credits ($0.60) was given back. <@{BOB}> is told.")
    assert total(engine) == Total()
    assert "was written off; Kling is still asked about it" in bob.types("jobs")
    assert bob.types(f"cancel {job.id}") == f"Job {job.id} was written off: its hold has been given back."


def test_a_thaw_says_what_had_stopped_and_new_jobs_are_taken(alice: Any, bob: Any, engine: Engine) -> None:
    assert alice.types("thaw") == "Nothing is stopped. No job waits."
    bob.types("generate a fox")
    kling_results.stopped(engine, code=1102, reason="The Kling account has no units left.")
    assert "It had been closed because: The Kling account has no units left." in alice.types("thaw")
    assert bob.types("generate an owl").startswith("🎬 Held")


def test_an_admin_releases_what_waits(alice: Any, bob: Any, engine: Engine) -> None:
    bob.types("generate a fox")
    bob.types("generate an owl")
    assert alice.types("cancel waiting").startswith("Released 2 waiting jobs.")
    assert total(engine) == Total()
    assert alice.types("cancel waiting") == "No job waits that could be released."


@pytest.mark.parametrize("text", ["thaw", "cancel waiting", "write-off abc no use", "keep-waiting abc"])
def test_only_admins_decide_about_other_peoples_jobs(bob: Any, engine: Engine, text: str) -> None:
    bob.types("generate a fox")
    assert bob.types(text).startswith("Only admins can ")
    assert total(engine).held == Amount(10_000, 600_000)


def test_an_admin_reads_klings_bill_beside_the_ledger(alice: Any, bob: Any, engine: Engine) -> None:
    assert "not in Kling's units" in alice.types("reconcile")
    assert bob.types("reconcile").startswith("Only admins can look at Kling's bill.")


def test_what_the_bill_says_is_listed_with_amounts_in_units(engine: Engine, directory: Directory) -> None:
    in_units = replace(engine, prices=prices.load("kling-api"))
    said = answer(Desk(in_units, directory), Asker(ALICE, GENERAL, "1", None), "reconcile").text
    assert said == "Kling's bill has not been read yet. Klingbot does so once a day."
    stranger = Billed("893605946402811985", 6_500, engine.clock(), "kling-3.0", "prod")
    reconciliation.compare(in_units, [stranger], since=engine.clock())
    reconciliation.note_packs(in_units, [UnitPack("p", "Video units", 5_000_000, 900_500, engine.clock() + 86_400_000)])
    said = answer(Desk(in_units, directory), Asker(ALICE, GENERAL, "1", None), "reconcile").text
    assert "1 charge, 6.5 units <!date^1795435200^since {" in said
    assert "Kling's task 893605946402811985 (kling-3.0, API key “prod”)" in said
    assert "billed 6.5 units – charged, and no job of the bot's" in said
    assert "Video units: 900.5 of 5,000 units left (18.0%), <!date^1795521600^ends {" in said
