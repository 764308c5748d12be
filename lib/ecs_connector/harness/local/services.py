"""A service, its deployments as DescribeServices shows them, and its service deployments.

`Deployment` is one task definition being run for a service; `Rollout` is one service deployment, the
record of how a change went. A rollback adds a deployment to the same rollout.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import TaskRecord

#: DescribeServices shows the latest hundred events.
_MOST_EVENTS = 100
#: States in which a service deployment is not at its end.
ONGOING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")

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
_DEPLOYMENT_MEMBERS = (
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)


@dataclass(slots=True)
class Revision:
    """A service revision: what to run."""

    arn: str
    config: Json
    created_at: float


@dataclass(slots=True)
class Deployment:
    """One revision being run for a service."""

    id: str
    revision: Revision
    desired: int
    created_at: float
    updated_at: float
    status: str = "PRIMARY"
    rollout_state: str = "IN_PROGRESS"
    reason: str = ""
    failed_tasks: int = 0
    tasks: list[TaskRecord] = field(default_factory=list)

    @property
    def running(self) -> int:
        return sum(task.last_status == "RUNNING" and task.desired_status == "RUNNING" for task in self.tasks)

    @property
    def pending(self) -> int:
        return sum(task.last_status in ("PROVISIONING", "PENDING") for task in self.tasks)

    def show(self) -> Json:
        """Return the `Deployment` shape."""
        config = self.revision.config
        return {
            **{name: config[name] for name in _DEPLOYMENT_MEMBERS if config.get(name) is not None},
            "id": self.id,
            "status": self.status,
            "taskDefinition": config["taskDefinition"],
            "desiredCount": self.desired,
            "pendingCount": self.pending,
            "runningCount": self.running,
            "failedTasks": self.failed_tasks,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "rolloutState": self.rollout_state,
            "rolloutStateReason": self.reason,
        }


@dataclass(slots=True)
class Rollout:
    """One service deployment."""

    arn: str
    deployment: Deployment
    target: Revision
    sources: list[Revision]
    created_at: float
    status: str = "PENDING"
    reason: str | None = None
    times: dict[str, float] = field(default_factory=dict)
    rollback: Json | None = None
    breaker: str = "DISABLED"
    alarms: Json | None = None
    failures: int = 0
    threshold: int = 3
    stage: str | None = None
    #: Pause hooks that it is at or was at.
    hooks: list[Json] = field(default_factory=list)
    #: Number of its valid plan: a step of an earlier plan does nothing.
    plan: int = 0

    @property
    def ongoing(self) -> bool:
        return self.status in ONGOING

    def finish(self, status: str, now: float, reason: str | None = None) -> None:
        """Bring it to its end."""
        self.plan += 1
        self.status = status
        self.reason = reason if reason is not None else self.reason
        self.times["finishedAt"] = now
        if status == "STOPPED":
            self.times["stoppedAt"] = now
        self.stage = None
        self.breaker = "MONITORING_COMPLETE" if self.breaker == "MONITORING" else self.breaker


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
