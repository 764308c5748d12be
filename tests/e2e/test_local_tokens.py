"""Client tokens on the embedded endpoint do what ECS documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario
from support.local_client import LocalClient

_HOUR_S = 3600


@pytest.fixture
def ecs() -> Iterator[LocalEcs]:
    """An endpoint on a manual clock with two clusters, on which tasks run until they are stopped."""
    scenario = Scenario.from_mapping({"defaults": {"runningSeconds": "forever"}})
    with LocalEcs(scenario=scenario, clock=ManualClock()) as opened:
        for name in ("c", "d"):
            opened.call("CreateCluster", {"clusterName": name})
        definition = {"family": "job", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
        opened.call("RegisterTaskDefinition", definition)
        yield opened


@pytest.fixture
def client(ecs: LocalEcs) -> Iterator[LocalClient]:
    with LocalClient(ecs.port) as opened:
        yield opened


def _body(**more: Any) -> dict[str, Any]:
    return {"cluster": "c", "taskDefinition": "job", "clientToken": "token-1", **more}


def _running(client: LocalClient) -> int:
    return len(client.ok("ListTasks", {"cluster": "c"})["taskArns"])


def test_the_same_request_again_starts_nothing(client: LocalClient) -> None:
    """The same token and parameters give the same tasks, however often, in whatever order of members."""
    first = client.ok("RunTask", _body(count=2))
    again = client.ok("RunTask", dict(reversed(_body(count=2).items())))

    assert [task["taskArn"] for task in again["tasks"]] == [task["taskArn"] for task in first["tasks"]]
    assert _running(client) == 2


def test_other_parameters_are_a_conflict_that_names_the_tasks(client: LocalClient) -> None:
    """The same token with another parameter is refused, and the refusal names what exists."""
    arn = client.ok("RunTask", _body())["tasks"][0]["taskArn"]
    answer = client.call("RunTask", _body(startedBy="somebody else"))

    assert (answer.status, answer.code) == (400, "ConflictException")
    assert answer.body["resourceIds"] == [arn]
    assert _running(client) == 1


def test_a_token_belongs_to_its_cluster(client: LocalClient) -> None:
    """The same token in another cluster is another request; by name or ARN it is the same cluster."""
    first = client.ok("RunTask", _body())["tasks"][0]
    by_arn = client.ok("RunTask", _body(cluster=first["clusterArn"]))["tasks"][0]
    elsewhere = client.ok("RunTask", _body(cluster="d"))["tasks"][0]

    assert by_arn["taskArn"] == first["taskArn"]
    assert elsewhere["taskArn"] != first["taskArn"]


def test_a_token_is_forgotten_after_a_day(ecs: LocalEcs, client: LocalClient) -> None:
    """24 hours after its use a token is new again, even though the task still runs."""
    first = client.ok("RunTask", _body())["tasks"][0]["taskArn"]
    ecs.clock.advance(24 * _HOUR_S)
    assert client.ok("RunTask", _body())["tasks"][0]["taskArn"] == first
    ecs.clock.advance(1)

    assert client.ok("RunTask", _body())["tasks"][0]["taskArn"] != first


def test_a_token_is_forgotten_an_hour_after_the_task_stopped(ecs: LocalEcs, client: LocalClient) -> None:
    """A stopped task is told by its ARN and states only; an hour later the token starts a new one."""
    first = client.ok("RunTask", _body())["tasks"][0]["taskArn"]
    ecs.clock.advance(1)
    client.ok("StopTask", {"cluster": "c", "task": first})
    ecs.clock.advance(_HOUR_S - 10)
    again = client.ok("RunTask", _body())["tasks"][0]
    assert again == {"taskArn": first, "lastStatus": "STOPPED", "desiredStatus": "STOPPED"}
    ecs.clock.advance(20)

    assert client.ok("RunTask", _body())["tasks"][0]["taskArn"] != first


@pytest.mark.parametrize("token", ["", "with space", "x" * 65, "ümlaut"])
def test_a_malformed_token_is_refused(client: LocalClient, token: str) -> None:
    """A RunTask token is 1 to 64 visible ASCII characters."""
    assert client.call("RunTask", _body(clientToken=token)).code == "InvalidParameterException"


def test_a_service_is_created_once(client: LocalClient) -> None:
    """CreateService honours its token; without it, or with other parameters, the service is in the way."""
    body = {"cluster": "c", "serviceName": "web", "taskDefinition": "job", "desiredCount": 1, "clientToken": "s-1"}
    first = client.ok("CreateService", body)["service"]
    again = client.ok("CreateService", body)["service"]
    other = client.call("CreateService", {**body, "desiredCount": 2})
    bare = client.call("CreateService", {key: value for key, value in body.items() if key != "clientToken"})

    assert again["serviceArn"] == first["serviceArn"]
    assert (other.code, bare.code) == ("InvalidParameterException", "InvalidParameterException")
    assert "not idempotent" in other.body["message"]


def test_a_task_set_is_created_once(client: LocalClient) -> None:
    """CreateTaskSet honours its token."""
    external = {"cluster": "c", "serviceName": "ext", "deploymentController": {"type": "EXTERNAL"}}
    client.ok("CreateService", external)
    body = {"cluster": "c", "service": "ext", "taskDefinition": "job", "clientToken": "ts-1"}

    ids = {client.ok("CreateTaskSet", body)["taskSet"]["id"] for _ in range(3)}

    assert len(ids) == 1
    assert len(client.ok("DescribeTaskSets", {"cluster": "c", "service": "ext"})["taskSets"]) == 1
