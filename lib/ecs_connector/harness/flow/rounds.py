"""One run of a step's action, and a step's report made from its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ecs_connector.errors import ConnectorError, Rebound, outcome_of
from ecs_connector.harness.flow.expectations import Judgement, report_of
from ecs_connector.harness.flow.model import Step
from ecs_connector.harness.flow.report import StepReport
from ecs_connector.values import Emission


@dataclass(frozen=True, slots=True)
class Round:
    """One run of a step's action."""

    judgement: Judgement
    messages: Sequence[dict[str, Any]] = ()
    index: int | None = None
    item: Any = None


def message_of(emission: Emission, message_id: str) -> dict[str, Any]:
    """Return an emission as the message that the next step would get."""
    body = emission.body
    return {
        "id": emission.id or message_id,
        # A body is an object on the wire.
        "body": body if isinstance(body, dict) else {emission.item_name or "value": body},
        "headers": dict(emission.headers),
    }


def failure_of(emission: Emission, function: str) -> BaseException | None:
    """Return the failure that an emission stands for, of an action that emits and does not raise."""
    body = emission.body
    text = body.get("message", "") if isinstance(body, dict) else body
    if emission.kind == "error":
        return ConnectorError(f"{function} emitted an error: {text}")
    return Rebound(str(text)) if emission.kind == "rebound" else None


def item_record(round_: Round) -> dict[str, Any]:
    """Return what `$steps.<id>.items` shows of one item."""
    item: dict[str, Any] = {"item": round_.item, "index": round_.index, "messages": list(round_.messages)}
    if round_.messages:
        item |= {"body": round_.messages[-1]["body"], "headers": round_.messages[-1]["headers"]}
    if round_.judgement.error is not None:
        item["error"] = report_of(round_.judgement.error)
    return item


def summarize(step: Step, rounds: Sequence[Round], items: int, duration_s: float) -> StepReport:
    """Return the report of a step from its rounds; `items` is how many there might have been."""
    count = None if step.each is None else len(rounds)
    if not rounds:
        reason = "its condition is not met" if items else "there is no item to run it for"
        return StepReport(step.id, step.function, "skipped", duration_s, rounds=count, reason=reason)
    failed = [round_ for round_ in rounds if round_.judgement.verdict == "failed"]
    told = failed or [round_ for round_ in rounds if round_.judgement.verdict == "expected-error"]
    first = told[0].judgement if told else Judgement("passed")
    attempts, request_ids = _evidence(rounds)
    return StepReport(
        id=step.id,
        function=step.function,
        status=first.verdict,
        duration_s=duration_s,
        emissions=sum(len(round_.messages) for round_ in rounds),
        attempts=attempts,
        request_ids=request_ids,
        rounds=count,
        error=report_of(first.error) if first.error is not None else None,
        error_index=told[0].index if told else None,
        exit_code=outcome_of(first.error).exit_code if failed and first.error is not None else 0,
        reason=first.reason,
    )


def _evidence(rounds: Sequence[Round]) -> tuple[int, tuple[str, ...]]:
    """Return the attempts and request ids of all calls; messages of one call carry the same evidence."""
    calls: dict[Any, int] = {}
    for round_ in rounds:
        for message in round_.messages:
            _count_call(calls, message["headers"].get("requestId"), message["headers"].get("attempts"))
        error = round_.judgement.error
        _count_call(calls, getattr(error, "request_id", None), getattr(error, "attempts", None))
    return sum(calls.values()), tuple(key for key in calls if isinstance(key, str))


def _count_call(calls: dict[Any, int], request_id: Any, attempts: Any) -> None:
    if isinstance(attempts, int):
        # A call without an id cannot be told from another: each counts.
        calls[request_id if isinstance(request_id, str) else len(calls)] = attempts
