"""One HTTP/1.1 connection: opens it, sends a request, reads the answer.

Knows when a request may have reached the other side: that decides whether it may be repeated. Reads
bodies by length, by chunks or to the end of the connection; follows nothing and decodes nothing.

Source: RFC 9112
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

from ecs_connector.endpoint import check_address, is_loopback
from ecs_connector.values import Endpoint, HttpRequest, HttpResponse

_RECEIVE = 65536
#: Longest status line and headers in bytes that an answer may have.
_MAX_HEAD = 131072


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

    __slots__ = ("_poller", "_socket", "served")

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._poller = select.poll()
        self._poller.register(opened, select.POLLIN)
        #: Requests answered so far.
        self.served = 0

    @property
    def dropped(self) -> bool:
        """Whether the other side has closed, or said something nobody asked for."""
        return bool(self._poller.poll(0))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def exchange(self, request: HttpRequest, *, read_timeout_s: float) -> tuple[HttpResponse, bool]:
        """Send the request and return the answer, and whether the connection may serve again.

        Raises:
            ExchangeFailed: There is no usable answer; the connection must be closed.
        """
        fresh = self.served == 0
        head = [f"{request.method} {request.target} HTTP/1.1\r\n"]
        head += [f"{name}: {value}\r\n" for name, value in request.headers.items()]
        head.append(f"content-length: {len(request.body)}\r\n\r\n")
        received = False
        try:
            self._socket.settimeout(read_timeout_s)
            self._socket.sendall("".join(head).encode("latin-1") + request.body)
            buffer = bytearray()
            while True:
                end = buffer.find(b"\r\n\r\n")
                if end >= 0:
                    status, headers, reusable = _head(bytes(buffer[:end]))
                    del buffer[: end + 4]
                    if status >= 200:
                        break
                    continue
                if len(buffer) > _MAX_HEAD:
                    raise ExchangeFailed("malformed", "the answer's headers do not end", sent=True)
                part = self._socket.recv(_RECEIVE)
                if not part:
                    raise ExchangeFailed("cut", "the connection was closed before an answer", sent=True, fresh=fresh)
                received = True
                buffer += part
            body, delimited = self._body(request.method, status, headers, buffer)
        except TimeoutError:
            raise ExchangeFailed("read_timeout", f"no answer within {read_timeout_s:g} s", sent=True) from None
        except OSError as error:
            text = error.strerror or str(error)
            raise ExchangeFailed("cut", f"the connection broke: {text}", sent=True, fresh=fresh or received) from error
        self.served += 1
        return HttpResponse(status, headers, body), reusable and delimited

    def _body(self, method: str, status: int, headers: dict[str, str], buffer: bytearray) -> tuple[bytes, bool]:
        """Return the body, and whether its end was marked."""
        if method == "HEAD" or status in (204, 304):
            return b"", True
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks(buffer), True
        length = headers.get("content-length")
        if length is None:
            while part := self._socket.recv(_RECEIVE):
                buffer += part
            return bytes(buffer), False
        if not length.isascii() or not length.isdigit():
            raise ExchangeFailed("malformed", "the answer's length is not a number", sent=True)
        wanted = int(length)
        self._fill(buffer, wanted)
        return bytes(buffer[:wanted]), len(buffer) == wanted

    def _fill(self, buffer: bytearray, wanted: int) -> None:
        while len(buffer) < wanted:
            part = self._socket.recv(max(_RECEIVE, wanted - len(buffer)))
            if not part:
                raise ExchangeFailed("cut", "the connection was closed in the middle of the answer", sent=True)
            buffer += part

    def _chunks(self, buffer: bytearray) -> bytes:
        body = bytearray()
        while True:
            size = self._line(buffer).partition(b";")[0].strip()
            try:
                count = int(size, 16)
            except ValueError:
                raise ExchangeFailed("malformed", "the answer's chunks have no size", sent=True) from None
            if count == 0:
                while self._line(buffer):
                    pass
                return bytes(body)
            self._fill(buffer, count + 2)
            body += buffer[:count]
            del buffer[: count + 2]

    def _line(self, buffer: bytearray) -> bytes:
        while (end := buffer.find(b"\r\n")) < 0:
            if len(buffer) > _MAX_HEAD:
                raise ExchangeFailed("malformed", "a line of the answer does not end", sent=True)
            self._fill(buffer, len(buffer) + 1)
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line


def _head(head: bytes) -> tuple[int, dict[str, str], bool]:
    """Return status, headers with lower-case names, and whether the connection is kept."""
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isascii() or not status.isdigit():
        raise ExchangeFailed("malformed", "the answer is not HTTP", sent=True)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            continue
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
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        check_address(host, str(address[0]))
        if endpoint.scheme == "http" and not is_loopback(str(address[0])):
            raise ExchangeFailed("connect", f"http is only for this machine, and {host} is {address[0]}", sent=False)
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(connect_timeout_s)
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if endpoint.scheme == "https":
                opened = _secured(opened, host, tls())
            return Connection(opened)
        except OSError as error:
            opened.close()
            failure = error
        except ExchangeFailed:
            opened.close()
            raise
    if isinstance(failure, TimeoutError):
        raise ExchangeFailed(
            "connect_timeout", f"{endpoint.authority} did not accept a connection within {connect_timeout_s:g} s", sent=False
        )
    text = (failure.strerror or str(failure)) if failure else "it has no address"
    raise ExchangeFailed("connect", f"{endpoint.authority} cannot be reached: {text}", sent=False) from failure


def _secured(opened: socket.socket, host: str, context: Any) -> socket.socket:
    import ssl

    try:
        wrapped: socket.socket = context.wrap_socket(opened, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ExchangeFailed("tls", f"the certificate of {host} is not accepted: {error.verify_message}", sent=False) from error
    except ssl.SSLError as error:
        raise ExchangeFailed("tls", f"no TLS with {host}: {error.reason or error}", sent=False) from error
    return wrapped
