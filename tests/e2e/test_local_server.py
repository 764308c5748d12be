"""The embedded endpoint as a server: pages, many clients, connections, and the foreground command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ecs_connector.errors import ConfigError
from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario
from support.local_client import LocalClient, signed_headers

_LIB = Path(__file__).parents[2] / "lib"
_EXAMPLES = Path(__file__).parents[2] / "examples" / "scenarios"


def _pages(client: LocalClient, operation: str, member: str, **body: Any) -> list[list[Any]]:
    pages = []
    while True:
        output = client.ok(operation, body)
        pages.append(output[member])
        if "nextToken" not in output:
            return pages
        body["nextToken"] = output["nextToken"]


def test_lists_come_in_pages() -> None:
    """Pages have the size that was asked for, or ECS's own, and together hold everything once."""
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        for number in range(230):
            ecs.call("CreateCluster", {"clusterName": f"c{number:03}"})
        by_default = _pages(client, "ListClusters", "clusterArns")
        by_size = _pages(client, "ListClusters", "clusterArns", maxResults=50)

    assert [len(page) for page in by_default] == [100, 100, 30]
    assert [len(page) for page in by_size] == [50, 50, 50, 50, 30]
    merged = [arn for page in by_size for arn in page]
    assert merged == [arn for page in by_default for arn in page]
    assert len(set(merged)) == 230


def test_a_token_of_another_list_is_refused() -> None:
    """A token is good for the operation and the filter that it came from."""
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        for number in range(3):
            ecs.call("CreateCluster", {"clusterName": f"c{number}"})
        token = client.ok("ListClusters", {"maxResults": 1})["nextToken"]
        answers = [
            client.call("ListTaskDefinitions", {"nextToken": token}),
            client.call("ListClusters", {"nextToken": "nonsense"}),
            client.call("ListClusters", {"maxResults": 101}),
        ]

    assert [answer.code for answer in answers] == ["InvalidParameterException"] * 3


def test_small_pages_are_the_default_where_ecs_has_them() -> None:
    """ListServices gives ten at a time, ListTaskDefinitions a hundred."""
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        ecs.call("CreateCluster", {"clusterName": "c"})
        definition = {"family": "job", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
        for number in range(12):
            ecs.call("RegisterTaskDefinition", definition)
            service = {"cluster": "c", "serviceName": f"s{number}", "taskDefinition": "job", "desiredCount": 0}
            ecs.call("CreateService", service)

        assert [len(page) for page in _pages(client, "ListServices", "serviceArns", cluster="c")] == [10, 2]
        assert [len(page) for page in _pages(client, "ListTaskDefinitions", "taskDefinitionArns")] == [12]


def test_many_threads_see_one_state() -> None:
    """32 clients at once lose nothing, and one token among them starts one task."""
    with LocalEcs(clock=ManualClock(), scenario=Scenario.from_mapping({"defaults": {"runningSeconds": 99}})) as ecs:
        ecs.call("CreateCluster", {"clusterName": "c"})
        definition = {"family": "job", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
        ecs.call("RegisterTaskDefinition", definition)
        arns: set[str] = set()
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                with LocalClient(ecs.port) as client:
                    body = {"cluster": "c", "taskDefinition": "job"}
                    for _ in range(5):
                        arns.add(client.ok("RunTask", {**body, "clientToken": "shared"})["tasks"][0]["taskArn"])
                    arns.add(client.ok("RunTask", {**body, "startedBy": f"t{number}"})["tasks"][0]["taskArn"])
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        listed = ecs.call("ListTasks", {"cluster": "c", "maxResults": 100})["taskArns"]

    assert failed == []
    assert len(arns) == len(listed) == 33
    assert len(ecs.requests.of("RunTask")) == 32 * 6


def test_requests_are_recorded() -> None:
    """A test can see each request: operation, body, headers, target, region of the signature, status."""
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port, region="eu-central-1") as client:
        created = client.ok("CreateCluster", {"clusterName": "c"})
        client.call("DeleteCluster", {"cluster": "none"})
        first, second = ecs.requests

    assert (first.service, first.operation, first.body, first.status) == (
        "ecs",
        "CreateCluster",
        {"clusterName": "c"},
        200,
    )
    assert first.target == "/?Action=CreateCluster&Version=2014-11-13"
    assert first.authorization_region == "eu-central-1"
    assert first.headers["content-type"] == "application/x-amz-json-1.1"
    assert (second.status, second.error) == (400, "ClusterNotFoundException")
    assert created["cluster"]["clusterArn"] == "arn:aws:ecs:eu-central-1:123456789012:cluster/c"


def test_regions_and_endpoints_share_nothing() -> None:
    """What is in one region, or behind one endpoint, is not in another."""
    with LocalEcs(clock=ManualClock()) as one, LocalEcs(clock=ManualClock()) as other:
        one.call("CreateCluster", {"clusterName": "c"}, region="eu-west-1")

        assert one.call("ListClusters", {}, region="us-east-1")["clusterArns"] == []
        assert other.call("ListClusters", {}, region="eu-west-1")["clusterArns"] == []
        assert len(one.call("ListClusters", {}, region="eu-west-1")["clusterArns"]) == 1


def test_a_connection_is_kept_and_chunks_are_read() -> None:
    """Many requests go over one connection, also with a chunked body."""
    with LocalEcs(clock=ManualClock()) as ecs, socket.create_connection(("127.0.0.1", ecs.port), timeout=10) as raw:
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed_headers("ListClusters").items())
        for _ in range(3):
            raw.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: chunked\r\n\r\n".encode())
            raw.sendall(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"clusterArns": []}'):
                received = raw.recv(65536)
                assert received
                answer += received
        raw.sendall(b"this is no HTTP\r\n\r\n")
        assert raw.recv(10) == b""


