"""The forms themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from klingbot.blocks.declines import price
from klingbot.blocks.jobs import product
from klingbot.blocks.message import Block, Message, actions, button, context, section
from klingbot.blocks.modals import view
from klingbot.blocks.modals.view import Origin, View, field
from klingbot.blocks.text import channel, name, neutral, quoted
from klingbot.common import dataclass_json
from klingbot.domain.form_choices import Choices, choices
from klingbot.domain.jobs import Request
from klingbot.domain.periods import Calendar
from klingbot.domain.pricing import LEGACY_CHARACTERS, PriceList
from klingbot.domain.request_limits import prompt_characters
from klingbot.domain.source_images import uploaded_id
from klingbot.engine.hold_outcomes import Estimate

GENERATE, REFUSED = "generate", "refused"
LONGEST_INPUT = 3_000
"""Characters that Slack takes in a field (docs.slack.dev, plain_text_input): a few less than some models take."""


def generate(
    request: Request,
    estimate: Estimate,
    prices: PriceList,
    calendar: Calendar,
    *,
    asks_where: bool,
    note: str = "",
) -> View:
    """Show a video as far as it has been said, and what it would cost.

    `asks_where`: the channel is chosen in the form, and can be changed there until it is submitted. The `note` is about
    what the form could not take over from where it was opened.
    """
    offered = choices(prices, request.wish)
    most = min(prompt_characters(prices, offered.now.model, request), LONGEST_INPUT)
    prompt = view.text_input(request.prompt, most=most, example="A fox in snow, slow motion", lines=True)
    cut = f"That text is long: the first {most:,} characters are in the form." if len(request.prompt) > most else ""
    blocks = [
        *(context(neutral(each, 800)) for each in (note, cut) if each),
        field("prompt", "What should it show?", prompt),
        *([field("channel", "Where should it go?", view.place_select(), tells=True)] if asks_where else []),
        *_priced(offered),
        *price(estimate, calendar, product),
        *_unpriced(request, offered),
        _destination(request, estimate),
    ]
    return View(
        GENERATE, "Make a video", "Make it", tuple(blocks), json.dumps(dataclass_json.to_json(_remembered(request)))
    )


def _priced(offered: Choices) -> Iterator[Block]:
    """The choices that change the price. A field whose choices change begins anew: its key is what it offers."""
    now = offered.now
    models = {model.name: f"{model.name} · {model.title}" for model in offered.models}
    yield field("model", "Model", view.select(models, now.model.name), tells=True)
    lengths = {str(seconds): f"{seconds} seconds" for seconds in offered.durations}
    chosen = view.select(lengths, str(now.duration_seconds))
    yield field("length", "Length", chosen, tells=True, key="-".join(lengths))
    resolutions = view.select({each: each for each in offered.resolutions}, now.resolution)
    yield field("resolution", "Resolution", resolutions, tells=True, key="-".join(offered.resolutions))
    if offered.can_have_sound and offered.can_be_silent:
        ticked = view.checkbox("With sound", "sound", ticked=now.audio)
        yield field("sound", "Sound", ticked, optional=True, tells=True)


def _unpriced(request: Request, offered: Choices) -> Iterator[Block]:
    yield field("aspect", "Shape", view.select({each: each for each in offered.aspects}, offered.now.aspect))
    yield _first_picture(request)
    if offered.now.model.takes_negative:
        avoid = view.text_input(request.negative or "", most=LEGACY_CHARACTERS)
        yield field("negative", "What should it avoid?", avoid, optional=True)


def _first_picture(request: Request) -> Block:
    """An uploaded one can only be left out: it came with a message that its reader has seen."""
    if uploaded_id(request.image_url):
        taken = view.checkbox("The picture that was uploaded to Slack", "uploaded", ticked=True)
        return field("uploaded", "First picture", taken, optional=True)
    address = view.url_input(request.image_url or "", example="https://…/fox.png")
    return field("image", "First picture", address, hint="A web address that Kling can read", optional=True)


def _destination(request: Request, estimate: Estimate) -> Block:
    to = f"The video comes to {channel(request.channel_id)}" if request.channel_id else ""
    return context(f"Project {name(estimate.project)}", to, "nothing is held before you press *Make it*")


def refused(sentence: str) -> View:
    """In place of a form that asks for nothing, and so has no field to say it below."""
    return View(REFUSED, "That did not work", "", (section(neutral(sentence, 800)),), close="Close")


def not_made(refusal: Message, request: Request, refused_id: str) -> View:
    """In place of the form: why not, the ways out, and the way back to what was typed."""
    kept = section(quoted(request.prompt))
    back = actions(button("Change it", "form.back", refused_id))
    origin = Origin(request.channel_id, request.response_url, request.thread_ts)
    return view.told("Not made yet", refusal.plus(kept, back), origin)


def _remembered(request: Request) -> Request:
    """All but the long texts, which come back as the fields that they are."""
    uploaded = request.image_url if uploaded_id(request.image_url) else None
    return replace(request, prompt="", negative=None, image_url=uploaded)
