"""A broker for the session, a platform stub and a step for each test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import platform_stub, rabbitmq, tcp_proxy
from support.platform_stub import PlatformStub
from support.rabbitmq import RabbitMq
from support.services import missing
from support.steps import KINDS, NODE, NODE_SAILOR, OURS, StepProcess, Topology, environment_of
from support.tcp_proxy import TcpProxy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; starting a broker on a busy machine takes longer than a unit test may."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.broker)
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture(scope="session")
def broker() -> Iterator[RabbitMq]:
    if rabbitmq.find_server() is None:
        missing("RabbitMQ", ".ci/install-rabbitmq")
    with rabbitmq.running() as node:
        yield node


@pytest.fixture(scope="session")
def node_runtime() -> None:
    """The official runtime is there."""
    if shutil.which("node") is None or not (NODE_SAILOR / "run.js").is_file():
        missing("The official Node.js runtime", ".ci/install-node-sailor")


@pytest.fixture
def platform() -> Iterator[PlatformStub]:
    with platform_stub.serving() as stub:
        yield stub


@pytest.fixture
def topology(broker: RabbitMq) -> Iterator[Topology]:
    found = Topology(broker)
    yield found
    found.close()


@pytest.fixture
def proxy(broker: RabbitMq) -> Iterator[TcpProxy]:
    with tcp_proxy.proxying(broker.port) as found:
        yield found


class Starter:
    """Starts steps, and ends them with the test."""

    def __init__(self, platform: PlatformStub, topology: Topology | None) -> None:
        self.platform = platform
        self.topology = topology
        self._running: list[StepProcess] = []

    def __call__(
        self,
        side: str,
        function: str = "script",
        *,
        topology: Topology | None = None,
        info: Any = None,
        component: str = "museum",
        wait: bool = True,
        **variables: str | None,
    ) -> StepProcess:
        where = topology or self.topology
        assert where is not None
        self.platform.steps.setdefault(where.name, {"config": {}, "snapshot": {}, **(info or {})})
        process = StepProcess(side, environment_of(where, self.platform, function, **variables), component=component)
        self._running.append(process)
        if wait:
            process.wait_consuming(where)
        return process

    def chain(self, *sides: str, topologies: list[Topology], info: Any = None, **variables: str | None) -> None:
        """Start steps whose data goes to the next one; the last one's goes to its own queue."""
        for index, (name, where) in enumerate(zip(sides, topologies, strict=True)):
            onward: dict[str, str | None] = {}
            if index + 1 < len(sides):
                follower = topologies[index + 1]
                onward = {"PUBLISH_MESSAGES_TO": follower.exchange, "DATA_ROUTING_KEY": follower.key("messages")}
            self(name, topology=where, info=info, wait=False, **onward, **variables)
        for process, where in zip(self._running[-len(sides) :], topologies, strict=True):
            process.wait_consuming(where)

    def close(self) -> None:
        for process in self._running:
            process.close()


@pytest.fixture
def start(platform: PlatformStub, topology: Topology) -> Iterator[Starter]:
    starter = Starter(platform, topology)
    yield starter
    starter.close()


@pytest.fixture
def topologies(broker: RabbitMq) -> Iterator[Callable[[int], list[Topology]]]:
    """Makes queues for several steps."""
    made: list[Topology] = []

    def make(count: int) -> list[Topology]:
        made.extend(Topology(broker) for _ in range(count))
        return made[-count:]

    yield make
    for found in made:
        found.close()


@pytest.fixture(params=[OURS, NODE])
def side(request: pytest.FixtureRequest) -> str:
    """Our step, and the official one as the measure."""
    found: str = request.param
    if found == NODE:
        request.getfixturevalue("node_runtime")
    return found


@pytest.fixture(scope="session")
def standard_steps(broker: RabbitMq) -> Iterator[Callable[[str], Topology]]:
    """Steps with the platform's default settings, started once; by side."""
    running: dict[str, Topology] = {}
    with platform_stub.serving() as stub:
        starter = Starter(stub, None)

        def step(name: str) -> Topology:
            if name not in running:
                running[name] = Topology(broker)
                starter(name, topology=running[name], info={"config": {"secret": "s3cr3t-value"}})
            return running[name]

        yield step
        starter.close()
    for where in running.values():
        where.close()


@pytest.fixture
def standard(side: str, standard_steps: Callable[[str], Topology]) -> Topology:
    """The queues of a running step with default settings; nothing lies in them."""
    where = standard_steps(side)
    for kind in KINDS:
        where.channel.queue_purge(where.queue(kind))
    return where


@pytest.fixture
def node_eval(node_runtime: None) -> Callable[[str], Any]:
    """Evaluates an expression with the official runtime's modules."""

    def evaluate(script: str) -> Any:
        done = subprocess.run(
            [shutil.which("node") or "node", "-e", script],
            cwd=NODE_SAILOR,
            env={**os.environ, "NODE_ENV": "test"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return json.loads(done.stdout)

    return evaluate
