"""What a step did and what was expected of it -> passed, expected-error or failed."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ecs_connector.errors import ConnectorError, ExpectationFailed, Rebound, outcome_of
from ecs_connector.harness.flow.mapping import Environment, evaluate, is_true
from ecs_connector.harness.flow.model import Step

Verdict = Literal["passed", "expected-error", "failed"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one run of a step."""

    verdict: Verdict
    #: What it failed with, or the error that was expected.
    error: BaseException | None = None
    #: The expectation that was not met, when another error came instead.
    reason: str | None = None


def judge(
    step: Step, messages: Sequence[dict[str, Any]], error: BaseException | None, environment: Environment
) -> Judgement:
    """Return the verdict on one run of a step.

    Args:
        messages: The data messages that it emitted.
        error: The error that it ended with.
        environment: What the step's body could see.
    """
    expect = step.expect
    if error is not None and not (expect.names_error and _matches(error, step)):
        reason = f"expected: {expect.describe_error()}" if expect.names_error else None
        return Judgement("failed", error, reason)
    if error is None and expect.names_error and not expect.optional:
        return _missed(step, f"was expected to fail with {expect.describe_error()}, and did not fail")
    if error is None and expect.emissions is not None and len(messages) != expect.emissions:
        text = f"was expected to emit {_count(expect.emissions)}, and emitted {len(messages)}"
        return _missed(step, text)
    try:
        if not _holds(step, messages, error, environment):
            condition = expect.condition.text if expect.condition else ""
            return _missed(step, f"does not meet its assertion: {' '.join(condition.split())}")
    except ConnectorError as unreadable:
        return Judgement("failed", unreadable)
    return Judgement("passed" if error is None else "expected-error", error)


def report_of(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON; of one that is nobody's on purpose only its class, for its text may hold a secret."""
    if isinstance(error, ConnectorError):
        return error.report()
    name = type(error).__name__
    if isinstance(error, Rebound):
        return {"error": name, "message": f"To be tried again later: {error.reason}"}
    return {"error": name, "message": f"A defect of the component: {name}{_place(error)}."}


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else ""


def _matches(error: BaseException, step: Step) -> bool:
    expect = step.expect
    names = {kind.__name__ for kind in type(error).__mro__}
    return (
        (expect.error is None or expect.error in names)
        and (expect.code is None or expect.code == getattr(error, "code", None))
        and (expect.exit_code is None or expect.exit_code == outcome_of(error).exit_code)
    )


def _holds(
    step: Step, messages: Sequence[dict[str, Any]], error: BaseException | None, environment: Environment
) -> bool:
    if step.expect.condition is None:
        return True
    last = messages[-1] if messages else {"body": {}, "headers": {}}
    own: dict[str, Any] = {"messages": list(messages), "headers": last["headers"]}
    record: dict[str, Any] = {**last, "messages": list(messages)}
    if error is not None:
        own["failure"] = record["error"] = report_of(error)
    earlier = environment.variables.get("steps", {})
    variables = {**environment.variables, **own, "steps": {**earlier, step.id: record}}
    passthrough = {**environment.passthrough, step.id: last}
    seen = replace(environment, body=last["body"], variables=variables, passthrough=passthrough)
    return is_true(evaluate(step.expect.condition, seen, step=step.id))


def _missed(step: Step, text: str) -> Judgement:
    return Judgement("failed", ExpectationFailed(f"The step {step.id} {text}."))


def _count(number: int) -> str:
    return f"{number} message" if number == 1 else f"{number} messages"
