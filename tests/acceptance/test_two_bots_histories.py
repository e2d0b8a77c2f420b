"""The random histories again, lived by two bots on one file: each step falls to one of them, and some to both at once.

Both are processes of their own. Whatever they do at the same moment must come out as if one had gone first.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from klingbot.domain.jobs import Request
from klingbot.domain.pricing import Quote, Wish, quote
from klingbot.engine import cancellation, job_requests, kling_results
from klingbot.engine.cancellation import Cancelled, MayBeAtKling, TooLate
from klingbot.engine.hold_outcomes import BudgetExceeded, Held, Repeated
from tests.both_databases.test_ledger_histories import (
    PICKS,
    PROJECTS,
    USERS,
    VIDEO,
    WISHES,
    Histories,
    open_bot,
    refused_by,
)
from tests.support.ledger_bot import Do, LedgerBot, Open, ledger_bots
from tests.support.ledger_checks import ask, submit

Errand = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
Asked = tuple[str, str, Wish]
ASKED = st.tuples(st.sampled_from(USERS), st.sampled_from(PROJECTS), st.sampled_from(WISHES))


class TwoBots(Histories):
    """This process only reads the file; the bots do everything."""

    def __init__(self, bots: tuple[LedgerBot, ...]) -> None:
        super().__init__()
        self.bots = bots
        self.dice = Random(0)

    @initialize(seed=st.integers(0, 999))
    def slack_takes_other_dice(self, seed: int) -> None:
        self.dice = Random(seed)

    def open_the_ledger(self) -> None:
        super().open_the_ledger()
        for bot in self.bots:
            bot.begin(Open(open_bot, self.store.place))
            bot.finish()

    def do(self, use_case: Callable[..., Any], *args: Any, **options: Any) -> Any:
        bot = self.dice.choice(self.bots)
        bot.begin(Do(self.clock.at, use_case, args, options))
        return bot.finish()

    def at_once(self, *errands: Errand) -> list[Any]:
        """One errand for each bot, begun before either has ended."""
        for bot, (use_case, args, options) in zip(self.bots, errands, strict=True):
            bot.begin(Do(self.clock.at, use_case, args, options))
        return [bot.finish() for bot in self.bots]

    @rule(asked=st.tuples(ASKED, ASKED))
    def two_people_ask_at_once(self, asked: tuple[Asked, Asked]) -> None:
        requests = [
            ask(f"r{len(self.model.jobs)} {self.clock.at} {n}", wish, user_id=user, project=project)
            for n, (user, project, wish) in enumerate(asked)
        ]
        outcomes = self.at_once(*((job_requests.hold, (request,), {}) for request in requests))
        answers = list(zip(requests, outcomes, strict=True))
        explained = [order for order in self.orders(answers) if self.explains(order)]
        assert explained, f"in no order would one bot have answered {outcomes}"
        for request, outcome in explained[0]:
            self.answered(request, outcome)

    @rule(asked=ASKED)
    def slack_hands_one_request_to_both(self, asked: Asked) -> None:
        user, project, wish = asked
        request = ask(f"r{len(self.model.jobs)} {self.clock.at} both", wish, user_id=user, project=project)
        hold: Errand = (job_requests.hold, (request,), {})
        outcomes = self.at_once(hold, hold)
        assert {type(each) for each in outcomes} in ({Held, Repeated}, {BudgetExceeded})
        self.answered(request, next(each for each in outcomes if isinstance(each, Held | BudgetExceeded)))

    @rule(pick=PICKS)
    def a_cancel_meets_the_post(self, pick: int) -> None:
        job = self.live_job(pick)
        if job is None:
            return
        cancelled, posting = self.at_once(
            (cancellation.cancel, (job.id,), {"user_id": job.user_id, "is_admin": False}),
            (kling_results.submitting, (job, "/text-to-video/kling-3.0"), {"due_at": self.clock.at}),
        )
        if posting is None:
            assert isinstance(cancelled, Cancelled)
        else:
            assert isinstance(cancelled, TooLate | MayBeAtKling)
            assert self.do(kling_results.failed, posting, "too dark")
        self._released(job)

    @rule(pick=PICKS)
    def both_bring_a_verdict(self, pick: int) -> None:
        job = self.live_job(pick)
        if job is None:
            return
        submitted = self.do(submit, job)
        paid, unpaid = self.at_once(
            (kling_results.succeeded, (submitted,), {"units": None, "video_url": VIDEO}),
            (kling_results.failed, (submitted, "too dark"), {}),
        )
        assert (paid is None) != (unpaid is None)
        if paid:
            self.model.counts[job.id] = paid.settled
            self._moved(job)
        else:
            self._released(job)

    def orders(self, answers: list[tuple[Request, Any]]) -> list[tuple[tuple[Request, Any], ...]]:
        """In which order they may have been answered; where both hold, the ledger knows."""
        rows = self.store.read().execute("SELECT job_id FROM entries ORDER BY id").fetchall()
        place = {row["job_id"]: n for n, row in enumerate(rows)}
        held = [place[outcome.job.id] for _, outcome in answers if isinstance(outcome, Held)]
        if len(held) < len(answers):
            return list(permutations(answers))
        return [tuple(sorted(answers, key=lambda answer: place[answer[1].job.id]))]

    def explains(self, order: tuple[tuple[Request, Any], ...]) -> bool:
        """Whether the notebook, answering in that order, comes to the same answers."""
        before = deepcopy(self.model)
        try:
            for request, outcome in order:
                wanted = quote(self.engine.prices, request.wish)
                assert isinstance(wanted, Quote)
                if refused_by(outcome) != self.broken_by(request, wanted.amount):
                    return False
                self.answered(request, outcome)
            return True
        finally:
            self.model = before


@pytest.mark.slow
def test_two_bots_keep_one_ledger() -> None:
    with ledger_bots(2) as bots:
        # What goes wrong between two processes seldom goes wrong twice: there is no use in shrinking it.
        limits = settings(max_examples=18, stateful_step_count=30, deadline=None, phases=[Phase.generate])
        run_state_machine_as_test(lambda: TwoBots(bots), settings=limits)
