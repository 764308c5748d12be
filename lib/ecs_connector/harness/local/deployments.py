"""What a service runs and ran: revisions, deployments as DescribeServices shows them, service deployments.

`Deployment` is one revision being run for a service; `Rollout` is one service deployment, the record of
how a change went. A rollback adds a deployment to the same rollout.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ecs_connector.harness.local.state import Json
from ecs_connector.harness.local.tasks import TaskRecord

#: States in which a service deployment is not at its end.
ONGOING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
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
