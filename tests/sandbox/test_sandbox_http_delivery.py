"""Commands as signed POSTs, checked by Bolt's own signature verification."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from slack_bolt import App, BoltRequest

from klingbot import sandbox as local
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import ALICE
from tests.sandbox.bolt_bot import Bot, eventually, seen, web_client

GENERAL = "C0GENERAL1"


class BoltServer(ThreadingHTTPServer):
    """Hands what is POSTed to a Bolt app."""

    daemon_threads = True
    app: App

    class Handler(BaseHTTPRequestHandler):
        server: "BoltServer"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.server.statuses:
                self.send_error(self.server.statuses.pop(0))
                return
            reply = self.server.app.dispatch(BoltRequest(body=body, headers=dict(self.headers.items())))
            self.send_response(reply.status)
            for name, values in reply.headers.items():
                self.send_header(name, values[0])
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, *_: object) -> None: ...

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/slack/events"
        self.statuses: list[int] = []


Opened = tuple[Sandbox, BoltServer]


@pytest.fixture
def opened() -> Iterator[Opened]:
    server = BoltServer()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    sandbox = local.start(http_events_url=server.url, posting_rate=False)
    yield sandbox, server
    sandbox.stop()
    server.shutdown()
    server.server_close()


def test_bolt_accepts_the_signature_and_its_answer_is_shown(opened: Opened) -> None:
    sandbox, server = opened
    bot = Bot(sandbox, web_client(sandbox))
    bot.on_command = lambda ack, command, **_: ack(f"heard {command['text']}")
    server.app = bot.app

    sandbox.send(ALICE.id, GENERAL, "/kling quote „ä & ö“")
    message = eventually(lambda: seen(sandbox, GENERAL, ALICE.id, "heard quote „ä &amp; ö“"))
    assert message.ephemeral_to == ALICE.id


def test_bolt_refuses_it_with_another_secret(opened: Opened) -> None:
    sandbox, server = opened
    server.app = App(client=web_client(sandbox), signing_secret="another")
    server.app.command("/kling")(lambda ack: ack("never"))

    sandbox.send(ALICE.id, GENERAL, "/kling help")
    eventually(lambda: seen(sandbox, GENERAL, ALICE.id, '/kling failed with the error "dispatch_failed"'))


def test_an_event_that_failed_comes_again_with_slacks_retry_headers(opened: Opened) -> None:
    sandbox, server = opened
    bot = Bot(sandbox, web_client(sandbox))
    server.app = bot.app
    server.statuses = [503]

    sandbox.send(ALICE.id, GENERAL, "@klingbot budget")
    [event] = eventually(lambda: bot.events)
    assert event["text"] == "<@U0KLINGBOT> budget"
    [headers] = bot.event_headers
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == (["1"], ["http_error"])


@pytest.mark.slow
def test_a_bot_that_answers_after_three_seconds_has_timed_out(opened: Opened) -> None:
    sandbox, server = opened
    bot = Bot(sandbox, web_client(sandbox))
    bot.on_command = lambda ack, **_: time.sleep(4)
    server.app = bot.app

    sandbox.send(ALICE.id, GENERAL, "/kling help")
    eventually(lambda: seen(sandbox, GENERAL, ALICE.id, "failed with the error"))
