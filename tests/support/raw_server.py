"""A TCP server on the loopback that answers with exactly the bytes it is told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Handles one connection that has been accepted.
Talk = Callable[[socket.socket, int], None]

OK = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nContent-Length: 2\r\n\r\n{}"


class RawServer:
    """Where it listens, and how many connections it has had."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        #: First lines of the requests that were read by `read_request`.
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{port}"


def read_request(connection: socket.socket) -> bytes:
    """Return one request, head and body; empty when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(*answers: bytes, close_after: bool = True) -> Talk:
    """Answer one request with each of these, in order, and close or go on listening."""

    def talk(connection: socket.socket, number: int) -> None:
        for answer in answers:
            if not read_request(connection):
                return
            connection.sendall(answer)
        if not close_after:
            while read_request(connection):
                connection.sendall(answers[-1])

    return talk


@contextmanager
def raw_server(talk: Talk, *, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server whose connections are handled by a function, by TLS where a context is given."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    server = RawServer(listener.getsockname()[1])
    threads: list[threading.Thread] = []
    opened: list[socket.socket] = []

    def serve(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection:
            if context is not None:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    talk(wrapped, number)
            else:
                talk(connection, number)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            opened.append(connection)
            server.connections += 1
            thread = threading.Thread(target=serve, args=(connection, server.connections), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
        for thread in threads:
            thread.join(5)
