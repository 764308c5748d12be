"""The rules of a scenario as frozen values: what happens to tasks, to deployments and to calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.harness.local.reader import FOREVER, Match, Numbers

TASK_FIELDS = ("family", "cluster", "startedBy", "group", "launchType", "service", "taskDefinition")
SERVICE_FIELDS = ("service", "cluster", "family", "taskDefinition")
OUTCOMES = ("completed", "failed", "stuck")
CAUSES = ("circuitBreaker", "alarm")
KINDS = (
    "throttle",
    "error",
    "http",
    "cut",
    "slow",
    "truncated",
    "garbage",
    "empty",
    "partial",
    "expiredToken",
    "accessDenied",
    "clockSkew",
    "redirect",
)
PHASES = ("before", "after", "during")
THROTTLES = ("plain", "requestLimit", "tooMany", "ec2", "registration", "slowDown")
ERROR_FORMS = ("plain", "prefixed", "header")
ELSEWHERE = "https://ecs.us-east-1.amazonaws.com/"
_ANY = Match()


@dataclass(frozen=True, slots=True)
class ContainerRule:
    """How one container ends; `name` is a shell pattern."""

    name: str = "*"
    #: None: the container never got an exit code.
    exit_code: int | None = 0
    reason: str | None = None
    health: str | None = None
    #: Log lines that its awslogs stream holds, oldest first.
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacementFailure:
    """A task that could not be placed."""

    reason: str
    detail: str | None = None
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class TaskRule:
    """The life of the tasks that it fits."""

    match: Match = _ANY
    #: Which runs of the family, counted from 1; None for all.
    run: Numbers | None = None
    provisioning_s: float = 0.3
    pending_s: float = 0.3
    #: `FOREVER` for a task that only stops when it is told to.
    running_s: float = 0.9
    stopping_s: float = 0.3
    starts: bool = True
    stop_code: str | None = None
    stopped_reason: str | None = None
    #: Exit code of containers that StopTask ends; 143 is SIGTERM, 137 SIGKILL.
    stop_exit_code: int | None = 143
    #: Seconds after the start when DescribeTasks no longer knows the task.
    vanishes_s: float = FOREVER
    containers: tuple[ContainerRule, ...] = ()
    failure: PlacementFailure | None = None

    def container(self, name: str) -> ContainerRule:
        """Return what happens to a container of that name."""
        for rule in self.containers:
            if Match((("name", (rule.name,)),)).fits({"name": name}):
                return rule
        return ContainerRule(exit_code=0 if self.starts else None)


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """The course of the deployments that it fits."""

    match: Match = _ANY
    #: Which deployments of the service, counted from 1; None for all.
    deployment: Numbers | None = None
    seconds: float = 1.0
    outcome: str = "completed"
    cause: str = "circuitBreaker"
    #: None: as the service's deployment configuration says.
    rollback: bool | None = None
    rollback_seconds: float = 1.0
    rollback_fails: bool = False
    reason: str | None = None
    failed_tasks: int = 3
    alarms: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What goes wrong with the calls that it fits."""

    kind: str
    operations: tuple[str, ...] = ("*",)
    service: str = "ecs"
    match: Match = _ANY
    #: Which of the calls that fit, counted from 1; None for all.
    call: Numbers | None = None
    #: How often at most.
    times: int | None = None
    probability: float = 1.0
    when: str = "before"
    form: str = "plain"
    error_form: str = "plain"
    code: str | None = None
    message: str | None = None
    status: int | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    seconds: float = 0.0
    count: int | None = None
    ids: tuple[str, ...] = ()
    reason: str = "MISSING"
    detail: str | None = None
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Where a redirect leads.
    location: str = ELSEWHERE


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An access key that the endpoint knows; listing one turns full signature checks on."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expired: bool = False
    #: Seconds of the endpoint's clock after its start.
    expires_after_s: float = FOREVER
    #: Operations that it may not call, as shell patterns: `RunTask`, `ecs:*`, `sts:AssumeRole`.
    deny: tuple[str, ...] = ()
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class RoleRule:
    """A role that AssumeRole hands out; a role that no rule names is handed out to everybody."""

    arn: str
    external_id: str | None = None
    denied: bool = False
    lifetime_s: float | None = None


@dataclass(frozen=True, slots=True)
class LogRule:
    """Log lines of the streams that it fits."""

    group: str = "*"
    stream: str = "*"
    lines: tuple[str, ...] = ()
