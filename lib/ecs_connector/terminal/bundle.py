"""Writes what a failed wait has gathered as a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Service events that are shown; the newest come first.
_EVENTS = 5


def lines(bundle: Any) -> Iterator[str]:
    """Yield the lines: each task that failed with its containers, cause, remedy and log; a service's events."""
    if not isinstance(bundle, Mapping):
        return
    verdict = bundle.get("verdict")
    if isinstance(verdict, Mapping):
        for task in verdict.get("tasks", ()):
            if not task.get("ok"):
                yield from _task(task)
        for failure in verdict.get("failures", ()):
            yield f"not started: {failure.get('reason')} {failure.get('detail') or ''}".rstrip()
            yield from _diagnosis(failure.get("diagnosis"))
    for event in list(bundle.get("events") or ())[:_EVENTS]:
        yield f"  event {event.get('createdAt', '')}: {event.get('message', '')}"


def _task(task: Mapping[str, Any]) -> Iterator[str]:
    yield f"{task.get('taskArn')}: {task.get('kind')}"
    reasons = task.get("containerReasons", {})
    codes = task.get("exitCodes", {})
    width = max(map(len, codes), default=0)
    for name, code in codes.items():
        exited = "no exit code" if code is None else f"exit code {code}"
        yield f"  container {name:<{width}}  {exited}  {reasons.get(name, '')}".rstrip()
    if task.get("stoppedReason"):
        yield f"  stopped because: {task['stoppedReason']} ({task.get('stopCode')})"
    yield from _diagnosis(task.get("diagnosis"))
    for name, log in (task.get("logs") or {}).items():
        if "lines" in log:
            yield f"  last lines of {name} ({log.get('group')} {log.get('stream')}):"
            yield from (f"    {line}" for line in log["lines"])
        elif log.get("error"):
            yield f"  log of {name}: {log['error']}"
    if task.get("link"):
        yield f"  {task['link']}"


def _diagnosis(diagnosis: Any) -> Iterator[str]:
    if not isinstance(diagnosis, Mapping):
        return
    yield f"  cause:  {diagnosis.get('cause')}"
    yield f"  remedy: {diagnosis.get('remedy')}"
    passing = {True: "may pass by itself", False: "will not pass by itself"}.get(diagnosis.get("transient"))  # type: ignore[arg-type]  # None is a third answer
    if passing:
        yield f"  it {passing}"
