"""Daemons and gateways on the embedded endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.harness.local import ManualClock, Scenario
from ecs_connector.harness.local.endpoint import Endpoint
from ecs_connector.harness.local.refusal import Refusal

_PROVIDER = "arn:aws:ecs:us-east-1:123456789012:capacity-provider/cp"


class Fleet:
    """A cluster with a daemon task definition."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.clock = ManualClock()
        self.endpoint = Endpoint(Scenario.from_mapping({"services": list(rules)}), self.clock)
        self.call("CreateCluster", {"clusterName": "c"})
        agent = {"family": "agent", "containerDefinitions": [{"name": "a", "image": "b"}]}
        arn = self.call("RegisterDaemonTaskDefinition", agent)["daemonTaskDefinitionArn"]
        self.body = {"daemonTaskDefinitionArn": arn, "capacityProviderArns": [_PROVIDER]}

    def call(self, operation: str, body: dict[str, Any]) -> Any:
        return self.endpoint.call(operation, body)

    def create(self, **more: Any) -> Any:
        return self.call("CreateDaemon", {**self.body, "daemonName": "agent", "clusterArn": "c", **more})

    def status(self, arn: str) -> str:
        found = self.call("DescribeDaemonDeployments", {"daemonDeploymentArns": [arn]})["daemonDeployments"]
        return str(found[0]["status"])


def test_a_daemon_is_deployed_on_the_clock() -> None:
    """A daemon's deployment is pending, in progress, then successful, and the daemon shows its revision."""
    fleet = Fleet()
    made = fleet.create()
    seen = []
    for _ in range(4):
        seen.append(fleet.status(made["deploymentArn"]))
        fleet.clock.advance(0.4)
    daemon = fleet.call("DescribeDaemon", {"daemonArn": made["daemonArn"]})["daemon"]

    assert seen == ["PENDING", "IN_PROGRESS", "IN_PROGRESS", "SUCCESSFUL"]
    assert daemon["status"] == "ACTIVE"
    assert daemon["currentRevisions"][0]["totalRunningCount"] == 1


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        ({"outcome": "failed"}, "ROLLBACK_SUCCESSFUL"),
        ({"outcome": "failed", "rollbackFails": True}, "ROLLBACK_FAILED"),
        ({"outcome": "failed", "rollback": False}, "STOPPED"),
        ({"outcome": "stuck"}, "IN_PROGRESS"),
    ],
)
def test_a_scenario_lets_a_daemon_deployment_fail(rule: dict[str, Any], end: str) -> None:
    """The rules of services, matched by the daemon's name, decide how its second deployment ends."""
    fleet = Fleet({"match": {"service": "agent"}, "deployment": 2, **rule})
    made = fleet.create()
    fleet.clock.advance(5)
    updated = fleet.call("UpdateDaemon", {"daemonArn": made["daemonArn"], **fleet.body})
    fleet.clock.advance(5)

    assert fleet.status(updated["deploymentArn"]) == end


def test_a_daemon_token_makes_one_daemon() -> None:
    """CreateDaemon with the same token and parameters gives the same daemon; without, it is in the way."""
    fleet = Fleet()
    first, again = fleet.create(clientToken="t"), fleet.create(clientToken="t")

    assert first == again
    with pytest.raises(Refusal, match="not idempotent"):
        fleet.create()
    with pytest.raises(Refusal, match="not idempotent"):
        fleet.create(clientToken="t", critical=True)


def test_a_deleted_daemon_is_gone_after_a_while() -> None:
    """A daemon is DELETE_IN_PROGRESS, then unknown."""
    fleet = Fleet()
    arn = fleet.create()["daemonArn"]
    assert fleet.call("DeleteDaemon", {"daemonArn": arn})["status"] == "DELETE_IN_PROGRESS"
    assert fleet.call("DescribeDaemon", {"daemonArn": arn})["daemon"]["status"] == "DELETE_IN_PROGRESS"
    fleet.clock.advance(2)

    with pytest.raises(Refusal) as caught:
        fleet.call("DescribeDaemon", {"daemonArn": arn})
    assert caught.value.code == "DaemonNotFoundException"
    assert fleet.call("ListDaemons", {})["daemonSummariesList"] == []


def test_a_daemon_task_definition_is_deleted_in_two_steps() -> None:
    """A daemon task definition is DELETE_IN_PROGRESS, then DELETED, and no longer listed."""
    fleet = Fleet()
    fleet.call("DeleteDaemonTaskDefinition", {"daemonTaskDefinition": "agent:1"})
    states = []
    for _ in range(2):
        found = fleet.call("DescribeDaemonTaskDefinition", {"daemonTaskDefinition": "agent:1"})
        states.append(found["daemonTaskDefinition"]["status"])
        fleet.clock.advance(2)

    assert states == ["DELETE_IN_PROGRESS", "DELETED"]
    assert fleet.call("ListDaemonTaskDefinitions", {"status": "ALL"})["daemonTaskDefinitions"] == []


def test_a_gateway_lives_by_name_token_and_association() -> None:
    """A gateway is made once for a token, guarded by its protection, and kept while a cluster uses it."""
    fleet = Fleet()
    body = {"name": "g", "infrastructureRoleArn": "r", "configuration": {"hostSharedAlb": {}}, "clientToken": "t"}
    assert fleet.call("CreateGateway", body) == fleet.call("CreateGateway", body)
    with pytest.raises(Refusal, match="not idempotent"):
        fleet.call("CreateGateway", {**body, "deletionProtection": True})
    fleet.call("AssociateGatewayWithCluster", {"gateway": "g", "cluster": "c"})
    with pytest.raises(Refusal, match="associated"):
        fleet.call("DeleteGateway", {"gateway": "g"})
    fleet.call("DisassociateGatewayFromCluster", {"gateway": "g", "cluster": "c"})

    assert fleet.call("DeleteGateway", {"gateway": "g"})["status"] == "DELETED"
    assert fleet.call("ListGateways", {})["gateways"] == []
