"""The bot and the local Kling have read Kling's limits apart from each other, and agree."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image

from klingbot.doctor import Health, network
from klingbot.domain import source_images
from klingbot.domain.jobs import Request
from klingbot.domain.prices import load
from klingbot.domain.pricing import Model, Wish
from klingbot.domain.request_limits import picture_bytes, prompt_characters
from klingbot.domain.source_images import NoPicture
from klingbot.kling import TaskRequest, wire
from klingbot.sandbox.kling import LocalKling, legacy_standard, new_standard
from klingbot.sandbox.kling.refusals import Refusal
from klingbot.settings import read
from tests.unit.kling.kling_world import API_KEY, serving

WEB = "https://example.com/fox.png"
SOLD = load("kling-api").sold


def task(model: Model, prompt: str, image: str | None, negative: str | None) -> TaskRequest:
    resolution, audio = next(iter(model.rates))
    return TaskRequest(
        "j1", prompt, model.durations[0], resolution, audio, "16:9", negative, image,
        model.legacy_name, model.new_name, model.omni,
    )  # fmt: skip


def ask_local_kling(request: TaskRequest, *, api_key: bool) -> None:
    """Raises Refusal."""
    path = wire.route(request, api_key=api_key)
    body: dict[str, Any] = wire.body(request, path)
    if wire.is_legacy(path):
        legacy_standard.read(path.rpartition("/")[2], body)
    else:
        new_standard.read(*path.strip("/").split("/"), body)


@pytest.mark.parametrize("api_key", [True, False], ids=["API key", "key pair"])
@pytest.mark.parametrize("negative", [None, "fog"])
@pytest.mark.parametrize("image", [None, WEB])
@pytest.mark.parametrize("name", SOLD)
def test_the_longest_prompt_is_taken_and_one_character_more_is_not(
    name: str, image: str | None, negative: str | None, api_key: bool
) -> None:
    prices = load("kling-api", legacy_only=not api_key)
    model = prices.models.get(name)
    if model is None or (negative and not model.takes_negative):
        return
    most = prompt_characters(prices, model, Request("r", "U", "C", "", Wish(), negative=negative, image_url=image))
    ask_local_kling(task(model, "x" * most, image, negative), api_key=api_key)
    with pytest.raises(Refusal, match=f"prompt length must not exceed {most}"):
        ask_local_kling(task(model, "x" * (most + 1), image, negative), api_key=api_key)


def picture(width: int, height: int, kind: str = "PNG", padding: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, kind)
    return file.getvalue() + bytes(padding)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    ("width", "height"),
    [(300, 300), (299, 400), (400, 299), (750, 300), (751, 300), (300, 750), (300, 751), (640, 480)],
)
def test_the_same_pictures_are_refused(width: int, height: int, kind: str) -> None:
    content = picture(width, height, kind)
    assert source_images.dimensions(content) == (width, height)
    refused = isinstance(source_images.checked(content, 10_000_000), NoPicture)
    model = load("kling-api").models["kling-2.6"]
    request = task(model, "a fox", base64.b64encode(content).decode(), None)
    for api_key in (True, False):
        if refused:
            with pytest.raises(Refusal, match=r"width and height|aspect ratio"):
                ask_local_kling(request, api_key=api_key)
        else:
            ask_local_kling(request, api_key=api_key)


@pytest.mark.parametrize("api_key", [True, False], ids=["API key", "key pair"])
def test_the_largest_picture_is_taken_and_one_byte_more_is_not(api_key: bool) -> None:
    most = picture_bytes(legacy=not api_key)
    content = picture(320, 320)
    content += bytes(most - len(content))
    request = task(load("kling-api").models["kling-2.6"], "a fox", base64.b64encode(content).decode(), None)
    ask_local_kling(request, api_key=api_key)
    larger = replace(request, image_url=base64.b64encode(content + b"x").decode())
    with pytest.raises(Refusal, match=f"size must not exceed {most // 1_000_000}MB"):
        ask_local_kling(larger, api_key=api_key)


@pytest.mark.parametrize(
    "url", ["https://files.slack.com/files-pri/T1-F1/fox.png", "http://127.0.0.1/fox.png", "http://localhost:3/fox.png"]
)
def test_the_local_kling_opens_no_more_than_kling_could(url: str) -> None:
    with pytest.raises(Refusal, match="cannot be downloaded"):
        ask_local_kling(task(load("kling-api").models["kling-2.6"], "a fox", url, None), api_key=True)
    assert source_images.unreachable(url)


@pytest.mark.parametrize(("pack", "health"), [("1000", Health.OK), ("5000", Health.WARNING)])
def test_doctor_compares_the_pack_that_is_set_with_those_that_kling_has(pack: str, health: Health) -> None:
    kling = LocalKling(api_key=API_KEY, units=Decimal(1_000), webhook_secret=None)
    with serving(kling.app) as root:
        env = {
            "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "KLING_API_KEY": API_KEY, "KLING_API_URL": root,
            "KLINGBOT_PRICE_LIST": "kling-api", "KLINGBOT_PACK": pack,
        }  # fmt: skip
        [found] = network.check_packs(read(env), round(kling.bought_at * 1000) + 1_000)
    assert (found.health, found.said.startswith("1,000 units in force")) == (health, True)
