"""What Kling would refuse is refused before anything is reserved, by the limits of the model and of its standard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from klingbot.domain.jobs import Request
from klingbot.domain.prices import load
from klingbot.domain.pricing import NotSold, Wish
from klingbot.domain.request_limits import faults, picture_bytes, prompt_characters
from klingbot.domain.source_images import Upload, uploaded
from klingbot.engine import Engine, job_requests
from klingbot.engine.hold_outcomes import Held

pytestmark = pytest.mark.both_databases

FOX = Upload("F0FOX00001", 9_000_000, 640, 480)
WEB = "https://x.com/fox.png"


def request(model: str, prompt: str = "a fox", **more: object) -> Request:
    return replace(Request("r1", "UBOB", "CMARK", prompt, Wish(model)), **more)  # type: ignore[arg-type]


def with_fox(model: str, **more: object) -> Request:
    picture = replace(FOX, **more)  # type: ignore[arg-type]
    return request(model, image_url=picture.image_url, picture=picture)


@pytest.mark.parametrize(
    ("model", "words", "picture", "pair"),
    [
        ("kling-3.0", 3_072, 3_072, 2_500),
        ("kling-3.0-omni", 3_072, 3_072, 2_500),
        ("kling-3.0-turbo", 3_072, 2_500, None),
        ("kling-2.6", 2_500, 2_500, 2_500),
        ("kling-2.5-turbo", 2_500, 2_500, 2_500),
        ("kling-o1", 2_500, 2_500, 2_500),
    ],
)
def test_a_prompt_may_be_as_long_as_its_model_takes_it(model: str, words: int, picture: int, pair: int | None) -> None:
    prices = load("kling-api")
    assert prompt_characters(prices, prices.models[model], request(model)) == words
    assert prompt_characters(prices, prices.models[model], request(model, image_url=WEB)) == picture
    assert prompt_characters(prices, prices.models[model], request(model, negative="fog")) == 2_500
    if pair:
        prices = load("kling-api", legacy_only=True)
        assert prompt_characters(prices, prices.models[model], request(model)) == pair


@pytest.mark.parametrize(("model", "most"), [("kling-v1", 2_500), ("kling-v1.5", 2_500), ("kling-pro", 3_072)])
def test_old_names_take_what_the_model_behind_them_takes(engine: Engine, model: str, most: int) -> None:
    refused = job_requests.hold(engine, request(model, "x" * (most + 1)))
    assert isinstance(refused, NotSold) and f"Kling takes up to {most:,}. Shorten it by 1" in refused.sentence
    assert isinstance(job_requests.hold(engine, request(model, "x" * most)), Held)


def test_a_prompt_that_is_too_long_for_its_model_is_told_of_one_that_takes_it() -> None:
    prices = load("kling-api")
    said = faults(prices, prices.models["kling-2.6"], request("kling-2.6", "x" * 2_600)).prompt
    assert said == (
        "The prompt is 2,600 characters long and Kling takes up to 2,500. Shorten it by 100, or choose kling-3.0, "
        "which takes 3,072."
    )
    longer = faults(prices, prices.models["kling-2.6"], request("kling-2.6", "x" * 3_100)).prompt
    assert longer == "The prompt is 3,100 characters long and Kling takes up to 2,500. Shorten it by 600."


def test_a_negative_prompt_has_2500_characters_on_either_standard() -> None:
    prices = load("kling-api")
    said = faults(prices, prices.models["kling-3.0"], request("kling-3.0", negative="x" * 2_501)).negative
    assert said == "The negative prompt is 2,501 characters long and Kling takes up to 2,500. Shorten it by 1."


def test_a_picture_may_have_50_mb_on_the_new_standard_and_10_mb_on_the_legacy_one() -> None:
    prices, pair = load("kling-api"), load("kling-api", legacy_only=True)
    model, large = prices.models["kling-3.0"], with_fox("kling-3.0", size=50_000_000)
    assert faults(prices, model, large).picture is None
    assert "up to 50 MB" in (faults(prices, model, with_fox("kling-3.0", size=50_000_001)).picture or "")
    assert "up to 10 MB" in (faults(prices, model, replace(large, negative="fog")).picture or "")
    assert "up to 10 MB" in (faults(pair, pair.models["kling-3.0"], large).picture or "")
    assert (picture_bytes(legacy=False), picture_bytes(legacy=True)) == (50_000_000, 10_000_000)


REFUSED = [
    with_fox("kling-pro", size=50_000_001),
    with_fox("kling-pro", width=299),
    with_fox("kling-pro", width=300, height=751),
    *(
        request("kling-pro", image_url=url)
        for url in (
            "https://files.slack.com/files-pri/T1-F1/fox.png",
            "https://FILES.slack.com/files-pri/T1-F1/fox.png",
            "https://acme.slack.com/files/U1/F1/fox.png",
            "https://slack-files.com/T1-F1-abc",
            "http://localhost/fox.png",
            "http://localhost:3000/fox.png",
            "http://127.0.0.1/fox.png",
            "http://[::1]/fox.png",
            "http://10.0.0.7/fox.png",
            "http://169.254.169.254/latest/meta-data",
            "http://2130706433/",
            "http://0x7f.1/fox.png",
            "http://nas.local/fox.png",
            "http://intranet/fox.png",
            "https://user:word@x.com/fox.png",
            "ftp://x.com/fox.png",
            "data:image/png;base64,AAAA",
            "file:///etc/passwd",
            "fox.png",
            "Slack-File:F0FOX00001",
            " " + uploaded("F0FOX00001"),
        )
    ),
]


@pytest.mark.parametrize("refused", REFUSED, ids=lambda each: each.image_url)
def test_a_picture_that_kling_cannot_use_reserves_nothing(engine: Engine, refused: Request) -> None:
    outcome = job_requests.hold(engine, refused)
    assert isinstance(outcome, NotSold), outcome
    assert outcome.sentence.endswith(".")
    assert engine.store.read().execute("SELECT count(*) AS n FROM entries").fetchone()["n"] == 0


@pytest.mark.parametrize("url", [WEB, "http://x.com/fox.png", "https://93.184.216.34/fox.png", "https://bücher.de/f"])
def test_a_picture_on_the_web_is_taken(engine: Engine, url: str) -> None:
    assert isinstance(job_requests.hold(engine, request("kling-pro", image_url=url)), Held)
