"""Clusters, task definitions, capacity providers and account settings: moto, repaired where one notices.

Deviates: moto leaves out timestamps, tags, counts, page tokens and some failures, lists inactive
clusters, and does not know every member of a task definition. Each repair below puts back what ECS's
API reference says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import Refusal, client, invalid
from ecs_connector.harness.local.state import Json, Region, cluster_name

_MANAGED_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


# -- clusters ---------------------------------------------------------------------------------------


def _show_cluster(region: Region, cluster: Json, include: list[str] | None = None) -> Json:
    name = cluster["clusterName"]
    statuses = [task.last_status for task in region.tasks.values() if task.cluster == name]
    services = [service for (of, _), service in region.services.items() if of == name and service.status == "ACTIVE"]
    instances = [item for item in region.instances.values() if item["cluster"] == name]
    shown = {
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
        **cluster,
        **region.extras.get(cluster["clusterArn"], {}),
        "runningTasksCount": statuses.count("RUNNING"),
        "pendingTasksCount": statuses.count("PENDING") + statuses.count("PROVISIONING"),
        "activeServicesCount": len(services),
        "registeredContainerInstancesCount": len(instances),
        "statistics": [],
        "tags": region.get_tags(cluster["clusterArn"]) if include is None or "TAGS" in include else [],
    }
    if include is not None and "SETTINGS" not in include:
        shown["settings"] = []
    if include is not None and "CONFIGURATIONS" not in include:
        shown.pop("configuration", None)
    return shown


def _get_cluster(region: Region, name: str) -> Json:
    cluster: Json = region.moto.call("DescribeClusters", {"clusters": [name]})["clusters"][0]
    return cluster


def create_cluster(region: Region, body: Json) -> Json:
    name = cluster_name(body.get("clusterName"))
    if region.moto.has_cluster(name):
        return {"cluster": _show_cluster(region, _get_cluster(region, name))}
    cluster = region.moto.call("CreateCluster", {**body, "clusterName": name})["cluster"]
    region.extras[cluster["clusterArn"]] = _cluster_extras(body)
    region.set_tags(cluster["clusterArn"], body.get("tags"))
    return {"cluster": _show_cluster(region, cluster)}


def _cluster_extras(body: Json) -> Json:
    names = ("configuration", "capacityProviders", "defaultCapacityProviderStrategy", "serviceConnectDefaults")
    return {name: body[name] for name in names if body.get(name) is not None}


def describe_clusters(region: Region, body: Json) -> Json:
    output = region.moto.call("DescribeClusters", {"clusters": body.get("clusters") or ["default"]})
    include = body.get("include") or []
    clusters = [_show_cluster(region, cluster, include) for cluster in output.get("clusters", [])]
    return {"clusters": clusters, "failures": output.get("failures", [])}


def list_clusters(region: Region, body: Json) -> Json:
    arns = region.moto.call("ListClusters", {}).get("clusterArns", [])
    return {"clusterArns": [arn for arn in arns if region.moto.has_cluster(cluster_name(arn))]}


def _changed_cluster(operation: str) -> Callable[[Region, Json], Json]:
    def change(region: Region, body: Json) -> Json:
        region.cluster(body["cluster"])
        # UpdateClusterSettings is UpdateCluster with settings only, and moto lacks it.
        of_moto = "UpdateCluster" if operation == "UpdateClusterSettings" else operation
        cluster = region.moto.call(of_moto, body)["cluster"]
        region.extras.setdefault(cluster["clusterArn"], {}).update(_cluster_extras(body))
        return {"cluster": _show_cluster(region, cluster)}

    return change


def delete_cluster(region: Region, body: Json) -> Json:
    name = region.cluster(body["cluster"])
    if any(item["cluster"] == name for item in region.instances.values()):
        raise Refusal(
            "ClusterContainsContainerInstancesException",
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        )
    if any(of == name and service.status != "INACTIVE" for (of, _), service in region.services.items()):
        raise Refusal("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
    if any(task.cluster == name and task.last_status != "STOPPED" for task in region.tasks.values()):
        raise Refusal("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    return {"cluster": _show_cluster(region, region.moto.call("DeleteCluster", {"cluster": name})["cluster"])}


# -- task definitions ---------------------------------------------------------------------------------


def register_task_definition(region: Region, body: Json) -> Json:
    moto_body = {key: value for key, value in body.items() if key != "tags"}
    shown = region.moto.call("RegisterTaskDefinition", moto_body)["taskDefinition"]
    compatibilities = list(dict.fromkeys(["EC2", *(body.get("requiresCompatibilities") or [])]))
    definition = {
        **{key: value for key, value in moto_body.items() if value is not None and key not in shown},
        **shown,
        "compatibilities": compatibilities,
        "registeredAt": region.world.now(),
        "registeredBy": region.arn("root", "iam").replace(f":{region.name}:", "::"),
    }
    if body.get("networkMode"):
        definition["networkMode"] = body["networkMode"]
    elif "FARGATE" not in compatibilities:
        definition.pop("networkMode", None)
    arn = definition["taskDefinitionArn"]
    region.definitions[arn] = definition
    region.set_tags(arn, body.get("tags"))
    output: Json = {"taskDefinition": definition}
    if body.get("tags"):
        output["tags"] = region.get_tags(arn)
    return output


def find_definition(region: Region, reference: str, *, missing: str = "Unable to describe task definition.") -> Json:
    """Return a task definition by ARN, `family:revision`, or family for its latest active revision.

    Raises:
        Refusal: there is none.
    """
    name = reference.rsplit("/", 1)[-1]
    family, colon, _ = name.partition(":")
    found = [item for item in region.definitions.values() if item["family"] == family]
    if colon:
        chosen = [item for item in found if f"{family}:{item['revision']}" == name]
    else:
        active = [item for item in found if item["status"] == "ACTIVE"]
        chosen = sorted(active, key=lambda item: int(item["revision"]))[-1:]
    if not chosen:
        raise client(missing)
    return chosen[0]


def describe_task_definition(region: Region, body: Json) -> Json:
    definition = find_definition(region, body["taskDefinition"])
    output: Json = {"taskDefinition": definition}
    if "TAGS" in (body.get("include") or []):
        output["tags"] = region.get_tags(definition["taskDefinitionArn"])
    return output


def deregister_task_definition(region: Region, body: Json) -> Json:
    reference = body["taskDefinition"].rsplit("/", 1)[-1]
    if ":" not in reference:
        raise invalid(f"Invalid revision number. Number: {reference}")
    definition = find_definition(region, reference)
    region.moto.call("DeregisterTaskDefinition", {"taskDefinition": reference})
    if definition["status"] == "ACTIVE":
        definition.update(status="INACTIVE", deregisteredAt=region.world.now())
    return {"taskDefinition": definition}


def delete_task_definitions(region: Region, body: Json) -> Json:
    output = region.moto.call("DeleteTaskDefinitions", body)
    deleted = []
    for item in output.get("taskDefinitions", []):
        definition = region.definitions.pop(item["taskDefinitionArn"])
        definition.update(status="DELETE_IN_PROGRESS", deleteRequestedAt=region.world.now())
        deleted.append(definition)
    return {"taskDefinitions": deleted, "failures": output.get("failures", [])}


def list_task_definitions(region: Region, body: Json) -> Json:
    status = body.get("status") or "ACTIVE"
    prefix = body.get("familyPrefix")
    found = [
        item
        for item in region.definitions.values()
        if item["status"] == status and (prefix is None or item["family"] == prefix)
    ]
    # The order is by family, then revision; DESC turns both round.
    found.sort(key=lambda item: (item["family"], int(item["revision"])), reverse=body.get("sort") == "DESC")
    return {"taskDefinitionArns": [item["taskDefinitionArn"] for item in found]}


def list_task_definition_families(region: Region, body: Json) -> Json:
    wanted = body.get("status") or "ACTIVE"
    prefix = body.get("familyPrefix") or ""
    active: dict[str, bool] = {}
    for item in region.definitions.values():
        if item["family"].startswith(prefix):
            active[item["family"]] = active.get(item["family"], False) or item["status"] == "ACTIVE"
    families = [name for name, is_active in active.items() if wanted == "ALL" or is_active == (wanted == "ACTIVE")]
    return {"families": sorted(families)}


# -- capacity providers -----------------------------------------------------------------------------


def _show_provider(region: Region, provider: Json) -> Json:
    shown = {**provider, **region.extras.get(provider["capacityProviderArn"], {})}
    shown["tags"] = region.get_tags(provider["capacityProviderArn"])
    return shown


def create_capacity_provider(region: Region, body: Json) -> Json:
    if any(item["name"] == body["name"] for item in _providers(region)):
        raise client("The specified capacity provider already exists. To change the configuration, update it.")
    provider = region.moto.call("CreateCapacityProvider", {**body, "tags": []})["capacityProvider"]
    arn = provider["capacityProviderArn"]
    names = ("autoScalingGroupProvider", "managedInstancesProvider", "cluster")
    region.extras[arn] = {name: body[name] for name in names if body.get(name) is not None}
    region.extras[arn]["type"] = "MANAGED_INSTANCES" if "managedInstancesProvider" in body else "EC2_AUTOSCALING"
    region.extras["providers"] = {**region.extras.get("providers", {}), body["name"]: arn}
    region.set_tags(arn, body.get("tags"))
    return {"capacityProvider": _show_provider(region, provider)}


def _providers(region: Region) -> list[Json]:
    names = list(region.extras.get("providers", {}))
    if not names:
        return []
    found = region.moto.call("DescribeCapacityProviders", {"capacityProviders": names})
    return [_show_provider(region, item) for item in found.get("capacityProviders", [])]


def _provider(region: Region, reference: str) -> Json:
    for item in _providers(region):
        if reference in (item["name"], item["capacityProviderArn"]):
            return item
    raise client("The specified capacity provider does not exist.")


def describe_capacity_providers(region: Region, body: Json) -> Json:
    managed: list[Json] = [
        {
            "capacityProviderArn": region.arn(f"capacity-provider/{name}"),
            "name": name,
            "status": "ACTIVE",
            "tags": [],
            "type": name,
        }
        for name in _MANAGED_PROVIDERS
    ]
    everything = managed + _providers(region)
    wanted = body.get("capacityProviders")
    include = body.get("include") or []
    if not wanted:
        found, failures = everything, []
    else:
        by_key = {key: item for item in everything for key in (item["name"], item["capacityProviderArn"])}
        found = [by_key[key] for key in wanted if key in by_key]
        failures = [{"arn": _provider_arn(region, key), "reason": "MISSING"} for key in wanted if key not in by_key]
    if "TAGS" not in include:
        found = [{**item, "tags": []} for item in found]
    return {"capacityProviders": found, "failures": failures}


def _provider_arn(region: Region, reference: str) -> str:
    return reference if reference.startswith("arn:") else region.arn(f"capacity-provider/{reference}")


def update_capacity_provider(region: Region, body: Json) -> Json:
    provider = _provider(region, body["name"])
    region.moto.call("UpdateCapacityProvider", body)
    extras = region.extras[provider["capacityProviderArn"]]
    for name in ("autoScalingGroupProvider", "managedInstancesProvider"):
        if body.get(name):
            extras[name] = {**extras.get(name, {}), **body[name]}
    return {"capacityProvider": {**_provider(region, body["name"]), "updateStatus": "UPDATE_COMPLETE"}}


def delete_capacity_provider(region: Region, body: Json) -> Json:
    provider = _provider(region, body["capacityProvider"])
    region.moto.call("DeleteCapacityProvider", {"capacityProvider": provider["name"]})
    del region.extras["providers"][provider["name"]]
    return {"capacityProvider": {**provider, "status": "INACTIVE", "updateStatus": "DELETE_COMPLETE"}}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateCluster": create_cluster,
    "DescribeClusters": describe_clusters,
    "ListClusters": list_clusters,
    "UpdateCluster": _changed_cluster("UpdateCluster"),
    "UpdateClusterSettings": _changed_cluster("UpdateClusterSettings"),
    "PutClusterCapacityProviders": _changed_cluster("PutClusterCapacityProviders"),
    "DeleteCluster": delete_cluster,
    "RegisterTaskDefinition": register_task_definition,
    "DescribeTaskDefinition": describe_task_definition,
    "DeregisterTaskDefinition": deregister_task_definition,
    "DeleteTaskDefinitions": delete_task_definitions,
    "ListTaskDefinitions": list_task_definitions,
    "ListTaskDefinitionFamilies": list_task_definition_families,
    "CreateCapacityProvider": create_capacity_provider,
    "DescribeCapacityProviders": describe_capacity_providers,
    "UpdateCapacityProvider": update_capacity_provider,
    "DeleteCapacityProvider": delete_capacity_provider,
}
