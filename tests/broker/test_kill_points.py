"""A process that is killed at each point between delivery and acknowledgement.

What was under way at that moment either still arrives or is lost; nobody can tell which it will be.
"""

from __future__ import annotations

import time

import pytest

from support import tcp_proxy
from support.outcomes import Outcomes, ecs_with_a_job, run_task_step, tasks_in

#: Class and method as they travel; a broker confirms with the method that a consumer acknowledges with.
BASIC_PUBLISH, BASIC_DELIVER, BASIC_ACK = b"\x00\x3c\x00\x28", b"\x00\x3c\x00\x3c", b"\x00\x3c\x00\x50"
#: Point -> whose connection, the bytes that are under way, whether they come from there,
#: and how often the outcome is told if they arrive and if not.
POINTS = {
    "the delivery": ("broker", BASIC_DELIVER, True, 1, 1),
    "the request": ("ecs", b"AmazonEC2ContainerServiceV20141113.RunTask", False, 1, 1),
    "the answer": ("ecs", b"HTTP/1.1 200", True, 1, 1),
    "the output": ("broker", BASIC_PUBLISH, False, 2, 1),
    "the confirm": ("broker", BASIC_ACK, True, 2, 2),
    "the acknowledgement": ("broker", BASIC_ACK, False, 1, 2),
}


@pytest.fixture
def ecs():
    with ecs_with_a_job() as endpoint:
        yield endpoint


@pytest.mark.parametrize("arrives", [True, False], ids=["arrives", "is lost"])
@pytest.mark.parametrize("point", POINTS)
def test_killed(point, arrives, broker, topology, platform, proxy, ecs):
    """The message is delivered again and comes to the same end: one task, one outcome."""
    whose, pattern, answer, *tellings = POINTS[point]
    with tcp_proxy.proxying(ecs.port) as ecs_proxy:
        held = ecs_proxy if whose == "ecs" else proxy
        spawn = run_task_step(topology, platform, broker=broker.uri_at(proxy.port), ecs_port=ecs_proxy.port, prefetch=1)
        outcomes = Outcomes(topology)
        first = spawn()
        try:
            first.wait_consuming(topology)
            held.hold_at(pattern, answer=answer)
            sent = topology.send({"cluster": "blue", "taskDefinition": "job"})
            assert held.held.wait(20), first.log()
        finally:
            first.close()
        if arrives:
            held.release()
        else:
            held.lose()
        second = spawn()
        try:
            second.wait_consuming(topology)
            quiet_since = time.monotonic()
            while time.monotonic() - quiet_since < 1 or not outcomes.told:
                if outcomes.read() or not topology.empty("messages"):
                    quiet_since = time.monotonic()
                topology.settle(0.02)
            second.terminate()
            assert second.wait_exit() == 0, second.log()
        finally:
            second.close()
    kind, task = outcomes.of(sent)
    assert kind == "data"
    assert tasks_in(ecs) == {task}
    assert outcomes.told[sent].total() == tellings[0 if arrives else 1]
    assert topology.empty()
