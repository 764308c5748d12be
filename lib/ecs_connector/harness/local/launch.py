"""Makes tasks out of a request: picks the rule of the scenario, fills in what ECS fills in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecs_connector.harness.local.definitions import find_definition
from ecs_connector.harness.local.refusal import client, invalid
from ecs_connector.harness.local.rules import PlacementFailure, TaskRule
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import ContainerRecord, TaskRecord

_FARGATE = ("FARGATE", "FARGATE_SPOT")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started."""

    cluster: str
    definition: Json
    body: Json
    #: ARN of the container instance it goes to, for StartTask.
    instance: str | None = None
    service: str | None = None
    #: Takes the place of what the scenario says, for the tasks of a service.
    rule: TaskRule | None = None


def order_of(region: Region, body: Json, *, cluster: str, **more: Any) -> Order:
    """Return the order that a RunTask or StartTask body means.

    Raises:
        Refusal: the task definition is missing or inactive, or overrides name a container it lacks.
    """
    definition = find_definition(region, body["taskDefinition"], missing="TaskDefinition not found.")
    if definition["status"] != "ACTIVE":
        raise client("TaskDefinition is inactive")
    names = {container["name"] for container in definition["containerDefinitions"]}
    for override in (body.get("overrides") or {}).get("containerOverrides") or []:
        if override.get("name") is not None and override["name"] not in names:
            raise invalid(f"Override for container named {override['name']} is not a container in the TaskDefinition.")
    if definition.get("networkMode") == "awsvpc" and not body.get("networkConfiguration"):
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    return Order(cluster, definition, body, **more)


def launch(region: Region, order: Order, now: float) -> TaskRecord | PlacementFailure:
    """Start one task; its life is on the timeline when this returns."""
    rule = order.rule or _pick_rule(region, order)
    if rule.failure is not None:
        return rule.failure
    task = _make(region, order, rule, now)
    region.tasks[task.arn] = task
    tags = list(order.body.get("tags") or [])
    if order.body.get("propagateTags") == "TASK_DEFINITION":
        tags = region.get_tags(order.definition["taskDefinitionArn"]) + tags
    region.set_tags(task.arn, tags)
    task.begin(region)
    return task


def launch_type(body: Json, region: Region, cluster: str) -> tuple[str, str | None]:
    """Return launch type and capacity provider; EC2 when nothing says otherwise, as on ECS."""
    if body.get("launchType"):
        return body["launchType"], None
    strategy = body.get("capacityProviderStrategy")
    if not strategy:
        strategy = region.extras.get(region.cluster_arn(cluster), {}).get("defaultCapacityProviderStrategy")
    if not strategy:
        return "EC2", None
    provider = str(strategy[0]["capacityProvider"])
    return ("FARGATE" if provider in _FARGATE else "EC2"), provider


def _pick_rule(region: Region, order: Order) -> TaskRule:
    scenario = region.world.scenario
    family = order.definition["family"]
    run = region.world.count("run", family)
    values = {
        "family": family,
        "cluster": order.cluster,
        "startedBy": order.body.get("startedBy"),
        "group": order.body.get("group"),
        "launchType": launch_type(order.body, region, order.cluster)[0],
        "service": order.service,
        "taskDefinition": order.definition["taskDefinitionArn"].rsplit("/", 1)[-1],
    }
    for rule in scenario.tasks:
        if rule.match.fits(values) and (rule.run is None or run in rule.run):
            return rule
    return scenario.task_defaults


def _make(region: Region, order: Order, rule: TaskRule, now: float) -> TaskRecord:
    task_id = region.world.hex_id()
    body, definition = order.body, order.definition
    kind, provider = launch_type(body, region, order.cluster)
    on_network = definition.get("networkMode") == "awsvpc"
    fixed: Json = {
        "attachments": [_interface(region, body)] if on_network else [],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": f"{region.name}a",
        "clusterArn": region.cluster_arn(order.cluster),
        "cpu": _override(body, "cpu") or definition.get("cpu") or _sum(definition, "cpu"),
        "memory": _override(body, "memory") or definition.get("memory") or _sum(definition, "memory"),
        "enableExecuteCommand": bool(body.get("enableExecuteCommand")),
        "inferenceAccelerators": [],
        "launchType": kind,
        "overrides": _overrides(body, definition),
        "taskDefinitionArn": definition["taskDefinitionArn"],
    }
    if provider is not None:
        fixed["capacityProviderName"] = provider
    if kind == "FARGATE":
        fixed.update(platformVersion=body.get("platformVersion") or "1.4.0", platformFamily="Linux")
        fixed["ephemeralStorage"] = definition.get("ephemeralStorage") or {"sizeInGiB": 20}
    elif instance := order.instance or _some_instance(region, order.cluster):
        fixed["containerInstanceArn"] = instance
    containers = [_container(region, order, task_id, item) for item in definition["containerDefinitions"]]
    return TaskRecord(
        arn=region.arn(f"task/{order.cluster}/{task_id}"),
        id=task_id,
        cluster=order.cluster,
        family=definition["family"],
        rule=rule,
        containers=containers,
        created_at=now,
        fixed=fixed,
        started_by=body.get("startedBy"),
        group=body.get("group") or f"family:{definition['family']}",
        # Tasks with a network interface of their own are provisioned first, others wait for an agent.
        last_status="PROVISIONING",
    )


def _override(body: Json, name: str) -> Any:
    return (body.get("overrides") or {}).get(name)


def _overrides(body: Json, definition: Json) -> Json:
    given = {item.get("name"): item for item in _override(body, "containerOverrides") or []}
    containers = [given.get(item["name"], {"name": item["name"]}) for item in definition["containerDefinitions"]]
    return {"inferenceAcceleratorOverrides": [], **(body.get("overrides") or {}), "containerOverrides": containers}


def _sum(definition: Json, name: str) -> str:
    return str(sum(int(item.get(name) or 0) for item in definition["containerDefinitions"]))


def _container(region: Region, order: Order, task_id: str, item: Json) -> ContainerRecord:
    return ContainerRecord(
        name=item["name"],
        arn=region.arn(f"container/{order.cluster}/{task_id}/{region.world.uuid()}"),
        image=item["image"],
        runtime_id=f"{task_id}-{region.world.random.randrange(10**9, 10**10)}",
        essential=item.get("essential", True),
        cpu=str(item.get("cpu", 0)),
        memory=str(item["memory"]) if item.get("memory") else None,
    )


def _interface(region: Region, body: Json) -> Json:
    subnets = ((body.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}).get("subnets") or ["subnet-0"]
    number = region.world.random.randrange(4, 250)
    details = {
        "subnetId": subnets[0],
        "networkInterfaceId": f"eni-{region.world.hex_id()[:17]}",
        "macAddress": f"0a:58:0a:00:00:{number:02x}",
        "privateIPv4Address": f"10.0.0.{number}",
    }
    return {
        "id": region.world.uuid(),
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def _some_instance(region: Region, cluster: str) -> str | None:
    usable = (arn for arn, item in region.instances.items() if item["cluster"] == cluster and item["active"])
    return next(usable, None)
