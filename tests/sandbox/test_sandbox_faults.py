"""What goes wrong on demand, and the real client's reaction to it."""

import time
from http.client import RemoteDisconnected
from urllib.error import URLError

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import ALICE
from klingbot.sandbox.slack.slack_faults import Fault
from tests.sandbox.bolt_bot import seen

GENERAL = "C0GENERAL1"
CUT = (URLError, RemoteDisconnected, ConnectionResetError)


def say(client: WebClient, text: str) -> None:
    client.chat_postMessage(channel=GENERAL, text=text)


def test_ratelimited_names_the_wait_and_hits_its_own_method_only(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", Fault("ratelimited", retry_after=7))
    client.auth_test()
    with pytest.raises(SlackApiError) as refused:
        say(client, "hi")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"
    say(client, "the fault is used up")


def test_the_clients_own_retry_survives_two_rate_limits(sandbox: Sandbox, client: WebClient) -> None:
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
    sandbox.faults.add("chat.postMessage", Fault("ratelimited", retry_after=0), times=2)
    say(client, "at last")
    assert len(sandbox.calls.seen("chat.postMessage")) == 3
    assert len(sandbox.workspace.messages(GENERAL, ALICE.id)) == 1


def test_a_server_error_is_http_500(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("*", Fault("server_error"))
    with pytest.raises(SlackApiError) as failed:
        say(client, "hi")
    assert failed.value.response.status_code == 500


def test_a_slack_error_is_the_word_that_was_ordered(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", Fault("slack_error", error="fatal_error"))
    with pytest.raises(SlackApiError) as refused:
        say(client, "hi")
    assert refused.value.response["error"] == "fatal_error"


def test_a_hang_up_happens_before_the_message_is_taken(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", Fault("hang_up"))
    with pytest.raises(CUT):
        say(client, "hi")
    assert sandbox.workspace.messages(GENERAL, ALICE.id) == []


def test_a_lost_reply_happens_after_the_message_is_taken(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", Fault("lose_reply"))
    with pytest.raises(CUT):
        say(client, "did you hear me?")
    assert seen(sandbox, GENERAL, ALICE.id, "did you hear me?") is not None


def test_a_delayed_call_works_later(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("chat.postMessage", Fault("delay", seconds=0.3))
    started = time.monotonic()
    say(client, "sorry, traffic")
    assert time.monotonic() - started >= 0.3


def test_faults_and_calls_can_be_reached_from_another_process(sandbox: Sandbox, client: WebClient) -> None:
    faults = f"{sandbox.url}/control/faults"
    order = {"method": "chat.postMessage", "kind": "slack_error", "error": "fatal_error", "times": 2}
    assert requests.post(faults, json=order, timeout=30).status_code == 204
    with pytest.raises(SlackApiError):
        say(client, "hi")
    assert requests.delete(faults, timeout=30).status_code == 204
    say(client, "hi")

    seen_calls = requests.get(f"{sandbox.url}/control/calls?method=chat.postMessage", timeout=30).json()["calls"]
    assert [(call["method"], call["channel"]) for call in seen_calls] == [("chat.postMessage", GENERAL)] * 2
    assert abs(seen_calls[0]["at"] / 1000 - time.time()) < 10


@pytest.mark.parametrize("order", [{"kind": "earthquake"}, {}, {"kind": "hang_up", "magnitude": 9}])
def test_a_fault_that_does_not_exist_cannot_be_ordered(sandbox: Sandbox, order: dict[str, object]) -> None:
    reply = requests.post(f"{sandbox.url}/control/faults", json=order, timeout=30)
    assert reply.status_code == 400
    assert reply.json()["error"]
