"""The live drop-downs against the embedded endpoint, alone and through the platform's service call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecs_connector import Component
from ecs_connector.errors import ConfigError, ServiceError, TransportError
from ecs_connector.harness.local import LocalEcs, ManualClock
from ecs_connector.model import read_data
from ecs_connector.select_models import select_model
from support.platform_stub import serving

ROOT = Path(__file__).parents[2]
ACTIONS = json.loads((ROOT / "component.json").read_text(encoding="utf-8"))["actions"]
IDENTITY = '{"instanceId": "i-0abc", "region": "us-east-1"}'


class Scene:
    """An account with two clusters, a service, three families and a task, and what a person would choose there."""

    def __init__(self, ecs: LocalEcs, component: Component) -> None:
        self.ecs = ecs
        self.component = component
        self.config = {
            "accessKeyId": "AKIDEXAMPLE",
            "secretAccessKey": "secret",
            "region": "us-east-1",
            "endpoint": ecs.url,
        }

    def prepare(self) -> str:
        """Set the scene; return the id of its task."""
        call = self.ecs.call
        call(
            "CreateCapacityProvider",
            {
                "name": "spot",
                "autoScalingGroupProvider": {
                    "autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:x:autoScalingGroupName/x"
                },
            },
        )
        call("CreateCluster", {"clusterName": "blue", "capacityProviders": ["FARGATE"]})
        call("CreateCluster", {"clusterName": "green"})
        for family, revisions in (("web", 12), ("api", 1), ("web-2", 1)):
            for _ in range(revisions):
                containers = [{"name": name, "image": "busybox:1", "memory": 64} for name in (family, "side")]
                call("RegisterTaskDefinition", {"family": family, "containerDefinitions": containers})
        call("DeregisterTaskDefinition", {"taskDefinition": "web:3"})
        call("CreateService", {"cluster": "blue", "serviceName": "shop", "taskDefinition": "web:1", "desiredCount": 0})
        call("RegisterContainerInstance", {"cluster": "blue", "instanceIdentityDocument": IDENTITY})
        started = call("RunTask", {"cluster": "blue", "taskDefinition": "api"})["tasks"]
        self.ecs.clock.advance(0.9)
        return str(started[0]["taskArn"].rpartition("/")[2])

    def choose(self, name: str, **fields: Any) -> dict[str, str]:
        context = self.component.context(identity="RunTask")
        return select_model(name, {**self.config, **fields}, context)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with LocalEcs(clock=ManualClock()) as ecs, Component.load() as component:
        component.random = lambda: 0.0
        yield Scene(ecs, component)


def test_each_field_lists_the_account(scene: Scene) -> None:
    """Every drop-down shows what there is under the chosen parent, and nothing of another."""
    task = scene.prepare()
    (instance,) = scene.ecs.call("ListContainerInstances", {"cluster": "blue"})["containerInstanceArns"]
    instance = instance.rpartition("/")[2]

    assert scene.choose("clusters") == {"blue": "blue", "green": "green"}
    assert scene.choose("services", cluster="blue") == {"shop": "shop"}
    assert scene.choose("services", cluster="green") == {}
    assert list(scene.choose("taskFamilies")) == ["api", "web", "web-2"]
    assert list(scene.choose("taskDefinitions", taskFamily="web")) == [f"web:{n}" for n in range(12, 0, -1) if n != 3]
    assert list(scene.choose("inactiveTaskDefinitions", taskFamily="web")) == ["web:3"]
    assert scene.choose("tasks", cluster="blue") == {task: f"api:1 (RUNNING, {task})"}
    assert scene.choose("tasks", cluster="green") == {}
    assert scene.choose("containerInstances", cluster="blue") == {instance: f"i-0abc (ACTIVE, {instance})"}
    assert scene.choose("capacityProviders") == {name: name for name in ("FARGATE", "FARGATE_SPOT", "spot")}
    assert scene.choose("capacityProviders", cluster="blue") == {"FARGATE": "FARGATE"}
    assert scene.choose("containers", cluster="blue", task=task) == {"api": "api (RUNNING)", "side": "side (RUNNING)"}
    assert scene.choose("containers", taskDefinition="web:1") == {"side": "side (busybox:1)", "web": "web (busybox:1)"}


@pytest.mark.parametrize("name", sorted(read_data("select_models.json")))
def test_every_drop_down_answers_or_names_its_parent(name: str, scene: Scene) -> None:
    """On its own, a drop-down lists the account or says what to choose first; a made-up parent is an error, not a hang."""
    scene.prepare()
    needs = {field for source in read_data("select_models.json")[name]["from"] for field in source["needs"]}
    chosen = {"cluster": "no-such", "taskFamily": "no-such", "task": "no-such"}

    if not needs:
        assert scene.choose(name)
    elif name == "capacityProviders":
        with pytest.raises(ConfigError, match="MISSING") as missing:
            scene.choose(name, cluster="no-such")
        assert missing.value.field == "cluster"
    else:
        with pytest.raises(ConfigError, match="choose a value there first"):
            scene.choose(name)
        if needs == {"taskFamily"}:
            assert scene.choose(name, **chosen) == {}
        else:
            with pytest.raises(ServiceError, match="Cluster not found"):
                scene.choose(name, **chosen)


def test_more_than_a_page_is_listed(scene: Scene) -> None:
    """150 clusters, and as many services and tasks, are all there."""
    for number in range(150):
        scene.ecs.call("CreateCluster", {"clusterName": f"c{number:03}"})
    definition = {"family": "web", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
    scene.ecs.call("RegisterTaskDefinition", definition)
    for number in range(150):
        body = {"cluster": "c000", "serviceName": f"s{number:03}", "taskDefinition": "web", "desiredCount": 0}
        scene.ecs.call("CreateService", body)
    for _ in range(15):
        scene.ecs.call("RunTask", {"cluster": "c001", "taskDefinition": "web", "count": 10})
    scene.ecs.clock.advance(0.9)

    assert list(scene.choose("clusters")) == [f"c{number:03}" for number in range(150)]
    assert list(scene.choose("services", cluster="c000")) == [f"s{number:03}" for number in range(150)]
    tasks = scene.choose("tasks", cluster="c001")
    assert len(tasks) == 150
    assert all(label == f"web:1 (RUNNING, {task})" for task, label in tasks.items())
    assert len(scene.ecs.requests.of("DescribeTasks")) == 2


def test_a_slow_endpoint_gets_no_more_than_the_time(scene: Scene) -> None:
    """When ECS hangs, the drop-down ends in time: with what it has, or with an error that says what to do."""
    for number in range(150):
        scene.ecs.call("CreateCluster", {"clusterName": f"c{number:03}"})
    scene.ecs.inject(kind="slow", operation="ListClusters", seconds=5, call="2-")
    began = time.monotonic()
    context = scene.component.context()

    assert len(select_model("clusters", scene.config, context, limit_s=0.5)) == 100
    with pytest.raises(TransportError, match="Try again, or write the value"):
        select_model("clusters", scene.config, context, limit_s=0.5)
    assert time.monotonic() - began < 3


def test_the_platform_gets_the_options(scene: Scene) -> None:
    """A selectModel call for a field of an action posts its options; without the parent, what to choose first."""
    scene.prepare()
    field = ACTIONS["UpdateService"]["fields"]["service"]
    assert field["require"] == ["cluster"]
    with serving() as platform:
        for config in ({**scene.config, "cluster": "blue"}, scene.config):
            variables = {
                "POST_RESULT_URL": platform.url + "/result",
                "CFG": json.dumps(config),
                "API_URI": platform.url,
                "API_USERNAME": "user",
                "API_KEY": "key",
                "ACTION_OR_TRIGGER": "UpdateService",
                "GET_MODEL_METHOD": field["model"],
            }
            environment = {f"ELASTICIO_{name}": value for name, value in variables.items()}
            environment |= {"PYTHONPATH": str(ROOT / "lib"), "PATH": os.environ["PATH"]}
            command = [sys.executable, "-m", "ecs_connector.sailor", "selectModel"]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=30, check=False)
            assert done.returncode == 0, done.stdout
        options, refusal = [call.json() for call in platform.asked("POST", "/result")]

    assert options == {"status": "success", "data": {"shop": "shop"}}
    assert refusal["status"] == "error"
    assert "depends on the field cluster" in refusal["data"]["message"]


def test_choices_alone_make_a_call(scene: Scene) -> None:
    """With everything chosen in the form, an empty message is enough; what the message says is stronger."""
    scene.prepare()
    chosen = {**scene.config, "cluster": "blue", "taskFamily": "web", "taskDefinition": "web:2"}

    (started,) = scene.component.run("RunTask", body={}, config=chosen)
    (other,) = scene.component.run("RunTask", body={"taskDefinition": "api"}, config=chosen)

    assert started.body["tasks"][0]["taskDefinitionArn"].endswith("/web:2")
    assert started.body["tasks"][0]["clusterArn"].endswith("/blue")
    assert other.body["tasks"][0]["taskDefinitionArn"].endswith("/api:1")
    (described,) = scene.component.run(
        "DescribeServices", body={}, config={**scene.config, "cluster": "blue", "service": "shop"}
    )
    assert [service["serviceName"] for service in described.body["services"]] == ["shop"]
