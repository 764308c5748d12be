"""A service, as DescribeServices shows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ecs_connector.harness.local.deployments import Deployment, Revision, Rollout
from ecs_connector.harness.local.state import Json, Region

#: DescribeServices shows the latest hundred events.
_MOST_EVENTS = 100
#: What a revision of a service is made of; a change to any of it needs a deployment.
REVISION_MEMBERS = (
    "taskDefinition",
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
)
_SHOWN = (
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "taskDefinition",
    "deploymentConfiguration",
    "placementConstraints",
    "placementStrategy",
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "deploymentController",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "roleArn",
)


@dataclass(slots=True)
class ServiceRecord:
    """A service, as DescribeServices shows it, plus what drives it."""

    arn: str
    name: str
    cluster: str
    config: Json
    desired: int
    created_at: float
    status: str = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=_MOST_EVENTS))
    task_sets: list[Json] = field(default_factory=list)

    @property
    def external(self) -> bool:
        """Return whether task sets, and not deployments, run its tasks."""
        return bool((self.config.get("deploymentController") or {}).get("type") == "EXTERNAL")

    @property
    def rollout(self) -> Rollout | None:
        """Return the latest service deployment."""
        return self.rollouts[-1] if self.rollouts else None

    def say(self, region: Region, now: float, text: str) -> None:
        """Add an event; the latest comes first."""
        message = f"(service {self.name}) {text}"
        self.events.appendleft({"id": region.world.uuid(), "createdAt": round(now, 3), "message": message})

    def show(self, region: Region, *, with_tags: bool = True) -> Json:
        """Return the `Service` shape."""
        shown: Json = {
            **{name: self.config[name] for name in _SHOWN if self.config.get(name) is not None},
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": region.cluster_arn(self.cluster),
            "status": self.status,
            "desiredCount": self.desired,
            "runningCount": self._count("running"),
            "pendingCount": self._count("pending"),
            "deployments": [] if self.external else [item.show() for item in self.deployments],
            "events": list(self.events),
            "createdAt": self.created_at,
            "createdBy": f"arn:{region.partition}:iam::{region.account}:root",
            "tags": region.get_tags(self.arn) if with_tags else [],
        }
        if self.external:
            shown["taskSets"] = self.task_sets
        if self.rollout is not None and self.rollout.ongoing:
            shown["currentServiceDeployment"] = self.rollout.arn
        shown["currentServiceRevisions"] = [
            {
                "arn": item.revision.arn,
                "requestedTaskCount": item.desired,
                "runningTaskCount": item.running,
                "pendingTaskCount": item.pending,
            }
            for item in self.deployments
        ]
        return shown

    def _count(self, what: str) -> int:
        if self.external:
            return sum(int(item[f"{what}Count"]) for item in self.task_sets)
        return sum(int(getattr(item, what)) for item in self.deployments)

    def show_rollout(self, region: Region, rollout: Rollout) -> Json:
        """Return the `ServiceDeployment` shape."""
        shown: Json = {
            "serviceDeploymentArn": rollout.arn,
            "serviceArn": self.arn,
            "clusterArn": region.cluster_arn(self.cluster),
            "createdAt": rollout.created_at,
            "updatedAt": max([rollout.created_at, *rollout.times.values()]),
            **rollout.times,
            "sourceServiceRevisions": [self._summary(item) for item in rollout.sources],
            "targetServiceRevision": self._summary(rollout.target),
            "status": rollout.status,
            "deploymentConfiguration": self.config.get("deploymentConfiguration") or {},
            "deploymentCircuitBreaker": {
                "status": rollout.breaker,
                "failureCount": rollout.failures,
                "threshold": rollout.threshold,
            },
        }
        optional = {
            "statusReason": rollout.reason,
            "rollback": rollout.rollback,
            "alarms": rollout.alarms,
            "lifecycleStage": rollout.stage,
            "lifecycleHookDetails": rollout.hooks or None,
        }
        shown.update({name: value for name, value in optional.items() if value is not None})
        return shown

    def _summary(self, revision: Revision) -> Json:
        running = [item for item in self.deployments if item.revision is revision]
        return {
            "arn": revision.arn,
            "requestedTaskCount": sum(item.desired for item in running),
            "runningTaskCount": sum(item.running for item in running),
            "pendingTaskCount": sum(item.pending for item in running),
        }
