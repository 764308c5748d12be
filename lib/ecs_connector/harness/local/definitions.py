"""Task definitions: moto gives them their revision and checks them, this keeps all of their members.

Deviates: moto leaves out timestamps, tags and members that it does not know, and does not look for the
latest active revision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import client, invalid
from ecs_connector.harness.local.state import Json, Region


def _register_task_definition(region: Region, body: Json) -> Json:
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


def _describe_task_definition(region: Region, body: Json) -> Json:
    definition = find_definition(region, body["taskDefinition"])
    output: Json = {"taskDefinition": definition}
    if "TAGS" in (body.get("include") or []):
        output["tags"] = region.get_tags(definition["taskDefinitionArn"])
    return output


def _deregister_task_definition(region: Region, body: Json) -> Json:
    reference = body["taskDefinition"].rsplit("/", 1)[-1]
    if ":" not in reference:
        raise invalid(f"Invalid revision number. Number: {reference}")
    definition = find_definition(region, reference)
    region.moto.call("DeregisterTaskDefinition", {"taskDefinition": reference})
    if definition["status"] == "ACTIVE":
        definition.update(status="INACTIVE", deregisteredAt=region.world.now())
    return {"taskDefinition": definition}


def _delete_task_definitions(region: Region, body: Json) -> Json:
    output = region.moto.call("DeleteTaskDefinitions", body)
    deleted = []
    for item in output.get("taskDefinitions", []):
        definition = region.definitions.pop(item["taskDefinitionArn"])
        definition.update(status="DELETE_IN_PROGRESS", deleteRequestedAt=region.world.now())
        deleted.append(definition)
    return {"taskDefinitions": deleted, "failures": output.get("failures", [])}


def _list_task_definitions(region: Region, body: Json) -> Json:
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


def _list_task_definition_families(region: Region, body: Json) -> Json:
    wanted = body.get("status") or "ACTIVE"
    prefix = body.get("familyPrefix") or ""
    active: dict[str, bool] = {}
    for item in region.definitions.values():
        if item["family"].startswith(prefix):
            active[item["family"]] = active.get(item["family"], False) or item["status"] == "ACTIVE"
    families = [name for name, is_active in active.items() if wanted == "ALL" or is_active == (wanted == "ACTIVE")]
    return {"families": sorted(families)}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "RegisterTaskDefinition": _register_task_definition,
    "DescribeTaskDefinition": _describe_task_definition,
    "DeregisterTaskDefinition": _deregister_task_definition,
    "DeleteTaskDefinitions": _delete_task_definitions,
    "ListTaskDefinitions": _list_task_definitions,
    "ListTaskDefinitionFamilies": _list_task_definition_families,
}
