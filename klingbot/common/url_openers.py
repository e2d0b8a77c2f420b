"""An opener for `urllib` whose connections obey the limits of `deadlines`."""

from __future__ import annotations

import ssl
from functools import cache
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import (
    BaseHandler,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from klingbot.common import deadlines


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._create_connection = deadlines.connect


class _TlsConnection(HTTPSConnection):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._create_connection = deadlines.connect


class _Handler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _TlsHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_TlsConnection, req, context=_tls())


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


@cache
def opener(proxy: str | None = None) -> OpenerDirector:
    """Return an opener that goes through that proxy, or through those that the environment names.

    No redirect is followed: urllib would send the token along, wherever it leads.
    """
    handlers: list[BaseHandler | type[BaseHandler]] = [_Handler, _TlsHandler, _NoRedirects]
    if proxy:
        handlers.append(ProxyHandler({"http": proxy, "https": proxy}))
    return build_opener(*handlers)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return deadlines.limited(context)
