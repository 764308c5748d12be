"""Task definitions of daemons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import client
from ecs_connector.harness.local.state import Json, Region

_SUMMARY = ("registeredAt", "registeredBy", "deleteRequestedAt", "status")


def _kept(region: Region) -> Json:
    return region.extras.setdefault("daemon definitions", {})


def need_definition(region: Region, reference: str) -> Json:
    """Return a daemon task definition by ARN, `family:revision`, or family for the latest one.

    Raises:
        Refusal: there is none.
    """
    name = reference.rsplit("/", 1)[-1]
    family, colon, _ = name.partition(":")
    found = [
        item
        for item in _kept(region).values()
        if item["family"] == family and (not colon or f"{family}:{item['revision']}" == name)
    ]
    if not found:
        raise client("Unable to describe daemon task definition.")
    latest: Json = found[-1]
    return latest


def _register(region: Region, body: Json) -> Json:
    family = body["family"]
    revision = region.world.count("daemon definition", region.name, family)
    arn = region.arn(f"daemon-task-definition/{family}:{revision}")
    _kept(region)[arn] = {
        **{name: value for name, value in body.items() if name != "tags" and value is not None},
        "daemonTaskDefinitionArn": arn,
        "revision": revision,
        "status": "ACTIVE",
        "registeredAt": region.world.now(),
        "registeredBy": f"arn:{region.partition}:iam::{region.account}:root",
    }
    region.set_tags(arn, body.get("tags"))
    return {"daemonTaskDefinitionArn": arn}


def _describe(region: Region, body: Json) -> Json:
    return {"daemonTaskDefinition": need_definition(region, body["daemonTaskDefinition"])}


def _delete(region: Region, body: Json) -> Json:
    definition = need_definition(region, body["daemonTaskDefinition"])
    now = region.world.now()
    definition.update(status="DELETE_IN_PROGRESS", deleteRequestedAt=now)
    gone_at = now + region.world.scenario.service_defaults.seconds
    region.world.timeline.at(gone_at, lambda _: definition.update(status="DELETED"))
    return {"daemonTaskDefinitionArn": definition["daemonTaskDefinitionArn"]}


def _list(region: Region, body: Json) -> Json:
    wanted = body.get("status") or "ACTIVE"
    found = [
        item
        for item in _kept(region).values()
        if item["status"] != "DELETED"
        and wanted in ("ALL", item["status"])
        and body.get("family") in (None, item["family"])
        and item["family"].startswith(body.get("familyPrefix") or "")
    ]
    if body.get("revision") == "LAST_REGISTERED":
        found = list({item["family"]: item for item in found}.values())
    found.sort(key=lambda item: (item["family"], item["revision"]), reverse=body.get("sort") == "DESC")
    shown = [
        {"arn": item["daemonTaskDefinitionArn"], **{name: item[name] for name in _SUMMARY if name in item}}
        for item in found
    ]
    return {"daemonTaskDefinitions": shown}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "RegisterDaemonTaskDefinition": _register,
    "DescribeDaemonTaskDefinition": _describe,
    "DeleteDaemonTaskDefinition": _delete,
    "ListDaemonTaskDefinitions": _list,
}
