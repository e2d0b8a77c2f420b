"""Uploads in Slack's three steps, through the real client, and the pictures that messages and the page show."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from klingbot import sandbox as local
from klingbot.sandbox import Sandbox
from klingbot.sandbox.page.reader import Reader
from klingbot.sandbox.page.render import block_html, message_html
from klingbot.sandbox.slack.api import METHODS
from klingbot.sandbox.slack.rates import PostingRate
from klingbot.sandbox.slack.reply_checks import Slack
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import Views
from tests.sandbox.bolt_bot import eventually, web_client

GENERAL = "C0GENERAL1"


def png(width: int = 2, height: int = 1) -> bytes:
    """A real, small picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\x20\x60\xc0" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def uploaded(client: WebClient, content: bytes | None = None, **more: Any) -> str:
    """The id of a file that is uploaded but perhaps not looked at yet."""
    reply = client.files_upload_v2(content=content or png(), filename="chart.png", **more)
    return str(reply["files"][0]["id"])


def ready(client: WebClient, file_id: str) -> str:
    eventually(lambda: client.files_info(file=file_id)["file"]["mimetype"])
    return file_id


def shows(file_id: str) -> list[dict[str, Any]]:
    return [{"type": "image", "slack_file": {"id": file_id}, "alt_text": "Spend per day"}]


def refusal(call: Any, *args: Any, **kwargs: Any) -> Any:
    with pytest.raises(SlackApiError) as raised:
        call(*args, **kwargs)
    return raised.value.response


def test_a_picture_is_uploaded_shown_in_a_message_and_loaded_by_the_page(sandbox: Sandbox, client: WebClient) -> None:
    file_id = ready(client, uploaded(client, title="Spend", alt_txt="Spend per day"))

    client.chat_postMessage(channel=GENERAL, text="digest", blocks=shows(file_id))

    (message,) = sandbox.workspace.messages(GENERAL, "U0ALICE001")
    drawn = block_html(message.blocks[0], Reader(origin=f"{sandbox.url}/"))
    assert f'<img src="{sandbox.url}/files/{file_id}" alt="Spend per day">' in drawn
    loaded = requests.get(f"{sandbox.url}/files/{file_id}", timeout=30)
    assert (loaded.status_code, loaded.headers["content-type"], loaded.content) == (200, "image/png", png())


def test_a_picture_that_slack_has_not_looked_at_yet_is_refused_as_slack_refuses_it(client: WebClient) -> None:
    file_id = uploaded(client)
    assert client.files_info(file=file_id)["file"]["mimetype"] == ""

    refused = refusal(client.chat_postMessage, channel=GENERAL, text="digest", blocks=shows(file_id))

    assert refused["error"] == "invalid_blocks"
    assert refused["errors"] == ["invalid slack file [json-pointer:/blocks/0/slack_file]"]


@pytest.mark.parametrize("content", [b"%PDF-1.7 no picture", b"hello"])
def test_only_pictures_can_be_shown(client: WebClient, content: bytes) -> None:
    file_id = ready(client, uploaded(client, content))
    refused = refusal(client.chat_postMessage, channel=GENERAL, text="x", blocks=shows(file_id))
    assert refused["error"] == "invalid_blocks"


def test_a_file_that_nobody_uploaded_cannot_be_shown_or_asked_about(client: WebClient) -> None:
    refused = refusal(client.chat_postMessage, channel=GENERAL, text="x", blocks=shows("F0NOBODY01"))
    assert refused["error"] == "invalid_blocks"
    assert refusal(client.files_info, file="F0NOBODY01")["error"] == "file_not_found"


def test_an_image_block_has_one_source(client: WebClient) -> None:
    file_id = ready(client, uploaded(client))
    both = [{**shows(file_id)[0], "image_url": "https://example.com/x.png"}]
    assert refusal(client.chat_postMessage, channel=GENERAL, text="x", blocks=both)["error"] == "invalid_blocks"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"filename": "", "length": 5}, "invalid_arguments"),
        ({"filename": "a.png", "length": "many"}, "invalid_arguments"),
        ({"filename": "a.png", "length": 0}, "missing_argument"),
        ({"filename": "a.png", "length": 5, "alt_txt": "x" * 1001}, "alt_txt_too_large"),
    ],
)
def test_an_upload_that_slack_would_not_begin_is_refused(
    shared_client: WebClient, args: dict[str, Any], error: str
) -> None:
    assert refusal(shared_client.files_getUploadURLExternal, **args)["error"] == error


def test_bytes_of_another_length_than_announced_are_not_taken(shared_client: WebClient) -> None:
    begun = shared_client.files_getUploadURLExternal(filename="a.png", length=5)
    assert requests.post(begun["upload_url"], data=b"123456", timeout=30).status_code == 400
    unsent = refusal(shared_client.files_completeUploadExternal, files=[{"id": begun["file_id"]}])
    assert unsent["error"] == "file_not_found"


def test_an_upload_address_works_once(shared_client: WebClient) -> None:
    begun = shared_client.files_getUploadURLExternal(filename="a.png", length=5)
    sent = [requests.post(begun["upload_url"], data=b"12345", timeout=30).status_code for _ in range(2)]
    assert sent == [200, 400]


