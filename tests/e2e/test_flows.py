"""The shipped flows, run on the embedded endpoint through the real pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ecs_connector.component import Component
from ecs_connector.harness.flow import FlowReport, load_flow, render_report, run_flow
from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "flows"

Play = Callable[..., FlowReport]


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock that the endpoint and the waits share: waiting takes no time."""
    return ManualClock()


@pytest.fixture
def ecs(clock: ManualClock) -> Iterator[LocalEcs]:
    """Return an empty endpoint with the cluster `default`."""
    with LocalEcs(clock=clock) as endpoint:
        endpoint.call("CreateCluster", {"clusterName": "default"})
        yield endpoint


@pytest.fixture
def play(clock: ManualClock, ecs: LocalEcs) -> Iterator[Play]:
    """Return a function that runs a shipped flow, or the text of one."""
    with Component.load(clock=clock) as component:
        yield _player(component, ecs, clock)


def _player(component: Component, ecs: LocalEcs, clock: ManualClock) -> Play:
    config = {"accessKeyId": "test", "secretAccessKey": "hush-hush", "region": "us-east-1", "endpoint": ecs.url}

    def run(flow: str, **inputs: Any) -> FlowReport:
        source = flow if "\n" in flow else EXAMPLES / f"{flow}.yaml"
        loaded = load_flow(source, component)
        report = run_flow(loaded, component, config, clock=clock, on_progress=lambda _line: None, inputs=inputs)
        assert "hush" not in render_report(report)
        return report

    return run


def _statuses(report: FlowReport) -> dict[str, str]:
    return {step.id: step.status for step in report.steps}


def _register(ecs: LocalEcs, family: str, image: str) -> str:
    body = {
        "family": family,
        "containerDefinitions": [
            {"name": "app", "image": image, "memory": 128, "environment": [{"name": "A", "value": "1"}]},
            {"name": "side", "image": "example/side:1", "memory": 64},
        ],
        "tags": [{"key": "team", "value": "shop"}],
    }
    return str(ecs.call("RegisterTaskDefinition", body)["taskDefinition"]["taskDefinitionArn"])


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_flows_load(path: Path) -> None:
    """Every shipped flow is valid, names actions that exist, says what it is for and how to start it."""
    flow = load_flow(path, Component.load())
    assert flow.name == path.stem
    assert flow.description
    assert f"ecs-connector flow examples/flows/{path.name}" in path.read_text(encoding="utf-8")


def test_run_fargate_task(play: Play, ecs: LocalEcs) -> None:
    """The flow runs a task to its end, shows its exit code, and leaves no task definition behind."""
    report = play("run-fargate-task", command='["echo", "hello"]', subnets="subnet-0a,subnet-0b")
    assert report.exit_code == 0, render_report(report)
    assert report.output["verdict"] == "All tasks succeeded: 1."
    assert report.output["exitCodes"] == {"main": 0}
    (run,) = ecs.requests.of("RunTask")
    network = run.body["networkConfiguration"]["awsvpcConfiguration"]
    assert network == {"subnets": ["subnet-0a", "subnet-0b"], "assignPublicIp": "ENABLED"}
    assert ecs.call("ListTaskDefinitions", {"status": "ACTIVE"})["taskDefinitionArns"] == []


def test_run_fargate_task_fails_when_the_task_does(clock: ManualClock) -> None:
    """A task that ends badly fails the flow; the clean-up runs all the same."""
    scenario = Scenario.from_mapping({"tasks": [{"containers": {"main": {"exitCode": 3}}}]})
    with LocalEcs(clock=clock, scenario=scenario) as ecs, Component.load(clock=clock) as component:
        report = _player(component, ecs, clock)("run-fargate-task", createCluster="true")
        assert _statuses(report) == {
            "cluster": "passed",
            "register": "passed",
            "run": "failed",
            "forget": "passed",
        }
        assert report.exit_code == 69
        assert ecs.call("ListTaskDefinitions", {"status": "ACTIVE"})["taskDefinitionArns"] == []


def test_a_rerun_with_the_same_run_id_starts_no_second_task(play: Play, ecs: LocalEcs) -> None:
    """The run id makes a rerun a redelivery: the step that started a task finds it instead of starting another."""
    arn = _register(ecs, "job", "example/job:1")
    text = (
        "name: once\nsteps:\n  - id: run\n    function: RunTask\n"
        f"    body: {{cluster: default, taskDefinition: '{arn}'}}\noutput: {{$: '$steps.run.body.tasks[0].taskArn'}}\n"
    )
    first = play(text, runId="nightly-17")
    again = play(text, runId="nightly-17")
    other = play(text, runId="nightly-18")
    assert first.output == again.output != other.output
    assert len(ecs.call("ListTasks", {"cluster": "default"})["taskArns"]) == 2


def test_rolling_release(play: Play, ecs: LocalEcs, clock: ManualClock) -> None:
    """The flow registers a copy with only the image replaced, and the service runs it in the end."""
    old = _register(ecs, "web", "example/web:1")
    ecs.call("CreateService", {"serviceName": "web", "taskDefinition": old, "desiredCount": 2})
    clock.advance(60)
    report = play("rolling-release", service="web", image="example/web:2")
    assert report.exit_code == 0, render_report(report)
    assert report.output["from"] == old
    assert report.output["to"] == old.replace("web:1", "web:2")
    assert report.output["rolloutState"] == "COMPLETED"
    assert report.output["runningCount"] == 2
    new = ecs.call("DescribeTaskDefinition", {"taskDefinition": "web:2", "include": ["TAGS"]})
    before = ecs.call("DescribeTaskDefinition", {"taskDefinition": "web:1", "include": ["TAGS"]})
    app, side = new["taskDefinition"]["containerDefinitions"]
    assert app["image"] == "example/web:2"
    app["image"] = "example/web:1"
    assert [app, side] == before["taskDefinition"]["containerDefinitions"]
    assert new["tags"] == before["tags"]


