"""What the bot says: the key sentences, word for word."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from klingbot import blocks
from klingbot.blocks import (
    alert_thread,
    budget_changes,
    budgets,
    declines,
    help,
    job_details_view,
    job_lists,
    jobs,
    usage,
)
from klingbot.blocks.budget_status import bar
from klingbot.blocks.message import Message
from klingbot.domain.alert_history import AlertEvent, AlertThread, Mute
from klingbot.domain.budgets import FORECAST, OVER, TURNED_AWAY, Standing, Total
from klingbot.domain.jobs import JobState
from klingbot.domain.money import NOTHING
from klingbot.domain.notifications import (
    Crossed,
    JobFailed,
    ModelRefused,
    Renewed,
    RunningOut,
    Spiked,
    SubmittingResumed,
    SubmittingStopped,
    TurnedAway,
    VideoReady,
)
from klingbot.domain.periods import PeriodKind
from klingbot.engine.budgets import BudgetSet
from klingbot.engine.cancellation import TooLate
from klingbot.engine.hold_outcomes import BudgetExceeded, Estimate, Held
from klingbot.engine.job_details import Details
from klingbot.engine.job_queue import Queue
from klingbot.slack.command_line.command_usage import FLAGS_OF, USAGE, options
from tests.support.block_samples import CREDITS, NOON, RESETS, UTC, credits, job, offer, share, shown, spend, standing


def test_the_seeds_video_is_held_for_40_credits_and_2_dollars_40() -> None:
    said = jobs.held(Held(job(), standing(limit=50, held=40), ahead=2), UTC)
    assert said.text == (
        "🎬 Held 40 credits ($2.40) for kling-pro, 10 s, 1080p · project marketing\n"
        "> a fox in the snow\n"
        "Job abcdefghijkl · 2 jobs ahead of it · the video comes to this channel\n"
        f"marketing (monthly): 80.0%, 10 credits left, {RESETS}\n"
        "Cancel while it waits: /kling cancel abcdefghijkl\n"
        "[Cancel]"
    )
    assert "for *kling-pro*, 10 s" in shown(said)


def test_held_where_nothing_waits_and_no_budget_limits_it() -> None:
    said = jobs.held(Held(job(), None, ahead=0), UTC)
    assert "No budget limits this" in said.text
    assert "ahead" not in said.text


def test_a_refusal_says_what_is_needed_what_is_left_when_it_resets_and_what_still_fits() -> None:
    outcome = BudgetExceeded(
        "abcdefghijkl",
        offer(),
        (standing(limit=100, usd=5, settled=68, held=12), standing("workspace", limit=110, settled=80)),
        (offer(seconds=5), offer("kling-v1.5"), offer("kling-v1", 5, "720p")),
    )
    assert declines.budget_exceeded(outcome, UTC).text == (
        "Budget exceeded for marketing (monthly)\n"
        "Needed: 40 credits ($2.40) for kling-pro, 10 s, 1080p\n"
        "• marketing (monthly): 20 credits and $0.20 left of 100 credits and $5.00 "
        f"(96.0%: 68 credits ($4.08) used, 12 credits ($0.72) in flight), {RESETS}\n"
        "• workspace (monthly): 30 credits left of 110 credits "
        f"(72.7%: 80 credits ($4.80) used, nothing in flight), {RESETS}\n"
        "What still fits:\n"
        "• --duration 5 → 20 credits ($1.20)\n"
        "• --model kling-v1.5 → 20 credits ($1.20)\n"
        "• --model kling-v1 --duration 5 --resolution 720p → 10 credits ($0.60)\n"
        "[Make kling-pro, 5 s, 1080p: $1.20] [Make kling-v1.5, 10 s, 1080p: $1.20] [Make kling-v1, 5 s, 720p: $0.60] "
        "[Ask for more]\n"
        "Nothing was held or spent · ask for more: /kling ask abcdefghijkl"
    )


@pytest.mark.parametrize(
    ("stands", "own"),
    [
        (standing(limit=200, settled=220), "200 credits plus 20 credits ($1.20) granted"),
        (standing(limit=None, usd=12, settled=220), "$12.00 plus 20 credits ($1.20) granted"),
        (standing(limit=200, usd=12, settled=220), "200 credits and $12.00 plus 20 credits ($1.20) granted"),
    ],
)
def test_a_limit_is_shown_as_it_was_set_and_its_percentage_counts_what_is_granted(stands: Standing, own: str) -> None:
    raised = replace(stands, budget=stands.budget.raised(credits(20)))
    assert f"\n100.0% of {own} for November 2026: " in budgets.status("project:marketing", [raised], UTC, None).text
    refused = declines.budget_exceeded(BudgetExceeded("r1", offer(), (raised,), ()), UTC)
    assert f" left of {own} (100.0%: 220 credits ($13.20) used, " in refused.text


def test_a_refusal_with_no_way_out_says_who_can_help() -> None:
    said = declines.budget_exceeded(BudgetExceeded("r1", offer(), (standing(settled=40),), ()), UTC)
    assert "Nothing on the price list fits into what is left. An admin can raise the budget." in said.text


def test_an_offer_says_which_sound_flag_to_add_or_leave_out() -> None:
    loud, silent = replace(offer(), audio=True), offer(seconds=5)
    to_silent = declines.budget_exceeded(BudgetExceeded("r1", loud, (standing(),), (silent,)), UTC)
    to_loud = declines.budget_exceeded(BudgetExceeded("r1", silent, (standing(),), (loud,)), UTC)
    assert "• --duration 5 without --audio → 20 credits ($1.20)" in to_silent.text
    assert "• --duration 10 --audio → 40 credits ($2.40)" in to_loud.text


def test_a_quote_shows_each_budget_before_and_after() -> None:
    said = declines.estimate(Estimate(offer(), "marketing", (standing(limit=50, settled=5),), (), ()), UTC)
    assert said.text == (
        "40 credits ($2.40) for kling-pro, 10 s, 1080p · project marketing\n"
        f"• marketing (monthly): 10.0% → 90.0%, now 45 credits left of 50 credits, {RESETS}\n"
        "It fits into every budget it touches\n"
        "Nothing was spent"
    )


def test_a_quote_that_would_be_refused_says_so_and_what_fits() -> None:
    full = standing(limit=50, settled=25)
    said = declines.estimate(Estimate(offer(), "marketing", (full,), (full,), (offer(seconds=5),)), UTC)
    assert "50.0% → 130.0%" in said.text
    assert "It would be refused: Budget exceeded for marketing (monthly)" in said.text
    assert "• --duration 5 → 20 credits ($1.20)" in said.text
    assert said.text.endswith("Nothing was spent")


def test_a_finished_video_names_the_person_the_price_and_what_is_left() -> None:
    done = job(state=JobState.SUCCEEDED, settled=credits(40))
    said = blocks.render(VideoReady(done, (standing(limit=100, settled=40),)), UTC)
    assert said.text == (
        "🎬 <@U0BOB00001>, your video is ready\n"
        "> a fox in the snow\n"
        "charged 40 credits ($2.40) · kling-pro, 10 s, 1080p · project marketing · job abcdefghijkl\n"
        "marketing (monthly): 60 credits left\n"
        "<https://videos.example/fox.mp4?a=1&amp;b=2|Watch the video> · Kling keeps it for 30 days\n"
        "[Again] [Vary] [Details]"
    )


def test_a_charge_that_differs_from_the_hold_shows_both() -> None:
    said = blocks.render(VideoReady(job(settled=credits(44.5)), ()), UTC)
    assert "held 40 credits ($2.40), charged 44.5 credits ($2.67)" in said.text


def test_a_charge_of_nothing_is_not_taken_for_the_hold() -> None:
    said = blocks.render(VideoReady(job(settled=NOTHING), ()), UTC)
    assert "held 40 credits ($2.40), charged 0 credits ($0.00)" in said.text


def test_a_failed_job_gives_the_reason_and_says_once_that_nothing_was_charged() -> None:
    reason = "Kling's content rules blocked this prompt."
    said = blocks.render(JobFailed(job(state=JobState.RELEASED, reason=reason)), UTC)
    assert "Kling's content rules blocked this prompt.\n" in said.text
    assert "Nothing was charged; the hold of 40 credits ($2.40) was given back." in said.text
    assert said.text.count("Nothing was charged") == 1


def test_the_same_request_again_names_the_same_job() -> None:
    said = jobs.repeated(job(state=JobState.SUBMITTED))
    assert "job abcdefghijkl (kling-pro, 10 s, 1080p) is being made at Kling. Nothing more was held." in said.text


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (JobState.SUBMITTED, "is being made at Kling. It is too late to cancel: Kling offers no way to stop a video."),
        (JobState.SUCCEEDED, "is done: there is nothing to cancel."),
        (JobState.RELEASED, "was given up: there is nothing to cancel."),
    ],
)
def test_too_late_to_cancel_says_why(state: JobState, sentence: str) -> None:
    assert jobs.too_late(TooLate(job(state=state))).text == f"Job abcdefghijkl {sentence}"


def test_a_finished_job_is_done_wherever_it_is_shown() -> None:
    done = job(state=JobState.SUCCEEDED, settled=credits(40))
    assert job_details_view.details(Details(done, (), (), None), UTC, own=False).text.startswith(
        "Job abcdefghijkl is done\n"
    )
    assert ") is done. Nothing more was held." in jobs.repeated(done).text
    assert job_lists.queue(Queue(NOON, (), (), (done,)), UTC, whose="Jobs", own=False).text.count("is done") == 1


@pytest.mark.parametrize(
    ("stands", "marks", "title"),
    [
        (standing(limit=1000, settled=764, held=40), ("80",), "⚠️ Budget alert: marketing (monthly) has reached 80%"),
        (
            standing(limit=1000, settled=900),
            ("50", "80"),
            "⚠️ Budget alert: marketing (monthly) has reached 50% and 80%",
        ),
        (standing(settled=40), ("80", "100"), "🔴 Budget used up: marketing (monthly) is at 100.0%"),
        (standing(settled=41), ("100", OVER), "🔴 Over budget: marketing (monthly) is at 102.5%"),
        (standing(settled=48), ("120",), "🔴 Over budget: marketing (monthly) is at 120.0%"),
        (standing(limit=None, usd=1, settled=16), ("80",), "⚠️ Budget alert: marketing (monthly) has reached 80%"),
    ],
)
def test_a_crossing_is_told_in_its_own_words(stands: Standing, marks: tuple[str, ...], title: str) -> None:
    assert blocks.render(Crossed(stands, marks), UTC).text.startswith(title)


def test_an_alert_names_percentage_used_limit_in_flight_and_reset() -> None:
    said = blocks.render(Crossed(standing(limit=1000, usd=60, settled=764, held=40), ("80",)), UTC)
    assert (
        "80.4% of 1,000 credits and $60.00 for November 2026: 764 credits ($45.84) used, "
        f"40 credits ($2.40) in flight, 196 credits and $11.76 left; {RESETS}"
    ) in said.text
    assert "details: /kling budget show marketing" in said.text


def test_one_alert_per_period_says_that_people_are_turned_away() -> None:
    said = blocks.render(TurnedAway(standing(settled=32), credits(40), "U0BOB00001"), UTC)
    assert said.text.startswith("🚫 People are being turned away: marketing (monthly) has 8 credits left\n")
    assert "<@U0BOB00001> needed 40 credits ($2.40)." in said.text
    assert "\nSaid once per period, unless the limit changes · details: " in said.text


def test_a_forecast_says_when_the_budget_ends_and_by_what_rule() -> None:
    said = blocks.render(RunningOut(standing(limit=1000, settled=764, held=40), NOON + 3 * DAY + 2_700_000), UTC).text
    assert said.startswith("📈 At the present rate marketing (monthly) <!date^1795694400^ends {")
    assert "|ends Thursday, November 26, 2026 at 12:00 UTC>\nThat is if the coming days are like the last seven" in said
    assert "80.4% of 1,000 credits for November 2026" in said
    assert "\nSaid once per period, unless the limit changes · details: " in said


def test_a_spike_is_told_beside_the_usual_day() -> None:
    said = blocks.render(Spiked(standing(limit=1000, settled=764), credits(400), credits(40)), UTC).text
    assert said.startswith("📊 An unusual day: marketing (monthly) has spent 400 credits ($24.00) today\n")
    assert "A usual day comes to 40 credits ($2.40).\n76.4% of 1,000 credits" in said


def test_a_new_period_says_what_is_there_again_and_how_the_last_one_ended() -> None:
    ended = standing(limit=40, settled=39)
    began = replace(ended, period=UTC.next(ended.period), total=Total(held=credits(4)))
    assert blocks.render(Renewed(ended, began), UTC).text == (
        "🟢 marketing (monthly) has 36 credits left again for December 2026, of 40 credits.\n"
        "Before that, November 2026 ended at 97.5%: 39 credits ($2.34) spent."
    )


DAY = 86_400_000
TOLD = (
    AlertEvent("80", NOON),
    AlertEvent("spike 2026-11-23", NOON, amount=credits(400), usual=credits(40)),
    AlertEvent(FORECAST, NOON, ends_at=NOON + 3 * DAY),
    AlertEvent(TURNED_AWAY, NOON, "U0BOB00001", credits(40)),
    AlertEvent("100", NOON),
    AlertEvent(OVER, NOON),
)


@pytest.mark.parametrize(
    ("stands", "marks", "title"),
    [
        (standing(settled=41), 6, "🔴 Over budget: marketing (monthly) is at 102.5%"),
        (standing(settled=40), 5, "🔴 Budget used up: marketing (monthly) is at 100.0%"),
        (
            standing(settled=38),
            6,
            "🚫 People have been turned away: marketing (monthly) has 2 credits left, now at 95.0%",
        ),
        (standing(settled=30), 3, "⚠️ Budget alert: marketing (monthly) has reached 80%, now at 75.0%"),
    ],
)
def test_a_story_is_headed_by_the_gravest_thing_and_lists_them_all(stands: Standing, marks: int, title: str) -> None:
    said = blocks.render(AlertThread(stands, TOLD[:marks], NOON), UTC).text
    assert said.startswith(f"{title}\n{stands.percent} of 40 credits for November 2026")
    assert said.count("• ") == marks
    assert said.endswith("|As of Nov 23, 2026 at 12:00 UTC> · details: /kling budget show marketing")


@pytest.mark.parametrize(
    ("told", "title", "line"),
    [
        (TOLD[0], "⚠️ Budget alert: marketing (monthly) has reached 80%, now at 75.0%", ": 80% reached"),
        (
            TOLD[1],
            "📊 An unusual day: marketing (monthly), now at 75.0%",
            ": 400 credits ($24.00) in one day, where 40",
        ),
        (
            TOLD[2],
            "📈 marketing (monthly) may not last for its period, now at 75.0%",
            "<!date^1795694400^it would end {",
        ),
        (TOLD[3], "🚫 People have been turned away", ": <@U0BOB00001> was turned away, needing 40 credits ($2.40)"),
        (TOLD[5], "⚠️ Budget alert: marketing (monthly) has reached its limit, now at 75.0%", ": above the limit"),
    ],
)
def test_a_story_of_one_thing_is_headed_by_it(told: AlertEvent, title: str, line: str) -> None:
    said = blocks.render(AlertThread(standing(settled=30), (told,), NOON), UTC).text
    assert said.startswith(title)
    assert line in said


def test_a_closed_story_says_how_its_period_ended() -> None:
    said = blocks.render(AlertThread(standing(settled=41), TOLD, NOON, closed=True), UTC).text
    assert said.startswith("☑️ marketing (monthly) ended November 2026 at 102.5%\n")
    assert "Nothing more can be started" not in said


def test_who_has_taken_note_stands_under_a_story_instead_of_the_buttons() -> None:
    muted = Mute("U0ALICE001", NOON, NOON + DAY, acknowledged=True)
    said = blocks.render(AlertThread(standing(settled=40), TOLD, NOON, muted=muted), UTC)
    assert "✅ <@U0ALICE001> <!date^1795435200^acknowledged it {" in said.text
    assert labels(said) == ["Tell the channel again"]
    said = blocks.render(AlertThread(standing(settled=40), TOLD, NOON, muted=replace(muted, acknowledged=False)), UTC)
    assert "💤 <@U0ALICE001> <!date^1795435200^snoozed it {" in said.text
    assert "|snoozed it Nov 23, 2026 at 12:00 UTC> <!date^1795521600^until {" in said.text
    assert labels(said) == ["Acknowledge", "Tell the channel again"]


def test_only_the_message_that_opens_a_story_has_its_buttons() -> None:
    stands = standing(settled=38)
    for alert in (Crossed(stands, ("80",)), TurnedAway(stands, credits(40), "U1"), RunningOut(stands, NOON)):
        assert labels(blocks.render(alert, UTC)) == []
        assert labels(blocks.render(replace(alert, opens=True), UTC)) == ["Acknowledge", "Snooze until tomorrow"]
    assert labels(blocks.render(AlertThread(stands, TOLD, NOON), UTC)) == ["Acknowledge", "Snooze until tomorrow"]
    assert labels(blocks.render(AlertThread(stands, TOLD, NOON, closed=True), UTC)) == []


def labels(said: Message) -> list[str]:
    return [each["text"]["text"] for block in said.blocks if block["type"] == "actions" for each in block["elements"]]


def test_admins_hear_when_kling_stops_and_when_it_takes_jobs_again() -> None:
    reason = "The Kling account has an unpaid bill."
    stopped = blocks.render(SubmittingStopped(1101, reason, 1), UTC)
    resumed = blocks.render(SubmittingResumed(reason), UTC)
    assert f"{reason} (Kling's code 1101)\nWaiting, with their cost held: 1 job. New ones are refused" in stopped.text
    assert resumed.text.startswith("✅ Kling takes jobs again\n") and reason in resumed.text


def test_admins_hear_which_model_kling_refuses_the_account_and_what_to_do() -> None:
    said = blocks.render(ModelRefused("kling-3.0", 1103, "The Kling account has no right to use this model."), UTC).text
    assert said.startswith("🚧 Kling makes no videos with kling-3.0 for this account\n")
    assert "no right to use this model. (Kling's code 1103)" in said and "price list" in said


def test_a_detour_says_where_it_was_meant_to_go_and_shows_no_address() -> None:
    said = blocks.render(SubmittingResumed("It was."), UTC)
    assert blocks.with_detour(said, "C0FINANCE1: not_in_channel").text.endswith(
        "\nThis was meant for <#C0FINANCE1>, which did not take it (not_in_channel)"
    )
    assert blocks.with_detour(said, "https://hooks.slack.com/secret: expired_url").text.endswith(
        "\nThis was meant for another place, which did not take it (expired_url)"
    )


def test_a_budget_shows_its_bar_its_sums_and_where_its_alerts_go() -> None:
    said = budgets.status("project:marketing", [standing(limit=50, settled=25)], UTC, "C0FINANCE1")
    assert "\n▰▰▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱\n" in shown(said)
    assert "▰" not in said.text
    assert "50.0% of 50 credits for November 2026: 25 credits ($1.50) used, nothing in flight, 25 credits left" in (
        said.text
    )
    assert said.text.endswith("alerts at 80%, 100% go to <#C0FINANCE1> · forecast on · spike on")


@pytest.mark.parametrize(
    ("own", "default", "where"),
    [("C0OWN", "C0DEFAULT", "<#C0OWN>"), (None, "C0DEFAULT", "<#C0DEFAULT>"), (None, None, "the admins")],
)
def test_alerts_go_to_the_budgets_channel_or_the_default_or_the_admins(
    own: str | None, default: str | None, where: str
) -> None:
    said = budgets.status("workspace", [standing("workspace", channel=own)], UTC, default)
    assert f"alerts at 80%, 100% go to {where} · " in said.text


def test_a_budget_shows_which_alerts_are_off_and_a_daily_one_has_neither() -> None:
    stands = standing()
    silenced = replace(stands, budget=replace(stands.budget, forecast=False, spike=False))
    assert budgets.status("project:marketing", [silenced], UTC, None).text.endswith(" · forecast off · spike off")
    daily = budgets.status("project:marketing", [standing(kind=PeriodKind.DAILY)], UTC, None)
    assert daily.text.endswith("alerts at 80%, 100% go to the admins")


def test_setting_a_budget_shows_before_and_after_and_keeps_the_spend() -> None:
    after = standing(limit=100, settled=25)
    said = budget_changes.was_set(BudgetSet(replace(after.budget, limit_millicredits=50_000), after), UTC, None)
    assert said.text.startswith("Budget set for marketing (monthly): 50 credits → 100 credits\n")
    assert "What November 2026 has seen so far counts: 25 credits ($1.50)" in said.text
    assert budget_changes.was_set(BudgetSet(None, after), UTC, None).text.startswith(
        "Budget set for marketing (monthly): new, 100 credits"
    )


@pytest.mark.parametrize(
    ("kind", "period"),
    [
        (PeriodKind.DAILY, "23 November 2026"),
        (PeriodKind.WEEKLY, "the week of 23 November 2026"),
        (PeriodKind.MONTHLY, "November 2026"),
    ],
)
def test_a_period_is_named_as_a_sentence_or_a_title_wants_it(kind: PeriodKind, period: str) -> None:
    stands, title = standing(kind=kind, settled=25), f"{period[0].upper()}{period[1:]}"
    story = AlertThread(stands, TOLD[:1], NOON, closed=True)
    asked = replace(spend(share("kling-pro", 25)), period=stands.period)
    assert f"62.5% of 40 credits for {period}: " in blocks.render(Crossed(stands, ("50",)), UTC).text
    assert f"What {period} has seen so far counts: " in budget_changes.was_set(BudgetSet(None, stands), UTC, None).text
    assert f" ended {period} at 62.5%" in blocks.render(story, UTC).text
    assert f"That was about {period}, which is over." in alert_thread.period_over(story).text
    assert f"Before that, {period} ended at 62.5%" in blocks.render(Renewed(stands, stands), UTC).text
    assert usage.usage(asked, UTC).text.startswith(f"Usage of workspace · {title}\n")
    assert usage.chart(asked, UTC, {}).in_words().text.startswith(f"Usage of workspace · {title}\nBy model, {period} (")
    assert f"(workspace, {period})" in usage.usage(replace(asked, shares=()), UTC).text


def test_200_budgets_are_cut_to_the_fullest_and_the_cut_is_told() -> None:
    many = [standing(f"project:p{number:03d}", limit=1000, settled=number) for number in range(200)]
    said = budgets.listing(many, UTC)
    assert "and 170 more, none of them fuller: /kling budget show SCOPE" in said.text
    assert "p199 (monthly): 19.9%" in said.text and "p170 (monthly): 17.0%" in said.text
    assert "p169" not in said.text
    assert said.text.index("p170") < said.text.index("p199"), "the order stays that of the list"


def test_budgets_are_grouped_and_each_kinds_reset_is_said_once() -> None:
    said = budgets.listing(
        [
            standing("workspace"),
            standing(),
            standing("project:lab"),
            standing("user:U0BOB00001", kind=PeriodKind.DAILY),
        ],
        UTC,
    )
    lines = said.text.splitlines()
    assert [line for line in lines if line in ("Workspace", "Projects", "People")] == [
        "Workspace",
        "Projects",
        "People",
    ]
    assert "<@U0BOB00001> (daily): 0.0%, 40 credits left of 40 credits" in lines
    assert said.text.count("|daily resets ") == said.text.count("|monthly resets ") == 1


def test_a_scope_without_a_budget_teaches_how_to_set_one() -> None:
    assert "/kling budget set user:U0BOB00001 --usd 600" in budgets.status("user:U0BOB00001", [], UTC, None).text


def test_usage_shows_the_total_the_budget_and_its_parts() -> None:
    outcome = spend(
        share("kling-pro", 700, held=40, count=12, failed=1),
        share("kling-v1", 64),
        stands=standing("workspace", limit=1000, settled=764, held=40),
    )
    assert usage.usage(outcome, UTC).text == (
        "Usage of workspace · November 2026\n"
        "764 credits ($45.84) used, 40 credits ($2.40) in flight\n"
        f"80.4% of 1,000 credits, 196 credits left, {RESETS}\n"
        "• kling-pro: used 700 credits ($42.00), in flight 40 credits ($2.40), jobs 12, not made 1\n"
        "• kling-v1: used 64 credits ($3.84), jobs 1\n"
        "[As a chart] [As CSV]"
    )


def test_usage_sums_up_what_comes_after_the_first_twenty() -> None:
    said = usage.usage(spend(*(share(f"p{number}", 10) for number in range(35)), by="project"), UTC)
    assert said.text.count("•") == 21
    assert "• 15 more: used 150 credits ($9.00), jobs 15" in said.text


def test_usage_is_a_table_with_people_by_mention_and_the_same_in_words() -> None:
    outcome = spend(share("U0BOB00001", 40, held=10), share("U0CAROL001", 20, failed=1), by="user")
    said = usage.usage(outcome, UTC)
    [table] = [block for block in said.blocks if block["type"] == "table"]
    heads, bob, carol = table["rows"]
    assert [cell["text"] for cell in heads] == ["By user", "Used", "In flight", "Jobs", "Not made"]
    assert bob[0]["elements"][0]["elements"] == [{"type": "user", "user_id": "U0BOB00001"}]
    assert [cell["text"] for cell in carol[1:]] == ["20 credits ($1.20)", "–", "1", "1"]
    assert "• <@U0BOB00001>: used 40 credits ($2.40), in flight 10 credits ($0.60), jobs 1" in said.text
    assert said.in_words().text == said.text
    assert not said.in_words().has_pictures


def test_what_stands_in_a_cell_formats_nothing_in_words() -> None:
    said = usage.usage(spend(share("*a* <!here> @here", 1), by="project"), UTC)
    assert "<!here>" not in said.text and "&lt;!here&gt;" in said.text


def test_a_chart_has_a_bar_for_each_share_and_the_same_in_words() -> None:
    outcome = spend(share("U0BOB00001", 40, held=10), share("U0CAROL001", 20), by="user")
    said = usage.chart(outcome, UTC, {"U0BOB00001": "Bob Baker, the one with the long name"})
    [drawn] = [block["chart"] for block in said.blocks if block["type"] == "data_visualization"]
    [series] = drawn["series"]
    assert series["data"] == [{"label": "Bob Baker, the one w", "value": 3.0}, {"label": "U0CAROL001", "value": 1.2}]
    assert drawn["axis_config"]["categories"] == [point["label"] for point in series["data"]]
    assert said.in_words().text.endswith("By user, November 2026 (USD)\nBob Baker, the one w: 3.00\nU0CAROL001: 1.20")


def test_bars_whose_names_begin_alike_are_told_apart_and_the_last_days_are_drawn() -> None:
    alike = spend(*(share(f"{'n' * 30}{number}", 30 - number) for number in range(25)), by="project")
    said = usage.chart(alike, UTC, {})
    [drawn] = [block["chart"] for block in said.blocks if block["type"] == "data_visualization"]
    labels = drawn["axis_config"]["categories"]
    assert len(labels) == len(set(labels)) == 20
    assert said.text.endswith("5 more are not drawn")
    days = [share(str(UTC.midnight(date(2026, 11, day))), day) for day in range(1, 31)]
    assert "Mon 30 Nov: 1.80" in usage.chart(spend(*days, by="day"), UTC, {}).text


def test_usage_by_day_shows_every_day_with_its_weekday() -> None:
    days = [share(str(UTC.midnight(date(2026, 11, day))), day) for day in range(1, 31)]
    said = usage.usage(spend(*days, by="day"), UTC)
    assert said.text.count("•") == 30
    assert "• Sunday 1 November: used 1 credit ($0.06)" in said.text
    assert "• Monday 23 November: used 23 credits ($1.38)" in said.text


def test_days_without_spending_stand_between_those_with_some() -> None:
    days = [share(str(UTC.midnight(date(2026, 11, day))), 10) for day in (23, 26, 28)]
    outcome = spend(*days, by="day")
    said = usage.usage(outcome, UTC).text
    assert [f"{day} November" in said for day in range(22, 30)] == [False, *[True] * 6, False]
    assert "• Wednesday 25 November: used 0 credits ($0.00), jobs 0\n• Thursday 26 November: used 10 credits" in said
    [drawn] = [
        block["chart"] for block in usage.chart(outcome, UTC, {}).blocks if block["type"] == "data_visualization"
    ]
    assert [(point["label"][4:6], point["value"]) for point in drawn["series"][0]["data"]] == [
        ("23", 0.6),
        ("24", 0),
        ("25", 0),
        ("26", 0.6),
        ("27", 0),
        ("28", 0.6),
    ]


def test_an_empty_period_takes_one_line_and_teaches_what_to_type() -> None:
    said = usage.usage(spend(), UTC)
    assert said.text == (
        "Nothing was asked for yet (workspace, November 2026). Make a video: /kling generate a fox in the snow"
    )


def test_help_names_every_command_and_the_default_price() -> None:
    said = help.overview(USAGE, CREDITS)
    for key in USAGE:
        assert re.search(rf"(^|· |: |/kling ){re.escape(key)}\b", said.text, re.MULTILINE), key
    for everyday in ("generate", "budget", "usage", "ask"):
        assert USAGE[everyday] in said.text
    assert "kling-v1.5 (default): 10 credits ($0.60) for 5 s at 1080p. Also sold: kling-v1, kling-pro" in said.text


@pytest.mark.parametrize("key", USAGE)
def test_every_command_has_a_help_of_its_own(key: str) -> None:
    said = help.topic(key, USAGE, options(key), CREDITS).text
    assert said.startswith(USAGE[key])
    for flag in FLAGS_OF.get(key, ()):
        assert re.search(rf"^--{flag}( [^:].*)?: \w+", said, re.MULTILINE), flag


def test_the_help_of_a_command_that_has_more_of_its_kind_names_them() -> None:
    said = help.topic("budget", USAGE, options("budget"), CREDITS).text
    assert "/kling help budget set · /kling help budget remove" in said


@pytest.mark.parametrize(
    ("permille", "drawn"),
    [(0, "▱▱▱▱▱"), (1, "▰▱▱▱▱"), (500, "▰▰▱▱▱"), (999, "▰▰▰▰▱"), (1000, "▰▰▰▰▰"), (9999, "▰▰▰▰▰")],
)
def test_a_bar_is_full_only_when_the_budget_is(permille: int, drawn: str) -> None:
    assert bar(permille, 5) == drawn
