"""Sends requests over pooled keep-alive connections.

Two ways lead to the same exchange. Directly, which loads no HTTP library. Or through requests' adapter,
which is taken when the environment names a proxy (requests knows its rules), and when the process has
loaded requests already: then tools that hook its adapter (responses, moto, tracers) see every call.

Deviates: the design proposed the adapter alone; loading requests costs more than all the rest of a cold start.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import Any, Protocol

from ecs_connector.connection import Connection, ExchangeFailed, open_connection
from ecs_connector.values import Endpoint, HttpRequest, HttpResponse

_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY")
#: Environment variables that name a CA bundle, strongest first, as botocore and requests have them.
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class Transport(Protocol):
    """What a call is sent by."""

    def send(self, request: HttpRequest, *, connect_timeout_s: float, read_timeout_s: float) -> HttpResponse:
        """Return the answer, of any status; raise `ExchangeFailed` when there is none."""

    def close(self) -> None:
        """Close idle connections."""


class Pool:
    """Idle connections by endpoint; a connection in use belongs to its caller."""

    def __init__(self, *, max_idle: int = 64) -> None:
        self._idle: dict[tuple[str, str, int], deque[Connection]] = {}
        self._max_idle = max_idle
        self._tls: Any = None

    def send(self, request: HttpRequest, *, connect_timeout_s: float, read_timeout_s: float) -> HttpResponse:
        """Send over an idle connection, or over a new one."""
        endpoint = request.endpoint
        connection = self._take(endpoint)
        if connection is None:
            connection = open_connection(endpoint, connect_timeout_s=connect_timeout_s, tls=self._context)
        try:
            response, reusable = connection.exchange(request, read_timeout_s=read_timeout_s)
        except BaseException as error:
            connection.close()
            if isinstance(error, ExchangeFailed) and not error.fresh:
                self.close()  # what was idle beside it has most likely been closed with it
            raise
        if reusable:
            self._give(endpoint, connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close idle connections."""
        for idle in list(self._idle.values()):
            while idle:
                idle.pop().close()

    def _take(self, endpoint: Endpoint) -> Connection | None:
        idle = self._idle.get((endpoint.scheme, endpoint.host, endpoint.port))
        while idle:
            try:
                connection = idle.pop()  # the one used last is the one most likely alive
            except IndexError:
                return None
            if not connection.dropped:
                return connection
            connection.close()
        return None

    def _give(self, endpoint: Endpoint, connection: Connection) -> None:
        idle = self._idle.setdefault((endpoint.scheme, endpoint.host, endpoint.port), deque())
        if len(idle) < self._max_idle:
            idle.append(connection)
        else:
            connection.close()

    def _context(self) -> Any:
        if self._tls is None:
            self._tls = tls_context()
        return self._tls


def ca_bundle() -> str | None:
    """Return the CA file or folder that the environment names."""
    return next((value for name in _BUNDLES if (value := os.environ.get(name))), None)


def tls_context() -> Any:
    """Return a context that checks certificates against the environment's CA bundle, or certifi's."""
    import ssl

    bundle = ca_bundle()
    if bundle is None:
        import certifi

        bundle = certifi.where()
    folder = os.path.isdir(bundle)
    context = ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class SwitchingTransport:
    """Chooses the way for each request: the adapter once requests is loaded or a proxy is named."""

    def __init__(self) -> None:
        self._pool = Pool()
        self._adapter: Transport | None = None
        self._proxied = any(os.environ.get(name) for name in _PROXIES)

    def send(self, request: HttpRequest, *, connect_timeout_s: float, read_timeout_s: float) -> HttpResponse:
        """Send by the way that fits."""
        way: Transport = self._pool
        if self._proxied or "requests" in sys.modules:
            if self._adapter is None:
                from ecs_connector.adapter import AdapterTransport

                self._adapter = AdapterTransport(self._pool, proxied=self._proxied)
            way = self._adapter
        return way.send(request, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)

    def close(self) -> None:
        """Close idle connections of both ways."""
        self._pool.close()
        if self._adapter is not None:
            self._adapter.close()
