"""HTTP/1.1 as the endpoint speaks it: a request off a stream, a reply onto it, and the record of both."""

from __future__ import annotations

import http
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, overload
from urllib.parse import parse_qsl

_TARGETS = {"AmazonEC2ContainerServiceV20141113": "ecs", "Logs_20140328": "logs"}
_SCOPE = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request")
#: No ECS request is near this; a client that promises more is not waited for.
_LARGEST_BODY_BYTES = 16 * 1024 * 1024
_LONGEST_LINE_BYTES = 65536


class BadRequest(Exception):
    """The bytes on the connection are no HTTP request; it is closed."""


@dataclass(slots=True)
class RecordedRequest:
    """One request as it came in, and the status that it was answered with.

    Attributes:
        service: `ecs`, `sts`, `logs`, or "" when nothing tells.
        operation: Name of the operation.
        body: The parsed body; {} when it is not a JSON object or a form.
        headers: Names in lower case.
        status: HTTP status of the answer; 0 when the connection was cut before one, or is not answered yet.
        error: AWS error code of the answer, if it is one.
    """

    method: str
    #: Path and query.
    target: str
    headers: Mapping[str, str] = field(repr=False)
    raw_body: bytes = field(repr=False)
    service: str = ""
    operation: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    error: str | None = None

    @property
    def access_key_id(self) -> str | None:
        return self._scope(1)

    @property
    def authorization_date(self) -> str | None:
        return self._scope(2)

    @property
    def authorization_region(self) -> str | None:
        return self._scope(3)

    @property
    def authorization_service(self) -> str | None:
        return self._scope(4)

    def _scope(self, group: int) -> str | None:
        found = _SCOPE.search(self.headers.get("authorization", ""))
        return found.group(group) if found else None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


class RequestLog:
    """Every request that came in, in order; safe to read while the server runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []

    def add(self, request: RecordedRequest) -> None:
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()

    def of(self, operation: str) -> list[RecordedRequest]:
        """Return the requests of one operation."""
        return [request for request in self._copy() if request.operation == operation]

    def _copy(self) -> list[RecordedRequest]:
        with self._lock:
            return list(self._requests)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(self._copy())

    def __len__(self) -> int:
        return len(self._copy())

    @overload
    def __getitem__(self, index: int) -> RecordedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecordedRequest]: ...
    def __getitem__(self, index: int | slice) -> RecordedRequest | list[RecordedRequest]:
        return self._copy()[index]


@dataclass(slots=True)
class Reply:
    """An answer, and how badly it arrives."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: The connection is reset after this many bytes of the body; 0: after the headers.
    cut_after: int | None = None
    #: The connection is reset and nothing is sent.
    dropped: bool = False
    #: The connection is closed after the answer.
    close: bool = False

    def head(self) -> bytes:
        """Return status line and headers."""
        try:
            phrase = http.HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        if self.close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def read_request(stream: BinaryIO, interim: BinaryIO) -> RecordedRequest | None:
    """Return the next request of a connection, None when the client has closed it.

    Args:
        interim: Where `100 Continue` goes for a client that waits for it.

    Raises:
        BadRequest: what comes is not HTTP.
    """
    line = stream.readline(_LONGEST_LINE_BYTES)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(line[:80])
    headers = _read_headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        interim.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _read_body(stream, headers)
    request = RecordedRequest(parts[0], parts[1], headers, body)
    _route(request)
    return request


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while True:
        line = stream.readline(_LONGEST_LINE_BYTES)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadRequest(line[:80])
        headers[name.strip().lower()] = value.strip()


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_chunks(stream))
    try:
        length = int(headers.get("content-length", "0"))
    except ValueError:
        raise BadRequest(b"content-length") from None
    if not 0 <= length <= _LARGEST_BODY_BYTES:
        raise BadRequest(b"content-length")
    body = stream.read(length)
    if len(body) < length:
        raise BadRequest(b"the body ends early")
    return body


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            length = int(stream.readline(_LONGEST_LINE_BYTES).split(b";")[0], 16)
        except ValueError:
            raise BadRequest(b"chunk") from None
        if length > _LARGEST_BODY_BYTES:
            raise BadRequest(b"chunk")
        chunk = stream.read(length)
        stream.readline(_LONGEST_LINE_BYTES)
        if not length:
            return
        yield chunk


def _route(request: RecordedRequest) -> None:
    """Find out which service and operation a request is for: by its target header, else by its form."""
    prefix, _, operation = request.headers.get("x-amz-target", "").partition(".")
    if prefix in _TARGETS:
        request.service, request.operation = _TARGETS[prefix], operation
        request.body = _json_object(request.raw_body)
        return
    form = dict(parse_qsl(request.query))
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        form.update(parse_qsl(request.raw_body.decode("utf-8", "replace")))
    request.operation = form.get("Action", "")
    if form.get("Version") == "2011-06-15":
        request.service, request.body = "sts", dict(form)
    elif form.get("Version") == "2014-03-28":
        request.service = "logs"
        request.body = _json_object(request.raw_body) or dict(form)


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data) if data else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
