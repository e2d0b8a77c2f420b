"""Scripts share the bot's ledger: the guide's own example runs as it stands, and the limits are the bot's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from klingbot import (
    Budget,
    BudgetEnforcedClient,
    BudgetExceededError,
    BudgetPeriod,
    CostTracker,
    KlingError,
    UsageRecord,
    sandbox,
)
from klingbot.domain.budgets import WORKSPACE, project_scope
from klingbot.domain.jobs import JobState
from klingbot.domain.money import NOTHING
from klingbot.domain.notifications import Crossed, TurnedAway, VideoReady
from klingbot.domain.periods import PeriodKind
from klingbot.engine import budgets, kling_results
from klingbot.engine.budgets import Change
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling.kling_faults import Fault
from klingbot.sdk.script_types import record_of
from klingbot.store import jobs, open_store
from tests.support.block_samples import job
from tests.support.ledger_checks import prove, queued, slack_takes_everything

ROOT = Path(__file__).parents[3]

# The guide's "# Usage" lines, word for word.
USAGE = """
# Usage
tracker = CostTracker()

# Set monthly budget
tracker.set_budget("marketing", Budget(
    period=BudgetPeriod.MONTHLY,
    limit_credits=10000,
    limit_usd=600.00,
    alert_threshold=0.8
))

# Check before generating
check = tracker.can_generate("marketing", duration=10, model="kling-pro")
if check["allowed"]:
    # Generate video
    tracker.record_usage(
        job_id="vid_abc123",
        duration=10,
        model="kling-pro",
        project_id="marketing"
    )
else:
    print(f"Generation blocked: {check['reason']}")

# View usage
print(tracker.get_usage(BudgetPeriod.MONTHLY, "marketing"))
print(tracker.check_budget("marketing"))
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True
    )


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run from, without settings of this machine's."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("KLING", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def tracker() -> Iterator[CostTracker]:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        opened = CostTracker()
        yield opened
        prove(opened.engine.store)
        opened.close()


def monthly(credits: float | None = 100, usd: float | None = 6.0, threshold: float = 0.8) -> Budget:
    return Budget(BudgetPeriod.MONTHLY, credits, usd, threshold)


def spend(tracker: CostTracker, job_id: str, project: str | None = "marketing", **options: Any) -> UsageRecord:
    """40 credits, $2.40."""
    return tracker.record_usage(job_id, 10, "kling-pro", project_id=project, **options)


def test_the_guides_example_runs_as_it_stands_and_a_second_run_counts_nothing_twice(tmp_path: Path) -> None:
    for _ in range(2):
        said = run(f"from klingbot import Budget, BudgetPeriod, CostTracker\n{USAGE}", tmp_path).stdout.splitlines()
        assert said[0] == "Budget set for marketing: 10000 credits / monthly"
        used, status = (eval(line) for line in said[1:])
        assert list(used) == ["period", "start", "end", "total_credits", "total_cost_usd", "record_count"]
        assert (used["total_credits"], used["total_cost_usd"], used["record_count"]) == (40, 2.4, 1)
        assert status["usage"].items() - {"end": 0}.items() >= {("total_credits", 40)}
        assert {key: status[key] for key in status if key != "usage"} == {
            "has_budget": True,
            "budget": {"period": "monthly", "limit_credits": 10000, "limit_usd": 600.0},
            "credits_remaining": 9960,
            "usd_remaining": 597.6,
            "credits_percent": 0.4,
            "cost_percent": 0.4,
            "over_budget": False,
            "alert_triggered": False,
        }
    assert not (tmp_path / "cost_tracking.json").exists()


def test_importing_the_package_loads_none_of_it(tmp_path: Path) -> None:
    code = "import sys, klingbot; print([n for n in sys.modules if n.startswith(('klingbot.', 'requests'))])"
    assert run(code, tmp_path).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("duration", "model", "credits"), [(5, "kling-v1", 10), (10, "kling-pro", 40), (7, "kling-pro", 28)]
)
def test_credits_are_the_guides(tracker: CostTracker, duration: int, model: str, credits: int) -> None:
    found = tracker.calculate_credits(duration, model)
    assert (found, type(found)) == (credits, int)