def test_rolling_release_refuses_a_container_that_is_not_there(play: Play, ecs: LocalEcs) -> None:
    """A release for a container that does not exist ends before anything is registered."""
    old = _register(ecs, "web", "example/web:1")
    ecs.call("CreateService", {"serviceName": "web", "taskDefinition": old, "desiredCount": 1})
    report = play("rolling-release", service="web", image="example/web:2", container="wbe")
    assert report.exit_code == 69
    assert _statuses(report)["current"] == "failed"
    assert len(ecs.call("ListTaskDefinitions", {"familyPrefix": "web"})["taskDefinitionArns"]) == 1


def test_rolling_release_fails_when_it_is_rolled_back(clock: ManualClock) -> None:
    """A deployment that ECS rolls back leaves the service stable on the old image, and the flow fails."""
    rule = {"deployment": 2, "outcome": "failed", "rollback": True}
    with (
        LocalEcs(clock=clock, scenario=Scenario.from_mapping({"services": [rule]})) as ecs,
        Component.load(clock=clock) as component,
    ):
        ecs.call("CreateCluster", {"clusterName": "default"})
        old = _register(ecs, "web", "example/web:1")
        ecs.call("CreateService", {"serviceName": "web", "taskDefinition": old, "desiredCount": 1})
        clock.advance(60)
        report = _player(component, ecs, clock)("rolling-release", service="web", image="example/web:2")
    assert report.exit_code == 69
    assert _statuses(report)["update"] == "failed"
    assert _statuses(report)["check"] == "skipped"


def test_cluster_inventory(play: Play, ecs: LocalEcs) -> None:
    """The inventory names every cluster with its own services and tasks, and counts them."""
    definition = _register(ecs, "web", "example/web:1")
    ecs.call("CreateCluster", {"clusterName": "empty"})
    for number in range(12):
        ecs.call("CreateService", {"serviceName": f"s{number}", "taskDefinition": definition, "desiredCount": 0})
    ecs.call("RunTask", {"taskDefinition": definition, "count": 2})
    report = play("cluster-inventory")
    assert report.exit_code == 0, render_report(report)
    assert (report.output["services"], report.output["tasks"]) == (12, 2)
    by_name = {cluster["name"]: cluster for cluster in report.output["clusters"]}
    assert set(by_name) == {"default", "empty"}
    assert {service["name"] for service in by_name["default"]["services"]} == {f"s{number}" for number in range(12)}
    assert {service["taskDefinition"] for service in by_name["default"]["services"]} == {"web:1"}
    assert len(by_name["default"]["tasks"]) == 2
    assert (by_name["empty"]["services"], by_name["empty"]["tasks"]) == ([], [])


def test_cluster_inventory_of_nothing(clock: ManualClock) -> None:
    """An account without clusters has an empty inventory, and that is no error."""
    with LocalEcs(clock=clock) as ecs, Component.load(clock=clock) as component:
        report = _player(component, ecs, clock)("cluster-inventory")
    assert report.exit_code == 0
    assert report.output == {"clusters": [], "services": 0, "tasks": 0}


def test_clean_up_task_definitions(play: Play, ecs: LocalEcs) -> None:
    """The clean-up shows first and then removes all but the newest revisions and those in use."""
    arns = [_register(ecs, "web", f"example/web:{number}") for number in range(1, 16)]
    other = _register(ecs, "website", "example/site:1")
    ecs.call("CreateService", {"serviceName": "web", "taskDefinition": arns[1], "desiredCount": 0})
    ecs.call("RunTask", {"taskDefinition": arns[2]})
    unused = [arn for arn in reversed(arns[:13]) if arn not in arns[1:3]]

    shown = play("clean-up-task-definitions", family="web", keep="2")
    assert shown.exit_code == 0, render_report(shown)
    assert shown.output == {"family": "web", "revisions": 15, "unused": unused}
    assert len(ecs.call("ListTaskDefinitions", {"status": "ACTIVE"})["taskDefinitionArns"]) == 16

    done = play("clean-up-task-definitions", family="web", keep="2", apply="true")
    assert done.exit_code == 0, render_report(done)
    assert done.output["deleted"] == unused
    assert [len(sent.body["taskDefinitions"]) for sent in ecs.requests.of("DeleteTaskDefinitions")] == [10, 1]
    left = set(ecs.call("ListTaskDefinitions", {"status": "ACTIVE"})["taskDefinitionArns"])
    assert left == {*arns[1:3], *arns[13:], other}


def test_ensure_cluster(play: Play, ecs: LocalEcs) -> None:
    """The flow creates the cluster the first time, and the second time finds it; both end well."""
    first = play("ensure-cluster", cluster="nightly")
    assert first.output["created"] is True
    assert _statuses(first) == {"look": "expected-error", "create": "passed", "check": "passed"}
    second = play("ensure-cluster", cluster="nightly")
    assert second.output == {"cluster": first.output["cluster"], "created": False}
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert len(ecs.requests.of("CreateCluster")) == 1


def test_ensure_cluster_does_not_hide_other_errors(play: Play, ecs: LocalEcs) -> None:
    """Only the expected error is recovered from: with no permission the flow fails."""
    ecs.inject(kind="accessDenied", operation="DescribeClusters")
    report = play("ensure-cluster")
    assert report.exit_code == 69
    assert report.steps[0].reason == "expected: PartialFailure"
