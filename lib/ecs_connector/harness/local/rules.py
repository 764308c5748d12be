"""The rules of a scenario as frozen values: what happens to tasks, to deployments and to calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.harness.local.reader import FOREVER, Match, Numbers, Reader, nearest

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

    match: Match = Match()
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

    match: Match = Match()
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
    match: Match = Match()
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
    location: str = "https://ecs.us-east-1.amazonaws.com/"


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


def read_task_rule(value: Any, where: str, problems: list[str], base: TaskRule) -> TaskRule:
    """Return one entry of `tasks`."""
    reader = Reader(value, where, problems)
    starts = reader.flag("starts", default=True)
    rule = TaskRule(
        match=reader.match("match", TASK_FIELDS),
        run=reader.numbers("run"),
        provisioning_s=reader.seconds("provisioningSeconds", base.provisioning_s),
        pending_s=reader.seconds("pendingSeconds", base.pending_s, forever=True),
        running_s=reader.seconds("runningSeconds", base.running_s, forever=True),
        stopping_s=reader.seconds("stoppingSeconds", base.stopping_s),
        starts=starts,
        stop_code=reader.text("stopCode"),
        stopped_reason=reader.text("stoppedReason"),
        stop_exit_code=reader.integer("stopExitCode", least=0) if reader.has("stopExitCode") else 143,
        vanishes_s=reader.seconds("vanishesAfterSeconds", FOREVER),
        containers=tuple(
            _container(name, rule, f"{where}.containers.{name}", problems, starts=starts)
            for name, rule in reader.mapping("containers").items()
        ),
        failure=_placement_failure(reader.raw("failure"), f"{where}.failure", problems),
    )
    reader.finish()
    return rule


def _container(name: str, value: Any, where: str, problems: list[str], *, starts: bool) -> ContainerRule:
    reader = Reader(value, where, problems)
    raw = reader.raw("exitCode")
    code: int | None = None
    if raw is None:
        code = 0 if starts else None
    elif raw != "none":
        code = reader.integer("exitCode", least=-255)
    rule = ContainerRule(name, code, reader.text("reason"), reader.text("healthStatus"), reader.texts("logs"))
    reader.finish()
    return rule


def _placement_failure(value: Any, where: str, problems: list[str]) -> PlacementFailure | None:
    if value is None:
        return None
    if isinstance(value, str):
        return PlacementFailure(value)
    reader = Reader(value, where, problems)
    failure = PlacementFailure(reader.needed_text("reason"), reader.text("detail"), reader.text("arn"))
    reader.finish()
    return failure


def read_service_rule(value: Any, where: str, problems: list[str], base: ServiceRule) -> ServiceRule:
    """Return one entry of `services`."""
    reader = Reader(value, where, problems)
    failed = reader.integer("failedTasks", least=0)
    rule = ServiceRule(
        match=reader.match("match", SERVICE_FIELDS),
        deployment=reader.numbers("deployment"),
        seconds=reader.seconds("seconds", base.seconds),
        outcome=reader.choice("outcome", OUTCOMES, "completed"),
        cause=reader.choice("cause", CAUSES, "circuitBreaker"),
        rollback=reader.flag("rollback", default=False) if reader.has("rollback") else None,
        rollback_seconds=reader.seconds("rollbackSeconds", base.rollback_seconds),
        rollback_fails=reader.flag("rollbackFails", default=False),
        reason=reader.text("reason"),
        failed_tasks=base.failed_tasks if failed is None else failed,
        alarms=reader.texts("alarms"),
        events=reader.texts("events"),
    )
    reader.finish()
    return rule


def read_fault_rule(value: Any, where: str, problems: list[str], operations: tuple[str, ...]) -> FaultRule:
    """Return one entry of `faults`, or what `inject` was given."""
    reader = Reader(value, where, problems)
    if not reader.has("kind"):
        reader.problem("kind", f"is missing: one of {', '.join(KINDS)}")
    retry_after = reader.number("retryAfterSeconds", -1, least=0)
    rule = FaultRule(
        kind=reader.choice("kind", KINDS, KINDS[0]),
        operations=reader.texts("operation") or ("*",),
        service=reader.choice("service", ("ecs", "sts", "logs"), "ecs"),
        match=reader.match("match"),
        call=reader.numbers("call"),
        times=reader.integer("times", least=1),
        probability=reader.number("probability", 1.0, least=0, most=1),
        when=reader.choice("when", PHASES, "before"),
        form=reader.choice("form", THROTTLES, "plain"),
        error_form=reader.choice("errorForm", ERROR_FORMS, "plain"),
        code=reader.text("code"),
        message=reader.text("message"),
        status=reader.integer("status", least=100),
        members=reader.mapping("members"),
        text=reader.text("text"),
        seconds=reader.number("seconds", 0.0),
        count=reader.integer("count", least=1),
        ids=reader.texts("ids"),
        reason=reader.text("reason", "MISSING") or "MISSING",
        detail=reader.text("detail"),
        retry_after_s=retry_after if retry_after >= 0 else None,
        headers={name: str(item) for name, item in reader.mapping("headers").items()},
        location=reader.text("location", FaultRule.__dataclass_fields__["location"].default) or "",
    )
    reader.finish()
    if rule.service == "ecs":
        for name in rule.operations:
            if not any(sign in name for sign in "*?[") and name not in operations:
                reader.problem("operation", f"'{name}' is not an ECS operation{nearest(name, operations)}")
    return rule
