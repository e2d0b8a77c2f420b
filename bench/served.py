"""In a process of its own: the bot's web server with its `/kling` and bare Bolt apps beside it; or a bare Bolt bot.

`python -m bench.served http FOLDER` prints its port. `python -m bench.served socket API_URL BOT_TOKEN APP_TOKEN` prints
a line once it is connected. Both end with their standard input.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from starlette.routing import Mount

from bench import ledgers
from bench.floor import BareHold
from klingbot import app
from klingbot.http.server import WebServer
from klingbot.slack import bolt_app, transport
from klingbot.slack.api.directory import Directory, quick_client
from klingbot.slack.context import Desk

SECRET = "a signing secret for the bench"
_NOWHERE = "http://127.0.0.1:9/"


class _OneMember(WebClient):
    """A Slack that knows one person."""

    def api_call(self, api_method: str, **sent: Any) -> Any:
        if api_method == "auth.test":
            return {"team_id": "T1", "user_id": "UBOT"}
        return {"user": {"id": ledgers.USER, "team_id": "T1", "name": "somebody"}}


def _bare(api_url: str, token: str, work: Callable[[], None] = lambda: None) -> App:
    """A command that does that and acknowledges, with the same settings as the bot's own."""
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    bolt = App(
        logger=logging.getLogger("slack_bolt"),
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token),
        client=quick_client(token, api_url),
        signing_secret=SECRET,
        process_before_response=True,
    )

    def kling(ack: Ack) -> None:
        work()
        ack({"response_type": "ephemeral", "text": "Noted."})

    bolt.command("/kling")(kling)
    return bolt


def _http(folder: Path) -> None:
    sys.setswitchinterval(app.SWITCH_SECONDS)
    with ledgers.ledger_with(0, folder) as engine:
        ledgers.nine_budgets(engine)
        desk = Desk(engine, Directory(_OneMember(), admins=(ledgers.USER,)))
        bolt = bolt_app.build(desk, token="xoxb-bench", api_url=_NOWHERE, signing_secret=SECRET)
        bare_hold, alone = BareHold(folder / "klingbot.db", engine.periods(), ledgers.now_ms()), threading.Lock()

        def hold() -> None:
            with alone:
                bare_hold()

        bare = Mount("/bare", routes=transport.http_routes(_bare(_NOWHERE, "xoxb-bench")))
        floor = Mount("/floor", routes=transport.http_routes(_bare(_NOWHERE, "xoxb-bench", hold)))
        server = WebServer("127.0.0.1", 0, [*transport.http_routes(bolt), bare, floor])
        _say(str(server.port))
        for line in sys.stdin:  # each line asks for a short queue again
            ledgers.release_all(engine)
            _say(line.strip())
        server.close()
        bare_hold.close()


def _socket(api_url: str, token: str, app_token: str) -> None:
    door = transport.SocketTransport(_bare(api_url, token), quick_client(token, api_url), app_token)
    door.open(threading.Event())
    _say("connected")
    sys.stdin.read()
    door.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "http":
        _http(Path(sys.argv[2]))
    else:
        _socket(*sys.argv[2:])
