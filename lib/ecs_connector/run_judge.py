"""Puts everything that is known of ended tasks into one bundle, at once: ECS forgets it within the hour.

The verdict itself is `judge`'s; here are the facts around it: which containers count, images, network,
times, where to look, and the last log lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecs_connector.client import Step
from ecs_connector.context import Context
from ecs_connector.errors import ConnectorError
from ecs_connector.judge import essential_containers, judge_step, judge_task
from ecs_connector.values import Evidence
from ecs_connector.verdict import StepVerdict
from ecs_connector.waits import epoch_s

#: How long the awslogs driver may take to deliver the last lines of a container that has ended, in seconds.
_LOGS_SETTLE_S = 3.0
#: Task definitions that are kept.
_MOST_DEFINITIONS = 256
#: Host of the console by partition.
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_TIMES = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt")
_PLACES = ("launchType", "capacityProviderName", "platformVersion", "availabilityZone", "containerInstanceArn")


class Bundle:
    """A verdict on tasks with the facts around it."""

    def __init__(self, step: Step, context: Context) -> None:
        self._step = step
        self._context = context
        #: Evidence of the calls that this took.
        self.calls: list[Evidence] = []
        #: What could not be found out, and why.
        self.notes: list[str] = []

    def of(
        self, tasks: Sequence[Mapping[str, Any]], failures: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[StepVerdict, dict[str, Any]]:
        """Return the verdict on tasks, and the bundle as JSON."""
        config = self._step.config
        definitions = {id(task): self._definition(task) for task in tasks}
        accepted = frozenset(config.acceptedExitCodes or (0,))
        verdict = judge_step(
            [
                judge_task(task, accepted_exit_codes=accepted, essential=_essential(definitions[id(task)]))
                for task in tasks
            ],
            failures,
        )
        report = verdict.report()
        logs = self._logs(tasks, definitions)
        for task, entry in zip(tasks, report["tasks"], strict=True):
            entry.update(facts(task))
            if id(task) in logs:
                entry["logs"] = logs[id(task)]
        if self.notes:
            report["notes"] = list(dict.fromkeys(self.notes))
        return verdict, report

    def _definition(self, task: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return a task's definition where something follows from it; read once for a set of clients."""
        wants_logs = bool(self._step.config.logLines)
        if not wants_logs and len(task.get("containers") or ()) < 2:
            return None  # The only container of a task is the one that counts.
        arn = task.get("taskDefinitionArn")
        if not arn:
            return None
        client = self._step.client
        known: dict[Any, Mapping[str, Any]] = client.clients.shared.setdefault("task definitions", {})
        # A revision never changes; what may be read depends on who asks.
        found = known.get((client, arn))
        if found is None:
            operation = client.clients.model.operation("DescribeTaskDefinition")
            try:
                output = client.call(operation, {"taskDefinition": arn}, self._step.config)
            except ConnectorError as error:
                self.notes.append(
                    f"The task definition could not be read, so every container counts: {error.user_message}"
                )
                return None
            self.calls.append(output.evidence)
            found = output.body.get("taskDefinition") or {}
            if len(known) >= _MOST_DEFINITIONS:
                known.clear()
            known[(client, arn)] = found
        return found

    def _logs(
        self, tasks: Sequence[Mapping[str, Any]], definitions: Mapping[int, Mapping[str, Any] | None]
    ) -> dict[int, dict[str, Any]]:
        count = self._step.config.logLines
        if not count:
            return {}
        from ecs_connector.logs import LogReader

        self._let_logs_settle(tasks)
        reader = LogReader(self._step, count)
        found = {id(task): reader.of_task(task, definitions[id(task)]) for task in tasks}
        self.calls.extend(reader.calls)
        return found

    def _let_logs_settle(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        ends = [epoch_s(task.get("executionStoppedAt") or task.get("stoppedAt")) for task in tasks]
        now = self._context.clock.now().timestamp()
        latest = max((end for end in ends if end is not None), default=now - _LOGS_SETTLE_S)
        pause_s = min(_LOGS_SETTLE_S, latest + _LOGS_SETTLE_S - now)
        if pause_s > 0:
            self._context.clock.sleep(pause_s)


def _essential(definition: Mapping[str, Any] | None) -> frozenset[str] | None:
    return essential_containers(definition) if definition is not None else None


def facts(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reviewer looks up of a task: images, network, place, times, and where the console shows it."""
    containers = task.get("containers") or ()
    found: dict[str, Any] = {
        "taskDefinitionArn": task.get("taskDefinitionArn"),
        "images": {
            item["name"]: {key: item[key] for key in ("image", "imageDigest") if item.get(key)}
            for item in containers
            if item.get("name")
        },
        "network": [
            {detail["name"]: detail.get("value") for detail in attachment.get("details") or () if detail.get("name")}
            for attachment in task.get("attachments") or ()
            if attachment.get("type") == "ElasticNetworkInterface"
        ],
        "place": {name: task[name] for name in _PLACES if task.get(name)},
        "times": {name: task[name] for name in _TIMES if task.get(name)},
        "link": console_link(str(task.get("taskArn") or "")),
    }
    return {name: value for name, value in found.items() if value}


def console_link(arn: str) -> str | None:
    """Return the page of a task in AWS's console; None where the partition has none that is known."""
    parts = arn.split(":", 5)
    path = parts[-1].split("/")
    if len(parts) < 6 or parts[1] not in _CONSOLES or len(path) != 3:
        return None
    region, host = parts[3], _CONSOLES[parts[1]]
    return f"https://{region}.{host}/ecs/v2/clusters/{path[1]}/tasks/{path[2]}?region={region}"
