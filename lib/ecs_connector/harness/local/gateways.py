"""Gateways and the clusters that they are associated with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import Refusal, invalid
from ecs_connector.harness.local.state import Json, Region, cluster_name

_BRIEF = ("gatewayArn", "name", "status")


def _kept(region: Region) -> Json:
    return region.extras.setdefault("gateways", {})


def _links(region: Region) -> Json:
    """Return the associations by `gateway ARN|cluster ARN`."""
    return region.extras.setdefault("gateway associations", {})


def _link_key(gateway: Json, cluster_arn: str) -> str:
    return f"{gateway['gatewayArn']}|{cluster_arn}"


def _need(region: Region, reference: str) -> Json:
    gateway: Json | None = _kept(region).get(reference.rsplit("/", 1)[-1])
    if gateway is None:
        raise Refusal("GatewayNotFoundException", "Gateway not found.")
    return gateway


def _brief(gateway: Json) -> Json:
    return {name: gateway[name] for name in _BRIEF}


def _create_gateway(region: Region, body: Json) -> Json:
    now = region.world.now()
    repeated = region.world.tokens.repeated("CreateGateway", region.name, "", body, now)
    if repeated is not None:
        return dict(repeated)
    name = body["name"]
    if name in _kept(region):
        raise invalid("Creation of gateway was not idempotent.")
    arn = region.arn(f"gateway/{name}")
    _kept(region)[name] = gateway = {
        "gatewayArn": arn,
        "name": name,
        "status": "ACTIVE",
        "failures": [],
        "infrastructureRoleArn": body["infrastructureRoleArn"],
        "deletionProtection": bool(body.get("deletionProtection")),
        "configuration": body["configuration"],
        "accessType": "PUBLIC",
        "propagateTags": body.get("propagateTags") or "NONE",
        "createdAt": now,
        "updatedAt": now,
    }
    region.set_tags(arn, body.get("tags"))
    key = ("CreateGateway", region.name, "")
    region.world.tokens.remember(key, body, now, resource_ids=[arn], again=lambda: _brief(gateway))
    return _brief(gateway)


def _update_gateway(region: Region, body: Json) -> Json:
    gateway = _need(region, body["gateway"])
    for name in ("infrastructureRoleArn", "deletionProtection", "propagateTags"):
        if body.get(name) is not None:
            gateway[name] = body[name]
    for name, change in (body.get("configuration") or {}).items():
        gateway["configuration"] = {name: {**(gateway["configuration"].get(name) or {}), **change}}
    gateway.update(status="UPDATE_COMPLETE", updatedAt=region.world.now())
    return _brief(gateway)


def _delete_gateway(region: Region, body: Json) -> Json:
    gateway = _need(region, body["gateway"])
    if gateway["deletionProtection"]:
        raise invalid("The gateway cannot be deleted while deletion protection is enabled.")
    if any(link["gatewayArn"] == gateway["gatewayArn"] for link in _links(region).values()):
        raise invalid("The gateway cannot be deleted while it is associated with a cluster.")
    del _kept(region)[gateway["name"]]
    return {**_brief(gateway), "status": "DELETED"}


def _describe_gateway(region: Region, body: Json) -> Json:
    gateway = _need(region, body["gateway"])
    return {"gateway": {**gateway, "tags": region.get_tags(gateway["gatewayArn"])}}


def _list_gateways(region: Region, body: Json) -> Json:
    names, statuses = body.get("names"), body.get("status")
    return {
        "gateways": [
            {**_brief(item), "createdAt": item["createdAt"]}
            for item in _kept(region).values()
            if (not names or item["name"] in names) and (not statuses or item["status"] in statuses)
        ]
    }


def _associate(region: Region, body: Json) -> Json:
    gateway = _need(region, body["gateway"])
    arn = region.cluster_arn(region.cluster(body["cluster"]))
    link = {"gatewayArn": gateway["gatewayArn"], "clusterArn": arn, "status": "ACTIVE"}
    _links(region)[_link_key(gateway, arn)] = link
    return link


def _disassociate(region: Region, body: Json) -> Json:
    gateway = _need(region, body["gateway"])
    link = _links(region).pop(_link_key(gateway, region.cluster_arn(cluster_name(body["cluster"]))), None)
    if link is None:
        raise Refusal("ResourceNotFoundException", "The gateway is not associated with the cluster.")
    return {**link, "status": "DISASSOCIATING"}


def _list_associations(region: Region, body: Json) -> Json:
    gateway = _need(region, body["gateway"])["gatewayArn"] if body.get("gateway") else None
    cluster = region.cluster_arn(cluster_name(body["cluster"])) if body.get("cluster") else None
    return {
        "gatewayClusterAssociations": [
            link
            for link in _links(region).values()
            if gateway in (None, link["gatewayArn"])
            and cluster in (None, link["clusterArn"])
            and (not body.get("status") or link["status"] in body["status"])
        ]
    }


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateGateway": _create_gateway,
    "UpdateGateway": _update_gateway,
    "DeleteGateway": _delete_gateway,
    "DescribeGateway": _describe_gateway,
    "ListGateways": _list_gateways,
    "AssociateGatewayWithCluster": _associate,
    "DisassociateGatewayFromCluster": _disassociate,
    "ListGatewayClusterAssociations": _list_associations,
}
