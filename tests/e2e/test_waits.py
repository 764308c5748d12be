"""Waits and verdicts against the embedded endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.errors import WaitFailed, WaitTimedOut
from support.local_steps import LocalSteps, local_steps

RUN = {"cluster": "blue", "taskDefinition": "web"}
PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/x:latest: not found"

#: Way to die -> the scenario's rule for the task, the kind of the verdict, and what the bundle has to say.
DEATHS: dict[str, tuple[dict[str, Any], str, str]] = {
    "exit code": ({"containers": {"app": {"exitCode": 3}}}, "exit_code", "exit code 3"),
    "killed": ({"containers": {"app": {"exitCode": 137}}}, "exit_code", "exit code 137"),
    "memory": ({"containers": {"app": {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}}}, "out_of_memory", "memory"),
    "no exit code": ({"containers": {"app": {"exitCode": "none"}}}, "missing_exit_code", "no exit code"),
    "image": ({"starts": False, "stoppedReason": PULL}, "image_pull", "not found"),
    "secret": ({"starts": False, "stoppedReason": "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"}, "resource_init", "pull secrets"),
    "start": ({"starts": False, "stoppedReason": "Task failed to start"}, "failed_start", "failed to start"),
    "command": ({"starts": False, "containers": {"app": {"reason": 'CannotStartContainerError: exec: "nope": executable file not found in $PATH'}}}, "failed_start", "nope"),
    "spot": ({"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted.", "containers": {"app": {"exitCode": 143}}}, "spot_interruption", "Spot"),
    "host": ({"stopCode": "TerminationNotice", "stoppedReason": "Host EC2 (instance i-0123456789abcdef0) terminated.", "containers": {"app": {"exitCode": "none"}}}, "lost_host", "i-0123456789abcdef0"),
    "user": ({"stopCode": "UserInitiated", "stoppedReason": "by hand", "containers": {"app": {"exitCode": 143}}}, "user_stopped", "by hand"),
    "scheduler": ({"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1)", "containers": {"app": {"exitCode": 0}}}, "service_scheduler", "Scaling"),
}  # fmt: skip


@pytest.mark.parametrize("way", DEATHS)
def test_one_message_is_enough_to_name_the_cause(way):
    """However a task dies, the error alone has the verdict, the reason, the images, the times and where to look."""
    rule, kind, said = DEATHS[way]
    with local_steps(tasks=[{"match": {"family": "web"}, **rule}]) as steps, pytest.raises(WaitFailed) as caught:
        steps.run("RunTask", RUN, waitFor="TasksStopped")

    task = caught.value.last["verdict"]["tasks"][0]
    assert (task["ok"], task["kind"]) == (False, kind)
    assert said in task["reason"]
    assert task["images"]["app"]["image"] == "busybox"
    assert {"createdAt", "stoppedAt"} <= set(task["times"])
    assert task["taskArn"].rpartition("/")[2] in task["link"]


def test_a_failed_run_brings_its_log_along():
    """With logLines, the last lines of each container are in the error, and a container that is not essential is forgiven."""
    ends = {
        "app": {"exitCode": 1, "logs": [f"line {number}" for number in range(30)]},
        "side": {"exitCode": 7, "logs": ["only"]},
    }
    with local_steps(tasks=[{"match": {"family": "two"}, "containers": ends}]) as steps:
        steps.register("two", {"name": "app"}, {"name": "side", "essential": False})
        with pytest.raises(WaitFailed) as caught:
            steps.run("RunTask", {**RUN, "taskDefinition": "two"}, waitFor="TasksStopped", logLines="5")

    task = caught.value.last["verdict"]["tasks"][0]
    assert "app" in task["reason"]
    assert "side" not in task["reason"]
    assert task["logs"]["app"]["lines"] == [f"line {number}" for number in range(25, 30)]
    assert task["logs"]["side"]["lines"] == ["only"]


def test_several_tasks_are_judged_together():
    """One verdict for each task and one for the step: a single bad task fails the step and is named."""
    with local_steps(tasks=[{"match": {"family": "web"}, "run": 2, "containers": {"app": {"exitCode": 9}}}]) as steps:
        emission = steps.run("RunTask", {**RUN, "count": 3}, waitFor="TasksStopped", onBadVerdict="emit")

    verdict = emission.body["verdict"]
    assert [task["ok"] for task in verdict["tasks"]] == [True, False, True]
    assert verdict["counts"] == {"success": 2, "exit_code": 1}
    assert verdict["reason"].startswith("1 of 3 tasks failed")


def test_a_task_that_vanishes_ends_the_wait():
    """A task that ECS no longer knows is not waited for until the budget is gone."""
    with local_steps(
        tasks=[{"match": {"family": "web"}, "runningSeconds": "forever", "vanishesAfterSeconds": 20}]
    ) as steps:
        with pytest.raises(WaitFailed, match="MISSING"):
            steps.run("RunTask", RUN, waitFor="TasksStopped", waitTimeoutSeconds=3600)
        assert steps.clock.monotonic() <= 36


def test_a_task_that_never_starts_is_stopped_when_the_start_limit_is_over():
    """The start limit ends the wait, and by policy the task that hangs."""
    with local_steps(tasks=[{"match": {"family": "web"}, "pendingSeconds": "forever"}]) as steps:
        with pytest.raises(WaitTimedOut, match="has not started"):
            steps.run("RunTask", RUN, waitFor="TasksStopped", waitStartTimeoutSeconds=60, onWaitFailure="stop")
        steps.clock.advance(60)
        stopped = steps.ecs.call("DescribeTasks", {"cluster": "blue", "tasks": steps.tasks()})["tasks"][0]

    assert stopped["lastStatus"] == "STOPPED"
    assert stopped["stoppedReason"].startswith("ecs-connector: ")
    assert len(steps.ecs.requests.of("StopTask")) == 1


# -- deployments ----------------------------------------------------------------------------------------

GUARDED = {
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    "alarms": {"alarmNames": ["cpu"], "enable": True, "rollback": True},
}
SERVICE = {
    "cluster": "blue",
    "serviceName": "shop",
    "taskDefinition": "web",
    "desiredCount": 1,
    "deploymentConfiguration": GUARDED,
}


def make_service(steps: LocalSteps) -> None:
    steps.run("CreateService", SERVICE, waitFor="Deployed")
    steps.register("web", {"name": "app", "image": "busybox:2"})


def update(steps: LocalSteps, **body: Any) -> Any:
    return steps.run(
        "UpdateService", {"cluster": "blue", "service": "shop", **body}, waitFor="Deployed", waitTimeoutSeconds=300
    )


def outcome_of(error: WaitFailed) -> str:
    return str(error.last["deployment"]["outcome"])


def test_a_deployment_that_succeeds():
    """The output has the service as it is in the end, and the deployment that was followed."""
    with local_steps(services=[{"match": {"service": "shop"}, "seconds": 40}]) as steps:
        make_service(steps)
        emission = update(steps, taskDefinition="web:2")

    assert emission.body["deployment"]["outcome"] == "succeeded"
    assert emission.body["deployment"]["status"] == "SUCCESSFUL"
    assert emission.body["service"]["deployments"][0]["rolloutState"] == "COMPLETED"
    assert emission.body["service"]["taskDefinition"].endswith("web:2")


def test_a_forced_deployment_of_the_same_definition():
    """The same definition deployed again is told apart from a change, and from nothing to do."""
    with local_steps(services=[{"match": {"service": "shop"}, "seconds": 40}]) as steps:
        make_service(steps)
        forced = update(steps, forceNewDeployment=True)
        nothing = update(steps, desiredCount=1)

    assert forced.body["deployment"]["outcome"] == "redeployed"
    assert nothing.body["deployment"]["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("rule", "outcome", "said"),
    [
        ({"outcome": "failed"}, "circuit_breaker", "tasks failed to start"),
        ({"outcome": "failed", "cause": "alarm", "alarms": ["cpu"]}, "alarm", "cpu"),
        ({"outcome": "failed", "rollbackFails": True}, "circuit_breaker", "The rollback failed too"),
        ({"outcome": "failed", "rollback": False}, "circuit_breaker", "tasks failed to start"),
    ],
)
def test_a_deployment_that_is_rolled_back_is_a_failure(rule, outcome, said):
    """A service that is stable again after a rollback was not deployed: the step fails with ECS's reason and the service's events."""
    with local_steps(services=[{"match": {"service": "shop"}, "deployment": 2, "seconds": 40, **rule}]) as steps:
        make_service(steps)
        with pytest.raises(WaitFailed) as caught:
            update(steps, taskDefinition="web:2")

    assert outcome_of(caught.value) == outcome
    assert said in caught.value.reason
    assert any("shop" in event["message"] for event in caught.value.last["events"])
    assert caught.value.last["service"]["serviceName"] == "shop"


class Meddler:
    """Does something to the service when the wait first sleeps."""

    def __init__(self, steps: LocalSteps, act: Any) -> None:
        self._sleep = steps.clock.sleep
        self._act = act
        steps.clock.sleep = self.sleep  # type: ignore[method-assign]  # the clock is this test's own

    def sleep(self, seconds: float) -> None:
        if seconds > 0 and self._act is not None:
            act, self._act = self._act, None
            act()
        self._sleep(seconds)


def current(steps: LocalSteps) -> str:
    service = steps.ecs.call("DescribeServices", {"cluster": "blue", "services": ["shop"]})["services"][0]
    return str(service["currentServiceDeployment"])


@pytest.mark.parametrize("kind", ["ROLLBACK", "ABORT"])
def test_a_deployment_that_is_stopped_on_request(kind):
    """Somebody's StopServiceDeployment ends the wait as that."""
    with local_steps(services=[{"match": {"service": "shop"}, "deployment": 2, "seconds": 100}]) as steps:
        make_service(steps)
        Meddler(
            steps,
            lambda: steps.ecs.call("StopServiceDeployment", {"serviceDeploymentArn": current(steps), "stopType": kind}),
        )
        with pytest.raises(WaitFailed, match="stopped by a") as caught:
            update(steps, taskDefinition="web:2")

    assert outcome_of(caught.value) == "stop_request"


