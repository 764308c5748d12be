"""What a message says of the calls behind it is what the endpoint has seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ecs_connector import Component
from ecs_connector.harness.local import LocalEcs, ManualClock
from ecs_connector.model import Model
from support.local_scene import Scene

MODEL = Model.load()
#: Header -> type of its value; the last two are there where there is something to say.
HEADERS = {
    "operation": str,
    "requestId": str,
    "attempts": int,
    "region": str,
    "endpoint": str,
    "apiVersion": str,
    "modelVersion": str,
}
OPTIONAL = {"retried": list, "waits": list}


@pytest.fixture(scope="module")
def ecs() -> Iterator[LocalEcs]:
    with LocalEcs(clock=ManualClock()) as endpoint:
        yield endpoint


def emissions(component: Component, ecs: LocalEcs, operation: str, body: Any, **fields: Any) -> list[Any]:
    config = {"accessKeyId": "local", "secretAccessKey": "local", "region": "us-east-1", "endpoint": ecs.url, **fields}
    return [emission for emission in component.run(operation, body=body, config=config) if emission.kind == "data"]


@pytest.mark.parametrize("operation", MODEL.names)
def test_attempts_are_the_requests_that_were_sent(operation: str, component: Component, ecs: LocalEcs) -> None:
    """For every operation: the headers have these names and types, and a throttled attempt is counted and named."""
    ecs.reset()
    body = Scene(ecs).body(operation)
    ecs.inject({"kind": "throttle", "operation": operation, "call": 1})
    before = len(ecs.requests)

    found = emissions(component, ecs, operation, body)

    assert sum(emission.headers["attempts"] for emission in found) == len(ecs.requests) - before == 2
    for emission in found:
        assert {name: type(value) for name, value in emission.headers.items() if name not in OPTIONAL} == HEADERS
        assert emission.headers["retried"] == ["ThrottlingException"]
        assert emission.headers["operation"] == operation


@pytest.mark.parametrize("behaviour", ["fetchAll", "emitPage"])
def test_attempts_of_a_list_are_those_of_its_pages(behaviour: str, component: Component, ecs: LocalEcs) -> None:
    """Merged or page by page, the attempts of a long list add up to its requests."""
    ecs.reset()
    for number in range(250):
        ecs.call("CreateCluster", {"clusterName": f"c{number}"})
    ecs.inject({"kind": "throttle", "operation": "ListClusters", "call": 2})
    before = len(ecs.requests)

    found = emissions(component, ecs, "ListClusters", {}, emitBehaviour=behaviour)

    assert sum(emission.headers["attempts"] for emission in found) == len(ecs.requests) - before == 4


def test_attempts_of_a_split_call_are_those_of_its_parts(component: Component, ecs: LocalEcs) -> None:
    """1,000 tasks in ten calls, one of them throttled: eleven attempts, the order kept, what is missing named."""
    ecs.reset()
    ecs.call("CreateCluster", {})
    ecs.call(
        "RegisterTaskDefinition", {"family": "job", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
    )
    arns = [
        task["taskArn"]
        for _ in range(97)
        for task in ecs.call("RunTask", {"taskDefinition": "job", "count": 10})["tasks"]
    ]
    missing = [f"arn:aws:ecs:us-east-1:123456789012:task/default/{number:032x}" for number in range(30)]
    asked = list(arns)
    for number, arn in enumerate(missing):
        asked.insert(number * 33, arn)
    ecs.inject({"kind": "throttle", "operation": "DescribeTasks", "call": 3})
    before = len(ecs.requests)

    (found,) = emissions(component, ecs, "DescribeTasks", {"tasks": asked})

    assert [task["taskArn"] for task in found.body["tasks"]] == [arn for arn in asked if arn not in missing]
    assert [(failure["arn"], failure["reason"]) for failure in found.body["failures"]] == [
        (arn, "MISSING") for arn in missing
    ]
    assert found.headers["attempts"] == len(ecs.requests) - before == 11
