"""A `requests` session whose connections obey the limits of `klingbot.common.deadlines`."""

from __future__ import annotations

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from klingbot.common import deadlines


def limited_session() -> requests.Session:
    """Return a new session; what it does inside `deadlines.within` ends in time."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, ssl_context=deadlines.limited(create_urllib3_context()))
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **more, ssl_context=deadlines.limited(create_urllib3_context()))
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _connected(connection: HTTPConnection) -> socket.socket:
    """Connect, or raise as urllib3 itself does: `requests` tells from that whether anything was sent."""
    try:
        made = deadlines.connect((connection._dns_host, connection.port or 0), connection.timeout)
        for option in connection.socket_options or ():
            made.setsockopt(*option)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"connecting to {connection.host} took too long") from error
    except OSError as error:
        raise NewConnectionError(connection, f"connecting failed: {error}") from error
    return made