def test_one_request_costs_little() -> None:
    """A call takes well under five milliseconds of the endpoint's and the client's time together."""
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        ecs.call("CreateCluster", {"clusterName": "c"})
        started = time.process_time()
        for _ in range(100):
            client.ok("ListTasks", {"cluster": "c"})
        per_call_s = (time.process_time() - started) / 100

    assert per_call_s < 0.005


def test_a_taken_port_is_explained() -> None:
    """A port in use gives an error that names the port and what to do."""
    with LocalEcs(clock=ManualClock()) as ecs, pytest.raises(ConfigError) as caught:
        LocalEcs(port=ecs.port).start()

    assert caught.value.field == "port"
    assert f"port {ecs.port}" in str(caught.value)
    assert "--port" in str(caught.value)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve_tells_where_it_is_and_ends_with_zero(ending: signal.Signals) -> None:
    """In the foreground the first line of stdout is JSON with the endpoint; a signal ends it with code 0."""
    code = "import sys; from ecs_connector.harness.local import serve; sys.exit(serve())"
    environment = {**os.environ, "PYTHONPATH": str(_LIB)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["endpoint"]
        with LocalClient(int(url.rsplit(":", 1)[-1])) as client:
            client.ok("CreateCluster", {"clusterName": "c"})
        with LocalClient(int(url.rsplit(":", 1)[-1])) as another:
            survived = another.ok("ListClusters")["clusterArns"]
        process.send_signal(ending)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 0
    assert len(survived) == 1
    assert out == ""
    assert url in err
    assert "Traceback" not in err


@pytest.mark.parametrize("path", sorted(_EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_scenarios_open(path: Path) -> None:
    """Each example scenario is valid and its setup succeeds."""
    with LocalEcs(scenario=Scenario.load(path), clock=ManualClock()) as ecs:
        assert ecs.call("DescribeClusters", {"clusters": ["demo"]})["failures"] == []


def test_the_rollback_example_does_what_it_says() -> None:
    """The second deployment of the shipped scenario is rolled back, the third succeeds, the fourth meets an alarm."""
    clock = ManualClock()
    with LocalEcs(scenario=Scenario.load(_EXAMPLES / "rollback.yaml"), clock=clock) as ecs:
        for revision in ("web:2", "web:2", "web:1"):
            clock.advance(10)
            ecs.call("UpdateService", {"cluster": "demo", "service": "web", "taskDefinition": revision})
        clock.advance(10)
        found = ecs.call("ListServiceDeployments", {"cluster": "demo", "service": "web"})["serviceDeployments"]

    assert [item["status"] for item in found] == [
        "ROLLBACK_SUCCESSFUL",
        "SUCCESSFUL",
        "ROLLBACK_SUCCESSFUL",
        "SUCCESSFUL",
    ]
