"""Addresses from outside are followed to public servers that prove their names, within bounds of size and time."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import Any

import pytest

from klingbot.common.safe_fetch import Fetched, Limits, NotFetched, Request, fetch, origin
from klingbot.common.web_addresses import is_public_ip, is_public_name, is_slack, parse
from klingbot.kling.clip_download import fetch_clip
from tests.support.outside_world import PUBLIC, Outside, answer, certificate, drips, outside, says

__all__ = ["certificate", "outside"]

CLIP = "https://clips.example.com/a%20clip.mp4?sign=x&y=1"
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"v" * 1_000


def fetched(world: Outside, url: str = CLIP, **more: Any) -> tuple[Fetched | NotFetched, bytes]:
    limits = Limits(more.pop("most_bytes", 10_000), more.pop("seconds", 5))
    content, request = io.BytesIO(), Request(url, more.pop("headers", {}))
    return fetch(request, content, limits, network=world.network, **more), content.getvalue()


def test_what_is_outside_is_fetched_from_the_address_that_was_checked(outside: Outside) -> None:
    outside.talk = says(b"content")
    assert fetched(outside) == (Fetched(7), b"content")
    assert (outside.looked_up, outside.opened) == (["clips.example.com"], [f"{PUBLIC}:443"])
    line, *headers = outside.heard[0].splitlines()
    assert (line, "Host: clips.example.com" in headers) == ("GET /a%20clip.mp4?sign=x&y=1 HTTP/1.1", True)


@pytest.mark.parametrize(
    "url",
    [
        "http://clips.example.com/a",
        "file:///etc/passwd",
        "ftp://clips.example.com/a",
        "data:video/mp4;base64,AAAA",
        "gopher://clips.example.com/",
        "//clips.example.com/a",
        "clips.example.com/a",
        "",
        "https://",
        "https:///a",
        "https://user@clips.example.com/a",
        "https://files.slack.com@clips.example.com/a",
        "https://user:word@clips.example.com/a",
        "https://clips.example.com:8443/a",
        "https://clips.example.com:22/a",
        "https://clips.example.com:0/a",
        "https://clips.example.com:99999/a",
        "https://clips.example.com./a",
        "https://clips..example.com/a",
        "https://localhost/a",
        "https://intranet/a",
        "https://printer.local/a",
        "https://vault.internal/a",
        "https://10.0.0.1/a",
        "https://93.184.216.34/a",
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://2130706433/a",
        "https://0x7f.0.0.1/a",
        "https://127.1/a",
        "https://clips.example.com\\@evil.com/a",
        "https://clips.example.com/a\r\nX-Evil: 1",
        "https://clips.example.com/a b",
        " https://clips.example.com/a",
        "https://clips.example.com\t.evil.com/a",
        "https://clips.example.com/\ud800",
        "https://" + "a" * 300 + ".com/",
        "https://[bad/a",
        "https://[v1.evil.com]/a",
        "https://clips.example.com%2e/a",
        "https://clips.example.com%00.evil.com/a",
        "https://clips.example.com;evil.com/a",
    ],
)
def test_other_addresses_are_not_even_looked_up(outside: Outside, url: str) -> None:
    outcome, _ = fetched(outside, url)
    assert isinstance(outcome, NotFetched) and not outcome.passing
    assert (outside.looked_up, outside.opened) == ([], [])


@pytest.mark.parametrize(
    "inside",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "168.63.129.16", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:93.184.216.34", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::5db8:d822", "64:ff9b:1::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:5db8:d822::1", "3fff::1", "5f00::1", "100::1", "nonsense",
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_followed_even_when_it_also_leads_outside(
    outside: Outside, inside: str
) -> None:
    for found in ([inside], [PUBLIC, inside], [inside, PUBLIC]):
        outside.known["clips.example.com"] = found
        outcome, _ = fetched(outside)
        assert outcome == NotFetched("its address does not lead to the public internet", passing=False)
    assert outside.opened == []


@pytest.mark.parametrize("public", ["8.8.8.8", PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:82a::200e"])
def test_public_addresses_are_public(public: str) -> None:
    assert is_public_ip(public)


def test_the_next_address_is_tried_when_one_takes_no_connection(outside: Outside) -> None:
    outside.talk, opened = says(b"content"), outside.network.connection
    outside.known["clips.example.com"] = ["2606:4700::1111", PUBLIC]

    def without_v6(address: str, port: int, seconds: float) -> Any:
        if ":" in address:
            raise OSError("no route")
        return opened(address, port, seconds)

    network = replace(outside.network, connection=without_v6)
    assert fetch(Request(CLIP), io.BytesIO(), Limits(100, 5), network=network) == Fetched(7)


def test_a_server_that_cannot_prove_the_name_is_told_nothing(outside: Outside) -> None:
    outcome, _ = fetched(outside, "https://other.example.com/a", headers={"Authorization": "Bearer xoxb-1"})
    assert outcome == NotFetched("SSLCertVerificationError", passing=True)
    assert outside.heard == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(outside: Outside, status: str) -> None:
    outside.talk = says(b"", status, "Location: https://clips.example.com/other")
    outcome, _ = fetched(outside)
    assert outcome == NotFetched(f"HTTP {status[:3]}", False, int(status[:3]))
    assert len(outside.heard) == 1


def test_what_is_too_large_is_not_taken_whether_or_not_it_says_so(outside: Outside) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1_000 + b"\r\n"
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000
    for said in (answer(b"x" * 1_000), chunked, endless):
        outside.talk = lambda wire, _, said=said: wire.sendall(said)  # type: ignore[misc]
        outcome, content = fetched(outside, most_bytes=999)
        assert isinstance(outcome, NotFetched) and outcome.too_large and not outcome.passing
        assert content == b""


def test_what_breaks_off_is_not_taken_for_the_whole(outside: Outside) -> None:
    outside.talk = says(MP4, length=len(MP4) + 1)
    assert fetched(outside)[0] == NotFetched("it broke off", passing=True)


@pytest.mark.parametrize("where", ["headers", "content", "chunks", "endless 100s"])
def test_a_server_that_sends_a_byte_now_and_then_is_left_in_time(outside: Outside, where: str) -> None:
    whole = {
        "headers": answer(b"x" * 1_000),
        "content": answer(b"x" * 1_000),
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1_000,
        "endless 100s": b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000,
    }[where]
    head = 0 if where in ("headers", "endless 100s") else whole.index(b"\r\n\r\n") + 4

    def talk(wire: Any, said: bytes) -> None:
        wire.sendall(whole[:head])
        drips(whole[head:], 0.05)(wire, said)

    outside.talk, began = talk, time.monotonic()
    assert fetched(outside, seconds=1)[0] == NotFetched("it took too long (at most 1 s)", passing=True)
    assert time.monotonic() - began < 4


def test_the_look_up_of_a_name_has_no_more_time_than_all_the_rest(outside: Outside) -> None:
    asked: list[float] = []

    def slow(host: str, port: int, seconds: float) -> list[str]:
        asked.append(seconds)
        raise TimeoutError

    outcome = fetch(Request(CLIP), io.BytesIO(), Limits(100, 7), network=replace(outside.network, addresses=slow))
    assert outcome == NotFetched("it took too long (at most 7 s)", passing=True)
    assert asked[0] <= 7


def test_a_server_that_accepts_and_says_nothing_is_left_in_time(outside: Outside) -> None:
    outside.talk, began = lambda *_: time.sleep(3), time.monotonic()
    assert fetched(outside, seconds=0.3)[0] == NotFetched("it took too long (at most 0.3 s)", passing=True)
    assert time.monotonic() - began < 2


def test_a_fetch_is_given_up_when_the_bot_stops(outside: Outside) -> None:
    outside.talk = says(MP4)
    assert fetched(outside, given_up=lambda: True)[0] == NotFetched("the bot is stopped", passing=True)


@pytest.mark.parametrize(
    ("proxy", "login"),
    [("http://10.0.0.8:3128", None), ("10.0.0.8:3128", None), ("http://me:a%40b@10.0.0.8:3128", "bWU6YUBi")],
)
def test_a_proxy_of_the_environment_leads_out_and_the_name_must_still_be_proved(
    outside: Outside, proxy: str, login: str | None
) -> None:
    outside.talk, outside.proxy = says(b"content"), proxy
    assert fetched(outside) == (Fetched(7), b"content")
    assert (outside.opened, outside.looked_up) == (["10.0.0.8:3128"], [])
    asked = outside.heard[0].splitlines()
    assert asked[:2] == ["CONNECT clips.example.com:443 HTTP/1.1", "Host: clips.example.com:443"]
    assert (f"Proxy-Authorization: Basic {login}" in asked) == (login is not None)
    assert "Proxy-Authorization" not in outside.heard[1]
    unproved, _ = fetched(outside, "https://other.example.com/a")
    assert unproved == NotFetched("SSLCertVerificationError", passing=True)


def test_a_proxy_that_refuses_is_no_way_out(outside: Outside) -> None:
    outside.proxy, outside.proxy_status = "http://10.0.0.8:3128", "403 Forbidden"
    assert fetched(outside)[0] == NotFetched("ConnectionRefusedError", passing=True)
    for url in ("https://10.0.0.1/a", "https://localhost/a", "http://clips.example.com/a"):
        assert isinstance(fetched(outside, url)[0], NotFetched)
    assert len(outside.opened) == 1


def test_a_name_that_nobody_knows_may_be_known_later(outside: Outside) -> None:
    outside.known["clips.example.com"] = []
    assert fetched(outside)[0] == NotFetched("OSError", passing=True)


def test_a_configured_server_may_be_on_this_machine_and_no_other_port_of_it(outside: Outside) -> None:
    outside.talk, own = says(MP4), outside.root
    outside.known["127.0.0.1"] = ["127.0.0.1"]
    into = io.BytesIO()
    done = fetch_clip(f"{own}/c.mp4", into, root=own, given_up=lambda: False, network=outside.network)
    assert (done, into.getvalue()) == (Fetched(len(MP4)), MP4)
    for url in (own.replace("http", "https"), "http://127.0.0.1:1/c.mp4", f"{own}@clips.example.com/c", f"{own}0/c"):
        other = fetch_clip(url, io.BytesIO(), root=own, given_up=lambda: False, network=outside.network)
        assert isinstance(other, NotFetched), url
    assert len(outside.opened) == 1


def test_a_clip_is_an_mp4(outside: Outside) -> None:
    outside.talk = says(b"<html>sign in</html>")
    outcome = fetch_clip(CLIP, io.BytesIO(), root="https://k.com", given_up=lambda: False, network=outside.network)
    assert outcome == NotFetched("it is no MP4 video", passing=False)


@pytest.mark.parametrize("host", ["files.slack.com", "slack.com", "acme.enterprise.slack.com", "slack-files.com"])
def test_slacks_hosts(host: str) -> None:
    assert is_slack(host)


@pytest.mark.parametrize(
    "host", ["slack.com.evil.com", "evilslack.com", "files.slack.com.", "slack.com.", ".slack.com", "slackb.com", ""]
)
def test_hosts_that_only_look_like_slacks(host: str) -> None:
    assert not is_slack(host)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://FILES.Slack.COM/a", "files.slack.com"),
        ("https://ﬁles.slack.com/a", "files.slack.com"),
        ("https://bücher.example/a", "xn--bcher-kva.example"),
        ("https://evil.com。slack.com.evil.com/", "evil.com.slack.com.evil.com"),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str) -> None:
    address = parse(text)
    assert address and address.host == host and is_public_name(host)


def test_a_setting_that_is_no_address_is_a_mistake() -> None:
    assert origin("https://api.klingai.com/x") == ("https", "api.klingai.com", 443)
    with pytest.raises(ValueError, match="not a web address"):
        origin("klingai")
