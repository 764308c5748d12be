"""Container instances, kept here.

Deviates: moto wants an EC2 instance behind each, and fails on a cluster that has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import Refusal, client, invalid
from ecs_connector.harness.local.state import Json, Region

#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeContainerInstances.html
_MOST_DESCRIBED = 100
_CPU_UNITS, _MEMORY_MIB = 4096, 7680


def _arn(region: Region, cluster: str, reference: str) -> str:
    return reference if reference.startswith("arn:") else region.arn(f"container-instance/{cluster}/{reference}")


def find_instance(region: Region, cluster: str, reference: str) -> Json | None:
    """Return what is kept of a container instance of a cluster."""
    kept = region.instances.get(_arn(region, cluster, reference))
    return kept if kept is not None and kept["cluster"] == cluster else None


def _need(region: Region, cluster: str, reference: str) -> Json:
    kept = find_instance(region, cluster, reference)
    if kept is None:
        raise invalid("The referenced container instance was not found.")
    return kept


def _show(region: Region, kept: Json) -> Json:
    shown: Json = kept["shown"]
    arn = shown["containerInstanceArn"]
    statuses = [task.last_status for task in region.tasks.values() if task.fixed.get("containerInstanceArn") == arn]
    return {
        **shown,
        "status": kept["status"],
        "attributes": list(kept["attributes"].values()),
        "runningTasksCount": statuses.count("RUNNING"),
        "pendingTasksCount": statuses.count("PENDING") + statuses.count("PROVISIONING"),
        "tags": region.get_tags(arn),
    }


def _register_container_instance(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    if body.get("containerInstanceArn") in region.instances:
        return {"containerInstance": _show(region, region.instances[body["containerInstanceArn"]])}
    try:
        instance_id = json.loads(body.get("instanceIdentityDocument") or "{}").get("instanceId")
    except (ValueError, AttributeError):
        raise client("The instance identity document is not valid.") from None
    arn = region.arn(f"container-instance/{cluster}/{region.world.hex_id()}")
    resources = body.get("totalResources") or [
        {"name": "CPU", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": _CPU_UNITS},
        {"name": "MEMORY", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": _MEMORY_MIB},
    ]
    attributes = [
        {"name": "ecs.availability-zone", "value": f"{region.name}a"},
        {"name": "ecs.instance-type", "value": "m5.large"},
        {"name": "ecs.os-type", "value": "linux"},
        *(body.get("attributes") or []),
    ]
    shown: Json = {
        "containerInstanceArn": arn,
        "ec2InstanceId": instance_id or f"i-{region.world.hex_id()[:17]}",
        "version": 1,
        "versionInfo": body.get("versionInfo") or {"agentVersion": "1.90.0", "dockerVersion": "DockerVersion: 25.0.8"},
        "remainingResources": resources,
        "registeredResources": resources,
        "agentConnected": True,
        "registeredAt": region.world.now(),
        "attachments": [],
    }
    region.instances[arn] = {
        "cluster": cluster,
        "active": True,
        "status": "ACTIVE",
        "attributes": {item["name"]: item for item in attributes},
        "shown": shown,
    }
    region.set_tags(arn, body.get("tags"))
    return {"containerInstance": _show(region, region.instances[arn])}


def _deregister_container_instance(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    kept = _need(region, cluster, body["containerInstance"])
    arn = kept["shown"]["containerInstanceArn"]
    tasks = [
        task
        for task in region.tasks.values()
        if task.fixed.get("containerInstanceArn") == arn and task.desired_status != "STOPPED"
    ]
    if tasks and not body.get("force"):
        raise invalid("Found running tasks on the instance.")
    del region.instances[arn]
    kept.update(status="INACTIVE", active=False)
    for task in tasks:
        # Nobody is left to see the containers end: they get no exit code.
        task.lose_host(region, region.world.now())
    return {"containerInstance": _show(region, kept)}


def _each(region: Region, body: Json, change: Callable[[Json], None]) -> Json:
    cluster = region.cluster(body.get("cluster"))
    references = body["containerInstances"]
    if not references:
        raise client("Container instances cannot be empty.")
    if len(references) > _MOST_DESCRIBED:
        raise invalid(f"containerInstances cannot have more than {_MOST_DESCRIBED} elements.")
    found, failures = [], []
    for reference in dict.fromkeys(references):
        kept = find_instance(region, cluster, reference)
        if kept is None:
            failures.append({"arn": _arn(region, cluster, reference), "reason": "MISSING"})
        else:
            change(kept)
            found.append(_show(region, kept))
    return {"containerInstances": found, "failures": failures}


def _describe_container_instances(region: Region, body: Json) -> Json:
    output = _each(region, body, lambda _: None)
    include = body.get("include") or []
    for shown in output["containerInstances"]:
        if "TAGS" not in include:
            shown["tags"] = []
        if "CONTAINER_INSTANCE_HEALTH" in include:
            shown["healthStatus"] = {"overallStatus": "OK", "details": []}
    return output


def _update_container_instances_state(region: Region, body: Json) -> Json:
    status = body["status"]
    if status not in ("ACTIVE", "DRAINING"):
        raise invalid("Container instances status should be one of [ACTIVE, DRAINING]")
    output = _each(region, body, lambda kept: kept.update(status=status, active=status == "ACTIVE"))
    if status == "DRAINING":
        _drain(region, {item["containerInstanceArn"] for item in output["containerInstances"]})
    return output


def _drain(region: Region, arns: set[str]) -> None:
    for task in list(region.tasks.values()):
        if task.fixed.get("containerInstanceArn") in arns and task.group.startswith("service:"):
            task.stop(region, region.world.now(), "ServiceSchedulerInitiated", "Container instance is draining")


def _list_container_instances(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    wanted = body.get("status")
    return {
        "containerInstanceArns": [
            arn
            for arn, kept in region.instances.items()
            if kept["cluster"] == cluster and (wanted is None or kept["status"] == wanted)
        ]
    }


def _update_container_agent(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    kept = _need(region, cluster, body["containerInstance"])
    if kept["shown"].get("agentUpdateStatus") == "PENDING":
        raise Refusal("UpdateInProgressException", "There is already an update in progress.")
    kept["shown"]["agentUpdateStatus"] = "PENDING"
    return {"containerInstance": _show(region, kept)}


def _discover_poll_endpoint(region: Region, body: Json) -> Json:
    host = f"https://ecs-a-1.{region.name}.amazonaws.com/"
    return {
        "endpoint": host,
        "telemetryEndpoint": host.replace("ecs-a", "ecs-t"),
        "serviceConnectEndpoint": host.replace("ecs-a", "ecs-sc"),
    }


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "RegisterContainerInstance": _register_container_instance,
    "DeregisterContainerInstance": _deregister_container_instance,
    "DescribeContainerInstances": _describe_container_instances,
    "UpdateContainerInstancesState": _update_container_instances_state,
    "ListContainerInstances": _list_container_instances,
    "UpdateContainerAgent": _update_container_agent,
    "DiscoverPollEndpoint": _discover_poll_endpoint,
}
