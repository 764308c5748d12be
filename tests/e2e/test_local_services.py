"""Services on the embedded endpoint deploy, fail, roll back, are stopped and replaced."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.harness.local import ManualClock, Scenario
from ecs_connector.harness.local.endpoint import Endpoint
from ecs_connector.harness.local.refusal import Refusal


class Shop:
    """A service `web` with two tasks, and two revisions of its task definition."""

    def __init__(self, *rules: dict[str, Any], **service: Any) -> None:
        self.clock = ManualClock()
        self.endpoint = Endpoint(Scenario.from_mapping({"services": list(rules)}), self.clock)
        self.call("CreateCluster", {"clusterName": "c"})
        for _ in range(2):
            definition = {"family": "web", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
            self.call("RegisterTaskDefinition", definition)
        body = {"cluster": "c", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2, **service}
        self.call("CreateService", body)

    def call(self, operation: str, body: dict[str, Any]) -> Any:
        return self.endpoint.call(operation, body)

    def update(self, **change: Any) -> Any:
        return self.call("UpdateService", {"cluster": "c", "service": "web", **change})["service"]

    @property
    def service(self) -> Any:
        return self.call("DescribeServices", {"cluster": "c", "services": ["web"]})["services"][0]

    @property
    def primary(self) -> Any:
        return self.service["deployments"][0]

    @property
    def rollouts(self) -> list[Any]:
        briefs = self.call("ListServiceDeployments", {"cluster": "c", "service": "web"})["serviceDeployments"]
        arns = [item["serviceDeploymentArn"] for item in briefs]
        return list(self.call("DescribeServiceDeployments", {"serviceDeploymentArns": arns})["serviceDeployments"])

    def statuses(self) -> list[str]:
        return [item["status"] for item in self.rollouts]


def test_a_new_service_comes_up() -> None:
    """The first deployment goes from IN_PROGRESS to COMPLETED, and its tasks are running by then."""
    shop = Shop()
    assert (shop.primary["rolloutState"], shop.service["runningCount"]) == ("IN_PROGRESS", 0)
    shop.clock.advance(2)

    assert (shop.primary["rolloutState"], shop.service["runningCount"]) == ("COMPLETED", 2)
    assert shop.statuses() == ["SUCCESSFUL"]
    assert shop.service["events"][0]["message"] == "(service web) has reached a steady state."
    assert len(shop.call("ListTasks", {"cluster": "c", "serviceName": "web"})["taskArns"]) == 2


def test_an_update_replaces_the_tasks() -> None:
    """During an update both deployments are there; afterwards only the new one and its tasks."""
    shop = Shop()
    shop.clock.advance(2)
    shop.update(taskDefinition="web:2")
    shop.clock.advance(0.5)
    assert [item["status"] for item in shop.service["deployments"]] == ["PRIMARY", "ACTIVE"]
    shop.clock.advance(2)

    assert [item["taskDefinition"][-5:] for item in shop.service["deployments"]] == ["web:2"]
    assert shop.statuses() == ["SUCCESSFUL", "SUCCESSFUL"]
    assert len(shop.call("ListTasks", {"cluster": "c"})["taskArns"]) == 2


def test_a_change_of_the_count_is_no_deployment() -> None:
    """More or fewer tasks come and go without a new service deployment."""
    shop = Shop()
    shop.clock.advance(2)
    shop.update(desiredCount=4)
    shop.clock.advance(1)
    assert shop.service["runningCount"] == 4
    shop.update(desiredCount=1)
    shop.clock.advance(1)

    assert shop.service["runningCount"] == 1
    assert len(shop.rollouts) == 1


def test_a_forced_deployment_is_a_new_one() -> None:
    """ForceNewDeployment with an unchanged definition gives a service deployment and revision of its own."""
    shop = Shop()
    shop.clock.advance(2)
    shop.update(forceNewDeployment=True)
    shop.clock.advance(2)
    newest, oldest = shop.rollouts

    assert (newest["status"], oldest["status"]) == ("SUCCESSFUL", "SUCCESSFUL")
    assert newest["targetServiceRevision"]["arn"] != oldest["targetServiceRevision"]["arn"]


@pytest.mark.parametrize(
    ("cause", "text", "member"),
    [
        ("circuitBreaker", "circuit breaker: tasks failed to start", "deploymentCircuitBreaker"),
        ("alarm", "alarm(s) detected: web-5xx", "alarms"),
    ],
)
def test_a_failed_deployment_is_rolled_back(cause: str, text: str, member: str) -> None:
    """Circuit breaker and alarm put the last good revision back, and say why."""
    shop = Shop({"deployment": 2, "outcome": "failed", "cause": cause, "rollback": True, "alarms": ["web-5xx"]})
    shop.clock.advance(2)
    shop.update(taskDefinition="web:2")
    shop.clock.advance(1.2)
    assert shop.statuses()[0] == "ROLLBACK_IN_PROGRESS"
    assert [item["rolloutState"] for item in shop.service["deployments"]] == ["IN_PROGRESS", "FAILED"]
    shop.clock.advance(2)
    newest, oldest = shop.rollouts

    assert newest["status"] == "ROLLBACK_SUCCESSFUL"
    assert text in newest["statusReason"]
    assert newest[member]["status"] == "TRIGGERED"
    assert newest["rollback"]["serviceRevisionArn"] == oldest["targetServiceRevision"]["arn"]
    assert (shop.primary["taskDefinition"][-5:], shop.primary["rolloutState"]) == ("web:1", "COMPLETED")
    assert shop.service["runningCount"] == 2


def test_the_service_decides_about_rollback_when_the_scenario_does_not() -> None:
    """Without rollback in the service's circuit breaker a failed deployment stays as it is."""
    rule = {"deployment": 2, "outcome": "failed"}
    ends = []
    for rollback in (False, True):
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback}}
        shop = Shop(rule, deploymentConfiguration=breaker)
        shop.clock.advance(2)
        shop.update(taskDefinition="web:2")
        shop.clock.advance(5)
        ends.append((shop.statuses()[0], shop.primary["rolloutState"], shop.primary["failedTasks"]))

    assert ends == [("STOPPED", "FAILED", 3), ("ROLLBACK_SUCCESSFUL", "COMPLETED", 0)]


