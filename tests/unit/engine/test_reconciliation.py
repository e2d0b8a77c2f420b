"""Kling's own bill beside the ledger: what differs is found once and changes nothing; packs warn before they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from klingbot.domain import prices
from klingbot.domain.jobs import Job
from klingbot.domain.notifications import BillDiffers, PackEnding, SubmittingStopped
from klingbot.domain.periods import Calendar
from klingbot.domain.pricing import Wish
from klingbot.domain.reconciliation import Billed, BillFinding, Difference, UnitPack
from klingbot.engine import Engine, kling_results, open_engine, reconciliation, stuck_jobs
from klingbot.kling import ApiKey, KeyPair, KlingClient
from klingbot.kling.account import Charge, Charges, charges_in, packs_in
from klingbot.kling.outcomes import Unreachable
from klingbot.sandbox.kling import LocalKling
from klingbot.store import Store
from klingbot.workers.reconciler import MOST_PAGES, Reconciler
from klingbot.workers.submitter import Submitter
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, prove, queued, rows_of, settle, submit
from tests.unit.kling.kling_world import API_KEY, a_request, serving

pytestmark = pytest.mark.both_databases

DAY_MS = 86_400_000
FIVE_SECONDS = Wish("kling-2.6", 5, "1080p")
"""2.5 units."""


@pytest.fixture
def engine(store: Store, clock: FakeClock) -> Engine:
    """With the price list in Kling's units."""
    return open_engine(store, prices.load("kling-api"), Calendar(ZoneInfo("UTC")), clock)


def paid(engine: Engine, request_id: str, units: str | None = "2.5") -> Job:
    return settle(engine, hold(engine, request_id, FIVE_SECONDS), units)


def billed(job: Job, millicredits: int = 2_500) -> Billed:
    assert job.task_id
    return Billed(job.task_id, millicredits, job.asked_at, "kling-2.6", "prod")


def compared(engine: Engine, *bill: Billed) -> list[tuple[Difference, str | None, int | None, int | None]]:
    """What the comparison finds anew."""
    new = reconciliation.compare(engine, bill, since=engine.clock() - 7 * DAY_MS)
    return [(each.difference, each.job_id, each.billed, each.booked) for each in new]


# What differs.


def test_a_bill_that_the_ledger_confirms_has_nothing_to_say(engine: Engine, clock: FakeClock) -> None:
    jobs = [paid(engine, f"r{n}") for n in range(3)]
    clock.tick(3 * 86_400)
    assert compared(engine, *map(billed, jobs)) == []
    assert queued(engine.store, BillDiffers) == []
    last = reconciliation.books(engine).last
    assert last is not None
    assert (last.charges, last.billed, last.problem) == (3, 7_500, None)


def test_a_charge_without_a_job_means_that_somebody_went_round_the_bot(engine: Engine) -> None:
    stranger = Billed("task-of-nobody", 6_000, engine.clock(), "kling-3.0", "prod")
    assert compared(engine, stranger) == [(Difference.NO_JOB, None, 6_000, None)]


def test_a_charge_at_another_price_than_quoted_means_that_the_price_list_is_old(engine: Engine) -> None:
    job = paid(engine, "r1", "3")
    assert compared(engine, billed(job, 3_000)) == [(Difference.OTHER_PRICE, job.id, 3_000, 2_500)]


def test_a_job_settled_at_its_quote_is_measured_by_the_bill(engine: Engine) -> None:
    right, wrong = paid(engine, "right", None), paid(engine, "wrong", None)
    assert compared(engine, billed(right), billed(wrong, 3_000)) == [(Difference.NOT_BOOKED, wrong.id, 3_000, 2_500)]


def test_a_charge_for_a_job_that_was_released_is_found(engine: Engine) -> None:
    failed = kling_results.failed(engine, submit(engine, hold(engine, "r1", FIVE_SECONDS)), "too dark")
    assert failed is not None
    assert compared(engine, billed(failed)) == [(Difference.NOT_BOOKED, failed.id, 2_500, 0)]
    assert compared(engine, billed(failed, 0)) == []


def test_a_settled_job_that_is_not_on_the_bill_is_found_after_two_days(engine: Engine, clock: FakeClock) -> None:
    on_it, missing = paid(engine, "on it"), paid(engine, "missing", None)
    clock.tick(2 * 86_400)
    assert compared(engine, billed(on_it)) == []
    clock.tick(1)
    assert compared(engine, billed(on_it)) == [(Difference.NOT_BILLED, missing.id, None, 2_500)]