@pytest.mark.parametrize(("tier", "cost"), [(None, 2.4), (50, 4.0), (100, 4.0), (500, 3.2), (2000, 2.4), (10**6, 2.0)])
def test_cost_follows_the_tier(tracker: CostTracker, tier: int | None, cost: float) -> None:
    assert tracker.calculate_cost(40, tier) == cost


def test_an_unknown_model_is_refused_with_what_is_sold_and_nothing_is_booked(tracker: CostTracker) -> None:
    for call in (
        lambda: tracker.calculate_credits(5, "kling-v9"),
        lambda: tracker.can_generate("marketing", 5, "kling-v9"),
        lambda: tracker.record_usage("x", 5, "kling-v9"),
    ):
        with pytest.raises(
            ValueError,
            match=r"no model kling-v9\. Did you mean kling-v1\? Sold here: kling-v1, kling-v1\.5 and kling-pro",
        ):
            call()
    assert tracker.records == []


def test_a_length_that_the_model_does_not_make_is_refused(tracker: CostTracker) -> None:
    with pytest.raises(ValueError, match="5 or 10 seconds"):
        tracker.calculate_credits(7, "kling-v1")


def test_a_record_says_what_was_booked_with_a_time_that_knows_its_zone(tracker: CostTracker) -> None:
    record = spend(tracker, "a", user_id="U1")
    assert (record.credits_used, record.cost_usd, record.model, record.duration) == (40, 2.4, "kling-pro", 10)
    assert (record.user_id, record.project_id) == ("U1", "marketing")
    assert record.timestamp.utcoffset() == timedelta(0)
    assert record.timestamp.isoformat() == "2026-11-23T12:00:00+00:00"
    assert tracker.records == [record]


def test_recording_a_job_again_changes_nothing(tracker: CostTracker) -> None:
    first = spend(tracker, "a")
    assert tracker.record_usage("a", 5, "kling-v1", project_id="other") == first
    assert tracker.get_usage(BudgetPeriod.DAILY)["total_credits"] == 40


def test_usage_is_kept_apart_by_project_and_user_and_together_without_a_key(tracker: CostTracker) -> None:
    spend(tracker, "a", "marketing", user_id="U1")
    spend(tracker, "b", "sales", user_id="U1")
    spend(tracker, "c", None)

    def used(*key: str) -> tuple[int, int]:
        found = tracker.get_usage(BudgetPeriod.WEEKLY, *key)
        return found["total_credits"], found["record_count"]

    assert used() == (120, 3)
    assert used("marketing") == (40, 1)
    assert used("U1", "user") == (80, 2)
    assert used("default") == (40, 1)
    assert used("nobody") == (0, 0)
    with pytest.raises(ValueError, match="project or user"):
        used("x", "team")


def test_a_period_starts_when_the_ledgers_does(tracker: CostTracker) -> None:
    assert tracker.get_usage(BudgetPeriod.MONTHLY)["start"] == "2026-11-01T00:00:00+00:00"
    assert tracker.get_usage(BudgetPeriod.WEEKLY)["start"] == "2026-11-23T00:00:00+00:00"


def test_can_generate_says_what_is_needed_and_what_is_left(tracker: CostTracker) -> None:
    assert tracker.can_generate("marketing", 10, "kling-pro") == {"allowed": True, "reason": "No budget set"}
    tracker.set_budget("marketing", monthly())
    spend(tracker, "a")
    spend(tracker, "b")
    assert tracker.can_generate("marketing", 10, "kling-pro") == {
        "allowed": False,
        "credits_needed": 40,
        "credits_remaining": 20,
        "cost_needed": 2.4,
        "cost_remaining": 1.2,
        "reason": "Budget exceeded",
    }
    assert tracker.can_generate("marketing", 10, "kling-v1")["allowed"]
    assert tracker.can_generate("marketing", 10, "kling-v1")["reason"] is None