def test_a_rollback_can_fail() -> None:
    """A scenario can let the rollback itself fail."""
    shop = Shop({"deployment": 2, "outcome": "failed", "rollback": True, "rollbackFails": True})
    shop.clock.advance(2)
    shop.update(taskDefinition="web:2")
    shop.clock.advance(5)

    assert (shop.statuses()[0], shop.primary["rolloutState"]) == ("ROLLBACK_FAILED", "FAILED")


@pytest.mark.parametrize(
    ("stop_type", "course"),
    [
        ("ROLLBACK", ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]),
        ("ABORT", ["STOP_REQUESTED", "STOPPED", "STOPPED"]),
    ],
)
def test_a_deployment_is_stopped_on_request(stop_type: str, course: list[str]) -> None:
    """StopServiceDeployment ends a deployment that gets nowhere, with or without rollback."""
    shop = Shop({"deployment": 2, "outcome": "stuck"})
    shop.clock.advance(2)
    shop.update(taskDefinition="web:2")
    shop.clock.advance(100)
    assert shop.statuses()[0] == "IN_PROGRESS"
    body = {"serviceDeploymentArn": shop.rollouts[0]["serviceDeploymentArn"], "stopType": stop_type}
    shop.call("StopServiceDeployment", body)

    seen = []
    for wait_s in (0.0, 0.5, 5.0):
        shop.clock.advance(wait_s)
        seen.append(shop.statuses()[0])
    assert seen == course
    with pytest.raises(Refusal, match="not in progress"):
        shop.call("StopServiceDeployment", body)


