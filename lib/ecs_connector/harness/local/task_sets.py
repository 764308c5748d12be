"""The operations on the task sets of services with an external deployment controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.definitions import find_definition
from ecs_connector.harness.local.refusal import Refusal, invalid
from ecs_connector.harness.local.service_api import active_service, find_service
from ecs_connector.harness.local.services import ServiceRecord
from ecs_connector.harness.local.state import Json, Region

_KEPT = (
    "externalId",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
)


def _find(service: ServiceRecord, reference: str) -> Json:
    for item in service.task_sets:
        if reference in (item["id"], item["taskSetArn"]):
            return item
    raise Refusal("TaskSetNotFoundException", "The specified task set wasn't found.")


def _rescale(region: Region, service: ServiceRecord, item: Json, scale: Json) -> None:
    """Set a task set's scale; its tasks are there when the deployment time of the scenario has passed."""
    now = region.world.now()
    wanted = round(service.desired * float(scale.get("value") or 0) / 100)
    item.update(scale=scale, computedDesiredCount=wanted, updatedAt=now, stabilityStatus="STABILIZING")
    item["pendingCount"] = max(0, wanted - item["runningCount"])

    def stable(due: float) -> None:
        if item["computedDesiredCount"] == wanted:
            item.update(runningCount=wanted, pendingCount=0, stabilityStatus="STEADY_STATE", stabilityStatusAt=due)

    region.world.timeline.at(now + region.world.scenario.service_defaults.seconds, stable)


def _create_task_set(region: Region, body: Json) -> Json:
    cluster = region.cluster(body["cluster"])
    service = active_service(region, cluster, body["service"])
    now = region.world.now()
    repeated = region.world.tokens.repeated("CreateTaskSet", region.name, cluster, body, now)
    if repeated is not None:
        return dict(repeated)
    if not service.external:
        raise invalid("TaskSets can only be created for services with an EXTERNAL deployment controller.")
    definition = find_definition(region, body["taskDefinition"], missing="TaskDefinition not found.")
    set_id = f"ecs-svc/{region.world.digits_id()}"
    item: Json = {
        **{name: body[name] for name in _KEPT if body.get(name) is not None},
        "id": set_id,
        "taskSetArn": region.arn(f"task-set/{cluster}/{service.name}/{set_id}"),
        "serviceArn": service.arn,
        "clusterArn": region.cluster_arn(cluster),
        "status": "PRIMARY" if not service.task_sets else "ACTIVE",
        "taskDefinition": definition["taskDefinitionArn"],
        "runningCount": 0,
        "createdAt": now,
        "stabilityStatusAt": now,
        "tags": body.get("tags") or [],
    }
    _rescale(region, service, item, body.get("scale") or {"value": 100.0, "unit": "PERCENT"})
    service.task_sets.append(item)
    region.set_tags(item["taskSetArn"], body.get("tags"))
    use = ("CreateTaskSet", region.name, cluster)
    region.world.tokens.remember(use, body, now, resource_ids=[item["taskSetArn"]], again=lambda: {"taskSet": item})
    return {"taskSet": item}


def _describe_task_sets(region: Region, body: Json) -> Json:
    cluster = region.cluster(body["cluster"])
    service = find_service(region, cluster, body["service"])
    wanted = body.get("taskSets")
    with_tags = "TAGS" in (body.get("include") or [])
    failures = []
    if wanted:
        by_key = {key: item for item in service.task_sets for key in (item["id"], item["taskSetArn"])}
        found = [by_key[key] for key in wanted if key in by_key]
        failures = [{"arn": key, "reason": "MISSING"} for key in wanted if key not in by_key]
    else:
        found = service.task_sets
    shown = [{**item, "tags": region.get_tags(item["taskSetArn"]) if with_tags else []} for item in found]
    return {"taskSets": shown, "failures": failures}


def _update_task_set(region: Region, body: Json) -> Json:
    service = active_service(region, region.cluster(body["cluster"]), body["service"])
    item = _find(service, body["taskSet"])
    _rescale(region, service, item, body["scale"])
    return {"taskSet": item}


def _update_service_primary_task_set(region: Region, body: Json) -> Json:
    service = active_service(region, region.cluster(body["cluster"]), body["service"])
    item = _find(service, body["primaryTaskSet"])
    for other in service.task_sets:
        other["status"] = "ACTIVE"
    item.update(status="PRIMARY", updatedAt=region.world.now())
    return {"taskSet": item}


def _delete_task_set(region: Region, body: Json) -> Json:
    service = active_service(region, region.cluster(body["cluster"]), body["service"])
    item = _find(service, body["taskSet"])
    if item["computedDesiredCount"] > 0 and not body.get("force"):
        raise invalid("The TaskSet cannot be deleted while it is scaled above 0; set force.")
    service.task_sets.remove(item)
    item.update(status="DRAINING", computedDesiredCount=0, updatedAt=region.world.now())
    return {"taskSet": item}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateTaskSet": _create_task_set,
    "DescribeTaskSets": _describe_task_sets,
    "UpdateTaskSet": _update_task_set,
    "UpdateServicePrimaryTaskSet": _update_service_primary_task_set,
    "DeleteTaskSet": _delete_task_set,
}
