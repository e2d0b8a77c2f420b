"""Requests to addresses that come from outside: where a file is, or where one is to be sent.

Such an address may lead anywhere, also into the network that the bot runs in. So it is followed by https alone, to a
name whose every address is public; the connection goes to an address that was checked, and the certificate must prove
the name. Redirects are not followed. Everything together has to end by a deadline, however slowly the other side talks.
The servers of `SLACK_API_URL` and `KLING_API_URL` are exempt from the first two rules.

Where the environment names a proxy for https, that is used, as for Slack's and Kling's own addresses. The proxy then
looks the name up and decides where it may lead; the certificate has to prove the name all the same.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from klingbot.common import deadlines
from klingbot.common.deadlines import Limit
from klingbot.common.web_addresses import HTTPS_PORT, WebAddress, is_public_ip, is_public_name, parse

CONNECT_SECONDS = 5
SILENT_SECONDS = 15
_CHUNK = 256 * 1024
_HEAD_BYTES = 1_000_000
"""What an answer may have before its content."""
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)

Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the bytes received and on the time of a whole request, from the look-up of the name to the end."""

    most_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a request, all of it."""

    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A request without a usable answer."""

    reason: str
    passing: bool
    """Another try may do better."""
    status: int | None = None
    """The answer's HTTP status, when it was not 200."""
    too_large: bool = False


def _addresses(host: str, port: int, seconds: float) -> Sequence[str]:
    found = deadlines.addresses(host, port, timeout=seconds)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _connection(address: str, port: int, seconds: float) -> socket.socket:
    return deadlines.connect((address, port), seconds)


def _proxy(host: str) -> str | None:
    return None if proxy_bypass(host) else getproxies().get("https")


@cache
def _certificates() -> ssl.SSLContext:
    """Return a context that trusts what the system trusts, and the authorities that browsers trust."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return deadlines.limited(context)


@dataclass(frozen=True, slots=True)
class Network:
    """The way out: how names are looked up and connections opened, what certificates are trusted, and any proxy.

    Sockets and contexts are those of `deadlines`, which obey the limit of the call.
    """

    addresses: Callable[[str, int, float], Sequence[str]] = _addresses
    connection: Callable[[str, int, float], socket.socket] = _connection
    certificates: Callable[[], ssl.SSLContext] = _certificates
    proxy: Callable[[str], str | None] = _proxy


INTERNET = Network()


def origin(url: str) -> Origin:
    """Return the server of a configured address. Raises ValueError when it is none."""
    address = parse(url)
    if address is None:
        raise ValueError(f"{url} is not a web address")
    return address.origin


@dataclass(frozen=True, slots=True)
class Request:
    """Request to an address. One with a `body`, a file that is read from its position, is sent by POST."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: BinaryIO | None = None
    body_size: int = 0


def fetch(
    request: Request,
    into: BinaryIO,
    limits: Limits,
    *,
    exempt: Collection[Origin] = (),
    given_up: Callable[[], bool] = lambda: False,
    network: Network = INTERNET,
) -> Fetched | NotFetched:
    """Write the answer's content into a file. `given_up` is asked while it comes; `exempt` are configured servers."""
    address = parse(request.url)
    if address is None or not (address.origin in exempt or _is_outside(address)):
        return NotFetched("its address is not one that is followed", passing=False)
    try:
        with deadlines.within(limits.seconds, limits.most_bytes + _HEAD_BYTES) as limit:
            proxy = network.proxy(address.host) if address.scheme == "https" else None
            pinned = [] if proxy else network.addresses(address.host, address.port, limit.seconds_left())
            if address.origin not in exempt and not all(map(is_public_ip, pinned)):
                return NotFetched("its address does not lead to the public internet", passing=False)
            plain = _tunnel(proxy, address, network) if proxy else _opened(address, pinned, network, limit)
            with _encrypted(plain, address, network) if address.scheme == "https" else plain as wire:
                return _receive(_answer(address, request, wire), into, limits, given_up)
    except TimeoutError:
        return NotFetched(f"it took too long (at most {limits.seconds:g} s)", passing=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return NotFetched(type(error).__name__, passing=True)


def _is_outside(address: WebAddress) -> bool:
    return address.scheme == "https" and address.port == HTTPS_PORT and is_public_name(address.host)


def _opened(address: WebAddress, pinned: Sequence[str], network: Network, limit: Limit) -> socket.socket:
    """Return a connection to the first of these addresses that takes one. Raises OSError."""
    trouble: OSError = OSError("the host has no address")
    for each in pinned:
        try:
            wire = network.connection(each, address.port, min(CONNECT_SECONDS, limit.seconds_left()))
        except OSError as error:
            trouble = error
            continue
        wire.settimeout(SILENT_SECONDS)
        return wire
    raise trouble


def _tunnel(proxy: str, address: WebAddress, network: Network) -> socket.socket:
    """Return a connection through the proxy (RFC 9110, CONNECT). Raises OSError, HTTPException."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    wire = network.connection(parts.hostname or "", parts.port or 80, CONNECT_SECONDS)
    try:
        wire.settimeout(SILENT_SECONDS)
        target = f"{address.host}:{address.port}"
        wire.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{_proxy_login(parts)}\r\n".encode("ascii"))
        answer = http.client.HTTPResponse(wire, method="CONNECT")
        answer.begin()
        answer.close()
        if answer.status != HTTPStatus.OK:
            raise ConnectionRefusedError(f"the proxy answered {answer.status}")
    except BaseException:
        wire.close()
        raise
    return wire


def _proxy_login(proxy: SplitResult) -> str:
    if proxy.username is None:
        return ""
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(login.encode()).decode()}\r\n"


def _encrypted(wire: socket.socket, address: WebAddress, network: Network) -> ssl.SSLSocket:
    """Return the connection with TLS; the certificate proves the host's name. Raises OSError."""
    try:
        return network.certificates().wrap_socket(wire, server_hostname=address.host)
    except BaseException:
        wire.close()
        raise


def _answer(address: WebAddress, request: Request, wire: socket.socket) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address.host, address.port, blocksize=_CHUNK)
    connection.sock = wire
    headers = {"Host": address.authority, "Connection": "close", **request.headers}
    if request.body is None:
        connection.request("GET", address.target, headers=headers)
    else:
        headers["Content-Length"] = str(request.body_size)
        connection.request("POST", address.target, request.body, headers)
    return connection.getresponse()


def _receive(
    answer: http.client.HTTPResponse, into: BinaryIO, limits: Limits, given_up: Callable[[], bool]
) -> Fetched | NotFetched:
    if answer.status != HTTPStatus.OK:
        passing = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _PASSING
        return NotFetched(f"HTTP {answer.status}", passing, answer.status)
    announced, size = answer.length, 0
    if announced is not None and announced > limits.most_bytes:
        return NotFetched(f"it has {announced:,} bytes", passing=False, too_large=True)
    while chunk := answer.read1(_CHUNK):
        size += len(chunk)
        if size > limits.most_bytes:
            return NotFetched(f"it has more than {limits.most_bytes:,} bytes", passing=False, too_large=True)
        if given_up():
            return NotFetched("the bot is stopped", passing=True)
        into.write(chunk)
    if announced is not None and size < announced:
        return NotFetched("it broke off", passing=True)
    return Fetched(size)
