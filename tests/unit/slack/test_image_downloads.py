"""A picture from Slack: from Slack's own hosts alone, for the bot's token goes along."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from slack_sdk import WebClient

from klingbot.domain.request_limits import MOST_PICTURE_BYTES
from klingbot.domain.source_images import NoPicture, Picture, Upload, checked, dimensions, fault, first_of
from klingbot.slack.api.image_downloads import ImageDownloads
from klingbot.slack.api.slack_client import SlackClient
from tests.support.outside_world import Outside, certificate, outside, says

__all__ = ["certificate", "outside"]

TOKEN = "xoxb-secret"
PRIVATE = "https://files.slack.com/files-pri/T1-F0FOX00001/fox.png"


def png(width: int = 1_024, height: int = 768) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\x00\x00\x00"


def jpeg(width: int, height: int, *before: bytes) -> bytes:
    size = b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + b"".join(before) + size + b"\xff\xda"


class SlackWithFile(WebClient):
    """Knows one file."""

    def __init__(self, api_url: str = "https://slack.com/api/", **file: Any) -> None:
        super().__init__(TOKEN, base_url=api_url)
        self.file = {"id": "F0FOX00001", "mimetype": "image/png", "url_private": PRIVATE, "size": 100, **file}

    def api_call(self, api_method: str, **_: Any) -> Any:
        assert api_method == "files.info"
        return {"ok": True, "file": self.file}


def fetched(world: Outside, slack: SlackWithFile, most_bytes: int = MOST_PICTURE_BYTES) -> Picture | NoPicture:
    return ImageDownloads(slack, world.network).fetch("F0FOX00001", most_bytes)


def test_slacks_own_host_gets_the_token(outside: Outside) -> None:
    outside.talk = says(png())
    assert fetched(outside, SlackWithFile()) == Picture(png())
    assert f"Authorization: Bearer {TOKEN}" in outside.heard[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://clips.example.com/fox.png",
        "https://files.slack.com.evil.com/fox.png",
        "https://evilslack.com/fox.png",
        "https://files.slack.com@clips.example.com/fox.png",
        "https://clips.example.com/files.slack.com/fox.png",
        "https://clips.example.com#@files.slack.com/",
        "https://clips.example.com\\@files.slack.com/",
        "https://files.slack.com./fox.png",
        "https://files.slack.com:8443/fox.png",
        "http://files.slack.com/fox.png",
        "http://127.0.0.1/fox.png",
        "file:///etc/passwd",
        "file://files.slack.com/etc/passwd",
        "ftp://files.slack.com/fox.png",
        "data:image/png;base64,AAAA",
        "",
    ],
)
def test_nobody_else_is_asked_for_a_file(outside: Outside, url: str) -> None:
    outcome = fetched(outside, SlackWithFile(url_private=url))
    assert isinstance(outcome, NoPicture) and not outcome.passing
    assert (outside.opened, outside.heard) == ([], [])


def test_slacks_name_may_not_lead_inside(outside: Outside) -> None:
    outside.known["files.slack.com"] = ["169.254.169.254"]
    assert isinstance(fetched(outside, SlackWithFile()), NoPicture)
    assert outside.opened == []


def test_another_slack_that_is_configured_gets_its_own_token(outside: Outside) -> None:
    outside.talk, outside.known["127.0.0.1"] = says(png()), ["127.0.0.1"]
    local = SlackWithFile(f"{outside.root}/api/", url_private=f"{outside.root}/files-pri/fox.png")
    assert fetched(outside, local) == Picture(png())
    elsewhere = SlackWithFile(f"{outside.root}/api/", url_private="http://127.0.0.1:1/files-pri/fox.png")
    assert isinstance(fetched(outside, elsewhere), NoPicture)
    assert len(outside.opened) == 1


def test_the_token_follows_no_redirect(outside: Outside) -> None:
    outside.talk = says(b"", "302 Found", "Location: https://clips.example.com/")
    assert isinstance(fetched(outside, SlackWithFile()), NoPicture)
    assert len(outside.heard) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary"])
def test_an_api_that_leads_elsewhere_is_not_followed_with_the_token(outside: Outside, status: str) -> None:
    outside.talk = says(b"{}", status, f"Location: {outside.root}/elsewhere", "Content-Type: application/json")
    with pytest.raises(Exception):  # noqa: B017 - which one is the SDK's business
        SlackClient(TOKEN, f"{outside.root}/api/", timeout=5).files_info(file="F0FOX00001")
    assert len(outside.heard) == 1


UNUSABLE = [
    {"is_external": True, "url_private": PRIVATE},
    {"mode": "external", "external_type": "gdrive"},
    {"file_access": "check_file_info"},
    {"file_access": "access_denied"},
    {"mimetype": "image/gif"},
    {"mimetype": "image/heic"},
    {"id": "../../etc/passwd"},
]


@pytest.mark.parametrize("file", UNUSABLE)
def test_files_that_cannot_be_used_are_refused_with_a_sentence(outside: Outside, file: dict[str, Any]) -> None:
    outcome = fetched(outside, SlackWithFile(**file))
    assert isinstance(outcome, NoPicture) and outcome.reason.endswith(".") and not outcome.passing
    assert outside.opened == []
    listed = {"id": "F0FOX00001", "mimetype": "image/png", **file}
    assert first_of([{"id": "F0NOTES001", "mimetype": "text/plain"}, listed]) == outcome
    usable = {"id": "F0FOX00002", "mimetype": "image/jpeg", "size": 9, "original_w": 640, "original_h": 480}
    assert first_of([listed, usable]) == Upload("F0FOX00002", 9, 640, 480)


def test_what_slack_says_of_a_file_spares_the_download(outside: Outside) -> None:
    for file in (
        {"size": 10_000_001},
        {"original_w": 200, "original_h": 900},
        {"original_w": 2_000, "original_h": 700},
    ):
        assert isinstance(fetched(outside, SlackWithFile(**file), 10_000_000), NoPicture)
    assert outside.opened == []


@pytest.mark.parametrize(
    "content", [b"GIF89a", b"<svg/>", b"", png(299, 300), png(1_000, 399), jpeg(299, 300), jpeg(400, 1_001)]
)
def test_what_slack_says_of_a_file_is_not_believed(outside: Outside, content: bytes) -> None:
    outside.talk = says(content)
    assert isinstance(fetched(outside, SlackWithFile(original_w=640, original_h=480)), NoPicture)


def test_a_file_larger_than_slack_said_is_not_taken_whole(outside: Outside) -> None:
    outside.talk = says(png() + b"x" * 1_000)
    outcome = fetched(outside, SlackWithFile(size=10), 1_000)
    assert outcome == NoPicture("Kling takes pictures of up to 0 MB, and this one is larger. Send a smaller one.")


def test_the_size_of_a_picture_is_in_its_first_bytes() -> None:
    assert dimensions(png(640, 480)) == dimensions(jpeg(640, 480)) == (640, 480)
    exif = b"\xff\xe1" + struct.pack(">H", 6) + b"Exif"
    huffman = b"\xff\xc4\x00\x04\x00\x00"
    assert dimensions(jpeg(640, 480, exif, huffman, b"\xff\xff")) == (640, 480)
    for broken in (b"\xff\xd8\xff a fox", png()[:20], jpeg(640, 480)[:8], b"\xff\xd8" + b"\xff" * 100):
        assert dimensions(broken) is None


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(300, 300, True), (300, 750, True), (750, 300, True), (300, 751, False), (751, 300, False), (299, 299, False),
     (4_000, 1_600, True), (4_001, 1_600, False)],
)  # fmt: skip
def test_kling_takes_shapes_up_to_one_to_two_and_a_half(width: int, height: int, fits: bool) -> None:
    assert (fault(Upload("F1", None, width, height), 100) is None) == fits
    assert isinstance(checked(png(width, height), 100), Picture) == fits
