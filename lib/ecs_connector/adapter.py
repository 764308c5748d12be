"""The way through requests' adapter.

`HTTPAdapter.send` stays the inherited one, so that whatever replaces it sees the request. Without a proxy
it is led to our own pool; with one, to urllib3's.
"""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy, should_bypass_proxies
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as SlowError

from ecs_connector.address import is_loopback
from ecs_connector.connection import ExchangeFailed
from ecs_connector.transport import Pool, ca_bundle
from ecs_connector.values import HttpRequest, HttpResponse

#: What an adapter raises: requests' own, and from one that stands in for it what lies below requests.
_FAILURES = (requests.exceptions.RequestException, HTTPError, OSError)
#: Names that show, in an error or in what it was made of, that nothing was sent.
_UNSENT = (
    "NewConnectionError", "NameResolutionError", "Failed to establish", "ConnectionRefusedError", "gaierror",
)  # fmt: skip


class _Lane:
    """Stands where urllib3's connection pool does, for one request."""

    def __init__(self, pool: Pool, request: HttpRequest) -> None:
        self._pool = pool
        self._request = request

    def urlopen(self, *, timeout: Any, **_: Any) -> HttpResponse:
        return self._pool.send(
            self._request, connect_timeout_s=timeout.connect_timeout, read_timeout_s=timeout.read_timeout
        )


class _Adapter(HTTPAdapter):
    """An adapter whose direct connections are ours."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        return _Lane(self._pool, request.ours)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        if not isinstance(conn, _Lane):
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # requests' own signature

    def build_response(self, req: Any, resp: Any) -> Any:
        return resp if isinstance(resp, HttpResponse) else super().build_response(req, resp)


class AdapterTransport:
    """Sends requests through requests' adapter."""

    def __init__(self, pool: Pool, *, proxied: bool) -> None:
        self._adapter = _Adapter(pool)
        self._proxied = proxied

    def send(self, request: HttpRequest, *, connect_timeout_s: float, read_timeout_s: float) -> HttpResponse:
        """Return the answer, of any status; raise `ExchangeFailed` when there is none."""
        prepared = _prepared(request)
        # A stand-in on this machine is never asked through a proxy: the proxy's loopback is another machine.
        proxied = self._proxied and not is_loopback(request.endpoint.host)
        proxies = self._proxies(prepared.url) if proxied else {}
        verify = ca_bundle() or True
        try:
            answer: Any = self._adapter.send(
                prepared, timeout=(connect_timeout_s, read_timeout_s), verify=verify, proxies=proxies
            )
        except _FAILURES as error:
            raise _failure(error, request, connect_timeout_s, read_timeout_s) from error
        if isinstance(answer, HttpResponse):
            return answer
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            return HttpResponse(answer.status_code, headers, answer.content)
        except _FAILURES as error:
            raise ExchangeFailed("cut", "the connection was closed in the middle of the answer", sent=True) from error

    def close(self) -> None:
        """Close urllib3's connections; the pool is closed by its owner."""
        self._adapter.close()

    @staticmethod
    def _proxies(url: str | None) -> dict[str, str]:
        if not url or should_bypass_proxies(url, no_proxy=None):
            return {}
        found = requests.utils.get_environ_proxies(url, no_proxy=None)
        return found if select_proxy(url, found) is not None else {}


class _Prepared(requests.PreparedRequest):
    """A prepared request that carries ours along."""

    ours: HttpRequest


def _prepared(request: HttpRequest) -> _Prepared:
    prepared = _Prepared()
    endpoint = request.endpoint
    prepared.method = request.method
    prepared.url = f"{endpoint.scheme}://{endpoint.authority}{request.target}"
    prepared.headers = CaseInsensitiveDict({name.title(): value for name, value in request.headers.items()})
    prepared.headers["Content-Length"] = str(len(request.body))
    prepared.body = request.body
    prepared.hooks = {"response": []}
    prepared.ours = request
    return prepared


def _failure(error: Exception, request: HttpRequest, connect_timeout_s: float, read_timeout_s: float) -> ExchangeFailed:
    """Say what a failure of requests means, and whether the request may have been sent."""
    authority, kinds = request.endpoint.authority, requests.exceptions
    if isinstance(error, (kinds.ConnectTimeout, ConnectTimeoutError)) and not isinstance(error, NewConnectionError):
        text = f"{authority} did not accept a connection within {connect_timeout_s:g} s"
        return ExchangeFailed("connect_timeout", text, sent=False)
    if isinstance(error, (kinds.Timeout, SlowError, TimeoutError)) and not isinstance(error, NewConnectionError):
        return ExchangeFailed("read_timeout", f"no answer within {read_timeout_s:g} s", sent=True)
    if isinstance(error, kinds.ProxyError):
        return ExchangeFailed("connect", f"the proxy for {authority} cannot be used", sent=False)
    if isinstance(error, kinds.SSLError):
        return ExchangeFailed("tls", f"no TLS with {authority}", sent=False)
    text = f"{type(error).__name__}: {error}"
    unsent = any(mark in text for mark in _UNSENT)
    kind = "dns" if "NameResolution" in text or "gaierror" in text else "connect" if unsent else "cut"
    return ExchangeFailed(kind, f"the connection to {authority} failed", sent=not unsent)
