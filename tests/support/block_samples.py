"""Things to make messages of: budgets as they stand, jobs, offers, shares; and what a message shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from klingbot.blocks.message import Message
from klingbot.domain import prices
from klingbot.domain.budgets import Budget, Standing, Total
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.money import Amount
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.pricing import Quote, Wish, quote
from klingbot.engine.usage import Usage
from klingbot.store.daily_spend import Share

UTC = Calendar(ZoneInfo("UTC"))
NOON = 1_795_435_200_000  # 23 November 2026, 12:00 UTC
CREDITS = prices.load("credits")
MOST = Amount(10**12, 10**14)
RESETS = "<!date^1796083200^resets {date_short_pretty} at {time}|resets Dec 1, 2026 at 00:00 UTC>"


def credits(number: float) -> Amount:
    """So many credits at $0.06."""
    return Amount(round(number * 1000), round(number * 60_000))


def standing(
    scope: str = "project:marketing",
    *,
    kind: PeriodKind = PeriodKind.MONTHLY,
    limit: int | None = 40,
    usd: int | None = None,
    settled: float = 0,
    held: float = 0,
    channel: str | None = None,
) -> Standing:
    budget = Budget(
        scope,
        kind,
        None if limit is None else limit * 1000,
        None if usd is None else usd * 1_000_000,
        channel_id=channel,
    )
    return Standing(budget, UTC.period(kind, NOON), Total(credits(held), credits(settled)))


def offer(model: str = "kling-pro", seconds: int = 10, resolution: str = "1080p") -> Quote:
    priced = quote(CREDITS, Wish(model, seconds, resolution))
    assert isinstance(priced, Quote)
    return priced


def job(**changes: Any) -> Job:
    plain = Job(
        id="abcdefghijkl",
        state=JobState.HELD,
        user_id="U0BOB00001",
        project="marketing",
        channel_id="C0GENERAL1",
        response_url=None,
        prompt="a fox in the snow",
        negative=None,
        image_url=None,
        model="kling-pro",
        duration_seconds=10,
        resolution="1080p",
        audio=False,
        aspect="16:9",
        legacy_name="kling-v3",
        new_name="kling-3.0",
        omni=False,
        price_list="credits",
        kling_units=False,
        microusd_per_credit=60_000,
        quote=credits(40),
        asked_at=NOON,
        day_start=0,
        week_start=0,
        month_start=0,
        due_at=NOON,
        video_url="https://videos.example/fox.mp4?a=1&b=2",
    )
    return replace(plain, **changes)


def parts(said: Message) -> list[dict[str, Any]]:
    """The text objects of the blocks."""
    return [part for block in said.blocks for part in _parts(block)]


def _parts(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block["type"] in ("image", "table", "data_visualization"):
        return []
    if "text" in block:
        return [block["text"]]
    return [element["text"] if element["type"] == "button" else element for element in block["elements"]]


def texts(said: Message) -> list[str]:
    return [part["text"] for part in parts(said)]


def shown(said: Message) -> str:
    """Everything that stands in the blocks."""
    return "\n".join(texts(said))


def spend(*shares: Share, by: str = "model", stands: Standing | None = None) -> Usage:
    total = Total(credits(40), credits(764))
    return Usage("workspace", UTC.period(PeriodKind.MONTHLY, NOON), total, stands, by, shares)


def share(name: str, settled: float, *, held: float = 0, count: int = 1, failed: int = 0) -> Share:
    return Share(name, count, failed, Total(credits(held), credits(settled)))
