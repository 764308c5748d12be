"""A scenario file becomes the behaviour of the embedded endpoint.

Everything has a default: `Scenario()` is an endpoint on which tasks run for a second and succeed and
nothing goes wrong. The format is described in `docs/local-endpoint.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ecs_connector.errors import ConfigError
from ecs_connector.harness.local.reader import Reader, nearest
from ecs_connector.harness.local.rule_readers import (
    read_fault_rule,
    read_key,
    read_log,
    read_role,
    read_service_rule,
    read_task_rule,
)
from ecs_connector.harness.local.rules import FaultRule, KnownKey, LogRule, RoleRule, ServiceRule, TaskRule

#: ECS shows a stopped task for at least an hour.
#: Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
TASK_RETENTION_S = 3600.0
#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
TOKEN_LIFETIME_S = 86400.0
_TASK_DEFAULTS = TaskRule()
_SERVICE_DEFAULTS = ServiceRule()


@dataclass(frozen=True, slots=True)
class SetupCall:
    """A call that is made before the endpoint opens."""

    operation: str
    body: Mapping[str, Any]
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Scenario:
    """How the embedded endpoint behaves."""

    account: str = "123456789012"
    seed: int = 0
    #: What holds for every task, or deployment, that no rule fits, and for fields a rule leaves out.
    task_defaults: TaskRule = _TASK_DEFAULTS
    service_defaults: ServiceRule = _SERVICE_DEFAULTS
    tasks: tuple[TaskRule, ...] = ()
    services: tuple[ServiceRule, ...] = ()
    faults: tuple[FaultRule, ...] = ()
    keys: tuple[KnownKey, ...] = ()
    roles: tuple[RoleRule, ...] = ()
    logs: tuple[LogRule, ...] = ()
    setup: tuple[SetupCall, ...] = ()
    #: The endpoint's clock minus the true one; not None turns the check of request dates on.
    clock_skew_s: float | None = None
    task_retention_s: float = TASK_RETENTION_S
    token_lifetime_s: float = TOKEN_LIFETIME_S
    #: Whether tasks that are not on Fargate need a registered container instance, as on ECS.
    require_instances: bool = False

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario file.

        Raises:
            ConfigError: The file cannot be read, is no YAML, or is no scenario; every problem is named.
        """
        import yaml  # Only a scenario from a file needs it.

        try:
            value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(f"The scenario file {path} cannot be read: {reason}.", field="scenario") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"The scenario file {path} is not YAML: {error}", field="scenario") from error
        return cls.from_mapping({} if value is None else value, source=str(path))

    @classmethod
    def from_mapping(cls, value: Any, *, source: str = "The scenario") -> Scenario:
        """Return the scenario that a mapping describes.

        Raises:
            ConfigError: The mapping is no scenario; every problem is named.
        """
        problems: list[str] = []
        scenario = _read(value, problems)
        if problems:
            raise ConfigError(_refusal(source, problems), field="scenario")
        return scenario


def parse_fault(fields: Mapping[str, Any]) -> FaultRule:
    """Return the fault that a mapping describes; the same fields as an entry of `faults`.

    Raises:
        ConfigError: The mapping is no fault; every problem is named.
    """
    problems: list[str] = []
    rule = read_fault_rule(dict(fields), "fault", problems, _operations())
    if problems:
        raise ConfigError(_refusal("The fault", problems), field="fault")
    return rule


def _operations() -> tuple[str, ...]:
    from ecs_connector.harness.local.model import ecs_model  # The model costs a quarter of a second.

    return ecs_model().operations


def _refusal(source: str, problems: list[str]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{source} has {count}:\n" + "\n".join(f"  {problem}" for problem in problems)


def _read(value: Any, problems: list[str]) -> Scenario:
    reader = Reader(value, "", problems)
    task_base, service_base = _read_defaults(reader.mapping("defaults"), problems)
    faults = reader.items("faults")
    operations = _operations() if faults else ()
    skew = reader.raw("clockSkewSeconds")
    reader.text("description")
    scenario = Scenario(
        account=_account(reader),
        seed=int(reader.number("seed", 0)),
        task_defaults=task_base,
        service_defaults=service_base,
        tasks=tuple(
            read_task_rule(item, f"tasks[{index}]", problems, task_base)
            for index, item in enumerate(reader.items("tasks"))
        ),
        services=tuple(
            read_service_rule(item, f"services[{index}]", problems, service_base)
            for index, item in enumerate(reader.items("services"))
        ),
        faults=tuple(
            read_fault_rule(item, f"faults[{index}]", problems, operations) for index, item in enumerate(faults)
        ),
        keys=tuple(read_key(item, f"credentials[{i}]", problems) for i, item in enumerate(reader.items("credentials"))),
        roles=tuple(read_role(item, f"roles[{i}]", problems) for i, item in enumerate(reader.items("roles"))),
        logs=tuple(read_log(item, f"logs[{i}]", problems) for i, item in enumerate(reader.items("logs"))),
        setup=tuple(_setup(item, f"setup[{i}]", problems) for i, item in enumerate(reader.items("setup"))),
        clock_skew_s=None if skew is None else reader.number("clockSkewSeconds", 0.0),
        task_retention_s=reader.seconds("taskRetentionSeconds", TASK_RETENTION_S),
        token_lifetime_s=reader.seconds("tokenLifetimeSeconds", TOKEN_LIFETIME_S),
        require_instances=reader.flag("requireInstances", default=False),
    )
    reader.finish()
    return scenario


def _account(reader: Reader) -> str:
    account = reader.text("account", "123456789012") or ""
    if len(account) != 12 or not account.isdigit():
        reader.problem("account", f"must be 12 digits in quotes, not {account!r}")
    return account


def _read_defaults(value: dict[str, Any], problems: list[str]) -> tuple[TaskRule, ServiceRule]:
    reader = Reader(value, "defaults", problems)
    task = replace(
        _TASK_DEFAULTS,
        provisioning_s=reader.seconds("provisioningSeconds", _TASK_DEFAULTS.provisioning_s),
        pending_s=reader.seconds("pendingSeconds", _TASK_DEFAULTS.pending_s),
        running_s=reader.seconds("runningSeconds", _TASK_DEFAULTS.running_s, forever=True),
        stopping_s=reader.seconds("stoppingSeconds", _TASK_DEFAULTS.stopping_s),
    )
    service = replace(
        _SERVICE_DEFAULTS,
        seconds=reader.seconds("deploymentSeconds", _SERVICE_DEFAULTS.seconds),
        rollback_seconds=reader.seconds("rollbackSeconds", _SERVICE_DEFAULTS.rollback_seconds),
    )
    reader.finish()
    return task, service


def _setup(value: Any, where: str, problems: list[str]) -> SetupCall:
    reader = Reader(value, where, problems)
    operation = reader.needed_text("operation")
    if operation and operation not in _operations():
        reader.problem("operation", f"'{operation}' is not an ECS operation{nearest(operation, _operations())}")
    call = SetupCall(operation, reader.mapping("body"), reader.text("region", "us-east-1") or "us-east-1")
    reader.finish()
    return call
