"""Waits on one cluster share their looks."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from ecs_connector.errors import ServiceError, StopRequested, WaitFailed
from ecs_connector.poller import Pollers, Target
from support.scripted_ecs import CONFIG, CrowdClock, Ecs, Refused, make_task, task_arn
from support.stepped_clock import SteppedClock


def make_target(ecs: Ecs, operation: str = "DescribeTasks", **params: Any) -> Target:
    return Target(ecs.component.clients.model.operation(operation), "tasks", "tasks", "taskArn", params)


def run_waits(ecs: Ecs, clock: CrowdClock, names: list[str], **fields: Any) -> dict[str, Any]:
    """Wait for each task in a thread of its own; return what came of each, and when."""
    ended: dict[str, Any] = {}

    def wait(name: str) -> None:
        try:
            body = {"cluster": "blue", "tasks": [task_arn(name)]}
            emission = ecs.run(
                "DescribeTasks", body, **{"waitFor": "TasksStopped", "waitTimeoutSeconds": 900, **fields}
            )
            ended[name] = (clock.monotonic(), emission)
        except BaseException as error:
            ended[name] = (clock.monotonic(), error)
        finally:
            clock.leave()

    threads = [threading.Thread(target=wait, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ended


def test_five_hundred_waits_look_once_for_a_hundred():
    """However many waits there are on a cluster, an interval costs one call for each hundred tasks, and nobody is told late."""
    names = [f"t{number}" for number in range(500)]
    ends = {name: 20.0 + number % 97 for number, name in enumerate(names)}
    clock = CrowdClock(len(names))

    def answer(operation, body):
        status = {
            arn: ("STOPPED" if clock.monotonic() >= ends[arn.rpartition("/")[2]] else "RUNNING")
            for arn in body["tasks"]
        }
        return {"tasks": [make_task(arn.rpartition("/")[2], state) for arn, state in status.items()], "failures": []}

    ecs = Ecs(answer, clock)
    before = threading.active_count()

    ended = run_waits(ecs, clock, names)

    assert {type(result).__name__ for _, result in ended.values()} == {"Emission"}
    for window in range(20):
        inside = [at for at, _, _ in ecs.script.asked if window * 6 <= at < (window + 1) * 6]
        assert len(inside) <= math.ceil(len(names) / 100)
    assert all(ends[name] <= at <= ends[name] + 6 for name, (at, _) in ended.items())
    attempts = sum(result.headers["attempts"] for _, result in ended.values())
    assert attempts == len(ecs.script.asked)
    assert threading.active_count() == before
    assert ecs.component.clients.shared["pollers"].count == 0


def test_a_call_never_asks_for_more_than_ecs_takes():
    """The shared look is split where ECS has a limit, and repeats no id."""
    names = [f"t{number % 150}" for number in range(300)]
    clock = CrowdClock(len(set(names)))

    def answer(operation, body):
        state = "STOPPED" if clock.monotonic() > 5 else "RUNNING"
        return {"tasks": [make_task(arn.rpartition("/")[2], state) for arn in body["tasks"]], "failures": []}

    ecs = Ecs(answer, clock)
    run_waits(ecs, clock, sorted(set(names)))

    shared = [body["tasks"] for at, _, body in ecs.script.asked if at > 0]
    assert sorted(len(tasks) for tasks in shared) == [50, 100]
    assert all(len(body["tasks"]) <= 100 for _, _, body in ecs.script.asked)
    assert all(len(set(tasks)) == len(tasks) for tasks in shared)


def test_waits_of_other_identities_are_not_mixed():
    """Two sets of credentials never share a look, even for the same task."""
    clock = CrowdClock(2)
    ended = []

    def answer(operation, body):
        return {"tasks": [make_task("t1", "STOPPED" if clock.monotonic() > 5 else "RUNNING")], "failures": []}

    ecs = Ecs(answer, clock)

    def wait(key):
        try:
            ended.append(ecs.run("DescribeTasks", {"tasks": ["t1"]}, waitFor="TasksStopped", accessKeyId=key))
        finally:
            clock.leave()

    threads = [threading.Thread(target=wait, args=(key,)) for key in ("AKIDONE", "AKIDTWO")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(ended) == 2
    assert len([at for at, _, _ in ecs.script.asked if at > 0]) == 2


def test_a_bad_id_ends_only_its_own_wait():
    """A look that one wait's id spoils is repeated for each wait alone."""
    names = ["good1", "bad", "good2"]
    clock = CrowdClock(len(names))

    def answer(operation, body):
        if clock.monotonic() > 10 and any(arn.endswith("/bad") for arn in body["tasks"]):
            raise Refused("InvalidParameterException", "Identifier is not valid")
        state = "STOPPED" if clock.monotonic() > 15 else "RUNNING"
        return {"tasks": [make_task(arn.rpartition("/")[2], state) for arn in body["tasks"]], "failures": []}

    ecs = Ecs(answer, clock)
    ended = run_waits(ecs, clock, names)

    assert isinstance(ended["bad"][1], WaitFailed)
    assert "Identifier is not valid" in str(ended["bad"][1])
    assert ended["good1"][1].body["verdict"]["ok"]
    assert ended["good2"][1].body["verdict"]["ok"]


