"""Slack takes every message, with the longest of everything in it; and its text says what its blocks say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
import slackblocks

from klingbot import blocks
from klingbot.blocks import (
    alert_thread,
    budget_changes,
    budgets,
    declines,
    digests,
    first_budget_notice,
    help,
    increases,
    job_details_view,
    job_lists,
    jobs,
    outbox,
    project_rules,
    reconciliation,
    short_answers,
    usage,
)
from klingbot.blocks import project_lists as project_blocks
from klingbot.blocks.message import Message, actions, button, confirm, context, message, section, sections
from klingbot.domain.alert_history import DEFAULT_CHANNEL, AlertEvent, AlertThread, Mute
from klingbot.domain.budgets import MOST_APPROVERS, OVER, UPGRADE, WORKSPACE, Budget, Removal, Standing, Total, Waiver
from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.digests import Day, Dear, Digest, Heading, Refused, Spender, Spenders
from klingbot.domain.increases import Grant, Increase, IncreaseState
from klingbot.domain.jobs import JobState
from klingbot.domain.money import Amount
from klingbot.domain.notifications import (
    AlertTest,
    AlertTested,
    BillDiffers,
    BudgetRemoved,
    CancelEnded,
    Crossed,
    DigestReady,
    GrantEnded,
    IncreaseAsked,
    IncreaseClosed,
    JobFailed,
    JobShown,
    JobStuck,
    JobWrittenOff,
    ModelRefused,
    PackEnding,
    PastProjects,
    Renewed,
    RunningOut,
    RunsUnlimited,
    Spiked,
    SubmittingResumed,
    SubmittingStopped,
    TurnedAway,
    Unsound,
    VideoReady,
)
from klingbot.domain.periods import PeriodKind
from klingbot.domain.project_access import ProjectState
from klingbot.domain.project_rules import Consent, Rules
from klingbot.domain.quiet_hours import QuietHours
from klingbot.domain.reconciliation import BillFinding, Difference, UnitPack
from klingbot.engine import budgets as engine_budgets
from klingbot.engine.budgets import BudgetSet, Weighed
from klingbot.engine.cancellation import Cancelled, MayBeAtKling, NotYours, TooLate
from klingbot.engine.first_budget import Coverage
from klingbot.engine.hold_outcomes import BudgetExceeded, Estimate, Held, NeedsConsent, ProjectBarred
from klingbot.engine.job_details import Details
from klingbot.engine.job_queue import MOST_ENDED, MOST_LIVE, Queue, Thawed, WaitingCancelled
from klingbot.engine.outbox import MOST_FAILED, MOST_LINES, Unsaid
from klingbot.engine.project_rules import MOST_CHANGES, RulesSet
from klingbot.engine.projects import Decided, ProjectList
from klingbot.engine.reconciliation import Books, Reconciled
from klingbot.engine.stuck_jobs import NotStuck, StillWaiting, WrittenOff
from klingbot.engine.usage import Usage
from klingbot.sandbox.slack import limits
from klingbot.slack.command_line.command_usage import USAGE
from klingbot.slack.features.budget_proposals import Proposal, written
from klingbot.store.audit import Change
from klingbot.store.daily_spend import Share
from klingbot.store.ledger import Entry
from klingbot.store.outbox import OutboxMessage
from klingbot.store.outbox_leases import Line
from tests.support import slackblocks_reading
from tests.support.block_samples import CREDITS, MOST, NOON, UTC, job, offer, parts, shown, texts

LONG = "a*`_~<&>@here \n" * 400
NAME = "n" * 40
CHANNEL = "C" + "9" * 19
FAILED = OutboxMessage(
    id=1, key=LONG, kind=LONG, line=CHANNEL, channel_id=None, user_id=None, response_url=None, content={}, thread=None,
    thread_ts=None, broadcast=False, replaces=None, state="failed", created_at=NOON, lease_until=0, tries=10**6,
    problem=LONG, detour=LONG, sent_to=None, sent_ts=None, carried_by=None, parts=1,
)  # fmt: skip
WEEKLY = PeriodKind.WEEKLY


def huge_digest(kind: PeriodKind, picture: str | None = None) -> DigestReady:
    period = UTC.period(kind, NOON)
    budgets_of_it = [
        Standing(Budget(f"project:{NAME}", each, 10**12, 10**14), UTC.period(each, NOON), Total(MOST, MOST))
        for each in PeriodKind
    ]
    who = Spenders(tuple(Spender(LONG, MOST, 10**9) for _ in range(5)), 10**9, MOST)
    days = tuple(Day(period.first_day + timedelta(days=n), MOST) for n in range(7 if kind is WEEKLY else 31))
    return DigestReady(
        Digest(
            scope=WORKSPACE, period=period, budget=budgets_of_it[1], total=Total(MOST, MOST), jobs=10**9, failed=10**9,
            refused=Refused(10**9, MOST), before=Amount(7, 11), people=who, projects=who, models=who, days=days,
            days_before=days, dearest=(Dear("x" * 64, "U" * 20, NAME, LONG, 10**4, LONG, True, MOST),) * 3,
            headings=tuple(Heading(each, NOON) for each in budgets_of_it),
        ),
        due_at=NOON, missed=10**6, picture=picture,
    )  # fmt: skip


def huge_schedule() -> Schedule:
    day = UTC.periods(NOON).daily.first_day
    return Schedule(f"project:{NAME}", WEEKLY, "C" + "9" * 19, 1439, day, day)


def longest_proposal() -> str:
    """A change of a budget with the most and longest of everything that can be typed."""
    change = engine_budgets.Change(
        f"project:{'n' * 40}", WEEKLY, 10**12, 10**14, tuple(range(1, 37)), "C" + "9" * 19,
        tuple(f"U{number:019d}" for number in range(MOST_APPROVERS)), forecast=False, spike=False, why='"' * 500,
    )  # fmt: skip
    return written(Proposal(change, "f" * 16))


def extremes() -> dict[str, Message]:
    """Every message there is, with the longest of everything."""
    full = Standing(
        Budget(f"project:{NAME}", PeriodKind.WEEKLY, 10**12, 10**14, tuple(range(1, 201, 7)), "C" + "9" * 19),
        UTC.period(PeriodKind.WEEKLY, NOON),
        Total(MOST, MOST),
    )
    raised = Weighed(replace(full.budget, limit_millicredits=1), full, True, "f" * 16)
    nine = tuple(replace(full, budget=replace(full.budget, scope=f"user:U{'9' * 18}{i}")) for i in range(9))
    huge = job(
        prompt=LONG, project=NAME, model=LONG, resolution=LONG, quote=MOST, settled=MOST + MOST, reason=LONG,
        video_url="https://videos.example/" + "&*" * 300, user_id="U" * 20, id="x" * 64,
    )  # fmt: skip
    wanted = replace(offer(), amount=MOST)
    fits = tuple(replace(wanted, duration_seconds=n) for n in (1, 2, 3))
    more = Increase("x" * 64, "U" * 20, full.budget.scope, PeriodKind.WEEKLY, MOST, LONG, None, None, NOON, NOON)
    limits_of_all = Rules(NAME, (LONG,) * 20, 10**12, 10**12, 10**12)
    changed = Change(NOON, "U" * 20, LONG, f"project:{NAME}", LONG, LONG, LONG)
    day = date(2026, 11, 23)
    given = Grant(more.id, "U" * 20, more.scope, more.kind, MOST, day, day.replace(year=2027), "U" * 20, NOON)
    projects, people = (
        [replace(full, budget=replace(full.budget, scope=f"{scope}{number:0{width}d}")) for number in range(200)]
        for scope, width in (("project:", 40), ("user:U", 19))
    )
    shares = tuple(Share(LONG, 10**9, 10**9, Total(MOST, MOST)) for _ in range(200))
    days = tuple(Share(str(NOON + day * 86_400_000), 10**9, 10**9, Total(MOST, MOST)) for day in range(31))
    note = Mute("U" * 20, NOON, NOON, acknowledged=False)
    told = tuple(AlertEvent(f"{n}", NOON, "U" * 20, MOST, MOST, NOON) for n in range(1, 201, 7))
    return {
        "held": jobs.held(Held(huge, nine[0], 10**6), UTC),
        "repeated": jobs.repeated(huge),
        "stopped": jobs.stopped(LONG),
        "cancelled": jobs.cancelled(Cancelled(huge)),
        "too late": jobs.too_late(TooLate(huge)),
        "may be at Kling": jobs.may_be_at_kling(MayBeAtKling(huge)),
        "queue": job_lists.queue(
            Queue(
                NOON, (huge,) * MOST_LIVE, (10**6,) * MOST_LIVE, (replace(huge, state=JobState.FAILED),) * MOST_ENDED
            ),
            UTC,
            whose=LONG[:200],
            own=True,
        ),
        "no queue": job_lists.queue(Queue(NOON, (), (), ()), UTC, whose="Your jobs", own=True),
        "thawed": job_lists.thawed(Thawed((LONG,) * 20, 10**6)),
        "waiting cancelled": job_lists.waiting_cancelled(WaitingCancelled(10**6, 10**6)),
        "books": reconciliation.books(
            Books(
                True,
                Reconciled(NOON, NOON, 10**6, 10**12, None),
                (UnitPack(LONG, LONG, 10**12, 10**12, NOON),) * 3,
                tuple(BillFinding(each, "x" * 64, "9" * 64, LONG, LONG, 10**12, 10**12, NOON) for each in Difference)
                * 4,
            ),
            UTC,
        ),
        "unread books": reconciliation.books(Books(True, Reconciled(NOON, NOON, problem=LONG), (), ()), UTC),
        "no books": reconciliation.books(Books(False, None, (), ()), UTC),
        "bill differs": blocks.render(
            BillDiffers((BillFinding(Difference.NO_JOB, None, "9" * 64, LONG, LONG, 10**12, None, NOON),) * 10, 10**6),
            UTC,
        ),
        "pack ending": blocks.render(PackEnding(UnitPack(LONG, LONG, 10**12, 10**12, NOON)), UTC),
        "job stuck": blocks.render(JobStuck(huge), UTC),
        "job set aside": blocks.render(JobStuck(huge, LONG), UTC),
        "job written off": blocks.render(JobWrittenOff(huge, LONG), UTC),
        "written off": job_lists.written_off(WrittenOff(huge)),
        "still waiting": job_lists.still_waiting(StillWaiting(huge, NOON), UTC),
        "not stuck": job_lists.not_stuck(NotStuck(replace(huge, state=JobState.FAILED, finished_at=NOON)), UTC),
        "not yours": jobs.not_yours(NotYours(huge)),
        "no such job": jobs.no_such_job(LONG),
        "budget exceeded": declines.budget_exceeded(BudgetExceeded("r1", wanted, nine, fits), UTC),
        "estimate": declines.estimate(Estimate(wanted, NAME, nine, nine, fits), UTC),
        "budgets": budgets.listing(projects, UTC, for_admin=True),
        "people": budgets.listing(people, UTC),
        "status": budgets.status(LONG, nine, UTC, LONG, for_admin=True),
        "no status": budgets.status(LONG, [], UTC, LONG),
        "set": budget_changes.was_set(BudgetSet(full.budget, full), UTC, LONG).plus(budgets.invite_me(LONG)),
        "raise?": budget_changes.asks(raised, longest_proposal(), LONG, LONG),
        **budgets_needed(),
        "changed meanwhile": budget_changes.changed_meanwhile(),
        "removed": budget_changes.removed(LONG, PeriodKind.MONTHLY),
        "not there": budget_changes.not_there(LONG, PeriodKind.MONTHLY),
        "usage": usage.usage(Usage(full.budget.scope, full.period, full.total, full, "user", shares), UTC),
        "usage by day": usage.usage(Usage(full.budget.scope, full.period, full.total, full, "day", days), UTC),
        "usage chart": usage.chart(Usage(LONG, full.period, full.total, full, "user", shares), UTC, {}),
        "usage chart by day": usage.chart(Usage(LONG, full.period, full.total, full, "day", days), UTC, {}),
        "no usage chart": usage.chart(Usage(LONG, full.period, full.total, full, "day", ()), UTC, {}),
        "usage handed": usage.handed(),
        "no usage": usage.usage(Usage(LONG, full.period, full.total, full, "day", ()), UTC),
        "digest": blocks.render(huge_digest(WEEKLY, picture="F0123456789"), UTC),
        "digest in words": blocks.render(huge_digest(PeriodKind.MONTHLY), UTC),
        "digests": digests.listing([huge_schedule()] * 200, UTC, NOON, LONG),
        "digests, to change": digests.listing([huge_schedule()] * 200, UTC, NOON, LONG, for_admin=True),
        "no digests": digests.listing([], UTC, NOON, LONG, for_admin=True),
        "digest set": digests.was_set(huge_schedule(), UTC, NOON, LONG),
        "digests off": digests.turned_off([huge_schedule()] * 99, LONG, UTC, LONG),
        "no digests off": digests.turned_off([], LONG, UTC, LONG),
        "unsaid": outbox.unsaid(
            Unsaid(
                10**9,
                (Line(CHANNEL, 10**6, NOON, 10**6, LONG, NOON),) * MOST_LINES,
                10**9,
                (FAILED,) * MOST_FAILED,
                (QuietHours(CHANNEL, 0, 1439, True),) * 50,
            ),
            UTC,
        ),
        "test alert": blocks.render(AlertTest(LONG, LONG, LONG), UTC),
        "tested": blocks.render(AlertTested(LONG, f"{LONG}: {LONG}", 10**9), UTC),
        "quiet set": outbox.quiet_set(QuietHours(CHANNEL, 0, 1439, True), UTC),
        "together": blocks.together([(NOON, blocks.render(Crossed(full, (OVER,)), UTC))] * 60, UTC)[0],
        "help": help.overview(USAGE, CREDITS),
        "menu": help.menu(CREDITS, for_admin=True),
        "mistake": short_answers.mistake(LONG, USAGE["generate"]),
        "admins only": short_answers.admins_only("set budgets", USAGE["budget set"]),
        "admins only, clicked": short_answers.admins_only("set budgets"),
        "mistake, clicked": short_answers.mistake(LONG),
        "outdated": short_answers.outdated(),
        "buttons": message(
            actions(
                button(LONG, "job.cancel", "x" * 2000, style="danger", confirm=confirm(LONG, LONG, LONG, danger=True)),
                button("Keep", "job.keep_waiting", "y", confirm=confirm("Sure?", "*Really*", "Yes", no=LONG)),
            )
        ),
        "unavailable": short_answers.unavailable(LONG),
        "failure": short_answers.failure("7f3a2c"),
        "project": short_answers.project(LONG),
        "project set": short_answers.project_set(LONG, LONG),
        "video ready": blocks.render(VideoReady(huge, nine), UTC),
        "video without a link": blocks.render(VideoReady(replace(huge, video_url=None), nine), UTC),
        "job failed": blocks.render(JobFailed(huge), UTC),
        "cancelled later": blocks.render(CancelEnded(huge, too_late=False), UTC),
        "cancelled too late": blocks.render(CancelEnded(huge, too_late=True), UTC),
        "crossed": blocks.render(Crossed(full, tuple(map(str, range(1, 201, 7)))), UTC),
        "over": blocks.render(Crossed(full, (OVER,)), UTC),
        "running out": blocks.render(RunningOut(full, NOON), UTC),
        "spiked": blocks.render(Spiked(full, MOST, MOST), UTC),
        "story": blocks.render(AlertThread(full, told, NOON), UTC),
        "muted story": blocks.render(
            AlertThread(full, told, NOON, muted=Mute("U" * 20, NOON, NOON, acknowledged=False)), UTC
        ),
        "opening": blocks.render(Crossed(full, (OVER,), opens=True), UTC),
        "moved story": blocks.render(AlertThread(full, told, NOON, moved_to=LONG), UTC),
        "moved to the default channel": alert_thread.alerts_moved(
            AlertThread(full, told, NOON, moved_to=DEFAULT_CHANNEL)
        ),
        "budget removed": blocks.render(BudgetRemoved(full, "U" * 20, NOON), UTC),
        "budget gone": alert_thread.budget_gone(Removal(10**9, "U" * 20, NOON), UTC),
        "period over": alert_thread.period_over(AlertThread(full, told, NOON)),
        "already acknowledged": alert_thread.already_acknowledged(note, UTC),
        "closed story": blocks.render(AlertThread(full, told, NOON, closed=True), UTC),
        "renewed": blocks.render(Renewed(full, full), UTC),
        "turned away": blocks.render(TurnedAway(full, MOST, "U" * 20), UTC),
        "unsound": blocks.render(Unsound(LONG, LONG, LONG), UTC),
        "submitting stopped": blocks.render(SubmittingStopped(1101, LONG, 10**9), UTC),
        "submitting resumed": blocks.render(SubmittingResumed(LONG), UTC),
        "model refused": blocks.render(ModelRefused(LONG, 1103, LONG), UTC),
        "increase asked": blocks.render(IncreaseAsked(more, full), UTC),
        "increase granted": blocks.render(
            IncreaseClosed(replace(more, state=IncreaseState.GRANTED, decided_by="U" * 20), given, huge, nine, LONG),
            UTC,
        ),
        "increase denied": blocks.render(
            IncreaseClosed(replace(more, state=IncreaseState.DENIED, decided_by="U" * 20, remark=LONG)), UTC
        ),
        "increase expired": blocks.render(IncreaseClosed(replace(more, state=IncreaseState.EXPIRED)), UTC),
        "grant ended": blocks.render(GrantEnded(given, full), UTC),
        "increase asked of nobody": blocks.render(IncreaseAsked(replace(more, raises=False), None), UTC),
        "to confirm": declines.needs_consent(NeedsConsent("r1", wanted, NAME, Consent.CONFIRMED)),
        "to approve": declines.needs_consent(NeedsConsent("r1", wanted, NAME, Consent.APPROVED)),
        "rules": project_rules.show(limits_of_all),
        "no rules": project_rules.show(Rules(NAME)),
        "project barred": project_blocks.barred(ProjectBarred(LONG, NAME, "U1", can_be_opened=True), for_admin=True),
        "project doubted": project_blocks.doubted(NAME, NAME),
        "project closed": project_blocks.decided(Decided(NAME, ProjectState.OPEN, ProjectState.CLOSED, 10**6)),
        "projects": project_blocks.listing(ProjectList(*(((NAME,) * 500,) * 3)), for_admin=True),
        "past projects": blocks.render(PastProjects((NAME,) * 500 + (LONG,)), UTC),
        "past projects left": project_blocks.after((NAME,) * 500, (NAME,) * 500, "U" * 20),
        "details": job_details_view.details(
            Details(
                replace(huge, task_id="9" * 64, finished_at=NOON),
                (Entry("correction", MOST, MOST, "U" * 20, LONG, NOON),) * 5,
                nine,
                f"https://example.com/{'a' * 300}",
            ),
            UTC,
            own=True,
        ),
        "being made": blocks.render(JobShown(replace(huge, state=JobState.SUBMITTED)), UTC),
        "rules set": project_rules.were_set(RulesSet(limits_of_all, Rules(NAME))),
        "changes": project_rules.changes([changed] * MOST_CHANGES, UTC),
        "requests": increases.listing([more] * 200, UTC),
        "were asked": increases.were_asked([more] * 9),
        "asked before": increases.asked_before(more),
        "closed before": increases.closed_before(replace(more, decided_by="U" * 20)),
        "closed with its budget": blocks.render(
            IncreaseClosed(replace(more, state=IncreaseState.EXPIRED, budget_removed=True)), UTC
        ),
        "closed with its budget before": increases.closed_before(replace(more, budget_removed=True)),
        "no such increase": increases.no_such_increase(LONG),
        "nothing refused": increases.nothing_refused(LONG),
        "own increase": increases.own_increase(),
        "not an approver": increases.not_an_approver(("U" * 20,) * 9),
        "detour": blocks.with_detour(blocks.render(JobFailed(huge), UTC), f"C0FINANCE1: {LONG}"),
    }


def budgets_needed() -> dict[str, Message]:
    """Return what is said about the need for a first budget."""
    waived = Coverage(0, Waiver("U" * 20, NOON), tuple(f"{n:040d}" for n in range(200)))
    upgraded, closed, open_ = Coverage(0, Waiver(UPGRADE, NOON), ()), Coverage(0, None, ()), Coverage(99, None, ())
    admins = ["U" * 20] * 99
    return {
        "declined": first_budget_notice.declined(admins, for_admin=False),
        "declined, for an admin": first_budget_notice.declined((), for_admin=True),
        "no budgets": first_budget_notice.none_set(waived, UTC, for_admin=True),
        "no budgets after an upgrade": first_budget_notice.none_set(upgraded, UTC, for_admin=False),
        "waive?": first_budget_notice.asks_to_waive(open_, LONG),
        "waived": first_budget_notice.waived(waived, UTC),
        "required": first_budget_notice.required(closed),
        "still required": first_budget_notice.required(open_),
        "last removed": message(*first_budget_notice.after_last(closed, UTC)),
        "runs unlimited": blocks.render(RunsUnlimited(NOON), UTC),
    }


EXTREMES = extremes()


@pytest.mark.parametrize("name", EXTREMES)
def test_slack_takes_every_message_with_the_longest_of_everything(name: str) -> None:
    said = EXTREMES[name]
    parsed = [slackblocks_reading.block(block) for block in said.blocks]
    slackblocks.Message(channel="C0GENERAL1", text=said.text, blocks=parsed)  # raises past a limit of Slack's
    assert limits.problems(list(said.blocks)) == []
    assert limits.characters(said.blocks) <= limits.LONGEST_BLOCKS
    assert max(map(len, texts(said))) < 3000, "cut at the limit of a block instead of before it"


# Of several alerts in one message the text has the first line of each.
@pytest.mark.parametrize("name", [name for name in EXTREMES if name != "together"])
def test_the_text_says_every_number_and_name_that_the_blocks_say(name: str) -> None:
    said = EXTREMES[name]
    words = re.findall(r"[\w$.,%]+", shown(said).replace("▰", "").replace("▱", ""))
    assert words and not [word for word in words if word not in said.text]


@pytest.mark.parametrize("name", EXTREMES)
def test_no_date_begins_with_a_capital_in_mid_sentence(name: str) -> None:
    """Slack writes `Today` where a date begins with its day; the words before it belong into the date."""
    said = re.sub(r"<!date\^\d+\^\{", "<Today", EXTREMES[name].text)
    assert re.findall(r"(?<!^)(?<!^• )<Today", said, re.MULTILINE) == []


@pytest.mark.parametrize("name", EXTREMES)
def test_slack_reads_nothing_into_bare_words(name: str) -> None:
    assert all(part["type"] == "plain_text" or part["verbatim"] for part in parts(EXTREMES[name]))


def test_lines_are_packed_into_sections_without_cutting_one() -> None:
    lines = [f"{number:04d}" * 20 for number in range(200)]
    packed = sections(lines)
    assert "\n".join(block["text"]["text"] for block in packed).splitlines() == lines
    assert all(len(block["text"]["text"]) <= 3000 for block in packed)


def test_text_past_slacks_limit_is_cut_rather_than_refused() -> None:
    assert len(section("x" * 5000)["text"]["text"]) == 3000


def test_the_text_leaves_out_what_is_only_for_the_eye() -> None:
    buttons = actions(button("Cancel", "job.cancel", "1"), button("Keep waiting", "job.keep_waiting", "1"))
    assert message(section("*Bold* and `code`", "`▰▰▱▱`", "last"), context("a", "", "b"), buttons).text == (
        "Bold and code\nlast\na · b\n[Cancel] [Keep waiting]"
    )
