"""The operations on services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local import rollouts, scheduler
from ecs_connector.harness.local.definitions import find_definition
from ecs_connector.harness.local.launch import launch_type
from ecs_connector.harness.local.refusal import Refusal, client, invalid
from ecs_connector.harness.local.services import REVISION_MEMBERS, ServiceRecord
from ecs_connector.harness.local.state import Json, Region

#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html (services)
_MOST_DESCRIBED = 10
_CONFIG_MEMBERS = (
    *REVISION_MEMBERS,
    "deploymentConfiguration",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "deploymentController",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
)


def find_service(region: Region, cluster: str, reference: str) -> ServiceRecord:
    """Return a service of a cluster by name or ARN.

    Raises:
        Refusal: `ServiceNotFoundException`.
    """
    service = region.services.get((cluster, reference.rsplit("/", 1)[-1]))
    if service is None:
        raise Refusal("ServiceNotFoundException", "Service not found.")
    return service


def active_service(region: Region, cluster: str, reference: str) -> ServiceRecord:
    """Return a service that is active.

    Raises:
        Refusal: `ServiceNotFoundException`, `ServiceNotActiveException`.
    """
    service = find_service(region, cluster, reference)
    if service.status != "ACTIVE":
        raise Refusal("ServiceNotActiveException", "Service was not ACTIVE.")
    return service


def _create_service(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    now = region.world.now()
    repeated = region.world.tokens.repeated("CreateService", region.name, cluster, body, now)
    if repeated is not None:
        return dict(repeated)
    key = (cluster, body["serviceName"])
    existing = region.services.get(key)
    if existing is not None and existing.status == "ACTIVE":
        raise invalid("Creation of service was not idempotent.")
    if existing is not None and existing.status == "DRAINING":
        raise invalid("Unable to Start a service that is still Draining.")
    service = _make(region, cluster, body, now)
    region.services[key] = service
    region.set_tags(service.arn, body.get("tags"))
    if not service.external:
        rollouts.begin(region, service, now)
    use = ("CreateService", region.name, cluster)
    region.world.tokens.remember(
        use, body, now, resource_ids=[service.arn], again=lambda: {"service": service.show(region)}
    )
    return {"service": service.show(region)}


def _make(region: Region, cluster: str, body: Json, now: float) -> ServiceRecord:
    config = {name: body[name] for name in _CONFIG_MEMBERS if body.get(name) is not None}
    external = (body.get("deploymentController") or {}).get("type") == "EXTERNAL"
    if body.get("launchType") and body.get("capacityProviderStrategy"):
        raise invalid("Specify either Launch Type or Capacity Provider Strategy, but not both.")
    daemon = body.get("schedulingStrategy") == "DAEMON"
    if body.get("desiredCount") is None and not daemon and not external:
        raise invalid("Service.desiredCount must be specified.")
    if not external:
        if not body.get("taskDefinition"):
            raise invalid("TaskDefinition can not be blank.")
        config["taskDefinition"] = _definition_arn(region, body)
        if not body.get("capacityProviderStrategy"):
            config["launchType"] = launch_type(body, region, cluster)[0]
        if config.get("launchType") == "FARGATE":
            config.setdefault("platformVersion", "LATEST")
            config["platformFamily"] = "Linux"
    config.setdefault("schedulingStrategy", "REPLICA")
    config.setdefault("deploymentController", {"type": "ECS"})
    config.setdefault("placementConstraints", [])
    config.setdefault("placementStrategy", [])
    config.setdefault("loadBalancers", [])
    config.setdefault("serviceRegistries", [])
    config.setdefault("enableECSManagedTags", False)
    config.setdefault("enableExecuteCommand", False)
    config.setdefault("propagateTags", "NONE")
    config["deploymentConfiguration"] = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        **(body.get("deploymentConfiguration") or {}),
    }
    instances = sum(item["cluster"] == cluster for item in region.instances.values())
    desired = max(1, instances) if daemon else body.get("desiredCount") or 0
    arn = region.arn(f"service/{cluster}/{body['serviceName']}")
    return ServiceRecord(arn, body["serviceName"], cluster, config, desired, now)


def _definition_arn(region: Region, body: Json) -> str:
    definition = find_definition(region, body["taskDefinition"], missing="TaskDefinition not found.")
    if definition["status"] != "ACTIVE":
        raise client("TaskDefinition is inactive")
    if definition.get("networkMode") == "awsvpc" and not body.get("networkConfiguration"):
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    return str(definition["taskDefinitionArn"])


def _update_service(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    service = active_service(region, cluster, body["service"])
    now = region.world.now()
    changed = {name: body[name] for name in _CONFIG_MEMBERS if body.get(name) is not None}
    if "taskDefinition" in changed:
        network = body.get("networkConfiguration") or service.config.get("networkConfiguration")
        changed["taskDefinition"] = _definition_arn(region, {**body, "networkConfiguration": network})
    if "deploymentConfiguration" in changed:
        merged = {**service.config["deploymentConfiguration"], **changed["deploymentConfiguration"]}
        changed["deploymentConfiguration"] = merged
    if "capacityProviderStrategy" in changed:
        service.config.pop("launchType", None)
    deploys = bool(body.get("forceNewDeployment")) or any(
        name in changed and changed[name] != service.config.get(name) for name in REVISION_MEMBERS
    )
    service.config.update(changed)
    scaled = body.get("desiredCount") is not None and body["desiredCount"] != service.desired
    if scaled:
        service.desired = body["desiredCount"]
    if service.external:
        return {"service": service.show(region)}
    if deploys:
        rollouts.begin(region, service, now)
    elif scaled:
        scheduler.scale(region, service, now)
    return {"service": service.show(region)}


def _delete_service(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    service = find_service(region, cluster, body["service"])
    if service.status == "INACTIVE":
        raise Refusal("ServiceNotFoundException", "Service not found.")
    daemon = service.config.get("schedulingStrategy") == "DAEMON"
    if service.status == "ACTIVE" and service.desired > 0 and not body.get("force") and not daemon:
        raise invalid("The service cannot be stopped while it is scaled above 0.")
    if service.task_sets and not body.get("force"):
        raise invalid("The service cannot be stopped while it has active TaskSets.")
    if service.status == "ACTIVE":
        service.task_sets.clear()
        scheduler.dissolve(region, service, region.world.now())
    return {"service": service.show(region)}


def _describe_services(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    references = body["services"]
    if not 1 <= len(references) <= _MOST_DESCRIBED:
        raise invalid("Services cannot be empty." if not references else "Services cannot have more than 10 elements.")
    with_tags = "TAGS" in (body.get("include") or [])
    services, failures = [], []
    for reference in dict.fromkeys(references):
        service = region.services.get((cluster, reference.rsplit("/", 1)[-1]))
        if service is None:
            arn = reference if reference.startswith("arn:") else region.arn(f"service/{cluster}/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            services.append(service.show(region, with_tags=with_tags))
    return {"services": services, "failures": failures}


def _list_services(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    filters = {name: body[name] for name in ("launchType", "schedulingStrategy") if body.get(name) is not None}
    return {
        "serviceArns": [
            service.arn
            for (of, _), service in region.services.items()
            if of == cluster
            and service.status != "INACTIVE"
            and all(service.config.get(name) == value for name, value in filters.items())
        ]
    }


def _list_services_by_namespace(region: Region, body: Json) -> Json:
    wanted = body["namespace"]
    found = []
    for service in region.services.values():
        connect = service.config.get("serviceConnectConfiguration") or {}
        if service.status == "ACTIVE" and connect.get("namespace") == wanted:
            found.append(service.arn)
    return {"serviceArns": found}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateService": _create_service,
    "UpdateService": _update_service,
    "DeleteService": _delete_service,
    "DescribeServices": _describe_services,
    "ListServices": _list_services,
    "ListServicesByNamespace": _list_services_by_namespace,
}
