"""One HTTP connection: whatever the other side says, there is an answer or a reason."""

from __future__ import annotations

import socket
import time

import pytest

from ecs_connector import connection as connections
from ecs_connector.connection import ExchangeFailed, open_connection
from ecs_connector.endpoint import Partitions, resolve
from ecs_connector.transport import Pool
from ecs_connector.values import HttpRequest, HttpResponse
from support.raw_server import OK, RawServer, Talk, answering, raw_server, read_request

PARTITIONS = Partitions.load()


def request(server: RawServer, body: bytes = b"{}", method: str = "POST") -> HttpRequest:
    endpoint = resolve("eu-west-1", partitions=PARTITIONS, endpoint=server.url)
    return HttpRequest(method, endpoint, "/", {"host": endpoint.authority}, body)


def exchange(
    talk: Talk, *, timeout_s: float = 5, body: bytes = b"{}", method: str = "POST"
) -> tuple[HttpResponse, bool]:
    with raw_server(talk) as server:
        one = request(server, body, method)
        connection = open_connection(one.endpoint, connect_timeout_s=5, tls=lambda: None)
        try:
            return connection.exchange(one, read_timeout_s=timeout_s)
        finally:
            connection.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
GOOD = {
    "length": (HEAD + b"Content-Length: 5\r\n\r\nhello", True),
    "length of nothing": (HEAD + b"Content-Length: 0\r\n\r\n", True),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", True),
    "chunks with trailers": (HEAD + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", True),
    "chunks and a length": (HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", False),
    "to the end": (HEAD + b"Connection: close\r\n\r\nhello", False),
    "to the end, HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", False),
    "closing": (HEAD + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", False),
    "kept, HTTP/1.0": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", True),
    "after 100 and 103": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello", True),
    "more than it says": (HEAD + b"Content-Length: 5\r\n\r\nhello and more", False),
    "no reason phrase": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", True),
    "folded and odd lines": (HEAD + b"X: a\r\n Content-Length: 9\r\nnonsense\r\nContent-Length: 5\r\n\r\nhello", True),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_answers(name: str) -> None:
    """Every way to mark the end of a body is read, and the connection is kept only where nothing is in doubt."""
    raw, kept = GOOD[name]
    response, reusable = exchange(answering(raw))
    assert response.status == 200
    assert response.body in (b"hello", b"")
    assert reusable is kept


def test_answer_byte_by_byte() -> None:
    """An answer that comes a byte at a time is read like any other."""
    raw = GOOD["chunks with trailers"][0]

    def talk(connection: socket.socket, number: int) -> None:
        read_request(connection)
        for byte in raw:
            connection.sendall(bytes([byte]))

    assert exchange(talk)[0].body == b"hello"


def test_headers_are_lower_case_and_joined() -> None:
    """Header names are lower case, and one that comes twice is joined."""
    response, _ = exchange(answering(HEAD + b"X-Amzn-RequestId: 1\r\nVia: a\r\nVIA:b  \r\nContent-Length: 0\r\n\r\n"))
    assert response.headers == {"x-amzn-requestid": "1", "via": "a, b", "content-length": "0"}


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(status: int) -> None:
    """Some statuses have no body whatever the headers say."""
    response, reusable = exchange(answering(f"HTTP/1.1 {status} X\r\n\r\n".encode()))
    assert (response.status, response.body, reusable) == (status, b"", True)


BAD = {
    "not HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "malformed"),
    "HTTP/2": (b"HTTP/2 200 OK\r\n\r\n", "malformed"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "malformed"),
    "long status": (b"HTTP/1.1 2000 OK\r\n\r\n", "malformed"),
    "other digits": ("HTTP/1.1 \u0662\u0660\u0660 OK\r\n\r\n".encode(), "malformed"),
    "huge head": (HEAD + b"X: " + b"x" * 200_000, "malformed"),
    "negative length": (HEAD + b"Content-Length: -5\r\n\r\nhello", "malformed"),
    "two lengths": (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "malformed"),
    "length in words": (HEAD + b"Content-Length: five\r\n\r\nhello", "malformed"),
    "endless length": (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nhello", "malformed"),
    "chunk without size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n0\r\n\r\n", "malformed"),
    "negative chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n", "malformed"),
    "chunk with underscore": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1_0\r\nhello\r\n", "malformed"),
    "chunk with prefix": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", "malformed"),
    "endless chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\nhello", "malformed"),
    "chunk of another size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "malformed"),
    "endless chunk line": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 200_000, "malformed"),
    "endless trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 40_000, "malformed"),
    "other coding": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "malformed"),
    "nothing": (b"", "cut"),
    "half a head": (HEAD[:10], "cut"),
    "only 100": (b"HTTP/1.1 100 Continue\r\n\r\n", "cut"),
    "half a body": (HEAD + b"Content-Length: 500\r\n\r\nhello", "cut"),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "cut"),
    "no last chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_answers(name: str) -> None:
    """An answer that is not one is a failure with a reason, never a hang, and counts as sent."""
    raw, kind = BAD[name]
    with pytest.raises(ExchangeFailed) as caught:
        exchange(answering(raw))
    assert (caught.value.kind, caught.value.sent) == (kind, True)