def test_an_account_that_pays_in_cash_is_not_missing_units(engine: Engine, clock: FakeClock) -> None:
    """Its charges are in another ledger at Kling, in money; the two are never mixed."""
    paid(engine, "r1", None)
    clock.tick(3 * 86_400)
    assert compared(engine) == []


def test_a_job_without_a_verdict_and_one_of_another_price_list_are_not_judged(
    engine: Engine, store: Store, clock: FakeClock
) -> None:
    live = submit(engine, hold(engine, "r1", FIVE_SECONDS))
    in_credits = replace(engine, prices=prices.load("credits"))
    other = settle(in_credits, hold(in_credits, "r2"))
    assert compared(engine, billed(live, 9_000), billed(other, 9_000)) == []


def test_a_late_charge_after_a_write_off_is_booked_and_so_not_found(engine: Engine, clock: FakeClock) -> None:
    job = submit(engine, hold(engine, "r1", FIVE_SECONDS))
    stuck_jobs.show_stuck(engine, after_ms=0)
    stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="silence")
    assert compared(engine, billed(job)) == [], "its verdict is still asked for"
    kling_results.succeeded(engine, job, units=Decimal("2.5"), video_url="https://v")
    assert compared(engine, billed(job)) == []


def test_a_finding_is_told_once_and_listed_on(engine: Engine, clock: FakeClock) -> None:
    first, second = (Billed(f"stranger-{n}", 6_000, engine.clock(), "kling-3.0", "prod") for n in range(2))
    assert len(compared(engine, first)) == 1
    clock.tick(86_400)
    assert len(compared(engine, first, second)) == 1
    clock.tick(86_400)
    assert compared(engine, first, second) == []
    assert [content.new for content in queued(engine.store, BillDiffers)] == [1, 1]
    assert [finding.task_id for finding in reconciliation.books(engine).findings] == ["stranger-1", "stranger-0"]
    clock.tick(30 * 86_400)
    assert reconciliation.books(engine).findings == ()


def test_a_stranger_whose_job_turns_up_is_listed_no_more(engine: Engine) -> None:
    posting = kling_results.submitting(engine, hold(engine, "r1", FIVE_SECONDS), "/text-to-video/kling-2.6", due_at=0)
    assert posting is not None
    compared(engine, Billed("t1", 2_500, engine.clock(), "kling-2.6", "prod"))
    assert len(reconciliation.books(engine).findings) == 1
    kling_results.submitted(engine, posting, "t1", due_at=0)
    assert reconciliation.books(engine).findings == ()


def test_comparing_books_nothing(engine: Engine, store: Store) -> None:
    job = paid(engine, "r1", "3")
    before = [rows_of(store.read(), table) for table in ("entries", "totals", "jobs")]
    compared(engine, billed(job, 9_000), Billed("stranger", 6_000, engine.clock(), "kling-3.0", ""))
    assert [rows_of(store.read(), table) for table in ("entries", "totals", "jobs")] == before
    prove(store)


# Packs.


def pack(engine: Engine, *, left: int, days: int) -> UnitPack:
    return UnitPack("p1", "Video units", 5_000_000, left * 1_000, engine.clock() + days * DAY_MS)


@pytest.mark.parametrize(
    ("left", "days", "warnings"),
    [(4_000, 90, 0), (1_000, 90, 1), (250, 90, 1), (4_000, 14, 1), (4_000, 2, 1), (250, 2, 2), (0, 2, 1)],
)
def test_a_pack_that_runs_low_or_ends_soon_warns_ahead(engine: Engine, left: int, days: int, warnings: int) -> None:
    reconciliation.note_packs(engine, [pack(engine, left=left, days=days)])
    assert len(queued(engine.store, PackEnding)) == warnings


def test_a_pack_warns_once_at_each_step(engine: Engine, clock: FakeClock) -> None:
    said = []
    for left in (1_100, 1_000, 900, 300, 250, 100):
        reconciliation.note_packs(engine, [pack(engine, left=left, days=90)])
        said.append(len(queued(engine.store, PackEnding)))
    assert said == [0, 1, 1, 1, 2, 2]
    assert [known.left for known in reconciliation.books(engine).packs] == [100_000]


# From Kling's own answers.


def test_rows_of_other_products_and_odd_rows_are_left_out() -> None:
    row = {"task_id": "t", "product_type": "video", "deduction_amount": "1.5", "deduction_time": 7, "model_name": "m"}
    odd = [{**row, "product_type": "image"}, {**row, "deduction_amount": "?"}, {**row, "task_id": None}, 7]
    said = {"result": {"detail": [row, *odd], "next_cursor": "c", "has_more": True}}
    assert charges_in(said) == Charges((Charge("t", Decimal("1.5"), 7, "m", ""),), "c")
    assert charges_in({"has_more": True, "next_cursor": "c", "result": {}}).cursor == "c"
    assert charges_in({"result": {"next_cursor": "c", "has_more": False}}).cursor is None
    assert charges_in(None) == Charges((), None)