def test_a_newer_deployment_takes_the_place_of_one_in_progress() -> None:
    """A deployment that is overtaken is STOPPED and says that a newer one started."""
    shop = Shop({"deployment": 2, "outcome": "stuck"})
    shop.clock.advance(2)
    shop.update(taskDefinition="web:2")
    shop.clock.advance(1)
    shop.update(forceNewDeployment=True)
    shop.clock.advance(3)

    assert shop.statuses() == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert "newer service deployment" in shop.rollouts[1]["statusReason"]
    assert len(shop.service["deployments"]) == 1


def test_a_pause_waits_to_be_continued() -> None:
    """A deployment with a pause hook waits there, and completes when it is told to go on."""
    hooks = [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]
    shop = Shop(deploymentConfiguration={"lifecycleHooks": hooks})
    shop.clock.advance(60)
    (rollout,) = shop.rollouts
    (hook,) = rollout["lifecycleHookDetails"]
    assert (rollout["status"], hook["status"]) == ("IN_PROGRESS", "AWAITING_ACTION")

    body = {"serviceDeploymentArn": rollout["serviceDeploymentArn"], "hookId": hook["hookId"], "action": "CONTINUE"}
    shop.call("ContinueServiceDeployment", body)
    shop.clock.advance(1)
    assert shop.statuses() == ["SUCCESSFUL"]


def test_a_service_drains_before_it_is_inactive() -> None:
    """DeleteService wants force while tasks are wanted; then the service drains and becomes inactive."""
    shop = Shop()
    shop.clock.advance(2)
    with pytest.raises(Refusal, match="scaled above 0"):
        shop.call("DeleteService", {"cluster": "c", "service": "web"})
    deleted = shop.call("DeleteService", {"cluster": "c", "service": "web", "force": True})["service"]
    shop.clock.advance(1)

    assert deleted["status"] == "DRAINING"
    assert shop.service["status"] == "INACTIVE"
    assert shop.call("ListServices", {"cluster": "c"})["serviceArns"] == []
    assert shop.call("ListTasks", {"cluster": "c"})["taskArns"] == []
    with pytest.raises(Refusal, match="not ACTIVE"):
        shop.update(desiredCount=1)


def test_a_task_that_is_stopped_is_replaced() -> None:
    """The scheduler keeps the number of tasks that is wanted."""
    shop = Shop()
    shop.clock.advance(2)
    arns = shop.call("ListTasks", {"cluster": "c"})["taskArns"]
    shop.call("StopTask", {"cluster": "c", "task": arns[0]})
    shop.clock.advance(2)

    now = shop.call("ListTasks", {"cluster": "c"})["taskArns"]
    assert len(now) == 2
    assert arns[0] not in now
    assert shop.service["runningCount"] == 2


def test_unknown_things_are_reported_in_failures() -> None:
    """Services, deployments and revisions that do not exist come back as MISSING."""
    shop = Shop()
    arn = "arn:aws:ecs:us-east-1:123456789012:service-deployment/c/web/none"
    answers = [
        shop.call("DescribeServices", {"cluster": "c", "services": ["none"]}),
        shop.call("DescribeServiceDeployments", {"serviceDeploymentArns": [arn]}),
        shop.call("DescribeServiceRevisions", {"serviceRevisionArns": [arn]}),
    ]

    assert [answer["failures"][0]["reason"] for answer in answers] == ["MISSING"] * 3


@pytest.mark.parametrize("text", [False, True])
def test_deployments_are_listed_by_when_they_began(text: bool) -> None:
    """`createdAt` cuts the list off on both sides, whether its moments are numbers or text."""
    shop = Shop()
    shop.clock.advance(60)
    between = shop.clock.now()
    shop.clock.advance(60)
    shop.update(taskDefinition="web:2")
    moment = between.isoformat() if text else between.timestamp()

    def listed(side: str) -> int:
        body = {"cluster": "c", "service": "web", "createdAt": {side: moment}}
        return len(shop.call("ListServiceDeployments", body)["serviceDeployments"])

    assert (listed("before"), listed("after"), len(shop.rollouts)) == (1, 1, 2)