def mp4(size: int = 64) -> bytes:
    """The beginning of a real one, and some more."""
    return b"\x00\x00\x00\x18ftypisom" + bytes(range(size - 12))


def share(client: WebClient, content: bytes | None = None, **where: Any) -> dict[str, Any]:
    """What Slack says of a clip that was uploaded and shared there."""
    content = content or mp4()
    begun = client.files_getUploadURLExternal(filename="fox.mp4", length=len(content))
    requests.post(begun["upload_url"], data=content, timeout=5)
    done = client.files_completeUploadExternal(files=[{"id": begun["file_id"], "title": "A fox"}], **where)
    return dict(done["files"][0])


def test_a_clip_is_shared_into_a_thread_where_it_plays_in_place(sandbox: Sandbox, client: WebClient) -> None:
    root = client.chat_postMessage(channel=GENERAL, text="being made")["ts"]
    file = share(client, channel_id=GENERAL, thread_ts=root, initial_comment="<@U0BOB00001>, here it is")

    _, reply = sandbox.workspace.messages(GENERAL, "U0ALICE001")
    assert (reply.thread_ts, reply.text) == (root, "<@U0BOB00001>, here it is")
    drawn = message_html(reply, Reader(origin=f"{sandbox.url}/"))
    assert "A fox" in drawn
    assert f'src="{file["permalink"]}"' in drawn
    loaded = requests.get(file["permalink"], timeout=5)
    assert (loaded.headers["content-type"], loaded.content) == ("video/mp4", mp4())


def test_a_player_gets_the_part_of_a_clip_that_it_asks_for(sandbox: Sandbox, client: WebClient) -> None:
    url = share(client, channel_id=GENERAL)["permalink"]
    parts = {wanted: requests.get(url, headers={"Range": wanted}, timeout=5) for wanted in ("bytes=4-7", "bytes=60-")}
    assert [(part.status_code, part.content) for part in parts.values()] == [(206, b"ftyp"), (206, mp4()[60:])]
    assert parts["bytes=60-"].headers["content-range"] == "bytes 60-63/64"


def test_slack_says_where_a_file_is_shared(sandbox: Sandbox, client: WebClient) -> None:
    file_id = share(client, channel_id=GENERAL)["id"]
    (message,) = sandbox.workspace.messages(GENERAL, "U0ALICE001")
    assert client.files_info(file=file_id)["file"]["shares"] == {"public": {GENERAL: [{"ts": message.ts}]}}


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ({"channel_id": "C0NOWHERE1"}, "channel_not_found"),
        ({"channel_id": "C0LOUNGE01"}, "not_in_channel"),
        ({"channel_id": GENERAL, "thread_ts": "1.2"}, "thread_not_found"),
        ({"channel_id": GENERAL, "blocks": "[]x"}, "invalid_arguments"),
        ({"channels": [GENERAL]}, "invalid_arguments"),
    ],
)
def test_a_file_is_shared_only_where_slack_would(shared_client: WebClient, where: dict[str, Any], error: str) -> None:
    with pytest.raises(SlackApiError, match=error):
        share(shared_client, **where)


def test_a_file_is_completed_once(shared_client: WebClient) -> None:
    file = share(shared_client, channel_id=GENERAL)
    again = refusal(shared_client.files_completeUploadExternal, files=[{"id": file["id"]}], channel_id=GENERAL)
    assert again["error"] == "file_not_found"


def test_a_clip_is_no_picture(client: WebClient) -> None:
    file_id = ready(client, share(client)["id"])
    assert (
        refusal(client.chat_postMessage, channel=GENERAL, text="x", blocks=shows(file_id))["error"] == "invalid_blocks"
    )


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("files.getUploadURLExternal", "files:write"),
        ("files.completeUploadExternal", "files:write"),
        ("files.info", "files:read"),
    ],
)
def test_an_app_without_the_scope_is_told_which_it_is(sandbox: Sandbox, method: str, scope: str) -> None:
    views = Views(sandbox.workspace)
    slack = Slack(sandbox.workspace, sandbox.url, ("chat:write",), PostingRate(), lambda: "", Triggers(), views)
    (needed,) = METHODS[method].needs(slack, {})
    assert needed == scope
    assert needed in sandbox.slack.manifest.scopes


def test_an_upload_can_be_made_to_fail(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.faults.add("files.completeUploadExternal", Fault("server_error"))
    with pytest.raises((SlackApiError, SlackRequestError)):
        uploaded(client)
    assert uploaded(client)


def test_a_picture_is_still_there_after_a_restart(tmp_path: Path) -> None:
    first = local.start(storage=tmp_path)
    file_id = ready(web_client(first), uploaded(web_client(first)))
    first.stop()

    second = local.start(storage=tmp_path)
    try:
        assert requests.get(f"{second.url}/files/{file_id}", timeout=30).content == png()
        assert requests.get(f"{second.url}/files/F0NOBODY01", timeout=30).status_code == 404
        web_client(second).chat_postMessage(channel=GENERAL, text="again", blocks=shows(file_id))
    finally:
        second.stop()
