"""Attributes of container instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.instances import find_instance
from ecs_connector.harness.local.refusal import Refusal, invalid
from ecs_connector.harness.local.state import Json, Region

#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutAttributes.html
_MOST_ATTRIBUTES = 10


def _targets(region: Region, cluster: str, attribute: Json) -> list[Json]:
    target = attribute.get("targetId")
    if target is None:
        return [kept for kept in region.instances.values() if kept["cluster"] == cluster]
    kept = find_instance(region, cluster, target)
    if kept is None:
        raise Refusal("TargetNotFoundException", f"Could not find the container instance {target}.")
    return [kept]


def _change_attributes(change: Callable[[Json, Json], None]) -> Callable[[Region, Json], Json]:
    def handler(region: Region, body: Json) -> Json:
        cluster = region.cluster(body.get("cluster"))
        attributes = body["attributes"]
        if not 1 <= len(attributes) <= _MOST_ATTRIBUTES:
            raise invalid(f"You may specify 1 to {_MOST_ATTRIBUTES} attributes.")
        for attribute in attributes:
            for kept in _targets(region, cluster, attribute):
                change(kept["attributes"], attribute)
        return {"attributes": attributes}

    return handler


def _put(attributes: Json, attribute: Json) -> None:
    attributes[attribute["name"]] = {name: attribute[name] for name in ("name", "value") if name in attribute}


def _delete(attributes: Json, attribute: Json) -> None:
    kept = attributes.get(attribute["name"])
    if kept is not None and attribute.get("value") in (None, kept.get("value")):
        del attributes[attribute["name"]]


def _list_attributes(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    if body["targetType"] != "container-instance":
        raise invalid("targetType must be container-instance")
    name, value = body.get("attributeName"), body.get("attributeValue")
    found = [
        {**item, "targetId": arn}
        for arn, kept in region.instances.items()
        if kept["cluster"] == cluster
        for item in kept["attributes"].values()
        if name in (None, item["name"]) and value in (None, item.get("value"))
    ]
    return {"attributes": found}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "PutAttributes": _change_attributes(_put),
    "DeleteAttributes": _change_attributes(_delete),
    "ListAttributes": _list_attributes,
}
