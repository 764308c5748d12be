"""An HTTP endpoint on the loopback that writes down what it receives and plays what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

#: Request id of every answer that does not name another.
REQUEST_ID = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Received:
    """One request as it arrived; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    raw: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def operation(self) -> str:
        return self.headers["x-amz-target"].rpartition(".")[2]


@dataclass(frozen=True)
class Answer:
    """One canned answer: `raw` where it is not the JSON of `body`."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    delay_s: float = 0.0

    def content(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.body).encode()


def refusal(code: str, message: str = "", status: int = 400) -> Answer:
    """Return an error as ECS words it."""
    return Answer({"__type": code, "message": message}, status)


#: Answers one request.
Reply = Callable[[Received], Answer]


class EcsStub:
    """What has been received, and what is played: canned answers first, then the reply."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything; answer `{}` to whatever comes."""
        self.received: list[Received] = []
        self._canned: deque[Answer] = deque()
        self._reply: Reply = lambda _: Answer()

    def play(self, *answers: Answer | dict[str, Any]) -> None:
        """Answer the next requests with these, in order; a dict is a 200 with this JSON."""
        self._canned.extend(answer if isinstance(answer, Answer) else Answer(answer) for answer in answers)

    def reply(self, reply: Reply) -> None:
        """Answer by a function whatever no canned answer is left for."""
        self._reply = reply

    def config(self, **fields: Any) -> dict[str, Any]:
        """Return a configuration that points at this endpoint."""
        keys = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "stub-secret", "region": "eu-central-1"}
        return {**keys, "endpoint": self.url, **fields}

    def answer(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            canned = self._canned.popleft() if self._canned else None
        return canned if canned is not None else self._reply(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    stub: EcsStub

    def do_POST(self) -> None:  # noqa: N802 - the name that the base class calls
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.stub.answer(Received(self.command, self.path, headers, raw))
        if answer.delay_s:
            time.sleep(answer.delay_s)
        content = answer.content()
        self.send_response_only(answer.status)
        given = {name.lower(): value for name, value in answer.headers.items()}
        named = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": REQUEST_ID, **given}
        for name, value in {**named, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that goes away do so quietly."""


@contextmanager
def serving() -> Iterator[EcsStub]:
    """Run an endpoint on a free port."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        stub = EcsStub(server.server_port)
        handler.stub = stub  # type: ignore[attr-defined]  # the class was made for this server
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
