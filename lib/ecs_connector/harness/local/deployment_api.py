"""The operations on service deployments and service revisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ecs_connector.harness.local import rollouts
from ecs_connector.harness.local.deployments import Rollout
from ecs_connector.harness.local.refusal import Refusal, client, invalid
from ecs_connector.harness.local.service_api import find_service
from ecs_connector.harness.local.services import ServiceRecord
from ecs_connector.harness.local.state import Json, Region

#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
_MOST_DESCRIBED = 20


def _service_of(region: Region, arn: str) -> ServiceRecord | None:
    """Return the service that a deployment or revision ARN names."""
    parts = arn.split("/")
    return region.services.get((parts[1], parts[2])) if len(parts) == 4 else None


def _rollout(region: Region, arn: str) -> tuple[ServiceRecord, Rollout] | None:
    service = _service_of(region, arn)
    if service is None:
        return None
    return next(((service, item) for item in service.rollouts if item.arn == arn), None)


def _need_rollout(region: Region, arn: str) -> tuple[ServiceRecord, Rollout]:
    found = _rollout(region, arn)
    if found is None:
        raise Refusal("ServiceDeploymentNotFoundException", "Service deployment not found.")
    return found


def _describe_service_deployments(region: Region, body: Json) -> Json:
    arns = body["serviceDeploymentArns"]
    _check_count(arns, "serviceDeploymentArns")
    shown, failures = [], []
    for arn in arns:
        found = _rollout(region, arn)
        if found is None:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            shown.append(found[0].show_rollout(region, found[1]))
    return {"serviceDeployments": shown, "failures": failures}


def _check_count(arns: list[str], member: str) -> None:
    if not 1 <= len(arns) <= _MOST_DESCRIBED:
        raise invalid(f"{member} must have 1 to {_MOST_DESCRIBED} elements.")


def _list_service_deployments(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    service = find_service(region, cluster, body["service"])
    created = body.get("createdAt") or {}
    wanted = body.get("status")
    found = [
        _brief(region, service, item)
        for item in reversed(service.rollouts)
        if (not wanted or item.status in wanted)
        and (created.get("after") is None or item.created_at > _seconds(created["after"]))
        and (created.get("before") is None or item.created_at < _seconds(created["before"]))
    ]
    return {"serviceDeployments": found}


def _seconds(moment: float | str) -> float:
    """Return a timestamp as seconds since 1970; text passes the input check too."""
    if not isinstance(moment, str):
        return moment
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        raise Refusal("SerializationException", "createdAt: expected a timestamp") from None


def _brief(region: Region, service: ServiceRecord, rollout: Rollout) -> Json:
    full = service.show_rollout(region, rollout)
    names = ("serviceDeploymentArn", "serviceArn", "clusterArn", "createdAt", "startedAt", "finishedAt", "status")
    brief = {name: full[name] for name in (*names, "statusReason") if name in full}
    return {**brief, "targetServiceRevisionArn": rollout.target.arn}


def _describe_service_revisions(region: Region, body: Json) -> Json:
    arns = body["serviceRevisionArns"]
    _check_count(arns, "serviceRevisionArns")
    shown, failures = [], []
    for arn in arns:
        service = _service_of(region, arn)
        revision = next((item for item in service.revisions if item.arn == arn), None) if service is not None else None
        if service is None or revision is None:
            failures.append({"arn": arn, "reason": "MISSING"})
            continue
        shown.append(
            {
                **revision.config,
                "serviceRevisionArn": arn,
                "serviceArn": service.arn,
                "clusterArn": region.cluster_arn(service.cluster),
                "createdAt": revision.created_at,
                "containerImages": _images(region, revision.config["taskDefinition"]),
                "guardDutyEnabled": False,
            }
        )
    return {"serviceRevisions": shown, "failures": failures}


def _images(region: Region, definition_arn: str) -> list[Json]:
    definition = region.definitions.get(definition_arn) or {"containerDefinitions": []}
    return [{"containerName": item["name"], "image": item["image"]} for item in definition["containerDefinitions"]]


def _stop_service_deployment(region: Region, body: Json) -> Json:
    arn = body["serviceDeploymentArn"]
    service, rollout = _need_rollout(region, arn)
    if not rollout.ongoing:
        raise Refusal("ConflictException", "The service deployment is not in progress.", resourceIds=[arn])
    roll_back = (body.get("stopType") or "ROLLBACK") == "ROLLBACK"
    if roll_back and not rollout.sources:
        raise client("The service deployment has no source service revision to roll back to.")
    if rollout.status in ("PENDING", "IN_PROGRESS"):
        rollouts.stop(region, service, rollout, region.world.now(), roll_back=roll_back)
    return {"serviceDeploymentArn": arn}


def _continue_service_deployment(region: Region, body: Json) -> Json:
    arn = body["serviceDeploymentArn"]
    service, rollout = _need_rollout(region, arn)
    waiting = [item for item in rollout.hooks if item["status"] == "AWAITING_ACTION"]
    hook = next((item for item in waiting if item["hookId"] == body["hookId"]), None)
    if hook is None:
        raise client("The service deployment is not waiting for this lifecycle hook.")
    roll_back = body.get("action") == "ROLLBACK"
    hook["status"] = "FAILED" if roll_back else "SUCCEEDED"
    rollouts.continue_after_pause(region, service, rollout, region.world.now(), roll_back=roll_back)
    return {"serviceDeploymentArn": arn}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "DescribeServiceDeployments": _describe_service_deployments,
    "ListServiceDeployments": _list_service_deployments,
    "DescribeServiceRevisions": _describe_service_revisions,
    "StopServiceDeployment": _stop_service_deployment,
    "ContinueServiceDeployment": _continue_service_deployment,
}
