"""The same message again and again has one effect on the embedded endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector import Component
from ecs_connector.errors import ConnectorError, Rebound
from support.local_steps import LocalSteps, local_steps

RUN = {"cluster": "blue", "taskDefinition": "web"}
START = {**RUN, "containerInstances": ["0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c"]}
LONG = [{"match": {"family": "web"}, "runningSeconds": 400_000}]

#: What goes wrong at one delivery: before the call, during it, and after it has had its effect.
FAULTS = [
    {"kind": "http", "status": 503, "when": "before"},
    {"kind": "cut", "when": "before"},
    {"kind": "cut", "when": "after"},
    {"kind": "http", "status": 500, "when": "after"},
    {"kind": "cut", "when": "during"},
]


def deliver(steps: LocalSteps, function: str, body: dict[str, Any], **fields: Any) -> Any:
    """Run a message in a process of its own, as after a crash; return its output, or None when it comes again."""
    with Component.load(clock=steps.clock) as component:
        component.random = lambda: 0.5
        try:
            return steps.run(function, body, id="m1", component=component, **fields).body
        except ConnectorError as error:
            assert error.outcome.settlement == "rebound", error
        except Rebound:
            pass
        return None


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_one_message_starts_one_task(first):
    """Delivered five times with faults before, during and after the call, and once more when its token is forgotten: one task."""
    with local_steps(tasks=LONG) as steps:
        for delivery in range(5):
            fault = FAULTS[(first + delivery) % len(FAULTS)]
            steps.ecs.inject(operation=["RunTask"], times=1, **fault)
            deliver(steps, "RunTask", RUN, maxAttempts=1, redelivered=delivery > 0)
        while deliver(steps, "RunTask", RUN, redelivered=True) is None:
            pass
        steps.clock.advance(24 * 3600 + 60)
        late = deliver(steps, "RunTask", RUN, redelivered=True)

        assert steps.tasks() == [late["tasks"][0]["taskArn"]]
        assert late["alreadyStarted"] is True
        assert (
            deliver(steps, "RunTask", RUN, redelivered=True, rerun=True)["tasks"][0]["taskArn"]
            != late["tasks"][0]["taskArn"]
        )


def test_a_caller_that_knows_no_deliveries_is_held_by_the_token():
    """The same message id through `Component.run`, in a new process, starts nothing new while ECS keeps the token, at one call each."""
    with local_steps(tasks=LONG) as steps:
        for _ in range(3):
            with Component.load(clock=steps.clock) as component:
                list(component.run("RunTask", body=RUN, config=steps.config(), message_id="m1"))
            steps.clock.advance(7 * 3600)

        assert len(steps.tasks()) == 1
        sent = [request.body for request in steps.ecs.requests.of("RunTask")]
        assert len(sent) == len(steps.ecs.requests.of("RunTask")) == 3
        assert all(set(body) == {*RUN, "clientToken"} for body in sent)


@pytest.mark.parametrize("fault", FAULTS[:3])
def test_one_message_starts_one_task_on_an_instance(fault):
    """StartTask has no token: the mark alone keeps a second delivery from starting a second task."""
    with local_steps(tasks=LONG) as steps:
        steps.ecs.inject(operation=["StartTask"], times=1, **fault)
        try:
            steps.run("StartTask", START, id="m1", redelivered=False, maxAttempts=1)
        except ConnectorError:
            pass
        for _ in range(4):
            steps.run("StartTask", START, id="m1", redelivered=True)

        assert len(steps.tasks()) == 1


def test_a_restart_at_any_point_leads_to_one_task_and_its_verdict():
    """A process that dies between request and verdict, wherever that is, is taken up by the next one."""
    whole = [{"match": {"family": "web"}, "runningSeconds": 50}]
    with local_steps(tasks=whole) as steps:
        deliver(steps, "RunTask", RUN, waitFor="TasksStopped", redelivered=False)
        requests = len(steps.ecs.requests)
    for point in range(1, requests + 1):
        with local_steps(tasks=whole) as steps:
            _die_at(steps, point)
            verdict = deliver(steps, "RunTask", RUN, waitFor="TasksStopped", redelivered=True)["verdict"]

            assert len(steps.tasks()) == 1
            assert verdict["ok"]


class Killed(BaseException):
    """The end of a process."""


def _die_at(steps: LocalSteps, point: int) -> None:
    """Run the message in a process that ends right after its n-th answer."""
    with Component.load(clock=steps.clock) as component:
        transport, left = component.clients.transport, [point]

        class Dying:
            def send(self, *args: Any, **times: Any) -> Any:
                answer = transport.send(*args, **times)
                left[0] -= 1
                if left[0] == 0:
                    raise Killed
                return answer

            def close(self) -> None:
                transport.close()

        component.clients.transport = Dying()
        try:
            steps.run("RunTask", RUN, id="m1", component=component, waitFor="TasksStopped", redelivered=False)
        except Killed:
            pass


def test_a_task_of_six_hours_holds_no_message_for_long():
    """A long task is waited for in short turns: no delivery is held over the limit, one task, the same verdict as in one go."""
    with local_steps(tasks=[{"match": {"family": "web"}, "runningSeconds": 6 * 3600}]) as steps:
        turns, found = 0, None
        while found is None:
            began = steps.clock.monotonic()
            found = deliver(
                steps, "RunTask", RUN, waitFor="TasksStopped", waitTimeoutSeconds=8 * 3600, waitIntervalSeconds=30,
                max_hold_s=1500.0, redelivered=turns > 0,
            )  # fmt: skip
            assert steps.clock.monotonic() - began <= 1500 + 30
            turns += 1
            steps.clock.advance(60)

        assert 14 <= turns <= 16
        assert len(steps.ecs.requests.of("RunTask")) == 1
        assert found["alreadyStarted"]
    with local_steps(tasks=[{"match": {"family": "web"}, "runningSeconds": 6 * 3600}]) as steps:
        whole = steps.run(
            "RunTask", RUN, waitFor="TasksStopped", waitTimeoutSeconds=8 * 3600, waitIntervalSeconds=30
        ).body
    assert _judgement(found["verdict"]) == _judgement(whole["verdict"])
    assert found["verdict"]["ok"]


def _judgement(verdict: Any) -> Any:
    """Return what a verdict says, without what tells one run from another."""
    tasks = [
        {name: task[name] for name in ("ok", "kind", "reason", "exitCodes", "stopCode", "stoppedReason")}
        for task in verdict["tasks"]
    ]
    return {**{name: verdict[name] for name in ("ok", "reason", "counts", "failures")}, "tasks": tasks}


def test_a_run_that_was_stopped_for_its_time_ends_when_it_comes_again():
    """A wait that runs out of time stops its task once; the message that comes again finds it stopped and is a failure."""
    with local_steps(tasks=LONG) as steps:
        policy = {"waitFor": "TasksStopped", "waitTimeoutSeconds": 60, "onWaitFailure": "stop"}
        assert deliver(steps, "RunTask", RUN, redelivered=False, **policy) is None
        steps.clock.advance(15)
        with pytest.raises(AssertionError, match="StopTask"):
            deliver(steps, "RunTask", RUN, redelivered=True, **policy)

        assert len(steps.tasks()) == 1
        assert len(steps.ecs.requests.of("StopTask")) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_one_message_creates_one_service(fault):
    """CreateService keeps its one effect over faults and beyond its token's lifetime."""
    body = {"cluster": "blue", "serviceName": "shop", "taskDefinition": "web", "desiredCount": 1}
    with local_steps() as steps:
        steps.ecs.inject(operation=["CreateService"], times=1, **fault)
        deliver(steps, "CreateService", body, maxAttempts=1, redelivered=False)
        for _ in range(2):
            deliver(steps, "CreateService", body, redelivered=True)
            steps.clock.advance(25 * 3600)
        last = deliver(steps, "CreateService", body, redelivered=True)

        assert last["service"]["serviceName"] == "shop"
        listed = steps.ecs.call("ListServiceDeployments", {"cluster": "blue", "service": "shop"})
        assert len(listed["serviceDeployments"]) == 1
