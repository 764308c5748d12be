"""One HTTP/1.1 connection: opens it, sends a request, reads the answer.

Knows when a request may have reached the other side: that decides whether it may be repeated. Reads
bodies by length, by chunks or to the end of the connection; follows nothing and decodes nothing.

Source: RFC 9112
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from ecs_connector.address import check_address, is_loopback
from ecs_connector.errors import EndpointError
from ecs_connector.values import Endpoint, HttpRequest, HttpResponse

_RECEIVE = 65536
#: Longest status line and headers in bytes that an answer may have.
_MAX_HEAD = 131072
#: Longest body in bytes that an answer may have; ECS's longest pages have a few million.
_MAX_BODY = 1 << 28
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}\Z")


class ExchangeFailed(Exception):
    """No usable answer.

    Attributes:
        kind: dns, connect, tls, connect_timeout, read_timeout, cut, malformed.
        sent: Whether the request may have reached the other side.
        fresh: False when the connection had served before: it may just have been closed for idleness.
    """

    def __init__(self, kind: str, text: str, *, sent: bool, fresh: bool = True) -> None:
        super().__init__(text)
        self.kind = kind
        self.sent = sent
        self.fresh = fresh


class Connection:
    """A socket that answers one request at a time."""

    __slots__ = ("_deadline", "_limit_s", "_socket", "served")

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._limit_s = 0.0
        self._deadline = 0.0
        #: Requests answered so far.
        self.served = 0

    @property
    def dropped(self) -> bool:
        """Whether the other side has closed, or said something nobody asked for."""
        return _readable(self._socket)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __del__(self) -> None:
        # Ctrl-C may come between any two steps, also where a connection has just been taken out of its pool.
        self._socket.close()

    def exchange(self, request: HttpRequest, *, read_timeout_s: float) -> tuple[HttpResponse, bool]:
        """Send the request and return the answer, and whether the connection may serve again.

        Args:
            read_timeout_s: Within this time the whole answer must be there, however slowly it comes.

        Raises:
            ExchangeFailed: There is no usable answer; the connection must be closed.
        """
        fresh = self.served == 0
        self._limit_s, self._deadline = read_timeout_s, time.monotonic() + read_timeout_s
        head = f"{request.method} {request.target} HTTP/1.1\r\n"
        for name, value in request.headers.items():
            # Any case will do for HTTP; this one for who reads the names as AWS's documents write them.
            head += f"{name.title()}: {value}\r\n"
        head += f"Content-Length: {len(request.body)}\r\n\r\n"
        try:
            self._socket.settimeout(read_timeout_s)
            self._socket.sendall(head.encode("latin-1") + request.body)
            buffer = bytearray(self._socket.recv(_RECEIVE))
            if not buffer:
                raise ExchangeFailed("cut", "the connection was closed before an answer", sent=True, fresh=fresh)
            fresh = True  # the other side has said something: it was not closed for idleness
            status, headers, kept = self._answer_head(buffer)
            body, delimited = self._body(request.method, status, headers, buffer)
        except TimeoutError:
            raise ExchangeFailed("read_timeout", f"no answer within {read_timeout_s:g} s", sent=True) from None
        except OSError as error:
            text = error.strerror or str(error)
            raise ExchangeFailed("cut", f"the connection broke: {text}", sent=True, fresh=fresh) from error
        self.served += 1
        return HttpResponse(status, headers, body), kept and delimited

    def _answer_head(self, buffer: bytearray) -> tuple[int, dict[str, str], bool]:
        """Take the head of the final answer off the buffer; interim answers (100 to 199) are passed over."""
        while True:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(buffer) > _MAX_HEAD:
                    raise ExchangeFailed("malformed", "the answer's headers do not end", sent=True)
                self._receive(buffer)
                continue
            status, headers, kept = _head(buffer[:end].decode("latin-1"))
            del buffer[: end + 4]
            if status >= 200:
                return status, headers, kept

    def _body(self, method: str, status: int, headers: dict[str, str], buffer: bytearray) -> tuple[bytes, bool]:
        """Return the body, and whether its end was marked and is the end of what was sent."""
        if method == "HEAD" or status in (204, 304):
            return b"", not buffer
        length = headers.get("content-length")
        if "transfer-encoding" in headers:
            return self._coded(headers["transfer-encoding"], buffer), not buffer and length is None
        if length is None:
            return self._rest(buffer), False
        if not length.isascii() or not length.isdigit():
            raise ExchangeFailed("malformed", "the answer's length is not a number", sent=True)
        wanted = int(length[:20])
        self._fill(buffer, wanted)
        return bytes(buffer[:wanted]), len(buffer) == wanted

    def _coded(self, coding: str, buffer: bytearray) -> bytes:
        if coding.strip().lower() != "chunked":
            raise ExchangeFailed("malformed", "the answer has a transfer coding that nobody asked for", sent=True)
        return self._chunks(buffer)

    def _rest(self, buffer: bytearray) -> bytes:
        try:
            while True:
                self._receive(buffer)
                _check_size(len(buffer))
        except _Ended:
            return bytes(buffer)

    def _receive(self, buffer: bytearray) -> None:
        """Wait for more, within what is left of the time.

        Raises:
            _Ended: The other side has closed.
        """
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s)
        part = self._socket.recv(_RECEIVE)
        if not part:
            raise _Ended
        buffer += part

    def _fill(self, buffer: bytearray, wanted: int) -> None:
        _check_size(wanted)
        while len(buffer) < wanted:
            self._receive(buffer)

    def _chunks(self, buffer: bytearray) -> bytes:
        body = bytearray()
        while True:
            size = self._line(buffer).partition(b";")[0].strip()
            if not _CHUNK_SIZE.match(size):
                raise ExchangeFailed("malformed", "the answer's chunks have no size", sent=True)
            count = int(size, 16)
            if count == 0:
                self._trailers(buffer)
                return bytes(body)
            _check_size(len(body) + count)
            self._fill(buffer, count + 2)
            if buffer[count : count + 2] != b"\r\n":
                raise ExchangeFailed("malformed", "the answer's chunks do not have the size they say", sent=True)
            body += buffer[:count]
            del buffer[: count + 2]

    def _trailers(self, buffer: bytearray) -> None:
        read = 0
        while line := self._line(buffer):
            read += len(line)
            if read > _MAX_HEAD:
                raise ExchangeFailed("malformed", "the answer's trailers do not end", sent=True)

    def _line(self, buffer: bytearray) -> bytes:
        while (end := buffer.find(b"\r\n")) < 0:
            if len(buffer) > _MAX_HEAD:
                raise ExchangeFailed("malformed", "a line of the answer does not end", sent=True)
            self._receive(buffer)
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line


class _Ended(ExchangeFailed):
    """The connection was closed in the middle of the answer."""

    def __init__(self) -> None:
        super().__init__("cut", "the connection was closed in the middle of the answer", sent=True)


def _check_size(count: int) -> None:
    if count > _MAX_BODY:
        raise ExchangeFailed("malformed", f"the answer is longer than {_MAX_BODY} bytes", sent=True)


def _readable(opened: socket.socket) -> bool:
    if hasattr(select, "poll"):  # Windows has none, and select does not take large descriptors elsewhere
        poller = select.poll()
        poller.register(opened, select.POLLIN)
        return bool(poller.poll(0))
    return bool(select.select([opened], (), (), 0)[0])


def _head(head: str) -> tuple[int, dict[str, str], bool]:
    """Return status, headers with lower-case names, and whether the connection is kept."""
    lines = head.split("\r\n")
    version, _, rest = lines[0].partition(" ")
    status = rest.partition(" ")[0]
    if not version.startswith("HTTP/1.") or len(status) != 3 or not status.isascii() or not status.isdigit():
        raise ExchangeFailed("malformed", "the answer is not HTTP", sent=True)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or line[0] in " \t":
            continue  # nothing that ECS sends, and nothing that decides anything
        name = name.lower()
        value = value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    connection = headers.get("connection", "").lower()
    kept = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
    return int(status), headers, kept


def open_connection(endpoint: Endpoint, *, connect_timeout_s: float, tls: Callable[[], Any]) -> Connection:
    """Connect to an endpoint, by TLS where its scheme says so.

    Every address that the name resolves to is checked: a public name may point to a metadata address.

    Args:
        tls: Gives the `ssl.SSLContext`; called only for https.

    Raises:
        ExchangeFailed: The host is not known, nobody listens, or the certificate is not accepted.
        EndpointError: The name leads to an address that is refused.
    """
    host, port = endpoint.host, endpoint.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ExchangeFailed("dns", f"the host {host} is not known ({error})", sent=False) from error
    for *_, address in found:
        _check(endpoint, str(address[0]))
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(connect_timeout_s)
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Connection(_secured(opened, host, tls()) if endpoint.scheme == "https" else opened)
        except OSError as error:
            opened.close()
            failure = error
        except BaseException:
            opened.close()
            raise
    if isinstance(failure, TimeoutError):
        text = f"{endpoint.authority} did not accept a connection within {connect_timeout_s:g} s"
        raise ExchangeFailed("connect_timeout", text, sent=False)
    text = (failure.strerror or str(failure)) if failure else "it has no address"
    raise ExchangeFailed("connect", f"{endpoint.authority} cannot be reached: {text}", sent=False) from failure


def _check(endpoint: Endpoint, address: str) -> None:
    check_address(endpoint.host, address)
    if endpoint.scheme == "http" and not is_loopback(address):
        raise EndpointError(
            f"endpoint: http is only for this machine, and {endpoint.host} is {address}; use https.", field="endpoint"
        )


def _secured(opened: socket.socket, host: str, context: Any) -> socket.socket:
    import ssl

    try:
        wrapped: socket.socket = context.wrap_socket(opened, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ExchangeFailed(
            "tls", f"the certificate of {host} is not accepted: {error.verify_message}", sent=False
        ) from error
    except ssl.SSLEOFError:
        raise  # closed in the middle of the handshake: the network's failure, not TLS's
    except ssl.SSLError as error:
        raise ExchangeFailed("tls", f"no TLS with {host}: {error.reason or error}", sent=False) from error
    return wrapped
