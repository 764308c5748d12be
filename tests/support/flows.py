"""A component for flow tests: its actions are plain functions, and it remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ecs_connector.harness.flow import FlowReport, load_flow, run_flow
from ecs_connector.values import Emission

#: body -> what the action says: a body, an emission, a list of either, or an exception to raise.
Answer = Callable[[Any], Any]


@dataclass(frozen=True)
class Call:
    """One run of an action."""

    function: str
    body: Any
    config: Mapping[str, Any]
    message_id: str | None


class FlowClock:
    """A clock that moves by a second each time that it is read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class ScriptedComponent:
    """Stands in for `Component`: same `run`, same `functions`."""

    actions: Mapping[str, Answer]
    calls: list[Call] = field(default_factory=list)

    @property
    def functions(self) -> list[str]:
        return list(self.actions)

    def run(
        self,
        function: str,
        *,
        body: Any,
        config: Mapping[str, Any],
        snapshot: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Iterator[Emission]:
        assert snapshot is None
        self.calls.append(Call(function, body, dict(config), message_id))
        answer = self.actions[function](body)
        for item in answer if isinstance(answer, list) else [answer]:
            if isinstance(item, BaseException):
                raise item
            headers = {"operation": function, "requestId": f"request-{len(self.calls)}", "attempts": 1}
            yield item if isinstance(item, Emission) else Emission("data", item, headers)

    def bodies(self, function: str) -> list[Any]:
        """Return the bodies with which an action was run, in order."""
        return [call.body for call in self.calls if call.function == function]


def play(
    text: str,
    actions: Mapping[str, Answer],
    *,
    config: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> tuple[FlowReport, ScriptedComponent]:
    """Run the text of a flow on scripted actions; return its report and what the actions saw."""
    component = ScriptedComponent(actions)
    flow = load_flow(text, component)
    report = run_flow(
        flow, component, config or {}, clock=FlowClock(), on_progress=lambda _line: None, inputs=inputs or {}
    )
    return report, component


def echo(body: Any) -> Any:
    """An action that answers with its input."""
    return body