def test_a_slower_wait_rides_on_the_looks_of_a_faster_one():
    """Different paces on one cluster cost no more calls than the fastest alone."""
    clock = CrowdClock(2)

    def answer(operation, body):
        state = "STOPPED" if clock.monotonic() >= 60 else "RUNNING"
        return {"tasks": [make_task(arn.rpartition("/")[2], state) for arn in body["tasks"]], "failures": []}

    ecs = Ecs(answer, clock)
    ended = {}

    def wait(name, interval):
        try:
            ecs.run("DescribeTasks", {"tasks": [name]}, waitFor="TasksStopped", waitIntervalSeconds=interval)
            ended[name] = clock.monotonic()
        finally:
            clock.leave()

    threads = [threading.Thread(target=wait, args=pair) for pair in (("fast", 6), ("slow", 15))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    looks = [at for at, _, _ in ecs.script.asked if at > 0]
    assert len([at for at in looks if at <= 60]) <= 11
    assert ended["fast"] <= 66
    assert ended["slow"] <= 75


def test_a_stop_ends_every_wait_and_leaves_no_look_behind():
    """When the process is asked to stop, each wait gives its message back and nothing goes on looking."""
    names = [f"t{number}" for number in range(20)]
    clock = CrowdClock(len(names))

    def answer(operation, body):
        if clock.monotonic() >= 30:
            clock.stopped = True
        return {"tasks": [make_task(arn.rpartition("/")[2]) for arn in body["tasks"]], "failures": []}

    ecs = Ecs(answer, clock)
    ended = run_waits(ecs, clock, names)

    assert {type(error) for _, error in ended.values()} == {StopRequested}
    assert ecs.component.clients.shared["pollers"].count == 0


def test_a_failed_look_is_told_and_the_next_one_may_succeed():
    """An error of a look reaches the wait that asked, and the wait may look again."""
    clock = SteppedClock()
    answers = [Refused("ClusterNotFoundException", "Cluster not found."), {"tasks": [make_task()], "failures": []}]
    ecs = Ecs(lambda operation, body: answers.pop(0), clock)
    step = ecs.component.clients.step("DescribeTasks", CONFIG)

    with Pollers().joined(step, make_target(ecs), [task_arn("t1")], 6.0, clock) as (poller, entry):
        with pytest.raises(ServiceError):
            poller.look(entry, step.config)
        assert [task["taskArn"] for task in poller.look(entry, step.config)["tasks"]] == [task_arn("t1")]

    assert clock.elapsed_s == 6.0


def test_what_an_answer_says_nothing_of_is_missing():
    """An id that comes back neither as a task nor as a failure counts as missing."""
    clock = SteppedClock()
    ecs = Ecs(lambda operation, body: {"tasks": [make_task("t1")], "failures": []}, clock)
    step = ecs.component.clients.step("DescribeTasks", CONFIG)

    with Pollers().joined(step, make_target(ecs), ["t1", "t2"], 6.0, clock) as (poller, entry):
        body = poller.look(entry, step.config)

    assert [task["taskArn"] for task in body["tasks"]] == [task_arn("t1")]
    assert body["failures"] == [{"arn": "t2", "reason": "MISSING"}]
