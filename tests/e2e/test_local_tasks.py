"""Tasks on the embedded endpoint live and die as the scenario and its clock say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario
from support.local_client import LocalClient

_DEFINITION = {
    "family": "job",
    "containerDefinitions": [
        {"name": "app", "image": "busybox", "memory": 64},
        {"name": "helper", "image": "busybox", "memory": 64, "essential": False},
    ],
}
Opened = Callable[..., tuple[LocalEcs, LocalClient]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open an endpoint on a manual clock, with a cluster and a task definition."""
    used: list[Any] = []

    def make(**scenario: Any) -> tuple[LocalEcs, LocalClient]:
        ecs = LocalEcs(scenario=Scenario.from_mapping(scenario), clock=ManualClock()).start()
        client = LocalClient(ecs.port)
        used.extend([client.__exit__, ecs.__exit__])
        ecs.call("CreateCluster", {"clusterName": "c"})
        ecs.call("RegisterTaskDefinition", _DEFINITION)
        return ecs, client

    yield make
    for leave in used:
        leave(None, None, None)


def _run(client: LocalClient, **more: Any) -> Any:
    return client.ok("RunTask", {"cluster": "c", "taskDefinition": "job", **more})


def _look(client: LocalClient, arn: str) -> Any:
    return client.ok("DescribeTasks", {"cluster": "c", "tasks": [arn]})["tasks"][0]


def test_a_task_goes_through_its_life(opened: Opened) -> None:
    """A task that is run ends after a moment with exit code 0, through the states of real ECS."""
    ecs, client = opened()
    arn = _run(client, startedBy="me", clientToken="t")["tasks"][0]["taskArn"]

    seen = []
    for _ in range(20):
        seen.append(_look(client, arn)["lastStatus"])
        ecs.clock.advance(0.1)

    order = ["PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]
    assert list(dict.fromkeys(seen)) == order
    task = _look(client, arn)
    assert (task["stopCode"], task["desiredStatus"]) == ("EssentialContainerExited", "STOPPED")
    assert [item["exitCode"] for item in task["containers"]] == [0, 0]
    assert task["createdAt"] < task["startedAt"] < task["executionStoppedAt"] < task["stoppedAt"]
    assert task["startedBy"] == "me"
    assert task["group"] == "family:job"
    assert "clientToken" not in task
    assert task["version"] == 7


def test_nothing_moves_while_the_clock_stands(opened: Opened) -> None:
    """On a manual clock a task stays where it is until the clock is advanced, or slept on."""
    ecs, client = opened()
    arn = _run(client)["tasks"][0]["taskArn"]

    assert {_look(client, arn)["lastStatus"] for _ in range(5)} == {"PROVISIONING"}
    ecs.clock.sleep(0.7)
    assert _look(client, arn)["lastStatus"] == "RUNNING"


def test_a_scenario_decides_by_family_run_and_container(opened: Opened) -> None:
    """Each run gets the first rule that fits it, and each container its own end."""
    ecs, client = opened(
        tasks=[
            {
                "match": {"family": "jo*"},
                "run": 2,
                "stoppedReason": "Essential container in task exited",
                "containers": {"app": {"exitCode": 137, "reason": "OutOfMemoryError: killed"}},
            }
        ]
    )
    first, second, third = (_run(client)["tasks"][0]["taskArn"] for _ in range(3))
    ecs.clock.advance(10)

    codes = [[c["exitCode"] for c in _look(client, arn)["containers"]] for arn in (first, second, third)]
    assert codes == [[0, 0], [137, 0], [0, 0]]
    assert _look(client, second)["containers"][0]["reason"] == "OutOfMemoryError: killed"


def test_a_task_that_does_not_start_has_no_start_time_and_no_exit_code(opened: Opened) -> None:
    """A failed start shows as on ECS: a stop code, a reason, and nothing that says it ever ran."""
    ecs, client = opened(
        tasks=[{"starts": False, "stoppedReason": "CannotPullContainerError: no such image", "containers": {"app": {}}}]
    )
    arn = _run(client)["tasks"][0]["taskArn"]
    ecs.clock.advance(10)
    task = _look(client, arn)

    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"] == "CannotPullContainerError: no such image"
    assert "startedAt" not in task
    assert all("exitCode" not in item for item in task["containers"])


def test_stop_task_ends_a_task_with_the_code_of_a_signal(opened: Opened) -> None:
    """StopTask gives stop code UserInitiated, the reason that was given, and 143 or what the scenario says."""
    ecs, client = opened(tasks=[{"runningSeconds": "forever", "stopExitCode": 137}])
    arn = _run(client)["tasks"][0]["taskArn"]
    ecs.clock.advance(1000)
    assert _look(client, arn)["lastStatus"] == "RUNNING"

    stopping = client.ok("StopTask", {"cluster": "c", "task": arn, "reason": "enough"})["task"]
    ecs.clock.advance(1)
    task = _look(client, arn)

    assert stopping["desiredStatus"] == "STOPPED"
    assert (task["stopCode"], task["stoppedReason"], task["lastStatus"]) == ("UserInitiated", "enough", "STOPPED")
    assert [item["exitCode"] for item in task["containers"]] == [137, 137]


def test_a_stopped_task_is_forgotten_after_an_hour(opened: Opened) -> None:
    """DescribeTasks reports a task as MISSING when it has been stopped for an hour."""
    ecs, client = opened()
    arn = _run(client)["tasks"][0]["taskArn"]
    ecs.clock.advance(3000)
    assert _look(client, arn)["lastStatus"] == "STOPPED"
    ecs.clock.advance(700)

    output = client.ok("DescribeTasks", {"cluster": "c", "tasks": [arn]})
    assert output == {"tasks": [], "failures": [{"arn": arn, "reason": "MISSING"}]}


def test_capacity_failures_come_back_in_failures(opened: Opened) -> None:
    """A run that finds no capacity is answered with a failure and starts nothing; the others of the call start."""
    _, client = opened(tasks=[{"run": "1-2", "failure": "RESOURCE:MEMORY"}])
    output = _run(client, count=3)

    assert [item["reason"] for item in output["failures"]] == ["RESOURCE:MEMORY"] * 2
    assert len(output["tasks"]) == 1
    assert len(client.ok("ListTasks", {"cluster": "c"})["taskArns"]) == 1


def test_list_tasks_filters(opened: Opened) -> None:
    """ListTasks finds by who started a task, by family and by what it is meant to do."""
    ecs, client = opened()
    mine = _run(client, startedBy="me")["tasks"][0]["taskArn"]
    other = _run(client, startedBy="you")["tasks"][0]["taskArn"]

    def listed(**filters: str) -> list[str]:
        return list(client.ok("ListTasks", {"cluster": "c", **filters})["taskArns"])

    assert listed(startedBy="me") == [mine]
    assert listed(family="job") == [mine, other]
    assert listed(family="none") == []
    assert listed(desiredStatus="STOPPED") == []
    ecs.clock.advance(10)
    assert listed() == []
    assert listed(desiredStatus="STOPPED", startedBy="you") == [other]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"cluster": "none", "taskDefinition": "job"}, "ClusterNotFoundException"),
        ({"cluster": "c", "taskDefinition": "none"}, "ClientException"),
        ({"cluster": "c", "taskDefinition": "job", "count": 11}, "InvalidParameterException"),
        ({"cluster": "c"}, "InvalidParameterException"),
        ({"cluster": "c", "taskDefinition": 7}, "SerializationException"),
        (
            {"cluster": "c", "taskDefinition": "job", "overrides": {"containerOverrides": [{"name": "no"}]}},
            "InvalidParameterException",
        ),
    ],
)
def test_wrong_requests_are_refused_as_on_ecs(opened: Opened, body: dict[str, Any], code: str) -> None:
    """A request that ECS refuses is refused under the same code."""
    _, client = opened()

    answer = client.call("RunTask", body)

    assert (answer.status, answer.code) == (400, code)