def test_a_deployment_that_is_replaced_by_a_newer_one():
    """Another deployment in between ends the wait of the older one, although the service becomes stable."""
    with local_steps(services=[{"match": {"service": "shop"}, "deployment": 2, "seconds": 100}]) as steps:
        make_service(steps)
        again = {"cluster": "blue", "service": "shop", "taskDefinition": "web:1", "forceNewDeployment": True}
        Meddler(steps, lambda: steps.ecs.call("UpdateService", again))
        with pytest.raises(WaitFailed, match="replaced by a newer one") as caught:
            update(steps, taskDefinition="web:2")

    assert outcome_of(caught.value) == "replaced"


def test_without_records_of_deployments_the_rollout_state_decides():
    """Where ListServiceDeployments is not allowed, the same deployments end the same way."""
    denied = {"kind": "accessDenied", "operation": ["ListServiceDeployments"]}
    rules = [{"match": {"service": "shop"}, "deployment": 3, "seconds": 40, "outcome": "failed"}]
    with local_steps(services=rules, faults=[denied]) as steps:
        make_service(steps)
        assert update(steps, taskDefinition="web:2").body["deployment"]["outcome"] == "succeeded"
        with pytest.raises(WaitFailed) as caught:
            update(steps, taskDefinition="web:1")

    assert outcome_of(caught.value) == "circuit_breaker"


