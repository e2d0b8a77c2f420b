"""Pictures that people send, and how the bot gets at them: its real code against the local Slack."""

from __future__ import annotations

import base64

import pytest
import requests
from slack_sdk import WebClient

from klingbot.domain import source_images as pictures
from klingbot.domain.request_limits import MOST_PICTURE_BYTES
from klingbot.domain.source_images import NoPicture, Picture
from klingbot.sandbox import Sandbox
from klingbot.sandbox.page.reader import Reader
from klingbot.sandbox.page.render import message_html
from klingbot.sandbox.slack.roster import BOB
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.sandbox.slack.workspace import Message
from klingbot.slack.api import image_downloads
from klingbot.slack.api.image_downloads import ImageDownloads
from tests.sandbox.bolt_bot import web_client
from tests.sandbox.test_sandbox_files import GENERAL, png

FOX = png(320, 320)


def sent(sandbox: Sandbox, content: bytes, name: str = "fox.png", text: str = "a fox") -> Message:
    sandbox.slack.share(BOB.id, GENERAL, content, name, text)
    return sandbox.workspace.messages(GENERAL, BOB.id)[-1]


def fetched(client: WebClient, message: Message, most_bytes: int = MOST_PICTURE_BYTES) -> Picture | NoPicture:
    return ImageDownloads(client).fetch(file_id(message), most_bytes)


def file_id(message: Message) -> str:
    return str(message.files[0]["id"])


def test_a_picture_is_seen_beside_its_words(sandbox: Sandbox) -> None:
    message = sent(sandbox, FOX)
    drawn = message_html(message, Reader(origin=f"{sandbox.url}/"))
    assert "a fox" in drawn
    assert f'<img src="{sandbox.url}/files/{file_id(message)}" alt="fox.png">' in drawn


def test_the_page_sends_a_picture_with_or_without_words(sandbox: Sandbox) -> None:
    picture = base64.b64encode(png()).decode()
    body = {"as": BOB.id, "channel": GENERAL, "text": "", "picture": picture, "name": "fox.png"}
    assert requests.post(f"{sandbox.url}/page/send", json=body, timeout=30).json() == {"ok": True}
    message = sandbox.workspace.messages(GENERAL, BOB.id)[-1]
    assert (message.text, message.files[0]["name"], message.files[0]["mimetype"]) == ("", "fox.png", "image/png")
    nothing = requests.post(f"{sandbox.url}/page/send", json={**body, "picture": "no base64"}, timeout=30)
    assert nothing.json()["error"] == "no_text"


def test_the_bot_gets_the_picture_and_nobody_without_its_token_does(sandbox: Sandbox, client: WebClient) -> None:
    message = sent(sandbox, FOX)
    assert fetched(client, message) == Picture(FOX)
    for headers in ({}, {"Authorization": "Bearer xoxb-other"}):
        answer = requests.get(message.files[0]["url_private"], headers=headers, timeout=30, allow_redirects=False)
        assert answer.status_code == 302


def test_the_token_follows_no_redirect(sandbox: Sandbox, client: WebClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack leads a bot that may not see the file to its login page."""
    shared = {"file": sent(sandbox, FOX).files[0]}
    stranger = web_client(sandbox)
    stranger.token = "xoxb-other"
    monkeypatch.setattr(stranger, "files_info", lambda file: shared)
    assert ImageDownloads(stranger).fetch("F1", MOST_PICTURE_BYTES) == NoPicture(image_downloads._GONE)


def test_a_picture_that_kling_would_refuse_is_said_to_be_that(sandbox: Sandbox, client: WebClient) -> None:
    for content in (b"GIF89a", b"RIFF....WEBP", b"hello"):
        missing = fetched(client, sent(sandbox, content))
        assert isinstance(missing, NoPicture) and "Kling takes JPEG and PNG pictures" in missing.reason
    small = fetched(client, sent(sandbox, png(299, 400)))
    assert isinstance(small, NoPicture) and "The picture is 299 × 400 pixels" in small.reason
    whole = fetched(client, sent(sandbox, FOX), most_bytes=len(FOX) - 1)
    assert whole == NoPicture(pictures.too_large(len(FOX) - 1))


def test_a_file_that_is_gone_is_gone_and_a_slack_that_is_away_comes_back(sandbox: Sandbox, client: WebClient) -> None:
    assert ImageDownloads(client).fetch("F0NOBODY01", MOST_PICTURE_BYTES) == NoPicture(image_downloads._GONE)
    message = sent(sandbox, FOX)
    sandbox.faults.add("files.info", Fault("server_error"))
    missing = fetched(client, message)
    assert isinstance(missing, NoPicture) and missing.passing
    assert fetched(client, message) == Picture(FOX)
