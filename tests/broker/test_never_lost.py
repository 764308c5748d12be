"""A thousand messages through RunTask, while processes are killed, connections cut and ECS misbehaves."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict

import pytest

from ecs_connector.harness.local import LocalEcs
from support import tcp_proxy
from support.steps import OURS, ROOT, StepProcess, Taken, Topology, environment_of

MESSAGES = 1_000
PROCESSES = 2
PREFETCH = 8
#: Outputs between one disturbance and the next, on average.
CALM = 30
LIMIT_S = 120.0

FAULTS = [
    {"kind": "cut", "operation": "RunTask", "when": "before", "probability": 0.02},
    {"kind": "cut", "operation": "RunTask", "when": "after", "probability": 0.02},
    # Rare: a step that is throttled slows itself down, as it should.
    {"kind": "throttle", "operation": "RunTask", "call": [100, 101, 600]},
    {"kind": "http", "status": 503, "operation": "RunTask", "when": "after", "probability": 0.02},
]


class Disturber:
    """Kills a process and starts another, cuts the broker's connections, or takes ECS away for a moment."""

    def __init__(self, spawn, broker_proxy, ecs_proxy, dice: random.Random) -> None:
        self._spawn = spawn
        self._broker_proxy = broker_proxy
        self._ecs_proxy = ecs_proxy
        self._dice = dice
        self._next = CALM
        self.processes = [spawn() for _ in range(PROCESSES)]
        self.done = Counter()

    def disturb(self, outputs: int) -> None:
        """Do harm, if it is time."""
        if outputs < self._next:
            return
        self._next = outputs + self._dice.randint(CALM // 2, CALM * 3 // 2)
        what = self._dice.choice(["kill", "kill", "broker", "ecs"])
        self.done[what] += 1
        if what == "kill":
            victim = self._dice.randrange(PROCESSES)
            self.processes[victim].kill()
            self.processes[victim].close()
            self.processes[victim] = self._spawn()
        elif what == "broker":
            self._broker_proxy.cut()
        else:
            self._ecs_proxy.down()
            time.sleep(0.2)
            self._ecs_proxy.up()


@pytest.fixture
def ecs():
    with LocalEcs() as endpoint:
        endpoint.call("CreateCluster", {"clusterName": "blue"}, region="eu-central-1")
        endpoint.call(
            "RegisterTaskDefinition",
            {"family": "job", "containerDefinitions": [{"name": "main", "image": "busybox", "memory": 64}]},
            region="eu-central-1",
        )
        for fault in FAULTS:
            endpoint.inject(fault)
        yield endpoint


@pytest.fixture
def ecs_proxy(ecs):
    with tcp_proxy.proxying(ecs.port) as found:
        yield found


@pytest.fixture
def queues(broker):
    found = Topology(broker, rebounds_return=True)
    yield found
    found.close()


@pytest.mark.timeout(300)
def test_never_lost_never_twice(broker, queues, platform, proxy, ecs, ecs_proxy):
    """Every message has exactly one outcome, and ECS runs exactly one task for each."""
    topology = queues
    platform.steps[topology.name] = {
        "config": {
            "region": "eu-central-1",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "endpoint": f"http://127.0.0.1:{ecs_proxy.port}",
        }
    }
    environment = environment_of(
        topology, platform, "RunTask",
        AMQP_URI=broker.uri_at(proxy.port),
        RABBITMQ_PREFETCH_SAILOR=str(PREFETCH),
        REBOUND_INITIAL_EXPIRATION="200",
        COMPONENT_PATH=str(ROOT),
    )  # fmt: skip
    disturber = Disturber(lambda: StepProcess(OURS, environment), proxy, ecs_proxy, random.Random(42))
    data: dict[str, set[str]] = defaultdict(set)
    copies = 0
    try:
        disturber.processes[0].wait_consuming(topology)
        sent = [
            topology.send({"cluster": "blue", "taskDefinition": "job", "startedBy": f"message-{number}"})
            for number in range(MESSAGES)
        ]
        deadline = time.monotonic() + LIMIT_S
        while len(data) < MESSAGES and time.monotonic() < deadline:
            method, properties, body = topology.channel.basic_get(topology.queue("data"), auto_ack=True)
            if method is None:
                assert topology.ready("error") == 0, topology.take_one("error").error()
                topology.settle(0.02)
                continue
            taken = Taken(body, properties, method.routing_key)
            (task,) = taken.wire()["body"]["tasks"]
            copies += taken.headers["parentMessageId"] in data
            data[taken.headers["parentMessageId"]].add(task["taskArn"])
            disturber.disturb(len(data))
        assert set(data) == set(sent), f"{MESSAGES - len(data)} messages are missing"
        # The last settlements, and copies of what was in work when a process was killed.
        quiet = time.monotonic()
        while time.monotonic() - quiet < 2:
            topology.settle(0.1)
            if not topology.empty("messages", "rebound"):
                quiet = time.monotonic()
            assert time.monotonic() < deadline
        disturber.processes[0].wait_consuming(topology, PROCESSES)
        for process in disturber.processes:
            process.terminate()
        for process in disturber.processes:
            assert process.wait_exit() == 0, process.log()[-4000:]
        while (last := topology.ready("data")) > 0:
            for taken in topology.take("data", last):
                copies += 1
                data[taken.headers["parentMessageId"]].add(taken.wire()["body"]["tasks"][0]["taskArn"])
        assert topology.empty("messages", "error", "dead", "rebound")
    finally:
        for process in disturber.processes:
            process.close()
    # One task for each message, however often its output came: a copy names the same task.
    assert all(len(tasks) == 1 for tasks in data.values())
    assert len({task for tasks in data.values() for task in tasks}) == MESSAGES
    assert tasks_in(ecs) == {task for tasks in data.values() for task in tasks}
    assert min(disturber.done[what] for what in ("kill", "broker", "ecs")) >= 3
    print(f"{dict(disturber.done)}; {copies} outputs came twice")


def tasks_in(ecs: LocalEcs) -> set[str]:
    """Return the ARNs of all tasks that ECS has ever started."""
    found: set[str] = set()
    for status in ("RUNNING", "STOPPED"):
        token: dict[str, str] = {}
        while True:
            page = ecs.call("ListTasks", {"cluster": "blue", "desiredStatus": status, **token}, region="eu-central-1")
            found.update(page["taskArns"])
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
    return found
