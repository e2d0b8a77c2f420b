"""Sample data for a fresh sandbox: small budgets and a little history, so that the first minute shows everything.

Every sample prompt is marked. The history is made by the bot's own use cases with the clock set back.
"""

from __future__ import annotations

from dataclasses import replace

from klingbot import blocks
from klingbot.domain.budgets import WORKSPACE, project_scope, user_scope
from klingbot.domain.jobs import Request, id_for
from klingbot.domain.notifications import from_json
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import Clock, Engine, budgets, clips, hold_outcomes, job_requests, kling_results, projects
from klingbot.sandbox.slack.roster import ALICE, BOB, BOT_USER_ID, CAROL, CHANNELS
from klingbot.sandbox.slack.workspace import Workspace
from klingbot.store import jobs, outbox_leases, wanted_clips
from klingbot.store.outbox import OutboxMessage

HOUR_MS = 3_600_000
MARK = "(sample)"

_CHANNEL = {channel.name: channel.id for channel in CHANNELS if not channel.is_im}

# Hours ago, who, channel, prompt, model, seconds. #marketing's 120 credits leave its next 40 at exactly 80 %. Bob has
# none of them: early in a month they all fall on its first day, and would use up his daily budget.
_HISTORY = (
    (170, ALICE, "marketing", "A lighthouse at dusk, slow push-in", "kling-pro", 10),
    (122, CAROL, "video-lab", "Paper boats on a rainy street", "kling-v1.5", 5),
    (98, ALICE, "marketing", "Coffee poured in slow motion", "kling-pro", 5),
    (74, BOB, "video-lab", "A city timelapse from a rooftop", "kling-v1.5", 10),
    (50, CAROL, "marketing", "Product on a turntable, soft light", "kling-pro", 10),
    (26, BOB, "general", "Northern lights over a cabin", "kling-v1", 10),
    (20, CAROL, "video-lab", "An origami crane unfolds", "kling-v1.5", 10),
    (3, ALICE, "marketing", "A logo drawn in sand", "kling-v1.5", 10),
)
_LAST = len(_HISTORY) - 1

_WELCOME = f"""\
*Welcome to the Klingbot sandbox.* Nothing here costs anything: Slack and Kling are local stand-ins, and the budgets \
and what is marked {MARK} are sample data.
1. Ask for a video here: `/kling generate A fox in snow --duration 10 --model kling-pro`
2. That brings this channel's budget to 80 %: see the alert in <#{_CHANNEL["finance"]}>.
3. See what is left with `/kling budget`, and ask again until the money is gone.
4. Become <@{BOB.id}> (at the top), who is no admin, and try `/kling budget set marketing --credits 1000`."""


def fill(engine: Engine, workspace: Workspace, *, results_url: str) -> None:
    """Fill a new ledger. One whose budgets somebody has removed stays as it is: the history is there already.

    `results_url`: where the local Kling keeps its videos.
    """
    if budgets.standings(engine) or job_requests.job_of(engine, id_for("sample-0")):
        return
    for channel in ("marketing", "video-lab"):
        projects.set_project(engine, _CHANNEL[channel], channel, by=ALICE.id)
    for index, (hours, person, channel, prompt, model, seconds) in enumerate(_HISTORY):
        at = engine.clock() - hours * HOUR_MS
        if channel == "marketing":  # whose monthly budget is to show some spending on the first of a month too
            at = max(at, engine.periods().monthly.start + index)
        then = replace(engine, clock=_stopped_at(at), requires_budget=False)  # the budgets come after the history
        request = Request(
            f"sample-{index}", person.id, _CHANNEL[channel], f"{MARK} {prompt}", Wish(model, seconds), response_url=None
        )
        if index == _LAST:
            _set_budgets(engine)
        _make(then, request, f"{results_url}/wide-{seconds}/sample-{index}.mp4")
        _deliver(then, workspace if index == _LAST else None)
    workspace.post(_CHANNEL["marketing"], BOT_USER_ID, _WELCOME)


def _set_budgets(engine: Engine) -> None:
    for change in (
        budgets.Change(WORKSPACE, PeriodKind.MONTHLY, limit_millicredits=1_000_000, limit_microusd=60_000_000),
        budgets.Change(project_scope("marketing"), PeriodKind.MONTHLY, limit_millicredits=200_000),
        budgets.Change(project_scope("video-lab"), PeriodKind.WEEKLY, limit_microusd=6_000_000),
        budgets.Change(user_scope(BOB.id), PeriodKind.DAILY, limit_millicredits=100_000),
    ):
        budgets.set_budget(engine, change, by=ALICE.id)


def _make(engine: Engine, request: Request, url: str) -> None:
    """A job from its hold to its video, at one instant."""
    held = job_requests.hold(engine, request)
    assert isinstance(held, hold_outcomes.Held), held
    now = engine.clock()
    posting = kling_results.submitting(engine, held.job, "/sample", due_at=now)
    taken = kling_results.submitted(engine, posting or held.job, f"sample-{held.job.id}", due_at=now)
    done = kling_results.succeeded(engine, taken or held.job, units=None, video_url=url)
    assert done is not None
    with engine.store.write() as tx:  # it is over: no message moves, and no clip is carried
        wanted_clips.end(tx, done.id, clips.announcement_of(done.id), at=now, file_id=None)
        jobs.show(tx, done.id, at=None)


def _deliver(engine: Engine, workspace: Workspace | None) -> None:
    """Says what waits now, so that it stands above the welcome. Without a workspace nobody hears it: it is old."""
    now = engine.clock()
    with engine.store.write() as tx:
        while message := outbox_leases.claim(tx, now=now, lease_until=now + 1):
            ts = _say(message, workspace, engine.calendar) if workspace else None
            outbox_leases.sent(tx, message, at=now, to=message.channel_id or "", ts=ts)


def _say(message: OutboxMessage, workspace: Workspace, calendar: Calendar) -> str:
    said = blocks.render(from_json(message.kind, message.content), calendar)
    return workspace.post(message.channel_id or "", BOT_USER_ID, said.text, blocks=said.blocks).ts


def _stopped_at(at: int) -> Clock:
    return lambda: at
