"""Runs a flow: steps in order, the messages of each kept for the mapping of those after it.

On the platform every message of a step runs the rest of the flow. Here the messages of a step are
gathered and the rest runs once, so that a report has one line for each step. `Deviates:` in docs/flows.md.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ecs_connector.clock import Clock
from ecs_connector.errors import ConnectorError, InputError, Rebound
from ecs_connector.harness.flow.expectations import Judgement, judge, report_of
from ecs_connector.harness.flow.inputs import RUN_ID, resolve_inputs
from ecs_connector.harness.flow.mapping import UNDEFINED, Environment, is_true, render
from ecs_connector.harness.flow.model import Flow, Step
from ecs_connector.harness.flow.report import FlowReport, StepReport
from ecs_connector.harness.flow.rounds import Round, failure_of, item_record, message_of, summarize
from ecs_connector.values import EMPTY, Emission

#: So that ids of flow messages are those of nobody else.
_NAMESPACE = uuid.UUID("6d3f4cf2-3d5e-5a5c-9a53-1f3a2a0c7e11")


class Runnable(Protocol):
    """The part of `ecs_connector.component.Component` that a flow needs."""

    def run(
        self,
        function: str,
        *,
        body: Any,
        config: Mapping[str, Any],
        snapshot: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Iterator[Emission]: ...


def run_flow(
    flow: Flow,
    component: Runnable,
    config: Mapping[str, Any],
    *,
    clock: Clock,
    on_progress: Callable[[str], None],
    inputs: Mapping[str, Any] = EMPTY,
    new_run_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> FlowReport:
    """Run a flow to its end and report on it; a step that fails is in the report and not an exception.

    Args:
        config: Credential and step fields for every step: stronger than the flow's own, weaker than a step's.
        on_progress: Called with one line at the start and the end of every step.
        inputs: Values of the flow's inputs, text where they come from a command line, and `runId`. A run
            with the `runId`, the file and the inputs of an earlier one is its redelivery: steps send the
            same client tokens again.

    Raises:
        InputError: The inputs do not fit the flow; nothing ran.
    """
    values = resolve_inputs(flow, inputs)
    run_id = str(inputs.get(RUN_ID) or new_run_id())
    run = _Run(flow, component, config, clock, on_progress, values, run_id, body=dict(values))
    started, started_at = clock.monotonic(), clock.now()
    steps = [run.step(number, step) for number, step in enumerate(flow.steps, 1)]
    output, output_error = run.output()
    failed = [step.exit_code for step in steps if step.status == "failed"]
    fallback = 0 if output_error is None else InputError.exit_code
    return FlowReport(
        flow=flow.name,
        run_id=run_id,
        started_at=started_at.isoformat().replace("+00:00", "Z"),
        duration_s=clock.monotonic() - started,
        steps=tuple(steps),
        output=output,
        output_error=output_error,
        exit_code=failed[0] if failed else fallback,
    )


@dataclass(slots=True)
class _Run:
    """The state of one run: what the steps so far have said."""

    flow: Flow
    component: Runnable
    config: Mapping[str, Any] = field(repr=False)
    clock: Clock
    on_progress: Callable[[str], None]
    inputs: Mapping[str, Any]
    run_id: str
    #: Body of the last message: the context of the next expression.
    body: Any
    headers: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[dict[str, Any]] = ()
    #: step id -> message, as the platform passes it through.
    passthrough: dict[str, Any] = field(default_factory=dict)
    #: step id -> what `$steps` shows of it.
    records: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False

    def step(self, number: int, step: Step) -> StepReport:
        """Run one step, whatever becomes of it, and keep what it said for those after it."""
        label = f"[{number}/{len(self.flow.steps)}] {step.id}"
        if self.stopped and not step.always:
            return StepReport(step.id, step.function, "skipped", reason="an earlier step failed")
        self.on_progress(f"{label}: {step.function}")
        started = self.clock.monotonic()
        rounds, items = self._rounds(step, label)
        report = summarize(step, rounds, items, self.clock.monotonic() - started)
        self._keep(step, rounds)
        if report.status == "failed" and step.on_error == "stop":
            self.stopped = True
        self.on_progress(f"{label}: {report.status}" + (f", {report.reason}" if report.reason else ""))
        return report

    def output(self) -> tuple[Any, dict[str, Any] | None]:
        """Return the flow's output, and why there is none."""
        if self.stopped or not self.flow.has_output:
            return None, None
        try:
            value = render(self.flow.output, self._environment())
        except ConnectorError as error:
            return None, report_of(error)
        return (None if value is UNDEFINED else value), None

    def _rounds(self, step: Step, label: str) -> tuple[list[Round], int]:
        """Run the step once, or once for each item, until one fails that stops the flow; count the items."""
        try:
            items = self._items(step)
        except ConnectorError as error:
            return [Round(Judgement("failed", error))], 0
        done: list[Round] = []
        for index, item in items:
            environment = self._environment(index, item)
            try:
                if step.when is not None and not is_true(render(step.when, environment, step=step.id)):
                    continue
            except ConnectorError as error:
                done.append(Round(Judgement("failed", error), (), index, item))
            else:
                if index is not None and len(items) > 1:
                    self.on_progress(f"{label}: item {index + 1} of {len(items)}")
                done.append(self._round(step, environment, index, item))
            if done[-1].judgement.verdict == "failed" and step.on_error == "stop":
                break
        return done, len(items)

    def _items(self, step: Step) -> list[tuple[int | None, Any]]:
        if step.each is None:
            return [(None, None)]
        value = render(step.each, self._environment(), step=step.id)
        if value is UNDEFINED or value is None:
            return []
        # JSONata gives a list of one as its only item.
        return list(enumerate(value if isinstance(value, list) else [value]))

    def _round(self, step: Step, environment: Environment, index: int | None, item: Any) -> Round:
        messages: list[dict[str, Any]] = []
        failure: BaseException | None = None
        message_id = self._message_id(step.id, index)
        try:
            body, config = self._given(step, environment)
            for emission in self.component.run(step.function, body=body, config=config, message_id=message_id):
                if emission.kind == "data":
                    messages.append(message_of(emission, str(uuid.uuid5(_NAMESPACE, f"{message_id}/{len(messages)}"))))
                failure = failure or failure_of(emission, step.function)
        except (ConnectorError, Rebound) as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a defect of one action must not keep the clean-up steps from running
            failure = error
        return Round(judge(step, messages, failure, environment), messages, index, item)

    def _given(self, step: Step, environment: Environment) -> tuple[Any, dict[str, Any]]:
        """Return the body and the configuration of one run of a step."""
        body = render(step.body, environment, step=step.id)
        if body is UNDEFINED:
            raise InputError(f"Step {step.id}: the expression of its body gives nothing.")
        own = render(step.config, environment, step=step.id)
        return body, {**render(self.flow.config, environment, step=step.id), **self.config, **own}

    def _environment(self, index: int | None = None, item: Any = None) -> Environment:
        variables: dict[str, Any] = {
            "steps": self.records,
            "inputs": self.inputs,
            "headers": self.headers,
            "messages": list(self.messages),
            "runId": self.run_id,
        }
        if index is not None:
            variables |= {"item": item, "index": index}
        return Environment(self.clock, self.body, self.passthrough, variables, self.inputs)

    def _keep(self, step: Step, rounds: Sequence[Round]) -> None:
        if not rounds:
            return
        messages = [message for round_ in rounds for message in round_.messages]
        record: dict[str, Any] = {"messages": messages}
        error = next((round_.judgement.error for round_ in rounds if round_.judgement.error is not None), None)
        if error is not None:
            record["error"] = report_of(error)
        if step.each is not None:
            record["items"] = [item_record(round_) for round_ in rounds]
        if messages:
            record |= messages[-1]
            self.passthrough[step.id] = messages[-1]
            self.body, self.headers, self.messages = messages[-1]["body"], messages[-1]["headers"], messages
        self.records[step.id] = record

    def _message_id(self, step_id: str, index: int | None) -> str:
        return str(uuid.uuid5(_NAMESPACE, json.dumps([self.flow.name, self.run_id, step_id, index])))
