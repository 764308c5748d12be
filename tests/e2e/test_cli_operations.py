"""Every operation through the command line on the embedded endpoint, and the demo as a stranger runs it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecs_connector import cli
from ecs_connector.harness.local import LocalEcs, ManualClock
from ecs_connector.model import Model
from ecs_connector.report import violations
from support.local_scene import Scene

ROOT = Path(__file__).parents[2]
MODEL = Model.load()


@pytest.fixture(scope="module")
def ecs() -> Iterator[LocalEcs]:
    with LocalEcs(clock=ManualClock()) as endpoint:
        yield endpoint


@pytest.fixture
def at(ecs: LocalEcs) -> list[str]:
    """Return the options that point a command at the endpoint."""
    config = {"accessKeyId": "local", "secretAccessKey": "local", "region": "us-east-1", "endpoint": ecs.url}
    return [part for name, value in config.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Take away the handler that a command in this process leaves behind."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command in this process; it must end with 0 and say nothing on stderr."""
    code = cli.main(arguments)
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, ""), captured.err
    return captured.out


@pytest.mark.parametrize("operation", MODEL.names)
def test_every_operation_runs_from_the_terminal(
    operation: str, ecs: LocalEcs, at: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A skeleton, pointed at what is there, runs with exit code 0, and each line is an output that the schema describes."""
    ecs.reset()
    scene = Scene(ecs)
    skeleton = json.loads(command(capsys, "skeleton", operation, "--minimal"))
    body = {**skeleton, **scene.body(operation)}
    schema = json.loads((ROOT / "schemas" / f"{operation}.out.json").read_text(encoding="utf-8"))

    lines = [
        json.loads(line) for line in command(capsys, "run", operation, "--body", json.dumps(body), *at).splitlines()
    ]

    assert len(lines) == 1
    for line in lines:
        assert line["kind"] == "data"
        assert violations(schema, (), line["body"]) == []
        assert unknown(schema, line["body"], schema.get("definitions", {})) == []
        assert line["headers"]["operation"] == operation
        assert line["headers"]["endpoint"] == ecs.url
        assert line["headers"]["attempts"] >= 1
        assert line["headers"]["requestId"]


def unknown(schema: dict[str, Any], value: Any, definitions: dict[str, Any], where: str = "") -> list[str]:
    """Return members of an output that its schema does not describe."""
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, list):
        return [found for item in value for found in unknown(schema["items"], item, definitions, where)]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = [f"{where}/{name}" for name in value if name not in schema["properties"]]
    for name, inner in schema["properties"].items():
        if name in value:
            found += unknown(inner, value[name], definitions, f"{where}/{name}")
    return found


def test_a_life_cycle_from_the_terminal(ecs: LocalEcs, at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Cluster, task definition, task, list, stop, clean up: each command works on what the one before has left."""
    ecs.reset()

    def run(function: str, *options: str, **body: Any) -> Any:
        (line,) = command(capsys, "run", function, "--body", json.dumps(body), *options, *at).splitlines()
        return json.loads(line)["body"]

    assert run("CreateCluster", clusterName="life")["cluster"]["status"] == "ACTIVE"
    definition = run(
        "RegisterTaskDefinition", family="job", containerDefinitions=[{"name": "a", "image": "busybox", "memory": 64}]
    )
    arn = definition["taskDefinition"]["taskDefinitionArn"]
    started = run("RunTask", cluster="life", taskDefinition="job", count=2)["tasks"]
    assert {task["taskDefinitionArn"] for task in started} == {arn}
    listed = run("ListTasks", cluster="life")["taskArns"]
    assert sorted(listed) == sorted(task["taskArn"] for task in started)
    stopped = run("StopTask", cluster="life", task=listed[0], reason="enough")["task"]
    assert stopped["desiredStatus"] == "STOPPED"
    run("StopTask", cluster="life", task=listed[1])
    ecs.clock.sleep(600)
    seen = run("DescribeTasks", cluster="life", tasks=listed)
    assert [task["taskArn"] for task in seen["tasks"]] == listed
    assert {task["lastStatus"] for task in seen["tasks"]} == {"STOPPED"}
    assert run("ListTasks", cluster="life")["taskArns"] == []
    assert run("DeregisterTaskDefinition", taskDefinition=arn)["taskDefinition"]["status"] == "INACTIVE"
    assert run("DeleteCluster", cluster="life")["cluster"]["status"] == "INACTIVE"


def _process(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT / "lib")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=home,
    )


def test_local_needs_neither_account_nor_configuration(tmp_path: Path) -> None:
    """`run --local` in an empty home directory answers from the embedded endpoint."""
    done = _process("-m", "ecs_connector", "run", "ListClusters", "--local", home=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"] == {"clusterArns": []}
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    """The demo ends with 0 and shows the whole main job."""
    done = _process(str(ROOT / "examples" / "demo.py"), home=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    for function in ("CreateCluster", "RegisterTaskDefinition", "RunTask", "ListTasks", "DeleteCluster"):
        assert f"ecs-connector run {function}" in done.stdout
