"""Reads the entries of a scenario into rules, and notes every problem with them."""

from __future__ import annotations

from typing import Any

from ecs_connector.harness.local.reader import FOREVER, Reader, nearest
from ecs_connector.harness.local.rules import (
    CAUSES,
    ELSEWHERE,
    ERROR_FORMS,
    KINDS,
    OUTCOMES,
    PHASES,
    SERVICE_FIELDS,
    TASK_FIELDS,
    THROTTLES,
    ContainerRule,
    FaultRule,
    KnownKey,
    LogRule,
    PlacementFailure,
    RoleRule,
    ServiceRule,
    TaskRule,
)


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
        location=reader.text("location") or ELSEWHERE,
    )
    reader.finish()
    if rule.service == "ecs":
        for name in rule.operations:
            if not any(sign in name for sign in "*?[") and name not in operations:
                reader.problem("operation", f"'{name}' is not an ECS operation{nearest(name, operations)}")
    return rule


def read_key(value: Any, where: str, problems: list[str]) -> KnownKey:
    """Return one entry of `credentials`."""
    reader = Reader(value, where, problems)
    key = KnownKey(
        access_key_id=reader.needed_text("accessKeyId"),
        secret_access_key=reader.needed_text("secretAccessKey"),
        session_token=reader.text("sessionToken"),
        expired=reader.flag("expired", default=False),
        expires_after_s=reader.seconds("expiresAfterSeconds", FOREVER),
        deny=reader.texts("deny"),
        arn=reader.text("arn"),
    )
    reader.finish()
    return key


def read_role(value: Any, where: str, problems: list[str]) -> RoleRule:
    """Return one entry of `roles`."""
    reader = Reader(value, where, problems)
    lifetime = reader.seconds("lifetimeSeconds", FOREVER)
    role = RoleRule(
        arn=reader.needed_text("arn"),
        external_id=reader.text("externalId"),
        denied=reader.flag("denied", default=False),
        lifetime_s=None if lifetime == FOREVER else lifetime,
    )
    reader.finish()
    return role


def read_log(value: Any, where: str, problems: list[str]) -> LogRule:
    """Return one entry of `logs`."""
    reader = Reader(value, where, problems)
    rule = LogRule(reader.text("group", "*") or "*", reader.text("stream", "*") or "*", reader.texts("lines"))
    reader.finish()
    return rule
