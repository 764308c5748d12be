"""The bundle that a judged run carries."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.errors import WaitFailed
from ecs_connector.run_judge import console_link, facts
from support.scripted_ecs import Ecs, Refused, make_task

RUN = {"taskDefinition": "web:7", "cluster": "blue"}
AWSLOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "p"}}


def make_stopped(name: str = "t1", **codes: int | None) -> dict[str, Any]:
    containers = [
        {
            "name": key,
            "image": f"registry/{key}:1",
            "imageDigest": "sha256:abc",
            **({"exitCode": code} if code is not None else {}),
        }
        for key, code in codes.items()
    ]
    return make_task(name, "STOPPED", containers=containers)


def make_answer(*tasks: dict[str, Any], definition: Any = None) -> Any:
    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation in ("RunTask", "DescribeTasks"):
            return {"tasks": list(tasks), "failures": []}
        if operation == "DescribeTaskDefinition":
            if isinstance(definition, BaseException):
                raise definition
            return {"taskDefinition": definition}
        if operation == "GetLogEvents":
            return {
                "events": [] if body.get("nextToken") else [{"timestamp": 1, "message": "boom"}],
                "nextBackwardToken": "b",
            }
        raise Refused("AccessDeniedException", operation)

    return answer


def test_containers_that_are_not_essential_do_not_count(clock):
    """Which containers count follows from the task definition, read once for each revision."""
    definition = {"containerDefinitions": [{"name": "app"}, {"name": "side", "essential": False}]}
    ecs = Ecs(make_answer(make_stopped(app=0, side=137), definition=definition), clock)

    for _ in range(3):
        assert ecs.run("RunTask", RUN, waitFor="TasksStopped").body["verdict"]["ok"]

    assert ecs.script.of("DescribeTaskDefinition") == [{"taskDefinition": make_task()["taskDefinitionArn"]}]


def test_every_container_counts_when_the_definition_cannot_be_read(clock):
    """A missing permission makes the verdict stricter, not blind, and the bundle says so."""
    refused = Refused("AccessDeniedException", "not authorized to perform: ecs:DescribeTaskDefinition")
    ecs = Ecs(make_answer(make_stopped(app=0, side=137), definition=refused), clock)

    verdict = ecs.run("RunTask", RUN, waitFor="TasksStopped", onBadVerdict="emit").body["verdict"]

    assert not verdict["ok"]
    assert "ecs:DescribeTaskDefinition" in verdict["notes"][0]


def test_a_single_container_needs_no_definition(clock):
    """The only container of a task is the one that counts: nothing else is asked."""
    ecs = Ecs(make_answer(make_stopped(app=0)), clock)

    ecs.run("RunTask", RUN, waitFor="TasksStopped")

    assert [name for _, name, _ in ecs.script.asked] == ["RunTask", "DescribeTasks"]


def test_the_last_lines_are_part_of_the_bundle(clock):
    """With logLines, the error of a failed run has each container's last lines."""
    definition = {"containerDefinitions": [{"name": "app", "logConfiguration": AWSLOGS}]}
    ecs = Ecs(make_answer(make_stopped(app=1), definition=definition), clock)

    with pytest.raises(WaitFailed) as caught:
        ecs.run("RunTask", RUN, waitFor="TasksStopped", logLines="5")

    assert caught.value.last["verdict"]["tasks"][0]["logs"]["app"]["lines"] == ["boom"]


def test_lines_are_given_a_moment_to_arrive(clock):
    """A container that has just ended may still be writing: its log is read when that has settled."""
    definition = {"containerDefinitions": [{"name": "app", "logConfiguration": AWSLOGS}]}
    ended = {**make_stopped(app=0), "executionStoppedAt": clock.now().timestamp() - 1}
    ecs = Ecs(make_answer(ended, definition=definition), clock)

    ecs.run("RunTask", RUN, waitFor="TasksStopped", logLines=5)

    assert ecs.script.times_of("GetLogEvents")[0] == pytest.approx(2.0)


def test_a_bundle_has_the_facts_that_a_reviewer_looks_up():
    """Images with digests, network, place, times and a link to the console stand beside the verdict."""
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": "privateIPv4Address", "value": "10.0.0.4"}]
    task = {
        **make_stopped(app=1),
        "launchType": "FARGATE",
        "attachments": [{"type": "ElasticNetworkInterface", "details": details}],
    }

    found = facts(task)

    assert found["images"] == {"app": {"image": "registry/app:1", "imageDigest": "sha256:abc"}}
    assert found["network"] == [{"subnetId": "subnet-1", "privateIPv4Address": "10.0.0.4"}]
    assert found["place"] == {"launchType": "FARGATE"}
    assert "createdAt" in found["times"]
    assert (
        found["link"] == "https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/blue/tasks/t1?region=eu-central-1"
    )


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        ("arn:aws-cn:ecs:cn-north-1:1:task/blue/t1", "cn-north-1.console.amazonaws.cn"),
        ("arn:aws-us-gov:ecs:us-gov-west-1:1:task/blue/t1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("arn:aws-iso:ecs:us-iso-east-1:1:task/blue/t1", None),
        ("t1", None),
    ],
)
def test_the_link_leads_to_the_console_of_the_partition(arn, host):
    """A link is only given where the console's address is known."""
    link = console_link(arn)

    assert link is None if host is None else link.startswith(f"https://{host}/")