def test_only_packs_in_force_count_and_none_at_all_is_no_error() -> None:
    row = {
        "resource_pack_id": "p",
        "resource_pack_name": "n",
        "total_quantity": 5000.0,
        "remaining_quantity": 12.5,
        "invalid_time": 9,
        "status": "online",
    }
    rows = [row, {**row, "status": "expired"}, {**row, "status": "toBeOnline"}, {**row, "invalid_time": None}]
    [known] = packs_in({"code": 0, "resource_pack_subscribe_infos": rows}) or ()
    assert (known.total, known.left, known.ends_at) == (5000, Decimal("12.5"), 9)
    assert packs_in({"code": 0}) == ()
    assert packs_in({"code": 1, "msg": "no"}) is None


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("Trial-Video-100Units-5Con-1Months", True),
        ("Trial-Image-1000Units-9Con-1Months", False),
        ("Video Generation - 10,000 entries", True),
        ("Image Generation - 10,000 entries", False),
        ("STANDARD-IMAGE-5000UNITS", False),
        ("Virtual Try-On 1000", False),
        ("图片生成 1000", False),
        ("Image to Video 1000", True),
        ("Annual pack", True),
        ("", True),
    ],
)
def test_only_packs_for_videos_count_and_only_their_name_says_what_they_are_for(name: str, counts: bool) -> None:
    row = {
        "resource_pack_id": "p", "resource_pack_name": name, "total_quantity": 5000.0, "remaining_quantity": 12.5,
        "invalid_time": 9, "status": "online", "resource_pack_type": "decreasing_total",
    }  # fmt: skip
    assert len(packs_in({"code": 0, "resource_pack_subscribe_infos": [row]}) or ()) == counts


# Once a day, against the local Kling.


@pytest.fixture
def kling(clock: FakeClock) -> LocalKling:
    local = LocalKling(
        api_key=API_KEY, seconds_per_task=60, units=Decimal(20), clock=lambda: clock.at / 1000, webhook_secret=None
    )
    local.account_pause_seconds = 0.05
    return local


@pytest.fixture
def client(kling: LocalKling) -> Iterator[KlingClient]:
    with serving(kling.app) as root:
        yield KlingClient(root, ApiKey(API_KEY))


@pytest.fixture
def submitter(engine: Engine, client: KlingClient) -> Iterator[Submitter]:
    made = Submitter(engine, client, api_key=True, poll_ms=5_000)
    yield made
    made.close()


def test_a_day_at_kling_is_compared_with_the_ledger(
    engine: Engine, submitter: Submitter, client: KlingClient, kling: LocalKling, clock: FakeClock
) -> None:
    for n in range(3):
        hold(engine, f"r{n}", FIVE_SECONDS)
    submitter.submit()
    client.create(a_request("somebody else's", duration_seconds=10), "/text-to-video/kling-2.6")
    clock.tick(61)
    submitter.poll()
    clock.tick(86_400)
    reconciler = Reconciler(engine, client, pause_seconds=0.06)
    reconciler.daily()

    books = reconciliation.books(engine)
    assert books.last is not None
    assert (books.last.charges, books.last.billed, books.last.problem) == (4, 10_500, None)
    [finding] = books.findings
    assert (finding.difference, finding.billed, finding.api_key_name) == (Difference.NO_JOB, 3_000, "sandbox")
    [known] = books.packs
    assert (known.total, known.left) == (20_000, 9_500)

    reconciler.daily()
    assert reconciliation.books(engine).last == books.last, "not due before tomorrow"
    kling.account_pause_seconds = 0.0
    clock.tick(86_400)
    reconciler.daily()
    assert len(queued(engine.store, BillDiffers)) == 1


