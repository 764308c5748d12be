"""Capacity providers: those that AWS manages, and those that moto keeps.

Deviates: moto knows only providers of Auto Scaling groups and fails on a request that names none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import client
from ecs_connector.harness.local.state import Json, Region

_MANAGED_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def _show_provider(region: Region, provider: Json) -> Json:
    extras = region.extras.get(provider["capacityProviderArn"], {})
    shown = {**{key: value for key, value in provider.items() if key != "autoScalingGroupProvider"}, **extras}
    shown["tags"] = region.get_tags(provider["capacityProviderArn"])
    return shown


def _create_capacity_provider(region: Region, body: Json) -> Json:
    if any(item["name"] == body["name"] for item in _providers(region)):
        raise client("The specified capacity provider already exists. To change the configuration, update it.")
    # moto knows only providers of Auto Scaling groups, and fails on others.
    group = body.get("autoScalingGroupProvider") or {"autoScalingGroupArn": "none"}
    moto_body = {"name": body["name"], "autoScalingGroupProvider": group}
    provider = region.moto.call("CreateCapacityProvider", moto_body)["capacityProvider"]
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


def _describe_capacity_providers(region: Region, body: Json) -> Json:
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


def _update_capacity_provider(region: Region, body: Json) -> Json:
    provider = _provider(region, body["name"])
    extras = region.extras[provider["capacityProviderArn"]]
    for name in ("autoScalingGroupProvider", "managedInstancesProvider"):
        if body.get(name):
            extras[name] = {**extras.get(name, {}), **body[name]}
    return {"capacityProvider": {**_provider(region, body["name"]), "updateStatus": "UPDATE_COMPLETE"}}


def _delete_capacity_provider(region: Region, body: Json) -> Json:
    provider = _provider(region, body["capacityProvider"])
    region.moto.call("DeleteCapacityProvider", {"capacityProvider": provider["name"]})
    del region.extras["providers"][provider["name"]]
    return {"capacityProvider": {**provider, "status": "INACTIVE", "updateStatus": "DELETE_COMPLETE"}}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateCapacityProvider": _create_capacity_provider,
    "DescribeCapacityProviders": _describe_capacity_providers,
    "UpdateCapacityProvider": _update_capacity_provider,
    "DeleteCapacityProvider": _delete_capacity_provider,
}
