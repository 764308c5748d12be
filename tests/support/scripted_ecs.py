"""An ECS without a socket: a transport that asks a function, and a component that uses it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from ecs_connector import Component
from ecs_connector.clock import Clock
from ecs_connector.connection import ExchangeFailed
from ecs_connector.context import Context
from ecs_connector.errors import StopRequested
from ecs_connector.values import Emission, HttpRequest, HttpResponse, Message

CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/blue"
CONFIG = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "scripted-secret", "region": "eu-central-1"}

#: (operation, input) -> output, or an exception to raise: `Refused`, or one of the transport's.
Answer = Callable[[str, dict[str, Any]], Any]


class Refused(Exception):
    """An error that ECS answers with."""

    def __init__(self, code: str, message: str = "", status: int = 400, **members: Any) -> None:
        super().__init__(code)
        self.body = {"__type": code, "message": message, **members}
        self.status = status


class Scripted:
    """Answers by a function, and remembers what it was asked; safe for many threads."""

    def __init__(self, answer: Answer, clock: Clock) -> None:
        self._answer = answer
        self._clock = clock
        self._lock = threading.Lock()
        #: (seconds on the clock, operation, input) of every request.
        self.asked: list[tuple[float, str, dict[str, Any]]] = []

    def send(self, request: HttpRequest, *, connect_timeout_s: float, read_timeout_s: float) -> HttpResponse:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        body = json.loads(request.body)
        with self._lock:
            self.asked.append((self._clock.monotonic(), operation, body))
        headers = {"date": format_datetime(self._clock.now(), usegmt=True), "x-amzn-requestid": f"r-{len(self.asked)}"}
        try:
            output = self._answer(operation, body)
        except Refused as refused:
            return HttpResponse(refused.status, headers, json.dumps(refused.body).encode())
        if isinstance(output, Refused):
            return HttpResponse(output.status, headers, json.dumps(output.body).encode())
        if isinstance(output, BaseException):
            raise output
        return HttpResponse(200, headers, json.dumps(output).encode())

    def close(self) -> None:
        """Have nothing to close."""

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Return the inputs of one operation."""
        return [body for _, name, body in list(self.asked) if name == operation]

    def times_of(self, operation: str) -> list[float]:
        return [at for at, name, _ in list(self.asked) if name == operation]


def cut() -> ExchangeFailed:
    """Return a connection that was closed after the request had been sent."""
    return ExchangeFailed("cut", "the connection was closed", sent=True)


class Ecs:
    """A component over a scripted transport."""

    def __init__(self, answer: Answer, clock: Clock) -> None:
        self.clock = clock
        self.component = Component.load(clock=clock)
        self.component.random = lambda: 0.5
        self.script = Scripted(answer, clock)
        self.component.clients.transport = self.script

    def context(self, **surroundings: Any) -> Context:
        return self.component.context(logger=logging.getLogger("test"), **surroundings)

    def run(
        self,
        function: str,
        body: Any = None,
        *,
        id: str | None = None,
        surroundings: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Emission:
        """Run an action that emits once."""
        process = self.component.process(function)
        message = Message(body or {}, id=id)
        found = list(process(message, {**CONFIG, **fields}, {}, self.context(**(surroundings or {}))))
        assert len(found) == 1
        return found[0]


def task_arn(name: Any) -> str:
    return f"arn:aws:ecs:eu-central-1:123456789012:task/blue/{name}"


def make_task(name: Any = "t1", status: str = "RUNNING", *, code: int | None = 0, **more: Any) -> dict[str, Any]:
    """Return a task with one container."""
    container: dict[str, Any] = {"name": "app", "lastStatus": status}
    task: dict[str, Any] = {
        "taskArn": task_arn(name),
        "clusterArn": CLUSTER,
        "lastStatus": status,
        "desiredStatus": "STOPPED" if status == "STOPPED" else "RUNNING",
        "createdAt": 1768478400.0,
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7",
        "containers": [container],
    }
    if status not in ("PROVISIONING", "PENDING"):
        task["startedAt"] = 1768478401.0
    if status == "STOPPED":
        task.update(stopCode="EssentialContainerExited", stoppedReason="Essential container in task exited")
        if code is not None:
            container["exitCode"] = code
    return {**task, **more}


class CrowdClock:
    """Time for many threads: it moves on when everybody sleeps, to the first who is to wake up."""

    def __init__(self, members: int) -> None:
        self._start = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
        self._now_s = 0.0
        self._awake = members
        self._sleepers: list[float] = []
        self._changed = threading.Condition()
        self.stopped = False

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        return self._now_s

    def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        with self._changed:
            until = self._now_s + seconds
            self._sleepers.append(until)
            self._awake -= 1
            self._move_on()
            while self._now_s < until and not self.stopped:
                self._changed.wait(5)
            if self.stopped:
                raise StopRequested

    def leave(self) -> None:
        """Take part no more."""
        with self._changed:
            self._awake -= 1
            self._move_on()

    def _move_on(self) -> None:
        if self._awake == 0 and self._sleepers:
            self._now_s = min(self._sleepers)
            due = [until for until in self._sleepers if until <= self._now_s]
            self._sleepers = [until for until in self._sleepers if until > self._now_s]
            self._awake += len(due)
            self._changed.notify_all()
