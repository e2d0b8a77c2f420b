"""The local Kling: both of its API generations over HTTP, as strict as its docs, with real video files at the end.

It keeps to kling.ai/document-api and shares no code and no figures with the bot's own client: what one of the two
misreads, the other refuses. It implements what the bot uses and nothing else.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from klingbot.sandbox.kling import billing, callbacks, legacy_standard, new_standard, task_memory
from klingbot.sandbox.kling.credentials import Keys
from klingbot.sandbox.kling.http import answer, json_object, listed, number, on_no_route, on_refusal
from klingbot.sandbox.kling.kling_faults import Faults
from klingbot.sandbox.kling.local_tasks import Account, LocalTask
from klingbot.sandbox.kling.oddities import Oddities
from klingbot.sandbox.kling.refusals import Refusal
from klingbot.sandbox.kling.task_requests import Ask, Fields

CLIPS = Path(__file__).parent / "clips"
_CLIPS = {file.stem: file for file in CLIPS.glob("*.mp4")}
MOST_IDS = 20
"""In one look-up, of both kinds together (seen live, September 2026)."""
_SHAPES = {"16:9": "wide", "9:16": "tall", "1:1": "square"}


class LocalKling:
    """An account at a Kling of one's own. `app` is an ASGI application that can be mounted anywhere."""

    def __init__(
        self,
        *,
        api_key: str,
        access_key: str = "local-access-key",
        secret_key: str = "local-secret-key-of-the-sandbox-only",
        seconds_per_task: float = 4.0,
        concurrency: int = 20,
        units: Decimal | None = None,
        unique_ids: bool = True,
        webhook_secret: str | None = None,
        public_url: str | None = None,
        storage: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`units` is the prepaid pack, None for one without end.

        `unique_ids`: Kling refuses a second task with the same `external_task_id` (1201, seen live). A test may have
        it taken all the same.
        `webhook_secret` signs the callbacks (`whsec_…`); without one they go out unsigned.
        `public_url` is where a browser finds this app, when that differs from where the bot does.
        `storage` is a JSON-lines file that keeps the tasks from one run to the next.
        """
        self.faults = Faults()
        self.oddities = Oddities()
        earlier = task_memory.read(storage) if storage else []
        self.account = Account(slots=concurrency, units=units, ids_are_unique=unique_ids, earlier=earlier)
        self.seconds_per_task = seconds_per_task
        self._keys = Keys(api_key, access_key, secret_key)
        self.webhook_secret = webhook_secret
        self._calling_back: set[asyncio.Task[None]] = set()
        self._public_url = public_url
        self._storage = storage
        self._clock = clock
        self.bought_at = clock()
        """When the pack was bought, in epoch seconds."""
        self.account_pause_seconds = 1.0
        """Questions about the account that come sooner after another are refused."""
        self._account_asked_at = -math.inf
        self.app = Starlette(
            routes=self._routes(), exception_handlers={Refusal: on_refusal, HTTPException: on_no_route}
        )

    @property
    def tasks(self) -> list[LocalTask]:
        """Every task ever taken, oldest first."""
        return list(self.account.tasks.values())

    @property
    def charged(self) -> Decimal:
        """Units deducted so far, over all tasks."""
        return self.account.charged(self._clock())

    def _routes(self) -> list[Route]:
        routes = [
            Route("/tasks", self._query_new, methods=["GET"]),
            Route("/account/costs", self._account_costs, methods=["GET"]),
            Route("/account/billing/package", self._account_billing, methods=["POST"]),
            Route("/results/{clip}/{task_id}.mp4", self._result, methods=["GET"]),
            Route("/control/tasks", self._control_tasks, methods=["GET"]),
            Route("/control/kling-faults", self._control_faults, methods=["POST"]),
            Route("/control/kling-oddities", self._control_oddities, methods=["POST"]),
        ]
        for endpoint in new_standard.WAYS:
            routes.append(Route(f"/{endpoint}/{{path_name}}", self._create_new, methods=["POST"]))
        for endpoint in legacy_standard.WAYS:
            path = f"/v1/videos/{endpoint}"
            routes.append(Route(path, self._create_legacy, methods=["POST"]))
            routes.append(Route(path, self._list_legacy, methods=["GET"]))
            routes.append(Route(f"{path}/{{either_id}}", self._query_legacy, methods=["GET"]))
        return routes

    async def _create_legacy(self, request: Request) -> Response:
        now = self._admit(request, legacy=True)
        route = _path(request)
        ask = legacy_standard.read(route.rpartition("/")[2], await json_object(request))
        return await self._create(request, ask, route, now)

    async def _create_new(self, request: Request) -> Response:
        now = self._admit(request, legacy=False)
        route = _path(request)
        _, endpoint, model = route.split("/")
        ask = new_standard.read(endpoint, model, await json_object(request))
        return await self._create(request, ask, route, now)

    async def _create(self, request: Request, ask: Ask, route: str, now: float) -> Response:
        standard = legacy_standard if route.startswith("/v1/") else new_standard

        def take() -> Response:
            task = self.account.take(ask, route, now=now, seconds=self.seconds_per_task)
            if self._storage:
                task_memory.write(self._storage, task)
            if ask.callback_url:
                url = self._url(request, task)
                self._call_back(task, lambda: standard.shown(task, self._clock(), url))
            return answer(standard.created(task, now))

        return await self._with_faults("create", take)

    def _call_back(self, task: LocalTask, show: Callable[[], Fields]) -> None:
        telling = asyncio.create_task(callbacks.tell(task, self.webhook_secret, self._clock, show))
        self._calling_back.add(telling)
        telling.add_done_callback(self._calling_back.discard)

    async def _query_legacy(self, request: Request) -> Response:
        now = self._admit(request, legacy=True)

        def show() -> Response:
            task = self.account.find(request.path_params["either_id"])
            if task is None or task.route != _path(request).rpartition("/")[0]:
                raise Refusal(1201, f"Task not found by id/external id: {request.path_params['either_id']}")
            shown = legacy_standard.shown(task, now, self._url(request, task))
            return answer(self.oddities.told(task, shown, now))

        return await self._with_faults("query", show)

    async def _query_new(self, request: Request) -> Response:
        now = self._admit(request, legacy=False)
        task_ids, external_ids = listed(request, "task_ids"), listed(request, "external_task_ids")
        if len(task_ids) + len(external_ids) > MOST_IDS:
            raise Refusal(1201, f"task_ids and external_task_ids cannot exceed {MOST_IDS} in total")
        if bool(task_ids) == bool(external_ids):
            raise Refusal(1201, "task_ids or external_task_ids is required")

        def show() -> Response:
            named = [task for task in self.tasks if task.task_id in task_ids or task.ask.external_id in external_ids]
            shown = [(task, new_standard.shown(task, now, self._url(request, task))) for task in named]
            return answer([self.oddities.told(task, fields, now) for task, fields in shown])

        return await self._with_faults("query", show)

    async def _list_legacy(self, request: Request) -> Response:
        now = self._admit(request, legacy=True)
        page, size = number(request, "pageNum", 1, range(1, 1001)), number(request, "pageSize", 30, range(1, 501))
        newest_first = [task for task in reversed(self.tasks) if task.route == _path(request)]
        tasks = newest_first[(page - 1) * size : page * size]
        return answer([legacy_standard.shown(task, now, self._url(request, task)) for task in tasks])

    async def _account_costs(self, request: Request) -> Response:
        now = self._admit_to_account(request, legacy=True)
        asked = billing.span(request.query_params.get("start_time"), request.query_params.get("end_time"))
        return answer(billing.packs(self.account, self.bought_at, asked, now))

    async def _account_billing(self, request: Request) -> Response:
        now = self._admit_to_account(request, legacy=False)
        asked = await json_object(request)
        return answer(billing.charges(self.account, asked, now))

    def _admit_to_account(self, request: Request, *, legacy: bool) -> float:
        now, began = self._admit(request, legacy=legacy), time.monotonic()
        if began < self._account_asked_at + self.account_pause_seconds:
            raise Refusal(1302)
        self._account_asked_at = began
        return now

    async def _result(self, request: Request) -> Response:
        """A clip, under the name of any task: sample videos have none here. Only one that is not done is not there."""
        clip = _CLIPS.get(request.path_params["clip"])
        task = self.account.tasks.get(request.path_params["task_id"])
        if clip is None or (task and task.status(self._clock()) != "succeeded"):
            return PlainTextResponse("There is no such video.", 404)
        return FileResponse(clip, media_type="video/mp4")

    async def _control_tasks(self, request: Request) -> Response:
        now = self._clock()
        return JSONResponse([task.summary(now) for task in self.tasks])

    async def _control_faults(self, request: Request) -> Response:
        try:
            self.faults.add_json(await json_object(request))
        except (TypeError, ValueError) as error:
            return PlainTextResponse(str(error), 400)
        return Response(status_code=204)

    async def _control_oddities(self, request: Request) -> Response:
        try:
            self.oddities.add_json(await json_object(request))
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        return Response(status_code=204)

    async def _with_faults(self, call: str, work: Callable[[], Response]) -> Response:
        fault = self.faults.next(call)
        if fault is None:
            return work()
        true_answer = work() if fault.spares_the_task else None
        await asyncio.sleep(fault.delay_seconds)
        return fault.end(true_answer)

    def _admit(self, request: Request, *, legacy: bool) -> float:
        """The time of the request, if its credentials are good. Raises Refusal."""
        now = self._clock()
        self._keys.check(request.headers.get("authorization", ""), legacy=legacy, now=now)
        return now

    def _url(self, request: Request, task: LocalTask) -> str:
        here = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
        return f"{(self._public_url or here).rstrip('/')}/results/{_clip(task.ask)}/{task.task_id}.mp4"


def _path(request: Request) -> str:
    """The path as Kling would see it, without the one that the app is mounted at."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def _clip(ask: Ask) -> str:
    """The clip that comes nearest to what was asked for."""
    return f"{_SHAPES[ask.aspect]}-{5 if ask.seconds <= 5 else 10}"
