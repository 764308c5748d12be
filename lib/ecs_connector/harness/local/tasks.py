"""One task and its life: PROVISIONING, PENDING, RUNNING, then the way down to STOPPED.

A task's plan is a chain of events on the timeline. Stopping a task voids the plan (`_plan` is the
number of the valid one) and starts the way down.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ecs_connector.harness.local.reader import FOREVER
from ecs_connector.harness.local.rules import TaskRule
from ecs_connector.harness.local.state import Json, Region


@dataclass(slots=True)
class ContainerRecord:
    """A container of a task."""

    name: str
    arn: str
    image: str
    runtime_id: str
    essential: bool
    cpu: str
    memory: str | None
    last_status: str = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    health: str = "UNKNOWN"


@dataclass(slots=True)
class TaskRecord:
    """A task, as DescribeTasks shows it, plus what drives it."""

    arn: str
    id: str
    cluster: str
    family: str
    rule: TaskRule
    containers: list[ContainerRecord]
    created_at: float
    #: Members that never change: clusterArn, taskDefinitionArn, launchType, overrides ...
    fixed: Json
    started_by: str | None = None
    group: str = ""
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    stop_code: str | None = None
    stopped_reason: str | None = None
    version: int = 1
    #: createdAt, startedAt, stoppedAt ...
    times: dict[str, float] = field(default_factory=dict)
    protected_until: float | None = None
    #: Called once, when the task has stopped.
    on_stopped: Callable[[TaskRecord, float], None] | None = None
    _plan: int = 0

    # -- the life -----------------------------------------------------------------------------------

    def begin(self, region: Region) -> None:
        """Put the plan of this task on the timeline."""
        self.times["createdAt"] = self.created_at
        self._after(region, self.created_at, self.rule.provisioning_s, self._pend)

    def _after(self, region: Region, now: float, delay_s: float, step: Callable[[Region, float], None]) -> None:
        if delay_s == FOREVER:
            return
        plan = self._plan

        def event(due: float) -> None:
            if plan == self._plan:
                step(region, due)

        region.world.timeline.at(now + delay_s, event)

    def _move(self, status: str) -> None:
        self.last_status = status
        self.version += 1

    def _pend(self, region: Region, now: float) -> None:
        self._move("PENDING")
        self.times.update(connectivityAt=now, pullStartedAt=now)
        self._after(region, now, self.rule.pending_s, self._run)

    def _run(self, region: Region, now: float) -> None:
        if not self.rule.starts:
            self._end(region, now)
            return
        self._move("RUNNING")
        self.times.update(pullStoppedAt=now, startedAt=now)
        for container in self.containers:
            container.last_status = "RUNNING"
            container.health = self.rule.container(container.name).health or "UNKNOWN"
        self._after(region, now, self.rule.running_s, self._end)

    def _end(self, region: Region, now: float) -> None:
        """Let the task end by itself, as the scenario says."""
        for container in self.containers:
            rule = self.rule.container(container.name)
            container.exit_code, container.reason = rule.exit_code, rule.reason
        code = "EssentialContainerExited" if self.rule.starts else "TaskFailedToStart"
        reason = "Essential container in task exited" if self.rule.starts else "Task failed to start"
        self._go_down(region, now, self.rule.stop_code or code, self.rule.stopped_reason or reason)

    def stop(self, region: Region, now: float, code: str, reason: str | None) -> None:
        """Stop the task from outside: its containers get the exit code of a signal."""
        if self.desired_status == "STOPPED":
            return
        if self.last_status == "RUNNING":
            for container in self.containers:
                container.exit_code = self.rule.stop_exit_code
        self._go_down(region, now, code, reason)

    def lose_host(self, region: Region, now: float) -> None:
        """Stop the task because its container instance is gone: no exit codes."""
        if self.desired_status != "STOPPED":
            self._go_down(region, now, "TerminationNotice", "Host EC2 instance terminated.")

    def _go_down(self, region: Region, now: float, code: str, reason: str | None) -> None:
        self._plan += 1
        self.desired_status = "STOPPED"
        self.stop_code, self.stopped_reason = code, reason
        self.times.update(stoppingAt=now, executionStoppedAt=now)
        for container in self.containers:
            container.last_status = "STOPPED"
        third_s = self.rule.stopping_s / 3
        self._move("DEACTIVATING")
        self._after(region, now, third_s, lambda *_: self._move("STOPPING"))
        self._after(region, now, 2 * third_s, lambda *_: self._move("DEPROVISIONING"))
        self._after(region, now, 3 * third_s, self._gone)

    def _gone(self, region: Region, now: float) -> None:
        self._move("STOPPED")
        self.times["stoppedAt"] = now
        forget_at = now + region.world.scenario.task_retention_s
        region.world.timeline.at(forget_at, lambda _: self._forget(region))
        if self.on_stopped is not None:
            self.on_stopped(self, now)

    def _forget(self, region: Region) -> None:
        region.tasks.pop(self.arn, None)
        region.tags.pop(self.arn, None)

    # -- what is shown ------------------------------------------------------------------------------

    @property
    def stopped_at(self) -> float | None:
        return self.times.get("stoppedAt")

    def show(self, tags: list[dict[str, str]]) -> Json:
        """Return the `Task` shape."""
        shown: Json = {
            **self.fixed,
            "taskArn": self.arn,
            "lastStatus": self.last_status,
            "desiredStatus": self.desired_status,
            "connectivity": "CONNECTED" if "connectivityAt" in self.times else "DISCONNECTED",
            "containers": [self._show_container(container) for container in self.containers],
            "group": self.group,
            "healthStatus": self._health(),
            "version": self.version,
            "tags": tags,
            **{name: round(at, 3) for name, at in self.times.items()},
        }
        optional = {
            "startedBy": self.started_by,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
        }
        shown.update({name: value for name, value in optional.items() if value is not None})
        if shown["connectivity"] == "DISCONNECTED":
            del shown["connectivity"]
        return shown

    def _health(self) -> str:
        healths = {container.health for container in self.containers if container.essential}
        return "UNHEALTHY" if "UNHEALTHY" in healths else healths.pop() if len(healths) == 1 else "UNKNOWN"

    def _show_container(self, container: ContainerRecord) -> Json:
        shown: Json = {
            "containerArn": container.arn,
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "lastStatus": container.last_status,
            "networkBindings": [],
            "networkInterfaces": self._interfaces(),
            "healthStatus": container.health,
            "cpu": container.cpu,
        }
        optional = {
            "runtimeId": container.runtime_id if "startedAt" in self.times else None,
            "exitCode": container.exit_code,
            "reason": container.reason,
            "memory": container.memory,
        }
        shown.update({name: value for name, value in optional.items() if value is not None})
        return shown

    def _interfaces(self) -> list[Json]:
        return [
            {"attachmentId": attachment["id"], "privateIpv4Address": detail["value"]}
            for attachment in self.fixed["attachments"]
            for detail in attachment["details"]
            if detail["name"] == "privateIPv4Address"
        ]