def test_body_to_the_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body without an end is given up at the limit."""
    monkeypatch.setattr(connections, "_MAX_BODY", 100_000)
    with pytest.raises(ExchangeFailed, match="longer than"):
        exchange(answering(HEAD + b"\r\n" + b"x" * 200_000))


def test_silence_ends_with_the_time() -> None:
    """No answer within the time is a read timeout, which may have been carried out."""

    def talk(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.recv(1)

    with pytest.raises(ExchangeFailed) as caught:
        exchange(talk, timeout_s=0.1)
    assert (caught.value.kind, caught.value.sent) == ("read_timeout", True)


def test_trickle_ends_with_the_time() -> None:
    """An answer that trickles in does not outlast its time by trickling."""

    def talk(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(HEAD)
        for _ in range(200):
            connection.sendall(b"x: y\r\n")
            time.sleep(0.02)

    started = time.monotonic()
    with pytest.raises(ExchangeFailed) as caught:
        exchange(talk, timeout_s=0.2)
    assert caught.value.kind == "read_timeout"
    assert time.monotonic() - started < 1.5


def test_reset_is_a_cut() -> None:
    """A reset after the request is a cut that may have been carried out."""

    def talk(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with pytest.raises(ExchangeFailed) as caught:
        exchange(talk)
    assert (caught.value.kind, caught.value.sent, caught.value.fresh) == ("cut", True, True)


def test_large_requests_and_answers() -> None:
    """Some megabytes go out and come back whole."""
    body = b"x" * 3_000_000
    response, reusable = exchange(answering(HEAD + b"Content-Length: 3000000\r\n\r\n" + body), body=body)
    assert (response.body, reusable) == (body, True)


def test_nobody_listens() -> None:
    """A port where nobody listens is a connect failure: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    endpoint = resolve("eu-west-1", partitions=PARTITIONS, endpoint=f"http://127.0.0.1:{port}")
    with pytest.raises(ExchangeFailed) as caught:
        open_connection(endpoint, connect_timeout_s=1, tls=lambda: None)
    assert (caught.value.kind, caught.value.sent) == ("connect", False)


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not resolve is a DNS failure: nothing was sent."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ExchangeFailed) as caught:
        open_connection(resolve("eu-west-1", partitions=PARTITIONS), connect_timeout_s=1, tls=lambda: None)
    assert (caught.value.kind, caught.value.sent) == ("dns", False)


def test_second_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first address of a name does not answer, the next is tried."""
    with raw_server(answering(OK)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        dead = other.getsockname()
        other.close()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (dead, ("127.0.0.1", server.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        connection = open_connection(request(server).endpoint, connect_timeout_s=1, tls=lambda: None)
        assert connection.exchange(request(server), read_timeout_s=5)[0].status == 200
        connection.close()


def send(pool: Pool, server: RawServer) -> HttpResponse:
    return pool.send(request(server), connect_timeout_s=5, read_timeout_s=5)


def test_pooled_connection_that_was_closed_is_not_used() -> None:
    """A connection that the other side has closed meanwhile is replaced without a failure."""
    with raw_server(answering(OK)) as server:
        pool = Pool()
        for _ in range(3):
            assert send(pool, server).body == b"{}"
            time.sleep(0.05)
        assert server.connections == 3
        pool.close()


def test_pooled_connection_that_closes_on_use_is_stale() -> None:
    """A pooled connection that is closed upon the next request says that it had served before, and its idle siblings go."""

    def talk(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(OK)
        read_request(connection)

    with raw_server(talk) as server:
        pool = Pool()
        send(pool, server)
        with pytest.raises(ExchangeFailed) as caught:
            send(pool, server)
        assert (caught.value.fresh, caught.value.sent) == (False, True)
        pool.close()
