"""Small HTTP requests with Basic or Bearer authorization and the platform's retry rule.

On `http.client`: importing requests would cost a cold start more than the whole call.
"""

from __future__ import annotations

import http.client
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ecs_connector.errors import TransportError

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body's JSON value; None when it has none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def text(self) -> str:
        """Return the body for an error message, not longer than a person would read."""
        return self.body.decode("utf-8", "replace")[:1000]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a request is tried."""

    attempts: int
    #: Pause before the next try, by the number of failed ones.
    delay_s: Callable[[int], float]
    timeout_s: float


def basic(username: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def split_userinfo(url: str) -> tuple[str, str | None]:
    """Return a URL without `user:pass@`, and the Authorization header that this stands for."""
    parts = urlsplit(url)
    if not parts.username or not parts.password:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)), basic(unquote(parts.username), unquote(parts.password))


def send(
    method: str,
    url: str,
    *,
    retry: Retry,
    sleep: Callable[[float], None],
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Answer:
    """Send a request and return its answer, whatever its status; 5xx and network errors are retried.

    Raises:
        TransportError: There was no answer to the last try.
    """
    failure: Exception | None = None
    answer: Answer | None = None
    for attempt in range(1, retry.attempts + 1):
        if attempt > 1:
            sleep(retry.delay_s(attempt - 1))
        try:
            answer, failure = _send_once(method, url, headers=headers, body=body, timeout_s=retry.timeout_s), None
        except (OSError, http.client.HTTPException) as error:
            answer, failure = None, error
        if answer is not None and answer.status < _SERVER_ERROR:
            return answer
    if answer is not None:
        return answer
    where = urlsplit(url)
    raise TransportError(
        f"{method} {where.scheme}://{where.hostname}{where.path} got no answer: {type(failure).__name__}: {failure}",
        operation=f"{method} {where.path}",
        sent=True,
        attempts=retry.attempts,
    ) from failure


def _send_once(method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout_s: float) -> Answer:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        from ecs_connector.sailor import tls

        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout_s, context=tls.context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request(method, target, body=body, headers=dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()
