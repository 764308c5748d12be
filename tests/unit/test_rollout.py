"""How a deployment ended, told from what ECS answers."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.rollout import OUTCOMES, Followed, followed_of, record_outcome, service_outcome

MINE = Followed(
    "arn:aws:ecs:eu-central-1:123456789012:service/blue/web", "ecs-svc/1", "2026-01-15T12:00:00Z", "succeeded"
)


def make_deployment(
    number: int = 1, status: str = "PRIMARY", state: str | None = "IN_PROGRESS", reason: str = "", **more: Any
) -> dict[str, Any]:
    deployment = {
        "id": f"ecs-svc/{number}",
        "status": status,
        "taskDefinition": f"web:{number}",
        "rolloutStateReason": reason,
        **more,
    }
    return {**deployment, "rolloutState": state} if state else deployment


@pytest.mark.parametrize(
    ("record", "outcome", "said"),
    [
        ({"status": "PENDING"}, None, ""),
        ({"status": "IN_PROGRESS"}, None, ""),
        ({"status": "STOP_REQUESTED"}, None, ""),
        ({"status": "ROLLBACK_IN_PROGRESS", "deploymentCircuitBreaker": {"status": "TRIGGERED"}}, None, ""),
        ({"status": "SUCCESSFUL"}, "succeeded", ""),
        (
            {"status": "ROLLBACK_SUCCESSFUL", "deploymentCircuitBreaker": {"status": "TRIGGERED"},
             "rollback": {"reason": "Service deployment rolled back because the circuit breaker threshold was exceeded."}},
            "circuit_breaker", "threshold was exceeded. It was rolled back.",
        ),
        ({"status": "ROLLBACK_FAILED", "deploymentCircuitBreaker": {"status": "TRIGGERED"}}, "circuit_breaker", "The rollback failed too."),
        ({"status": "ROLLBACK_SUCCESSFUL", "alarms": {"status": "TRIGGERED", "triggeredAlarmNames": ["cpu"]}}, "alarm", "rolled back"),
        ({"status": "STOPPED", "statusReason": "alarm(s) detected: cpu"}, "alarm", "cpu"),
        ({"status": "STOPPED", "statusReason": "Service deployment was stopped by a user request."}, "stop_request", "user request"),
        ({"status": "ROLLBACK_SUCCESSFUL", "lifecycleHookDetails": [{"status": "TIMED_OUT"}]}, "hook", "rolled back"),
    ],
)  # fmt: skip
def test_a_record_tells_how_its_deployment_ended(record, outcome, said):
    """A rollback by the circuit breaker, by an alarm, by a hook and a stop on request are told apart, with ECS's reason."""
    found = record_outcome(MINE, record)

    assert (found[0] if found else None) == outcome
    assert said in (found[1] if found else "")
    assert found is None or found[0] in OUTCOMES


@pytest.mark.parametrize(
    ("deployments", "outcome"),
    [
        ([make_deployment()], None),
        ([make_deployment(state="COMPLETED")], "succeeded"),
        ([make_deployment(state="FAILED", reason="ECS deployment circuit breaker: tasks failed to start.")], "circuit_breaker"),
        ([make_deployment(state="FAILED", reason="ECS deployment failed: alarm(s) detected: cpu.")], "alarm"),
        ([make_deployment(state="FAILED", reason="tasks failed to start.")], "failed"),
        ([make_deployment(state="FAILED", reason="Service deployment was stopped by a user request.")], "stop_request"),
        ([make_deployment(2), make_deployment(1, "ACTIVE")], "replaced"),
        ([make_deployment(2, state="COMPLETED")], "replaced"),
        (
            [make_deployment(2, reason="ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/2."),
             make_deployment(1, "ACTIVE", "FAILED", "ECS deployment circuit breaker: tasks failed to start.")],
            "circuit_breaker",
        ),
        ([make_deployment(2, reason="ECS deployment rollback: rolling back to deploymentId ecs-svc/2. Alarm cpu.")], "alarm"),
        ([], "replaced"),
    ],
)  # fmt: skip
def test_a_service_tells_it_where_there_is_no_record(deployments, outcome):
    """Without a record, the rollout state of the followed deployment decides, and never the service's stability."""
    service = {"status": "ACTIVE", "runningCount": 1, "desiredCount": 1, "deployments": deployments}

    found = service_outcome(MINE, service)

    assert (found[0] if found else None) == outcome


@pytest.mark.parametrize(
    ("text", "outcome"), [("tasks failed to start.", "circuit_breaker"), ("alarm detected.", "alarm")]
)
def test_events_tell_of_a_deployment_that_is_gone(text, outcome):
    """A rollback that ended between two looks is still told: by the event of the failure."""
    events = [
        {"message": "(service web) rolling back to deployment ecs-svc/2."},
        {"message": f"(service web) (deployment ecs-svc/1) deployment failed: {text}"},
    ]
    service = {"status": "ACTIVE", "deployments": [make_deployment(2, state="COMPLETED")], "events": events}

    assert service_outcome(MINE, service) == (outcome, events[1]["message"])


def test_a_service_without_rollout_states_is_deployed_when_it_is_stable():
    """Behind a Classic Load Balancer ECS gives no rollout state: there the counts decide."""
    service = {"status": "ACTIVE", "desiredCount": 2, "deployments": [make_deployment(state=None)]}

    assert service_outcome(MINE, {**service, "runningCount": 1}) is None
    assert service_outcome(MINE, {**service, "runningCount": 2}) == ("succeeded", "")


def test_a_service_that_is_being_deleted_is_not_deployed():
    """Deleting a service ends the wait for its deployment."""
    found = service_outcome(MINE, {"status": "DRAINING", "deployments": []})

    assert found == ("stop_request", "the service is DRAINING")


def test_the_primary_deployment_of_an_answer_is_the_one_to_follow():
    """A new definition, the same definition again and no deployment at all are three different successes."""
    old = make_deployment(1, "ACTIVE", "COMPLETED")
    fresh, again = make_deployment(2), {**make_deployment(2), "taskDefinition": "web:1"}

    assert followed_of({"serviceArn": "s", "deployments": [fresh, old]}).success == "succeeded"
    assert followed_of({"serviceArn": "s", "deployments": [again, old]}).success == "redeployed"
    assert (
        followed_of({"serviceArn": "s", "deployments": [make_deployment(1, state="COMPLETED")]}).success == "unchanged"
    )
    assert followed_of({"serviceArn": "s", "deployments": []}) is None
