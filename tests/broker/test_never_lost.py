"""A thousand messages through RunTask, while processes are killed, connections cut and ECS misbehaves.

What a message came to is its outcome: the task that it started, or the error that refused it. The broker
cannot take a publication and an acknowledgement as one, so a process that dies between the two leaves its
outcome published and its message queued; then the same outcome is told again. It never changes.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from ecs_connector.harness.local import LocalEcs
from support import tcp_proxy
from support.outcomes import Outcomes, ecs_with_a_job, run_task_step, tasks_in
from support.steps import Topology

MESSAGES = 1_000
CALM_MESSAGES = 300
PROCESSES = 2
PREFETCH = 8
#: Outcomes between one disturbance and the next, on average.
CALM = 30
LIMIT_S = 150.0
#: What becomes of a message, by its number; all others start a task.
BAD_INPUT, UNKNOWN_CLUSTER = 7, 13

FAULTS = [
    {"kind": "cut", "operation": "RunTask", "when": "before", "probability": 0.02},
    {"kind": "cut", "operation": "RunTask", "when": "after", "probability": 0.02},
    {"kind": "truncated", "operation": "RunTask", "probability": 0.02},
    {"kind": "http", "status": 503, "operation": "RunTask", "when": "after", "probability": 0.02},
    {"kind": "throttle", "operation": "RunTask", "probability": 0.02},
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

    def disturb(self, outcomes: int) -> None:
        """Do harm, if it is time."""
        if outcomes < self._next:
            return
        self._next = outcomes + self._dice.randint(CALM // 2, CALM * 3 // 2)
        what = self._dice.choice(["kill", "kill", "broker", "ecs"])
        self.done[what] += 1
        # An outcome has just come out: anywhere in the work on the next ones is as likely.
        time.sleep(self._dice.random() * 0.03)
        if what == "kill":
            victim = self._dice.randrange(PROCESSES)
            self.processes[victim].kill()
            self.processes[victim].close()
            self.processes[victim] = self._spawn()
        elif what == "broker":
            self._broker_proxy.cut()
        else:
            self._ecs_proxy.down()
            time.sleep(self._dice.random())
            self._ecs_proxy.up()

    @property
    def possible_copies(self) -> int:
        """How many outcomes can have been told and not settled: what was in work where the harm was done."""
        return PREFETCH * (self.done["kill"] + PROCESSES * self.done["broker"])

    def end(self, topology: Topology) -> None:
        """End the processes as the platform does."""
        self.processes[0].wait_consuming(topology, PROCESSES)
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            assert process.wait_exit() == 0, process.log()[-4000:]

    def close(self) -> None:
        for process in self.processes:
            process.close()


@pytest.fixture
def ecs():
    with ecs_with_a_job() as endpoint:
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


@pytest.fixture
def spawn(broker, queues, platform, proxy, ecs_proxy):
    return run_task_step(queues, platform, broker=broker.uri_at(proxy.port), ecs_port=ecs_proxy.port, prefetch=PREFETCH)


def send(topology: Topology, count: int) -> dict[str, str]:
    """Send messages; return what must become of each."""
    sent = {}
    for number in range(count):
        body = {"cluster": "blue", "taskDefinition": "job", "startedBy": f"message-{number}"}
        expected = "data"
        if number % 20 == BAD_INPUT:
            body, expected = {**body, "count": "many"}, "InputError"
        elif number % 20 == UNKNOWN_CLUSTER:
            body, expected = {**body, "cluster": "gone"}, "ClusterNotFoundException"
        sent[topology.send(body)] = expected
    return sent


def collect(topology: Topology, outcomes: Outcomes, disturber: Disturber, count: int, *, calm: bool) -> None:
    """Read until every message has an outcome and nothing is under way any more."""
    deadline = time.monotonic() + LIMIT_S
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 2:
        assert time.monotonic() < deadline, f"{count - len(outcomes.told)} messages have no outcome"
        if outcomes.read():
            quiet_since = time.monotonic()
            if not calm:
                disturber.disturb(len(outcomes.told))
        else:
            topology.settle(0.02)
            # The last settlements, and the copies of what was in work when a process was killed.
            if len(outcomes.told) < count or not topology.empty("messages", "rebound"):
                quiet_since = time.monotonic()
    disturber.end(topology)
    while outcomes.read():
        pass


def check(topology: Topology, outcomes: Outcomes, sent: dict[str, str], ecs: LocalEcs) -> None:
    """Hold every message to its one outcome, on all sides."""
    assert set(outcomes.told) == set(sent)
    assert {message: len(told) for message, told in outcomes.told.items() if len(told) != 1} == {}
    tasks = set()
    for message, expected in sent.items():
        kind, what = outcomes.of(message)
        assert (kind if kind == "data" else what) == expected
        tasks |= {what} if kind == "data" else set()
    assert tasks_in(ecs) == tasks
    assert len(tasks) == sum(expected == "data" for expected in sent.values())
    # What the broker did with each message: settled once, the refused ones as rejected.
    rejected = [taken.headers["messageId"] for taken in topology.take("dead", topology.ready("dead"))]
    assert sorted(rejected) == sorted(message for message, expected in sent.items() if expected != "data")
    assert topology.empty("messages", "rebound", "data", "error")


def lead_through(topology, spawn, proxies, ecs: LocalEcs, count: int, *, calm: bool) -> tuple[Outcomes, Disturber]:
    """Lead so many messages through the step and hold each to its outcome."""
    disturber, outcomes = Disturber(spawn, *proxies, random.Random(42)), Outcomes(topology)
    try:
        disturber.processes[0].wait_consuming(topology)
        sent = send(topology, count)
        collect(topology, outcomes, disturber, count, calm=calm)
        check(topology, outcomes, sent, ecs)
    finally:
        disturber.close()
    return outcomes, disturber


@pytest.mark.timeout(300)
def test_never_lost_never_twice(queues, spawn, proxy, ecs, ecs_proxy):
    """Every message has exactly one outcome, and ECS runs exactly one task for each that asks for one."""
    outcomes, disturber = lead_through(queues, spawn, (proxy, ecs_proxy), ecs, MESSAGES, calm=False)
    assert min(disturber.done[what] for what in ("kill", "broker", "ecs")) >= 3
    assert outcomes.copies <= disturber.possible_copies
    print(f"{dict(disturber.done)}; {outcomes.copies} outcomes were told again")


@pytest.mark.timeout(300)
def test_an_outcome_is_told_once(queues, spawn, proxy, ecs, ecs_proxy):
    """While processes and connections live, no outcome comes a second time, whatever ECS does."""
    outcomes, _ = lead_through(queues, spawn, (proxy, ecs_proxy), ecs, CALM_MESSAGES, calm=True)
    assert outcomes.copies == 0
