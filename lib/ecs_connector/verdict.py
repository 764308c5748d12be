"""The verdicts that a step's message carries: on one task, and on all tasks of a step.

Every text in them is free of secrets already; `report` is what goes into a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_connector.diagnosis import Diagnosis

#: Every kind of verdict on a task, and what it means; only `success` is a good one.
KINDS: Mapping[str, str] = {
    "success": "Every container that counts ended with an accepted exit code.",
    "failed_start": "The task failed to start.",
    "image_pull": "The task failed to start: an image could not be pulled.",
    "resource_init": "The task failed to start: something it needs could not be set up.",
    "timeout": "The task was not started or stopped in time.",
    "out_of_memory": "A container ran out of memory.",
    "exit_code": "A container ended with an exit code that is not accepted.",
    "missing_exit_code": "A container left no exit code, so nothing says that it did its work.",
    "essential_container_gone": "An essential container was gone before its work was done.",
    "lost_host": "The task lost the host that it ran on.",
    "spot_interruption": "The task was interrupted: AWS took its Spot capacity back.",
    "user_stopped": "The task was stopped by a call of StopTask.",
    "service_scheduler": "The task was stopped by the service scheduler.",
    "health_check": "The task was stopped because a health check failed.",
    "not_stopped": "The task has not stopped.",
    "not_told": "The task has stopped, and nothing is told of how: no container, code or reason.",
}


@dataclass(frozen=True, slots=True)
class TaskVerdict:
    """Whether one task did its work, and why not."""

    task_arn: str
    ok: bool
    #: One of `KINDS`.
    kind: str
    reason: str
    stop_code: str | None
    #: As ECS wrote it, without secrets.
    stopped_reason: str | None
    #: Container name -> exit code; None where ECS has none.
    exit_codes: Mapping[str, int | None]
    #: Container name -> reason, without secrets; only containers that have one.
    container_reasons: Mapping[str, str]
    diagnosis: Diagnosis | None

    def report(self) -> dict[str, Any]:
        """Return the verdict as JSON."""
        return {
            "taskArn": self.task_arn,
            "ok": self.ok,
            "kind": self.kind,
            "reason": self.reason,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
            "exitCodes": dict(self.exit_codes),
            "containerReasons": dict(self.container_reasons),
            "diagnosis": self.diagnosis.report() if self.diagnosis else None,
        }


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """Whether all tasks of one step did their work."""

    ok: bool
    reason: str
    #: Kind of verdict -> number of tasks; `not_started` counts the failures.
    counts: Mapping[str, int]
    tasks: tuple[TaskVerdict, ...]
    #: Entries of the `failures` list, each with its `diagnosis`.
    failures: tuple[Mapping[str, Any], ...] = ()

    def report(self) -> dict[str, Any]:
        """Return the verdict as JSON."""
        return {
            "ok": self.ok,
            "reason": self.reason,
            "counts": dict(self.counts),
            "tasks": [task.report() for task in self.tasks],
            "failures": [dict(failure) for failure in self.failures],
        }
