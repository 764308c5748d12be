"""Judge stopped tasks: whether they did their work.

A task succeeded only if it started, ended by itself, and every container that counts left an accepted
exit code. Containers that count are the essential ones where these are known, else all that the user
defined. Pure functions: one task in, one verdict out, the same each time.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ecs_connector.diagnosis import diagnose
from ecs_connector.redact import redact_text
from ecs_connector.verdict import KINDS, StepVerdict, TaskVerdict

__all__ = ["StepVerdict", "TaskVerdict", "essential_containers", "judge_step", "judge_task"]

#: Exit codes that the signals leave by which ECS stops the containers that are left: SIGKILL, SIGTERM.
_STOPPED_BY_SIGNAL = frozenset({137, 143})

#: Containers that ECS adds to a task: network pause, Service Connect proxy, GuardDuty agent.
_ADDED_BY_ECS = ("~internal~", "ecs-service-connect-", "aws-guardduty-agent")

#: What decides whatever the exit codes say: a task that was stopped from outside may well exit with 0.
_BY_STOP_CODE = {
    "UserInitiated": "user_stopped",
    "SpotInterruption": "spot_interruption",
    "TerminationNotice": "lost_host",
    "InfrastructureHealth": "lost_host",
    "ServiceSchedulerInitiated": "service_scheduler",
}

#: The kinds in the order in which one of several is named.
_SEVERITY = (
    "image_pull",
    "resource_init",
    "timeout",
    "failed_start",
    "out_of_memory",
    "exit_code",
    "missing_exit_code",
)


def essential_containers(task_definition: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the essential containers; a container that does not say so is one."""
    containers = task_definition.get("containerDefinitions") or ()
    return frozenset(item["name"] for item in containers if item.get("essential") is not False and item.get("name"))


#: Kinds that nothing speaks against. ECS itself always tells how a task ended; a stand-in may not.
_GOOD = frozenset({"success", "not_told"})


def judge_task(
    task: Mapping[str, Any],
    *,
    accepted_exit_codes: frozenset[int] = frozenset({0}),
    essential: frozenset[str] | None = None,
) -> TaskVerdict:
    """Return the verdict on a task as DescribeTasks gives it. Input: `Task`.

    Args:
        accepted_exit_codes: Codes that mean success.
        essential: Names of the containers that count; None, or an empty set, when they are not known.
    """
    facts = _facts(task, essential)
    kind, culprits = _kind(facts, accepted_exit_codes)
    exit_code = next((facts.exit_codes[name] for name in culprits if facts.exit_codes.get(name) is not None), None)
    texts = (facts.reasons.get(name) for name in culprits or facts.reasons)
    return TaskVerdict(
        task_arn=task.get("taskArn") or "",
        ok=kind in _GOOD,
        kind=kind,
        reason=_reason(kind, facts, culprits),
        stop_code=facts.stop_code,
        stopped_reason=facts.stopped_reason or None,
        exit_codes=facts.exit_codes,
        container_reasons=facts.reasons,
        diagnosis=None
        if kind in _GOOD
        else diagnose(facts.stopped_reason, *texts, stop_code=facts.stop_code, exit_code=exit_code),
    )


