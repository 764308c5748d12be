"""Clusters: moto keeps them, this puts right what one would notice.

Deviates: moto leaves out counts, tags and configuration, lists inactive clusters, replaces a cluster
that is created twice and deletes one that is not empty. Each repair is what ECS's API reference says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.state import Json, Region, cluster_name


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


def _create_cluster(region: Region, body: Json) -> Json:
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


def _describe_clusters(region: Region, body: Json) -> Json:
    output = region.moto.call("DescribeClusters", {"clusters": body.get("clusters") or ["default"]})
    include = body.get("include") or []
    clusters = [_show_cluster(region, cluster, include) for cluster in output.get("clusters", [])]
    return {"clusters": clusters, "failures": output.get("failures", [])}


def _list_clusters(region: Region, body: Json) -> Json:
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


def _delete_cluster(region: Region, body: Json) -> Json:
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


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateCluster": _create_cluster,
    "DescribeClusters": _describe_clusters,
    "ListClusters": _list_clusters,
    "UpdateCluster": _changed_cluster("UpdateCluster"),
    "UpdateClusterSettings": _changed_cluster("UpdateClusterSettings"),
    "PutClusterCapacityProviders": _changed_cluster("PutClusterCapacityProviders"),
    "DeleteCluster": _delete_cluster,
}
