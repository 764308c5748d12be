"""How a deployment of a service ended: pure functions over what ECS answers.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_connector.redact import redact_text

_ENDED = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})

#: How a deployment may end, and what that means.
OUTCOMES: Mapping[str, str] = {
    "succeeded": "The deployment succeeded.",
    "redeployed": "The deployment succeeded; the task definition is the one that ran before.",
    "unchanged": "Nothing had to be deployed.",
    "circuit_breaker": "the deployment failed, and the circuit breaker ended it",
    "alarm": "the deployment failed, because an alarm went off",
    "stop_request": "the deployment was stopped by a request",
    "hook": "the deployment was ended by a lifecycle hook",
    "replaced": "the deployment was replaced by a newer one",
    "failed": "the deployment failed",
}


@dataclass(frozen=True, slots=True)
class Followed:
    """The deployment of one service that is followed."""

    service_arn: str
    #: Id of the deployment as DescribeServices has it.
    id: str
    created_at: Any
    #: How it counts when it succeeds: succeeded, redeployed, unchanged.
    success: str
    #: ARN of its record; None where there is none.
    record_arn: str | None = None


def followed_of(service: Mapping[str, Any]) -> Followed | None:
    """Return the deployment that an operation's answer shows as the one to come."""
    said = service.get("deployments")
    deployments = [item for item in said if isinstance(item, Mapping)] if isinstance(said, list) else []
    mine = next((item for item in deployments if item.get("status") == "PRIMARY"), None)
    if mine is None or not mine.get("id"):
        return None
    others = [item for item in deployments if item is not mine]
    success = "succeeded"
    if mine.get("rolloutState") == "COMPLETED":
        success = "unchanged"
    elif any(item.get("taskDefinition") == mine.get("taskDefinition") for item in others):
        success = "redeployed"
    return Followed(str(service.get("serviceArn") or ""), mine["id"], mine.get("createdAt"), success)


def record_outcome(followed: Followed, record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return how a deployment ended as its record says, and what ECS says of it; None while it goes on."""
    status = str(record.get("status"))
    if status not in _ENDED:
        return None
    if status == "SUCCESSFUL":
        return followed.success, ""
    said = redact_text((record.get("rollback") or {}).get("reason") or record.get("statusReason") or "")
    rolled = {"ROLLBACK_SUCCESSFUL": "It was rolled back.", "ROLLBACK_FAILED": "The rollback failed too."}
    return cause_of(record, said), " ".join(part for part in (said, rolled.get(status)) if part)


def cause_of(record: Mapping[str, Any], said: str) -> str:
    """Return why a deployment did not succeed: circuit_breaker, alarm, hook or stop_request."""
    text = said.lower()
    if (record.get("deploymentCircuitBreaker") or {}).get("status") == "TRIGGERED" or "circuit breaker" in text:
        return "circuit_breaker"
    if (record.get("alarms") or {}).get("status") == "TRIGGERED" or "alarm" in text:
        return "alarm"
    if any(hook.get("status") in ("FAILED", "TIMED_OUT") for hook in record.get("lifecycleHookDetails") or ()):
        return "hook"
    return "stop_request"


def service_outcome(followed: Followed, service: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return how a deployment ended as DescribeServices shows it; None while it goes on."""
    if service.get("status") in ("DRAINING", "INACTIVE"):
        return "stop_request", f"the service is {service['status']}"
    said = service.get("deployments")
    deployments = [item for item in said if isinstance(item, Mapping)] if isinstance(said, list) else []
    mine = next((item for item in deployments if item.get("id") == followed.id), None)
    primary: Mapping[str, Any] = next((item for item in deployments if item.get("status") == "PRIMARY"), {})
    if mine is not None and mine is primary:
        state, said = mine.get("rolloutState"), redact_text(mine.get("rolloutStateReason") or "")
        if state == "COMPLETED" or (state is None and _is_stable(service)):
            return followed.success, ""
        return (_cause_of_text(said), said) if state == "FAILED" else None
    said = redact_text((mine or {}).get("rolloutStateReason") or "")
    failure = _failure_event(followed, service)
    if failure is not None:
        # A deployment fails by itself only where the circuit breaker or an alarm watches it.
        return ("alarm" if "alarm" in failure.lower() else "circuit_breaker"), said or failure
    back = redact_text(primary.get("rolloutStateReason") or "")
    if (mine or {}).get("rolloutState") == "FAILED" or "rolling back" in back:
        return _cause_of_text(f"{said} {back}"), said or back
    return "replaced", f"the service runs {primary.get('id') or 'no deployment'} now"


def _failure_event(followed: Followed, service: Mapping[str, Any]) -> str | None:
    """Return the event that says that a deployment failed: it outlives the deployment."""
    mark = f"(deployment {followed.id}) deployment failed"
    texts = (str(event.get("message") or "") for event in service.get("events") or ())
    found = next((text for text in texts if mark in text), None)
    return redact_text(found) if found else None


def _cause_of_text(said: str) -> str:
    text = said.lower()
    if "circuit breaker" in text:
        return "circuit_breaker"
    if "alarm" in text:
        return "alarm"
    return "stop_request" if "stopped by" in text or "user request" in text else "failed"


def _is_stable(service: Mapping[str, Any]) -> bool:
    """Say whether a service without a rollout state is where it shall be."""
    return len(service.get("deployments") or ()) == 1 and service.get("runningCount") == service.get("desiredCount")