def judge_step(verdicts: Iterable[TaskVerdict], failures: Sequence[Mapping[str, Any]] = ()) -> StepVerdict:
    """Return the verdict on all tasks of a step and on those that ECS did not even start."""
    tasks = tuple(verdicts)
    counts = Counter(task.kind for task in tasks)
    if failures:
        counts["not_started"] = len(failures)
    bad = [task for task in tasks if not task.ok]
    parts = []
    if bad:
        parts.append(f"{len(bad)} of {len(tasks)} tasks failed. First: {bad[0].reason}")
    if failures:
        first = redact_text(str(failures[0].get("reason") or "no reason given"))
        parts.append(f"{len(failures)} could not be started: {first}.")
    if not tasks and not failures:
        parts.append("No task was started.")
    return StepVerdict(
        ok=not parts,
        reason=" ".join(parts) or f"All tasks succeeded: {len(tasks)}.",
        counts=dict(counts),
        tasks=tasks,
        failures=tuple(_diagnosed(failure) for failure in failures),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a task says of its end, texts without secrets."""

    last_status: str
    started: bool
    stop_code: str | None
    stopped_reason: str
    exit_codes: dict[str, int | None]
    reasons: dict[str, str]
    #: Names of the containers that count.
    counted: tuple[str, ...]


def _facts(task: Mapping[str, Any], essential: frozenset[str] | None) -> _Facts:
    said = task.get("containers")
    containers = [item for item in said if isinstance(item, Mapping)] if isinstance(said, list) else []
    exit_codes = {item.get("name") or "": item.get("exitCode") for item in containers}
    own = tuple(name for name in exit_codes if not name.startswith(_ADDED_BY_ECS))
    return _Facts(
        last_status=task.get("lastStatus") or "STOPPED",
        started=task.get("startedAt") is not None,
        stop_code=task.get("stopCode"),
        stopped_reason=redact_text(task.get("stoppedReason") or ""),
        exit_codes=exit_codes,
        reasons={item.get("name") or "": redact_text(item["reason"]) for item in containers if item.get("reason")},
        counted=tuple(sorted(essential)) if essential else own,
    )


def _kind(facts: _Facts, accepted: frozenset[int]) -> tuple[str, list[str]]:
    """Return the kind of the verdict and the containers that are to blame."""
    if facts.last_status != "STOPPED":
        return "not_stopped", []
    if not (facts.started or facts.exit_codes or facts.stop_code or facts.stopped_reason):
        return "not_told", []
    if _never_started(facts):
        return _kind_of_text([facts.stopped_reason, *facts.reasons.values()]) or "failed_start", list(facts.reasons)
    outside = _stopped_from_outside(facts)
    if outside is not None:
        return outside, []
    bad = {name: code for name in facts.counted if (code := facts.exit_codes.get(name)) not in accepted}
    if facts.counted and not bad:
        return "success", []
    return _kind_of_exit(facts, bad)


def _kind_of_exit(facts: _Facts, bad: Mapping[str, int | None]) -> tuple[str, list[str]]:
    """Return the kind for a task that ended by itself, with containers that left no accepted code."""
    said = _kind_of_text([facts.stopped_reason])
    blame = {
        name: _kind_of_text([facts.reasons.get(name, "")]) or ("missing_exit_code" if code is None else "exit_code")
        for name, code in bad.items()
    }
    if said is None:
        absent = [name for name in bad if name not in facts.exit_codes]
        ended_first = len(bad) < len(facts.counted)
        stopped_after = all(code in _STOPPED_BY_SIGNAL and name not in facts.reasons for name, code in bad.items())
        if absent or (ended_first and stopped_after):
            return "essential_container_gone", absent or list(bad)
    kind = min((said, *blame.values()), key=_rank) or "missing_exit_code"
    return kind, sorted(bad, key=lambda name: _rank(blame[name]))


def _never_started(facts: _Facts) -> bool:
    if facts.stop_code is not None:
        return facts.stop_code == "TaskFailedToStart"
    if facts.stopped_reason:
        return facts.stopped_reason.startswith(("Task failed to start", "TaskFailedToStart"))
    return not facts.started and all(code is None for code in facts.exit_codes.values())


def _stopped_from_outside(facts: _Facts) -> str | None:
    kind = _BY_STOP_CODE.get(facts.stop_code or "")
    if kind == "user_stopped":
        # The reason is what the caller of StopTask wrote; it is not evidence.
        return kind
    said = next((said for pattern, said in _outside() if pattern.search(facts.stopped_reason)), None)
    return said or kind


def _kind_of_text(texts: Iterable[str]) -> str | None:
    said = list(texts)
    return next((kind for pattern, kind in _inside() if any(pattern.search(text) for text in said)), None)


def _rank(kind: str | None) -> int:
    return _SEVERITY.index(kind) if kind in _SEVERITY else len(_SEVERITY)


@cache
def _inside() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what a text says of a task's own failure, the earliest phase first."""
    sources = (
        (r"CannotPull\w*Error|CannotPullContainer|CannotPullECRContainer", "image_pull"),
        (r"ResourceInitializationError", "resource_init"),
        (r"ContainerRuntimeTimeoutError|DockerTimeoutError|Timeout waiting for", "timeout"),
        (r"Cannot(?:Start|Create|Inspect)ContainerError|CannotCreateVolumeError", "failed_start"),
        (r"OutOfMemoryError|killed due to memory usage", "out_of_memory"),
    )
    return tuple((re.compile(source), kind) for source, kind in sources)


@cache
def _outside() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what a stopped reason says of a stop that did not come from the task."""
    sources = (
        (r"failed (?:ELB|container) health checks", "health_check"),
        (r"Spot Task was interrupted|SpotInterruption", "spot_interruption"),
        (r"Host EC2 \(instance [^)]*\) (?:stopped|terminated)", "lost_host"),
        (r"Container instance deregistration forced|ECS is performing maintenance", "lost_host"),
        (r"container instance is in DRAINING state", "lost_host"),
        (r"^Scaling activity initiated by", "service_scheduler"),
        (r"^Task stopped by user", "user_stopped"),
    )
    return tuple((re.compile(source), kind) for source, kind in sources)


def _reason(kind: str, facts: _Facts, culprits: Sequence[str]) -> str:
    """Return one text for people: what happened, in which container, and what ECS said."""
    parts = [KINDS[kind]]
    if kind == "not_stopped":
        parts.append(f"Its last status is {facts.last_status}.")
    for name in culprits:
        code = facts.exit_codes.get(name)
        ended = f"exit code {code}" if code is not None else "no exit code"
        said = f", {facts.reasons[name].rstrip('.')}" if name in facts.reasons else ""
        parts.append(f"Container {name}: {ended}{said}.")
    if facts.stopped_reason and kind != "success":
        parts.append(f"ECS says: {facts.stopped_reason.rstrip('.')}.")
    return " ".join(parts)


def _diagnosed(failure: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {key: redact_text(value) if isinstance(value, str) else value for key, value in failure.items()}
    found = diagnose(said.get("reason"), said.get("detail"))
    return {**said, "diagnosis": found.report() if found else None}
