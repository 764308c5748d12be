"""A stub of the platform's HTTP side: step info, start-up state, accounts, results, object storage."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4


@dataclass
class Call:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class PlatformStub:
    """What the stub answers, and what it was asked. `answers` overrides by (method, path prefix)."""

    url: str = ""
    #: step id -> the step info
    steps: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    startup_state: Any = None
    #: Statuses and bodies to answer instead, each taken once unless it is the last.
    answers: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def asked(self, method: str, prefix: str = "/") -> list[Call]:
        """Return the requests of a method to paths that begin so."""
        return [call for call in list(self.calls) if call.method == method and call.path.startswith(prefix)]

    def answer(self, call: Call) -> tuple[int, Any]:
        self.calls.append(call)
        for (method, prefix), queue in self.answers.items():
            if call.method == method and call.path.startswith(prefix) and queue:
                return queue.pop(0) if len(queue) > 1 else queue[0]
        for part, route in self._routes().items():
            if part in call.path:
                return route(call)
        return 404, {"error": "no route"}

    def _routes(self) -> dict[str, Callable[[Call], tuple[int, Any]]]:
        return {
            "/startup/data": self._startup,
            "/steps/": lambda call: self._step(call.path.rpartition("/")[2]),
            "/accounts/": lambda _: (200, {}),
            "/objects": self._object,
            "/result": lambda _: (200, {}),
        }

    def _step(self, step_id: str) -> tuple[int, Any]:
        found = self.steps.get(step_id)
        return (200, found) if found is not None else (404, {"error": "no such step"})

    def _startup(self, call: Call) -> tuple[int, Any]:
        if call.method == "POST":
            if self.startup_state is not None:
                return 409, {"error": "it is there already"}
            self.startup_state = call.json()
            return 201, self.startup_state
        if call.method == "DELETE":
            self.startup_state = None
            return 204, None
        return 200, self.startup_state

    def _object(self, call: Call) -> tuple[int, Any]:
        if call.method == "POST":
            object_id = str(uuid4())
            self.objects[object_id] = call.body
            return 201, {"objectId": object_id}
        found = self.objects.get(call.path.rpartition("/")[2].partition("?")[0])
        return (200, found) if found is not None else (404, {"error": "no such object"})


@contextmanager
def serving() -> Iterator[PlatformStub]:
    """Run a stub on a free port."""
    stub = PlatformStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self._body()
            status, value = stub.answer(Call(self.command, self.path, dict(self.headers.items()), body))
            payload = value if isinstance(value, bytes) else b"" if status == 204 else json.dumps(value).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type", "application/octet-stream" if isinstance(value, bytes) else "application/json"
            )
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - names that http.server asks for

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the tests look at `calls`."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Say nothing: a step that is killed leaves its connection."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