def test_stable_and_deployed_are_two_things():
    """ServicesStable keeps AWS's meaning: after a rollback the service is stable, and not deployed."""
    with local_steps(
        services=[{"match": {"service": "shop"}, "deployment": 2, "seconds": 40, "outcome": "failed"}]
    ) as steps:
        make_service(steps)
        body = {"cluster": "blue", "service": "shop", "taskDefinition": "web:2"}
        emission = steps.run("UpdateService", body, waitFor="ServicesStable")

    assert emission.body["service"]["taskDefinition"].endswith("web:1")


def test_a_stuck_deployment_runs_out_of_time():
    """A deployment that neither succeeds nor fails ends with the budget, and the error shows how far it came."""
    with local_steps(services=[{"match": {"service": "shop"}, "deployment": 2, "outcome": "stuck"}]) as steps:
        make_service(steps)
        with pytest.raises(WaitTimedOut) as caught:
            update(steps, taskDefinition="web:2")

    assert outcome_of(caught.value) == "in_progress"


def test_a_deleted_service_is_waited_for():
    """DeleteService ends when the service is inactive."""
    with local_steps() as steps:
        make_service(steps)
        emission = steps.run(
            "DeleteService", {"cluster": "blue", "service": "shop", "force": True}, waitFor="ServicesInactive"
        )

    assert emission.body["service"]["status"] == "INACTIVE"


def test_a_paused_deployment_is_found():
    """A deployment that waits at a hook is shown with the id that ContinueServiceDeployment needs."""
    hooked = {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]}
    with local_steps(services=[{"match": {"service": "shop"}, "seconds": 40}]) as steps:
        steps.ecs.call("CreateService", {**SERVICE, "deploymentConfiguration": hooked})
        arn = current(steps)
        paused = steps.run("DescribeServiceDeployments", {"serviceDeploymentArns": [arn]}, waitFor="DeploymentPaused")
        hook = paused.body["serviceDeployments"][0]["lifecycleHookDetails"][0]
        steps.run(
            "ContinueServiceDeployment", {"serviceDeploymentArn": arn, "hookId": hook["hookId"], "action": "CONTINUE"}
        )
        done = steps.run("DescribeServices", {"cluster": "blue", "services": ["shop"]}, waitFor="Deployed")

    assert hook["status"] == "AWAITING_ACTION"
    assert done.body["deployment"][0]["outcome"] == "succeeded"
