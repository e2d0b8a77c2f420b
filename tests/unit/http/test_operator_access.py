"""The pages for operators name people and budgets: they open to the token alone, wherever the request comes from."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from klingbot.http.operator_access import protected
from klingbot.http.server import WebServer

TOKEN = "a-token-of-the-tests-only"


def _sync(request: Request) -> Response:
    return PlainTextResponse("budgets of U0BOB00001")


async def _async(request: Request) -> Response:
    return PlainTextResponse("budgets of U0BOB00001")


@pytest.fixture(params=[_sync, _async])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    opened = protected(TOKEN, Route("/open", request.param))
    closed = protected(None, Route("/closed", request.param))
    server = WebServer("127.0.0.1", 0, [opened, closed])
    yield f"http://127.0.0.1:{server.port}"
    server.close()


@pytest.mark.parametrize("sent", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN} "])
def test_the_token_opens_a_page(url: str, sent: str) -> None:
    answered = requests.get(f"{url}/open", headers={"Authorization": sent}, timeout=30)
    assert (answered.status_code, answered.text) == (200, "budgets of U0BOB00001")


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer None",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN[:-1]}\xe9",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer " + "x" * 5000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_else_opens_it(url: str, sent: str | None, method: str) -> None:
    headers = {} if sent is None else {"Authorization": sent.encode("latin-1")}
    answered = requests.request(method, f"{url}/open", headers=headers, timeout=30)
    assert answered.status_code == 401
    assert answered.headers["www-authenticate"] == "Bearer"
    assert "U0BOB00001" not in answered.text
    assert method == "HEAD" or "KLINGBOT_METRICS_TOKEN" in answered.text


def test_two_authorizations_open_nothing(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.putrequest("GET", "/open")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Authorization", "Bearer other")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer None"}, {"Authorization": "Bearer "}])
def test_without_a_setting_nobody_is_served_and_the_setting_is_named(url: str, sent: dict[str, str]) -> None:
    answered = requests.get(f"{url}/closed", headers=sent, timeout=30)
    assert answered.status_code == 403
    assert "KLINGBOT_METRICS_TOKEN" in answered.text
    assert "U0BOB00001" not in answered.text
