"""`CostTracker`: the bot's ledger for scripts, behind the interface of the "klingai-cost-controls" guide."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from klingbot import settings
from klingbot.domain import money, prices
from klingbot.domain.budgets import WORKSPACE, Standing, project_scope, user_scope
from klingbot.domain.jobs import Request
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import NotSold, Quote, Wish, quote
from klingbot.engine import budgets as engine_budgets
from klingbot.engine import job_requests, usage, usage_records
from klingbot.engine.usage_records import UNATTRIBUTED, Spent
from klingbot.sdk.cost_file import NotACostFileError
from klingbot.sdk.cost_file_import import take_over, taken_over_before
from klingbot.sdk.headroom import left_of, shares
from klingbot.sdk.open_ledger import open_ledger
from klingbot.sdk.script_types import (
    Budget,
    BudgetPeriod,
    UsageRecord,
    budget_of,
    change_of,
    number,
    project_name,
    record_of,
)
from klingbot.store import jobs

log = logging.getLogger(__name__)

BY = "script"


class CostTracker:
    """Track and control Kling AI costs, in the same ledger as the bot.

    What a script records counts against the budgets that were set in Slack, and the other way round. Usage is what is
    committed: settled, or held for videos that are under way. Projects are named as in Slack (see `project_name`), and
    usage of no project belongs to `default`. Amounts handed out are plain numbers; inside they are exact.
    """

    def __init__(self, storage_path: str = "cost_tracking.json") -> None:
        """Opens the ledger that `KLINGBOT_DB` names (`klingbot.db`). Raises SettingsError, DatabaseError.

        Where `storage_path` ends in `.json` and is there, its records and budgets are taken over, once as long as the
        file stays as it is. Any other path names the ledger itself.
        """
        self.storage_path = storage_path
        path, kept = Path(storage_path), settings.ledger(settings.environment())
        is_cost_file = path.suffix == ".json"
        self.engine = open_ledger(kept if is_cost_file else replace(kept, database=path))
        if is_cost_file and path.is_file():
            self._take_over(path)

    def close(self) -> None:
        self.engine.store.close()

    def load(self) -> None:
        """Nothing to do: the ledger is always read as it is now."""

    def save(self) -> None:
        """Nothing to do: everything is durable when its call returns."""

    @property
    def records(self) -> list[UsageRecord]:
        """Every video that was paid for, oldest first. Reads all history."""
        return [record_of(job) for job in jobs.succeeded(self.engine.store.read(patient=True))]

    @property
    def budgets(self) -> dict[str, Budget]:
        """The budget of every project that has one; where it has several, the one `check_budget` shows."""
        scopes = [standing.budget.scope for standing in engine_budgets.standings(self.engine)]
        keys = [scope.removeprefix("project:") for scope in scopes if scope.startswith("project:")]
        return {key: budget_of(standing.budget) for key in keys if (standing := self._tightest(key))}

    def calculate_credits(self, duration: int, model: str) -> int | float:
        """Credits for a video of that many seconds. Raises ValueError for what the price list does not sell."""
        return number(money.credits_of(self._quote(duration, model).amount.millicredits))

    def calculate_cost(self, credits: float, tier_credits: int | None = None) -> float:
        """USD for credits, at the price of the pack of that size; None is the pack in force (2,000)."""
        listed = self.engine.prices
        if tier_credits is not None:
            listed = prices.load(listed.name, pack=tier_credits)
        return float(money.usd_of(listed.amount(_millicredits(credits)).microusd))

    def record_usage(
        self, job_id: str, duration: int, model: str, user_id: str | None = None, project_id: str | None = None
    ) -> UsageRecord:
        """Books a video that was made. It counts at once, even over the limit; the same `job_id` again counts once.

        Raises ValueError for what the price list does not sell.
        """
        wanted = self._quote(duration, model)
        spent = Spent(
            job_id=job_id,
            at=self.engine.clock(),
            model=wanted.model.name,
            duration_seconds=wanted.duration_seconds,
            amount=wanted.amount,
            project=project_name(project_id),
            user_id=user_id or UNATTRIBUTED,
            price_list=wanted.price_list,
        )
        usage_records.record(self.engine, [spent], by=BY)
        self.check_alerts(spent.project)
        job = jobs.get(self.engine.store.read(), job_id)
        assert job is not None
        return record_of(job)

    def set_budget(self, key: str, budget: Budget) -> None:
        """Sets the project's budget of that period. One of another period stays: the tighter of them decides."""
        engine_budgets.set_budget(self.engine, change_of(key, budget), by=BY)
        print(f"Budget set for {key}: {budget.limit_credits} credits / {budget.period.value}")  # noqa: T201

    def get_usage(self, period: BudgetPeriod, key: str | None = None, key_type: str = "project") -> dict[str, Any]:
        """What was committed in the current period by a `project`, a `user`, or (without a key) everybody."""
        told = usage.usage(self.engine, _scope(key, key_type), PeriodKind(period.value), "model")
        committed, local = told.total.committed, self.engine.calendar.local
        return {
            "period": period.value,
            "start": local(told.period.start).isoformat(),
            "end": local(self.engine.clock()).isoformat(),
            "total_credits": number(money.credits_of(committed.millicredits)),
            "total_cost_usd": round(float(money.usd_of(committed.microusd)), 2),
            "record_count": sum(share.jobs - share.failed for share in told.shares),
        }

    def check_budget(self, key: str) -> dict[str, Any]:
        """How the project's budget stands; the fullest, where it has several."""
        standing = self._tightest(key)
        if standing is None:
            return {"has_budget": False}
        budget = budget_of(standing.budget)
        used = self.get_usage(budget.period, key)
        credits_share, cost_share = shares(standing)
        return {
            "has_budget": True,
            "budget": {
                "period": budget.period.value,
                "limit_credits": budget.limit_credits,
                "limit_usd": budget.limit_usd,
            },
            "usage": used,
            "credits_remaining": _remaining(used["total_credits"], budget.limit_credits),
            "usd_remaining": _remaining(used["total_cost_usd"], budget.limit_usd),
            "credits_percent": round(float(credits_share * 100), 1),
            "cost_percent": round(float(cost_share * 100), 1),
            "over_budget": credits_share >= 1 or cost_share >= 1,
            "alert_triggered": max(credits_share, cost_share) * 100 >= min(standing.budget.thresholds, default=100),
        }

    def can_generate(self, key: str, duration: int, model: str) -> dict[str, Any]:
        """Whether every budget that applies (the project's, the workspace's) has room for the video; holds nothing.

        Raises ValueError for what the price list does not sell.
        """
        wish = Wish(self._quote(duration, model).model.name, duration)
        estimate = job_requests.estimate(self.engine, Request("", UNATTRIBUTED, "", "", wish, project_name(key)))
        assert not isinstance(estimate, NotSold)
        if estimate.forbidden:
            return {"allowed": False, "reason": estimate.forbidden}
        if not estimate.standings:
            return {"allowed": True, "reason": "No budget set"}
        left_credits, left_usd = left_of(estimate.standings)
        return {
            "allowed": not estimate.refused,
            "credits_needed": number(money.credits_of(estimate.quote.amount.millicredits)),
            "credits_remaining": left_credits,
            "cost_needed": float(money.usd_of(estimate.quote.amount.microusd)),
            "cost_remaining": left_usd,
            "reason": "Budget exceeded" if estimate.refused else None,
        }

    def check_alerts(self, key: str) -> None:
        """Says on the standard output when the project has reached its threshold or its limit."""
        status = self.check_budget(key)
        if not status["has_budget"]:
            return
        if status["over_budget"]:
            print(f"ALERT: Budget exceeded for {key}!")  # noqa: T201
        elif status["alert_triggered"]:
            percent = max(status["credits_percent"], status["cost_percent"])
            print(f"WARNING: Budget threshold reached for {key} ({percent}%)")  # noqa: T201

    def _quote(self, duration: int, model: str) -> Quote:
        found = quote(self.engine.prices, Wish(model, duration))
        if isinstance(found, NotSold):
            raise ValueError(found.sentence)
        return found

    def _tightest(self, key: str) -> Standing | None:
        standings = engine_budgets.standings_of(self.engine, project_scope(project_name(key)))
        return max(standings, key=lambda standing: standing.permille, default=None)

    def _take_over(self, path: Path) -> None:
        content = path.read_bytes()
        if taken_over_before(self.engine, content):
            return
        try:
            problems = take_over(self.engine, content).problems
        except NotACostFileError as e:
            raise NotACostFileError(f"{path}: {e}") from e
        for problem in problems:
            log.warning("%s: %s", path, problem)


def _millicredits(credits: float) -> int:
    return round(credits * money.MILLICREDITS)


def _scope(key: str | None, key_type: str) -> str:
    if not key:
        return WORKSPACE
    if key_type not in ("project", "user"):
        raise ValueError(f"key_type must be project or user, got {key_type}")
    return user_scope(key) if key_type == "user" else project_scope(project_name(key))


def _remaining(used: float, limit: float | None) -> float | None:
    return None if limit is None else round(limit - used, 2)
