"""Other trackers that check a budget and record what was spent, driven as their own docs say."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.measure import Contender

_CREDITS = 40
_CLIP = "openai/clip"
LITELLM = "litellm" if find_spec("litellm") else None
"""From requirements-bench.txt; None where that is not installed."""


class FileTracker:
    """The tracker of the "klingai-cost-controls" guide in short: every record in one JSON file, rewritten each time."""

    def __init__(self, file: Path, records: int) -> None:
        self._file = file
        self._records = [self._record(f"before {n}") for n in range(records)]

    def check_and_record(self) -> None:
        if self._spent() + _CREDITS > 10**9:
            raise AssertionError("there is room for everything")
        self._records.append(self._record("video"))
        self._save()
        self._spent()  # to see whether an alert is due

    def shorten(self, to: int) -> None:
        del self._records[to:]

    def _spent(self) -> int:
        month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        mine = [r for r in self._records if r["timestamp"] >= month and r["project_id"] == "marketing"]
        sum(r["cost_usd"] for r in mine)
        return sum(int(r["credits_used"]) for r in mine)

    def _save(self) -> None:
        rows = [{**record, "timestamp": record["timestamp"].isoformat()} for record in self._records]
        with self._file.open("w", encoding="utf-8") as file:
            json.dump({"records": rows, "budgets": {}}, file, indent=2)

    def _record(self, job_id: str) -> dict[str, Any]:
        what = {"credits_used": _CREDITS, "cost_usd": 2.4, "model": "kling-pro", "duration": 10}
        who = {"user_id": None, "project_id": "marketing"}
        return {"timestamp": datetime.now(UTC), "job_id": job_id, **what, **who}


def file_tracker(folder: Path, records: int) -> Contender:
    tracker = FileTracker(folder / f"records-{records}.json", records)
    return Contender(
        f"the guide's tracker, {records:,} records", tracker.check_and_record, lambda: tracker.shorten(records)
    )


@contextlib.contextmanager
def budget_manager(folder: Path, users: int) -> Iterator[Contender]:
    """litellm.BudgetManager, saving before it answers: what comes nearest to a commit.

    A flat price for each clip; the budget is compared with what was spent and the clip's price.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices
    import litellm  # type: ignore[import-not-found, unused-ignore]
    from litellm.budget_manager import BudgetManager  # type: ignore[import-not-found, unused-ignore]

    price = {"litellm_provider": "openai", "input_cost_per_token": 0.0, "output_cost_per_token": 0.01}
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    litellm.register_model({_CLIP: price})
    clip = litellm.ModelResponse(model=_CLIP, usage=litellm.Usage(prompt_tokens=0, completion_tokens=50))
    folder.mkdir()
    with contextlib.chdir(folder):  # it keeps its file where it runs
        manager: Any = BudgetManager(project_name="bench")
        manager._save_data_thread = lambda: None
        for n in range(users):
            manager.create_budget(1e9, f"U{n}", "monthly", time.time())
        manager._save_data_thread = manager.save_data

        def check_and_record() -> None:
            if manager.projected_cost(_CLIP, [{"content": "a fox"}], "U7") + 0.5 > manager.get_total_budget("U7"):
                raise AssertionError("there is room for everything")
            manager.update_cost(user="U7", completion_obj=clip)

        yield Contender(f"litellm.BudgetManager, {users:,} users", check_and_record)
