"""This component's own service calls and actions, run as the platform runs them, on the embedded endpoint."""

from __future__ import annotations

import json

import pytest

from ecs_connector.harness.local import LocalEcs
from support.steps import OURS, ROOT, StepProcess, environment_of

KEYS = {
    "region": "eu-central-1",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


@pytest.fixture
def ecs():
    with LocalEcs() as endpoint:
        for number in range(120):
            endpoint.call("CreateCluster", {"clusterName": f"blue-{number}"}, region="eu-central-1")
        yield endpoint


@pytest.fixture
def call(platform, topology, ecs):
    """Makes a service call of the real component; returns the posted result."""

    def make(method: str, **config):
        environment = {
            **environment_of(topology, platform, "RunTask"),
            "ELASTICIO_POST_RESULT_URL": platform.url + "/result",
            "ELASTICIO_CFG": json.dumps({**KEYS, "endpoint": ecs.url, **config}),
            "ELASTICIO_ACTION_OR_TRIGGER": "RunTask",
            "ELASTICIO_GET_MODEL_METHOD": "clusters",
        }
        process = StepProcess(OURS, environment, arguments=(method,), component=str(ROOT))
        try:
            assert process.wait_exit() == 0, process.log()
            (posted,) = platform.asked("POST", "/result")
            return posted.json()
        finally:
            process.close()

    return make


def test_credentials_are_checked(call):
    """Keys that ECS takes are verified."""
    assert call("verifyCredentials")["data"]["verified"] is True


def test_missing_credentials_are_not_verified(call):
    """Without keys the answer says what is missing, as a success of the call."""
    result = call("verifyCredentials", accessKeyId="", secretAccessKey="")
    assert result["status"] == "success"
    assert result["data"]["verified"] is False
    assert result["data"]["reason"]


def test_a_live_drop_down(call):
    """A drop-down lists what is there, past the first hundred."""
    result = call("selectModel")
    assert result["status"] == "success"
    assert len(result["data"]) == 120


def test_a_long_list_streams(start, topology, ecs):
    """A list of more than one page leaves as one message an item, each with its own id and name."""
    config = {**KEYS, "endpoint": ecs.url, "emitBehaviour": "emitIndividually"}
    start(OURS, "ListClusters", component=str(ROOT), info={"config": config})
    topology.send({})
    taken = topology.take("data", 120, 30)
    arns = {message.wire()["body"]["clusterArn"] for message in taken}
    assert len(arns) == 120
    assert len({message.headers["messageId"] for message in taken}) == 120
    topology.settle()
    assert topology.empty()


def test_bad_input_is_an_error_of_the_message(start, topology, ecs):
    """What the schema forbids is refused with the reason, before ECS is asked."""
    start(OURS, "RunTask", component=str(ROOT), info={"config": {**KEYS, "endpoint": ecs.url}})
    topology.send({"cluster": "blue-0"})
    error = topology.take_one("error").error()
    assert error["name"] == "InputError"
    assert "taskDefinition" in error["message"]
    topology.take_one("dead")
    assert not [request for request in ecs.requests if getattr(request, "operation", "") == "RunTask"]


def test_a_wait_that_is_stopped_goes_on_elsewhere(start, topology, ecs):
    """A step that is stopped while it waits hands the message back; the next process starts no second task."""
    ecs.call(
        "RegisterTaskDefinition",
        {"family": "job", "containerDefinitions": [{"name": "main", "image": "busybox", "memory": 64}]},
        region="eu-central-1",
    )
    config = {**KEYS, "endpoint": ecs.url, "waitFor": "TasksStopped", "waitIntervalSeconds": "1"}
    step = start(OURS, "RunTask", component=str(ROOT), info={"config": config})
    topology.send({"cluster": "blue-0", "taskDefinition": "job"})
    step.wait(lambda: bool(tasks(ecs)), 10, topology)
    step.terminate()
    assert step.wait_exit(10) == 0
    assert topology.ready() == 1
    start(OURS, "RunTask", component=str(ROOT), info={"config": config})
    topology.take_one("data", 30)
    assert len(tasks(ecs)) == 1


def tasks(ecs: LocalEcs) -> set[str]:
    """Return the ARNs of all tasks."""
    found: set[str] = set()
    for status in ("RUNNING", "STOPPED"):
        found.update(
            ecs.call("ListTasks", {"cluster": "blue-0", "desiredStatus": status}, region="eu-central-1")["taskArns"]
        )
    return found
