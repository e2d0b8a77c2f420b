"""`/metrics`, as Prometheus reads it (prometheus.io, exposition formats). Scopes are the only labels that name anybody.

What is about the ledger is the same in every process that shares it; what is about Slack, Kling and answers is counted
by each process for itself, from its start.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from klingbot.common.counters import BOUNDS, Errors, Latencies, Meters
from klingbot.domain.budgets import Standing
from klingbot.domain.jobs import ENDED, LIVE
from klingbot.domain.money import MICROUSD, MILLICREDITS
from klingbot.domain.overdue_work import OverdueKind
from klingbot.engine import Engine, budgets, overdue
from klingbot.store.maintenance import gauges

_OF_BUDGETS: tuple[tuple[str, str, Callable[[Standing], int | None], int], ...] = (
    ("committed_credits", "Held and settled in this period", lambda s: s.total.committed.millicredits, MILLICREDITS),
    ("committed_usd", "Held and settled, in US dollars", lambda s: s.total.committed.microusd, MICROUSD),
    ("limit_credits", "Its limit in credits", lambda s: s.budget.limit_millicredits, MILLICREDITS),
    ("limit_usd", "Its limit in US dollars", lambda s: s.budget.limit_microusd, MICROUSD),
)


def route(engine: Engine, meters: Meters) -> Route:
    """With a registry of its own."""
    registry = CollectorRegistry()
    registry.register(Metrics(engine, meters))

    def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)


class Metrics(Collector):
    """Reads the ledger when it is asked. Jobs that ended are counted from here on: history is not read."""

    def __init__(self, engine: Engine, meters: Meters) -> None:
        self._engine = engine
        self._meters = meters
        self._ended: Counter[str] = Counter({str(state): 0 for state in ENDED})
        self._last_entry = gauges.last_entry(engine.store.read())
        self._counting = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        yield from self._ledger()
        yield from self._overdue()
        yield from self._budgets()
        yield _errors("klingbot_kling_errors", "Answers of Kling's that were none, by its code", self._meters.kling)
        yield _errors("klingbot_slack_errors", "Answers of Slack's that were none, by its word", self._meters.slack)
        yield _errors("klingbot_callbacks_refused", "Callbacks that were refused, by why", self._meters.callbacks)
        yield _histogram("klingbot_answer_seconds", "From a request of Slack's to its answer", self._meters.answers)

    def _ledger(self) -> Iterator[Metric]:
        now, read = self._engine.clock(), gauges.read(self._engine.store.read())
        live = {str(state): read.live.get(state, 0) for state in LIVE}
        waited_ms = 0 if read.oldest_at is None else max(0, now - read.oldest_at)
        yield _labelled("klingbot_jobs", "Jobs that have yet to end", "state", live)
        yield self._ended_jobs()
        yield _gauge("klingbot_held_credits", "Held for them", read.held.millicredits / MILLICREDITS)
        yield _gauge("klingbot_held_usd", "Held for them, in US dollars", read.held.microusd / MICROUSD)
        yield _gauge("klingbot_outbox_waiting", "Messages that have yet to be said", read.waiting)
        yield _gauge("klingbot_outbox_oldest_seconds", "How long the oldest of them has waited", waited_ms / 1000)
        yield _gauge("klingbot_outbox_failed", "Messages that were given up and wait for an admin", read.failed)
        closed = dict.fromkeys(read.gates, 1)
        yield _labelled("klingbot_gate_closed", "Kling takes no jobs: of this model, or of the account", "gate", closed)

    def _overdue(self) -> Iterator[Metric]:
        now, found = self._engine.clock(), {each.kind: each for each in overdue.find(self._engine)}
        counts = {str(kind): found[kind].count if kind in found else 0 for kind in OverdueKind}
        ages = {str(kind): max(0, now - found[kind].since) // 1000 if kind in found else 0 for kind in OverdueKind}
        yield _labelled("klingbot_overdue", "Work that should have been done by now", "kind", counts)
        yield _labelled("klingbot_overdue_seconds", "How late the oldest of it is", "kind", ages)

    def _ended_jobs(self) -> Metric:
        with self._counting:
            db = self._engine.store.read()
            upto = gauges.last_entry(db)
            self._ended.update(gauges.ended(db, after=self._last_entry, upto=upto))
            self._last_entry = upto
            family = CounterMetricFamily("klingbot_jobs_ended", "Jobs that ended since the start", labels=["state"])
            for state, jobs in self._ended.items():
                family.add_metric([state], jobs)
            return family

    def _budgets(self) -> Iterator[Metric]:
        standings = budgets.standings(self._engine)
        for what, said, of, unit in _OF_BUDGETS:
            family = GaugeMetricFamily(f"klingbot_budget_{what}", said, labels=["scope", "period"])
            for standing in standings:
                value = of(standing)
                if value is not None:
                    family.add_metric([standing.budget.scope, standing.budget.kind], value / unit)
            yield family


def _labelled(name: str, said: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=value)


def _errors(name: str, said: str, errors: Errors) -> Metric:
    family = CounterMetricFamily(name, said, labels=["code"])
    for code, count in sorted(errors.counts().items()):
        family.add_metric([code], count)
    return family


def _histogram(name: str, said: str, latencies: Latencies) -> Metric:
    counts, total = latencies.counts()
    bounds = (*map(str, BOUNDS), "+Inf")
    return HistogramMetricFamily(name, said, list(zip(bounds, accumulate(counts), strict=True)), sum_value=total)
