"""A transport that plays outcomes, and clients on top of it: calls without sockets and without time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ecs_connector.client import Clients
from ecs_connector.connection import ExchangeFailed
from ecs_connector.values import HttpRequest, HttpResponse, Output
from support.stepped_clock import SteppedClock

CONFIG = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "scripted-secret", "region": "eu-central-1"}

#: What one attempt meets: an answer, a failure, or a function of the request that says which.
Outcome = HttpResponse | Exception | Callable[[HttpRequest], "HttpResponse | Exception"]


def answer(body: Any = None, status: int = 200, **headers: str) -> HttpResponse:
    """Return an answer with a JSON body; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return HttpResponse(status, {"x-amzn-requestid": "req-1", **named}, content)


def refusal(code: str, message: str = "no", status: int = 400, **headers: str) -> HttpResponse:
    """Return an error as ECS words it."""
    return answer({"__type": code, "message": message}, status, **headers)


def failure(kind: str, *, sent: bool, fresh: bool = True) -> ExchangeFailed:
    """Return a failure without an answer."""
    return ExchangeFailed(kind, f"scripted {kind}", sent=sent, fresh=fresh)


class ScriptedTransport:
    """Plays outcomes in order, the last one for ever, and keeps what was sent."""

    def __init__(self, *outcomes: Outcome, clock: SteppedClock | None = None, latency_s: float = 0.0) -> None:
        self._outcomes = list(outcomes)
        self._clock = clock
        self._latency_s = latency_s
        self._lock = threading.Lock()
        self.sent: list[HttpRequest] = []
        self.timeouts: list[tuple[float, float]] = []

    def send(self, request: HttpRequest, *, connect_timeout_s: float, read_timeout_s: float) -> HttpResponse:
        with self._lock:
            self.sent.append(request)
            self.timeouts.append((connect_timeout_s, read_timeout_s))
            outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
            if self._clock is not None:
                self._clock.elapsed_s += self._latency_s
        if not isinstance(outcome, (HttpResponse, Exception)):
            outcome = outcome(request)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Nothing is open."""


class Bench:
    """Clients over a scripted transport, on a clock that a sleep moves; chance is always a half."""

    def __init__(self, *outcomes: Outcome, latency_s: float = 0.0) -> None:
        self.clock = SteppedClock()
        self.transport = ScriptedTransport(*outcomes, clock=self.clock, latency_s=latency_s)
        self.clients = Clients(clock=self.clock, random=lambda: 0.5, version="1.0.0", transport=self.transport)

    def call(self, operation: str = "ListClusters", params: Mapping[str, Any] | None = None, **fields: Any) -> Output:
        """Call an operation with a static key."""
        step = self.clients.step(operation, {**CONFIG, **fields})
        return step.client.call(step.operation, params or {}, step.config)

    @property
    def client(self) -> Any:
        """The client of the configuration that calls have without further fields."""
        return self.clients.step("ListClusters", CONFIG).client
