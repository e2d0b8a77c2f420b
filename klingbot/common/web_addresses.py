"""Web addresses that come from outside: taken apart strictly, and judged by where they lead. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

HTTPS_PORT = 443
_PORTS = {"http": 80, "https": HTTPS_PORT}
_UNCLEAN = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
"""Characters that programs read in different ways: what one takes for a host, another takes for a path."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_LONGEST_NAME = 253
_INSIDE = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".onion")
"""Endings of names that no public name server knows (IANA, special-use domain names)."""
_SLACK = ("slack.com", "slack-gov.com", "slack-files.com")
"""Where Slack keeps files, and GovSlack (docs.slack.dev, file object)."""

_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
"""All that is global unicast (IANA): mapped, translated and local addresses are outside of it."""
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carriers' own networks, and Alibaba's metadata
        "168.63.129.16/32",  # Azure's own service for its machines
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/3",  # multicast and reserved
        "2001::/23",  # Teredo and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https address without user or password. The host is lower case and ASCII."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as a request names them."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return what two addresses of one server have in common."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Return host and port as a request's `Host` header names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(text: str) -> WebAddress | None:
    """Return the address, or None for anything that is not plainly one."""
    if _UNCLEAN.search(text):
        return None
    try:
        parts = urlsplit(text)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode().lower()
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or port == 0:
        return None
    if "[" in parts.netloc and ":" not in host:  # brackets are for IPv6
        return None
    query = f"?{parts.query}" if parts.query else ""
    target = quote((parts.path or "/") + query, safe="/?:@!$&'()*+,;=%~-._[]|")
    return WebAddress(parts.scheme, host, port or _PORTS[parts.scheme], target)


def is_public_name(host: str) -> bool:
    """Return whether a name server outside may know the host. Addresses in digits are no names."""
    return len(host) <= _LONGEST_NAME and bool(_NAME.fullmatch(host)) and not host.endswith(_INSIDE)


def is_public_ip(text: str) -> bool:
    """Return whether it is an address that anybody on the internet can reach."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and (address.scope_id or address not in _GLOBAL_V6):
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def is_slack(host: str) -> bool:
    """Return whether the host is one of Slack's own."""
    return any(host == domain or host.endswith(f".{domain}") for domain in _SLACK) and is_public_name(host)
