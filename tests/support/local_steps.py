"""Steps on the embedded endpoint, on a clock that both share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ecs_connector import Component
from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario
from ecs_connector.values import Emission, Message

_LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"},
}


@dataclass
class LocalSteps:
    """The embedded endpoint and a component that is pointed at it."""

    ecs: LocalEcs
    component: Component
    clock: ManualClock

    def config(self, **fields: Any) -> dict[str, Any]:
        keys = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "local-secret", "region": "us-east-1"}
        return {**keys, "endpoint": self.ecs.url, **fields}

    def run(
        self, function: str, body: Any, *, id: str | None = None, component: Component | None = None, **fields: Any
    ) -> Emission:
        """Run an action that emits once; fields that a context has go there."""
        used = component or self.component
        surroundings = {name: fields.pop(name) for name in ("redelivered", "max_hold_s") if name in fields}
        context = used.context(logger=logging.getLogger("test"), **surroundings)
        found = list(used.process(function)(Message(body, id=id), self.config(**fields), {}, context))
        assert len(found) == 1
        return found[0]

    def register(self, family: str, *containers: dict[str, Any]) -> str:
        """Register a task definition that writes to awslogs."""
        given = containers or ({"name": "app"},)
        definitions = [{"image": "busybox", "memory": 64, "logConfiguration": _LOGS, **item} for item in given]
        output = self.ecs.call("RegisterTaskDefinition", {"family": family, "containerDefinitions": definitions})
        return str(output["taskDefinition"]["taskDefinitionArn"])

    def tasks(self) -> list[str]:
        """Return the ARN of every task that there ever was and still is shown."""
        found = [
            self.ecs.call("ListTasks", {"cluster": "blue", "desiredStatus": status})["taskArns"]
            for status in ("RUNNING", "STOPPED")
        ]
        return found[0] + found[1]


@contextmanager
def local_steps(**scenario: Any) -> Iterator[LocalSteps]:
    """Open an endpoint with a cluster `blue` and the task definition `web`."""
    clock = ManualClock()
    with (
        LocalEcs(scenario=Scenario.from_mapping(scenario), clock=clock) as ecs,
        Component.load(clock=clock) as component,
    ):
        component.random = lambda: 0.5
        steps = LocalSteps(ecs, component, clock)
        ecs.call("CreateCluster", {"clusterName": "blue"})
        steps.register("web")
        yield steps