def test_a_long_bill_is_read_to_its_end(
    engine: Engine, client: KlingClient, kling: LocalKling, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("klingbot.kling.client._CHARGES_A_PAGE", 2)
    for n in range(5):
        client.create(a_request(f"j{n}"), "/text-to-video/kling-2.6")
    clock.tick(86_400)
    Reconciler(engine, client, pause_seconds=0.06).daily()
    assert len(reconciliation.books(engine).findings) == 5


def test_charges_of_the_last_hour_wait_for_tomorrow(
    engine: Engine, client: KlingClient, kling: LocalKling, clock: FakeClock
) -> None:
    kling.account_pause_seconds = 0.0
    client.create(a_request("somebody else's"), "/text-to-video/kling-2.6")
    clock.tick(3_600)
    reconciler = Reconciler(engine, client, pause_seconds=0.06)
    reconciler.daily()
    assert reconciliation.books(engine).findings == ()
    clock.tick(86_400)
    reconciler.daily()
    assert len(reconciliation.books(engine).findings) == 1


def test_a_kling_that_does_not_answer_is_asked_again_in_an_hour_and_stops_nothing(
    engine: Engine, client: KlingClient, kling: LocalKling, clock: FakeClock
) -> None:
    kling.account_pause_seconds = 3_600.0
    reconciler = Reconciler(engine, client, pause_seconds=0)
    reconciler.daily()
    last = reconciliation.books(engine).last
    assert last is not None
    assert last.problem == "Kling is being asked too often."
    assert reconciliation.books(engine).packs, "what was learnt before is kept"
    assert queued(engine.store, SubmittingStopped) == []
    kling.account_pause_seconds = 0.0
    clock.tick(3_599)
    reconciler.daily()
    assert reconciliation.books(engine).last == last
    clock.tick(1)
    reconciler.daily()
    again = reconciliation.books(engine).last
    assert again is not None
    assert again.problem is None


def test_credentials_that_may_not_read_the_bill_are_tried_again_on_the_next_day(
    engine: Engine, client: KlingClient, kling: LocalKling, clock: FakeClock
) -> None:
    kling.account_pause_seconds = 0.0
    pair = KeyPair("local-access-key", "local-secret-key-of-the-sandbox-only")
    legacy_only = KlingClient(client._root, pair, clock=lambda: clock.at / 1000)
    reconciler = Reconciler(engine, legacy_only, pause_seconds=0)
    reconciler.daily()
    last = reconciliation.books(engine).last
    assert last is not None
    assert last.problem is not None and "does not know the bot's key" in last.problem
    assert queued(engine.store, SubmittingStopped) == [], "jobs are taken all the same"
    clock.tick(3_600)
    reconciler.daily()
    assert reconciliation.books(engine).last == last
    clock.tick(82_800)
    reconciler.daily()
    assert reconciliation.books(engine).last != last


def test_half_a_bill_proves_nothing(engine: Engine, clock: FakeClock) -> None:
    paid(engine, "r1", None)
    clock.tick(3 * 86_400)
    first = Charges((Charge("stranger", Decimal(3), clock.at - DAY_MS, "m", ""),), "next")
    client: KlingClient = Answers([first, Unreachable("down")])  # type: ignore[assignment]
    Reconciler(engine, client, pause_seconds=0).daily()
    assert reconciliation.books(engine).findings == ()


def test_nothing_is_asked_where_prices_are_not_in_klings_units(store: Store, clock: FakeClock) -> None:
    engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
    client: KlingClient = Answers([])  # type: ignore[assignment]
    Reconciler(engine, client, pause_seconds=0).daily()
    assert not reconciliation.books(engine).comparable


def test_two_bots_ask_once(engine: Engine) -> None:
    client: KlingClient = Answers([Charges((), None)])  # type: ignore[assignment]
    for _ in range(2):
        Reconciler(engine, client, pause_seconds=0).daily()


class Answers:
    """A Kling without packs whose pages are given; more than those are not asked for."""

    def __init__(self, pages: list[Charges | Unreachable]) -> None:
        self.pages = pages

    def packs(self, start: int, end: int) -> tuple[()]:
        assert (end - start) == 400 * DAY_MS, "Kling lists packs by when they were bought"
        return ()

    def charges(self, start: int, end: int, cursor: str | None) -> Charges | Unreachable:
        return self.pages.pop(0)


def test_a_bill_that_never_ends_is_given_up(engine: Engine) -> None:
    endless = [Charges((), "again")] * (MOST_PAGES + 1)
    client: KlingClient = Answers(endless)  # type: ignore[assignment]
    units = replace(engine, prices=prices.load("kling-api"))
    Reconciler(units, client, pause_seconds=0).daily()
    assert len(endless) == 1
    last = reconciliation.books(units).last
    assert last is not None and last.problem == "its bill has no end"


def test_every_difference_has_a_key_of_its_own() -> None:
    plain = BillFinding(Difference.NO_JOB, None, "t", "m", "", 1, None, 0)
    keys = {replace(plain, difference=difference).key for difference in Difference}
    assert len(keys) == len(Difference)
