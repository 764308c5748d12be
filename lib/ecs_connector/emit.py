"""Turns outputs into emissions: failures judged by the step's policy, evidence in the headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_connector.client import Step
from ecs_connector.errors import PartialFailure
from ecs_connector.model import Operation
from ecs_connector.values import Emission, Evidence, Output


def data(step: Step, output: Output) -> Emission:
    """Return an output as a data emission.

    Raises:
        PartialFailure: The output has failures and the step's policy calls that an error.
    """
    judge(step, output)
    return message(step, output)


def judge(step: Step, output: Output, *, succeeded: bool = False) -> None:
    """Raise when the failures of an output are an error by the step's policy.

    Args:
        succeeded: Whether something has succeeded on an earlier page: then `partial` lets a page pass on which all failed.
    """
    policy = step.config.onFailures or "partial"
    if step.operation.failures and not (succeeded and policy == "partial"):
        judge_failures(step.operation, output.body, policy)


def message(step: Step, output: Output) -> Emission:
    """Return an output that has been judged as a data emission."""
    return Emission("data", output.body, evidence_headers(step, output.evidence))


def item(step: Step, value: Any, evidence: Evidence, next_token: str | None = None) -> Emission:
    """Return one item of a list as a data emission; the last one before a cap says where the list goes on."""
    assert step.operation.pages is not None  # noqa: S101 - only lists have items
    headers = evidence_headers(step, evidence)
    if next_token is not None:
        headers["nextToken"] = next_token
    return Emission("data", value, headers, item_name=step.operation.pages.item)


def evidence_headers(step: Step, evidence: Evidence) -> dict[str, Any]:
    """Return what a message can say of the call behind it."""
    client = step.client
    headers: dict[str, Any] = {
        "operation": step.operation.name,
        "requestId": evidence.request_id,
        "attempts": evidence.attempts,
        "region": client.endpoint.region,
        "endpoint": client.endpoint.url,
        "apiVersion": client.clients.model.api_version,
        "modelVersion": client.clients.model.version,
    }
    if evidence.retried:
        headers["retried"] = list(evidence.retried)
    if evidence.waits:
        headers["waits"] = [dict(wait) for wait in evidence.waits]
    return headers


def judge_failures(operation: Operation, body: Mapping[str, Any], policy: str) -> None:
    """Raise when the `failures` of an output are an error by the policy `fail`, `partial` or `pass`."""
    failures = body.get("failures")
    if not failures or policy == "pass":
        return
    if policy == "partial" and any(body.get(name) for name in operation.good):
        return
    listed = failures if isinstance(failures, list) else [failures]
    failures = [failure if isinstance(failure, Mapping) else {"reason": failure} for failure in listed]
    reasons = "; ".join(_reason(failure) for failure in failures[:5])
    more = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
    raise PartialFailure(
        f"{operation.name}: ECS reports {len(failures)} failure{'s' if len(failures) != 1 else ''}: {reasons}{more}. "
        "The step's field onFailures decides whether this is an error.",
        failures=failures,
        output=body,
        operation=operation.name,
    )


def _reason(failure: Mapping[str, Any]) -> str:
    text = f"{failure.get('arn') or 'the request'}: {failure.get('reason') or 'no reason given'}"
    return f"{text} ({failure['detail']})" if failure.get("detail") else text