def test_counts_of_a_cluster_follow_its_tasks(opened: Opened) -> None:
    """DescribeClusters counts pending and running tasks, and a cluster with tasks cannot be deleted."""
    ecs, client = opened(defaults={"runningSeconds": "forever"})
    _run(client, count=3)

    def counts() -> tuple[int, int]:
        cluster = client.ok("DescribeClusters", {"clusters": ["c"]})["clusters"][0]
        return cluster["pendingTasksCount"], cluster["runningTasksCount"]

    assert counts() == (3, 0)
    ecs.clock.advance(1)
    assert counts() == (0, 3)
    assert client.call("DeleteCluster", {"cluster": "c"}).code == "ClusterContainsTasksException"


def test_a_lost_host_leaves_no_exit_codes(opened: Opened) -> None:
    """Tasks of a container instance that is deregistered by force end without exit codes."""
    ecs, client = opened(defaults={"runningSeconds": "forever"})
    instance = ecs.call("RegisterContainerInstance", {"cluster": "c"})["containerInstance"]["containerInstanceArn"]
    body = {"cluster": "c", "taskDefinition": "job", "containerInstances": [instance]}
    arn = client.ok("StartTask", body)["tasks"][0]["taskArn"]
    ecs.clock.advance(1)
    client.ok("DeregisterContainerInstance", {"cluster": "c", "containerInstance": instance, "force": True})
    ecs.clock.advance(1)

    task = _look(client, arn)
    assert task["stoppedReason"] == "Host EC2 instance terminated."
    assert all("exitCode" not in item for item in task["containers"])