def test_a_budget_that_was_set_in_slack_binds_scripts_too(tracker: CostTracker) -> None:
    budgets.set_budget(tracker.engine, Change(WORKSPACE, PeriodKind.DAILY, limit_microusd=1_000_000), by="UADMIN")
    check = tracker.can_generate("anything", 10, "kling-pro")
    assert (check["allowed"], check["credits_remaining"], check["cost_remaining"]) == (False, None, 1.0)


def test_usage_that_happened_is_booked_over_the_limit_and_then_it_shows(
    tracker: CostTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker.set_budget("marketing", monthly())
    for name in "abc":
        spend(tracker, name)
    status = tracker.check_budget("marketing")
    assert (status["over_budget"], status["credits_remaining"], status["usd_remaining"]) == (True, -20, -1.2)
    assert tracker.can_generate("marketing", 5, "kling-v1")["allowed"] is False
    assert capsys.readouterr().out.splitlines() == [
        "Budget set for marketing: 100 credits / monthly",
        "WARNING: Budget threshold reached for marketing (80.0%)",
        "ALERT: Budget exceeded for marketing!",
    ]


def test_the_alert_looks_at_dollars_as_well_as_credits(tracker: CostTracker) -> None:
    tracker.set_budget("marketing", monthly(credits=10_000, usd=3.0))
    spend(tracker, "a")
    status = tracker.check_budget("marketing")
    assert (status["alert_triggered"], status["credits_percent"], status["cost_percent"]) == (True, 0.4, 80.0)


def test_what_a_script_crosses_is_announced_in_slack_once(tracker: CostTracker) -> None:
    slack_takes_everything(tracker.engine.store)
    tracker.set_budget("marketing", monthly())
    for name in "aabbcc":
        spend(tracker, name)
    assert [each.marks for each in queued(tracker.engine.store, Crossed)] == [("80",), ("100", "over")]


@pytest.mark.parametrize("budget", [monthly(credits=0), monthly(usd=0), monthly(credits=0, usd=0)])
def test_a_limit_of_zero_allows_nothing_and_divides_nothing(tracker: CostTracker, budget: Budget) -> None:
    tracker.set_budget("marketing", budget)
    before = tracker.check_budget("marketing")
    assert (before["credits_percent"], before["cost_percent"], before["over_budget"]) == (0.0, 0.0, False)
    assert before["budget"]["limit_credits"] == budget.limit_credits
    assert tracker.can_generate("marketing", 5, "kling-v1")["allowed"] is False
    spend(tracker, "a")
    assert tracker.check_budget("marketing")["over_budget"] is True


@pytest.mark.parametrize(
    "budget",
    [
        monthly(credits=-1),
        monthly(usd=float("nan")),
        monthly(credits=None, usd=None),
        monthly(threshold=80),
        monthly(credits=10**12),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(tracker: CostTracker, budget: Budget) -> None:
    with pytest.raises(ValueError):
        tracker.set_budget("marketing", budget)
    assert tracker.check_budget("marketing") == {"has_budget": False}


def test_no_limit_in_one_currency_is_none(tracker: CostTracker) -> None:
    tracker.set_budget("marketing", monthly(credits=None))
    spend(tracker, "a")
    status = tracker.check_budget("marketing")
    assert (status["credits_remaining"], status["credits_percent"], status["cost_percent"]) == (None, 0.0, 40.0)


def test_budgets_are_keyed_by_project_and_come_back_as_they_were_set(tracker: CostTracker) -> None:
    tracker.set_budget("marketing", monthly(threshold=0.9))
    tracker.set_budget("sales", Budget(BudgetPeriod.DAILY, 50, 3.5))
    assert tracker.budgets == {"marketing": monthly(threshold=0.9), "sales": Budget(BudgetPeriod.DAILY, 50, 3.5)}


def test_a_second_budget_of_another_period_does_not_lift_the_first(tracker: CostTracker) -> None:
    tracker.set_budget("marketing", monthly())
    tracker.set_budget("marketing", Budget(BudgetPeriod.DAILY, 10_000, 600.0))
    spend(tracker, "a")
    spend(tracker, "b")
    assert tracker.check_budget("marketing")["budget"]["period"] == "monthly"
    assert tracker.can_generate("marketing", 10, "kling-pro")["allowed"] is False


def test_projects_are_named_as_in_slack(tracker: CostTracker) -> None:
    tracker.set_budget("Q4 Launch", monthly())
    spend(tracker, "a", "q4  launch")
    assert tracker.check_budget("Q4 Launch")["usage"]["total_credits"] == 40
    assert budgets.standings_of(tracker.engine, project_scope("q4-launch"))


def test_another_path_names_the_ledger_itself(tmp_path: Path) -> None:
    named = CostTracker(str(tmp_path / "team.db"))
    named.close()
    assert (tmp_path / "team.db").exists()
    assert not (tmp_path / "klingbot.db").exists()


def test_the_ledger_is_the_bots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLINGBOT_DB", str(tmp_path / "bot.db"))
    tracker = CostTracker()
    spend(tracker, "a")
    tracker.close()
    store = open_store(tmp_path / "bot.db")
    assert jobs.get(store.read(), "a") is not None
    prove(store)
    store.close()


def test_a_script_keeps_to_the_calendar_of_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLINGBOT_TIMEZONE", "Asia/Tokyo")
    CostTracker().close()
    monkeypatch.delenv("KLINGBOT_TIMEZONE")
    tracker = CostTracker()
    assert tracker.get_usage(BudgetPeriod.MONTHLY)["start"].endswith("+09:00")
    tracker.close()


def test_a_cost_file_is_taken_over_once_and_what_was_changed_since_does_not_come_back(tmp_path: Path) -> None:
    content = {
        "records": [
            {
                "timestamp": "2026-11-23T09:00:00",
                "job_id": "old",
                "credits_used": 40,
                "cost_usd": 2.4,
                "model": "kling-pro",
                "duration": 10,
                "user_id": None,
                "project_id": "marketing",
            }
        ],
        "budgets": {"marketing": {"period": "monthly", "limit_credits": 100, "limit_usd": 6.0}},
    }
    (tmp_path / "cost_tracking.json").write_text(json.dumps(content))
    first = CostTracker()
    assert [record.job_id for record in first.records] == ["old"]
    assert first.budgets == {"marketing": monthly()}
    budgets.remove_budget(first.engine, project_scope("marketing"), PeriodKind.MONTHLY, by="UADMIN")
    first.close()
    second = CostTracker()
    assert (len(second.records), second.budgets) == (1, {})
    second.close()


def test_fractions_of_a_credit_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLINGBOT_PRICE_LIST", "kling-api")
    tracker = CostTracker()
    for n in range(3):
        tracker.record_usage(f"job {n}", 5, "kling-2.6")
    used = tracker.get_usage(BudgetPeriod.MONTHLY)
    assert (used["total_credits"], used["total_cost_usd"]) == (7.5, 1.05)
    tracker.close()


def test_a_video_for_which_kling_charged_nothing_is_told_as_that() -> None:
    record = record_of(job(settled=NOTHING))
    assert (record.credits_used, record.cost_usd) == (0, 0)


# BudgetEnforcedClient, against the local Kling.


@pytest.fixture
def kling() -> Iterator[Sandbox]:
    running = sandbox.start(kling_seconds=0.2)
    yield running
    running.stop()


@pytest.fixture
def project(kling: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[CostTracker]:
    monkeypatch.setenv("KLING_API_URL", kling.kling_api_url)
    tracker = CostTracker()
    tracker.set_budget("marketing", monthly(credits=30, usd=6.0))
    yield tracker
    prove(tracker.engine.store)
    tracker.close()


def used(tracker: CostTracker) -> int:
    return int(tracker.get_usage(BudgetPeriod.MONTHLY, "marketing")["total_credits"])


def test_a_video_is_held_before_kling_hears_of_it_and_settled_by_its_verdict(
    kling: Sandbox, project: CostTracker
) -> None:
    client = BudgetEnforcedClient(kling.kling_api_key, project, "marketing")
    taken = client.generate_video("a fox in the snow")
    assert (taken["status"], len(kling.kling.tasks), used(project)) == ("submitted", 1, 10)
    assert project.records == []
    done = client.wait_for(taken["job_id"], timeout_seconds=10, poll_seconds=0.05)
    assert done["status"] == "succeeded"
    assert done["video_url"].endswith(".mp4")
    assert [record.job_id for record in project.records] == [taken["job_id"]]
    assert queued(project.engine.store, VideoReady) == []


def test_over_the_budget_kling_is_not_asked_and_the_guides_sentence_is_raised(
    kling: Sandbox, project: CostTracker
) -> None:
    client = BudgetEnforcedClient(kling.kling_api_key, project, "marketing")
    client.generate_video("a fox", 10)
    with pytest.raises(BudgetExceededError, match=r"^Budget exceeded for marketing\. Need 20 credits, have 10$"):
        client.generate_video("another fox", 10)
    assert len(kling.kling.tasks) == 1
    assert used(project) == 20
    assert len(queued(project.engine.store, TurnedAway)) == 1


def test_when_kling_refuses_the_hold_is_released_and_the_bot_is_not_stopped(
    kling: Sandbox, project: CostTracker
) -> None:
    with pytest.raises(KlingError, match=r"does not know the bot's key.*hold of job \w+ was released"):
        BudgetEnforcedClient("wrong", project, "marketing").generate_video("a fox")
    assert used(project) == 0
    assert BudgetEnforcedClient(kling.kling_api_key, project, "marketing").generate_video("a fox")["task_id"]


def test_when_kling_cannot_be_reached_the_hold_is_released(
    project: CostTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING_API_URL", "http://127.0.0.1:9")
    with pytest.raises(KlingError, match="released"):
        BudgetEnforcedClient("key", project, "marketing").generate_video("a fox")
    assert used(project) == 0


def test_after_a_lost_reply_the_hold_stays_until_it_is_known_and_nothing_is_bought_twice(
    kling: Sandbox, project: CostTracker
) -> None:
    kling.kling.faults.add(Fault("create", "drop", taken=True))
    client = BudgetEnforcedClient(kling.kling_api_key, project, "marketing")
    with pytest.raises(KlingError, match=r"may have taken job (\w+)") as caught:
        client.generate_video("a fox")
    assert used(project) == 10
    job_id = str(caught.value).split("job ")[1].split(":")[0]
    assert client.wait_for(job_id, timeout_seconds=10, poll_seconds=0.05)["status"] == "succeeded"
    assert (len(kling.kling.tasks), used(project)) == (1, 10)


def test_a_video_that_fails_at_kling_costs_nothing(kling: Sandbox, project: CostTracker) -> None:
    client = BudgetEnforcedClient(kling.kling_api_key, project, "marketing")
    taken = client.generate_video("a fox")
    job = jobs.get(project.engine.store.read(), taken["job_id"])
    assert job is not None
    kling_results.failed(project.engine, job, "too dark")
    told = client.wait_for(taken["job_id"])
    assert (told["status"], told["reason"], used(project)) == (JobState.FAILED.value, "too dark", 0)


def test_an_unknown_model_is_not_asked_for(kling: Sandbox, project: CostTracker) -> None:
    with pytest.raises(ValueError, match="Sold here"):
        BudgetEnforcedClient(kling.kling_api_key, project, "marketing").generate_video("a fox", model="kling-v9")
    assert kling.kling.tasks == []
