"""Daemons with their revisions and deployments.

A deployment of a daemon follows the scenario's `services` rules, matched by the daemon's name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.daemon_definitions import need_definition
from ecs_connector.harness.local.refusal import Refusal, invalid
from ecs_connector.harness.local.rules import ServiceRule
from ecs_connector.harness.local.state import Json, Region, cluster_name

_REVISION_MEMBERS = ("propagateTags", "enableECSManagedTags", "enableExecuteCommand", "critical")
_SUMMARY = ("daemonArn", "status", "createdAt", "updatedAt")


def _kept(region: Region, what: str) -> Json:
    return region.extras.setdefault(what, {})


def _need(region: Region, arn: str) -> Json:
    daemon: Json | None = _kept(region, "daemons").get(arn)
    if daemon is None:
        raise Refusal("DaemonNotFoundException", "Daemon not found.")
    return daemon


def _active(region: Region, arn: str) -> Json:
    daemon = _need(region, arn)
    if daemon["status"] != "ACTIVE":
        raise Refusal("DaemonNotActiveException", "Daemon was not ACTIVE.")
    return daemon


def _pick_rule(region: Region, name: str, cluster: str) -> ServiceRule:
    number = region.world.count("daemon deployment", region.name, cluster, name)
    for rule in region.world.scenario.services:
        if rule.match.fits({"service": name, "cluster": cluster}) and (
            rule.deployment is None or number in rule.deployment
        ):
            return rule
    return region.world.scenario.service_defaults


def _create_daemon(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("clusterArn"))
    now = region.world.now()
    repeated = region.world.tokens.repeated("CreateDaemon", region.name, cluster, body, now)
    if repeated is not None:
        return dict(repeated)
    name = body["daemonName"]
    arn = region.arn(f"daemon/{cluster}/{name}")
    if _kept(region, "daemons").get(arn):
        raise invalid("Creation of daemon was not idempotent.")
    daemon: Json = {"daemonArn": arn, "clusterArn": region.cluster_arn(cluster), "status": "ACTIVE", "createdAt": now}
    _deploy(region, daemon, body, now)
    _kept(region, "daemons")[arn] = daemon
    region.set_tags(arn, body.get("tags"))
    key = ("CreateDaemon", region.name, cluster)
    names = ("daemonArn", "status", "createdAt", "deploymentArn")
    region.world.tokens.remember(
        key, body, now, resource_ids=[arn], again=lambda: {name: daemon[name] for name in names}
    )
    return {name: daemon[name] for name in names}


def _deploy(region: Region, daemon: Json, body: Json, now: float) -> None:
    """Start a deployment of what the body asks for."""
    definition = need_definition(region, body["daemonTaskDefinitionArn"])
    path = daemon["daemonArn"].split(":daemon/", 1)[1]
    cluster, name = path.split("/", 1)
    revision: Json = {
        **{key: body[key] for key in _REVISION_MEMBERS if body.get(key) is not None},
        "daemonRevisionArn": region.arn(f"daemon-revision/{path}/{region.world.digits_id()}"),
        "clusterArn": daemon["clusterArn"],
        "daemonArn": daemon["daemonArn"],
        "daemonTaskDefinitionArn": definition["daemonTaskDefinitionArn"],
        "createdAt": now,
        "containerImages": [
            {"containerName": item.get("name", "daemon"), "image": item["image"]}
            for item in definition["containerDefinitions"]
        ],
    }
    _kept(region, "daemon revisions")[revision["daemonRevisionArn"]] = revision
    source = daemon.get("currentRevisions") or []
    target = _on_providers(revision["daemonRevisionArn"], body["capacityProviderArns"])
    deployment: Json = {
        "daemonDeploymentArn": region.arn(f"daemon-deployment/{path}/{region.world.hex_id()[:20]}"),
        "clusterArn": daemon["clusterArn"],
        "status": "PENDING",
        "targetDaemonRevision": {**target, "totalDrainingInstanceCount": 0},
        "sourceDaemonRevisions": [{"arn": item["arn"]} for item in source],
        "circuitBreaker": {"failureCount": 0, "status": "MONITORING", "threshold": 3},
        "deploymentConfiguration": body.get("deploymentConfiguration") or {},
        "createdAt": now,
    }
    for other in _kept(region, "daemon deployments").values():
        if other["daemonArn"] == daemon["daemonArn"] and other["shown"]["status"] in ("PENDING", "IN_PROGRESS"):
            other["shown"].update(status="STOPPED", stoppedAt=now, finishedAt=now, statusReason="A newer one started.")
    _kept(region, "daemon deployments")[deployment["daemonDeploymentArn"]] = {
        "daemonArn": daemon["daemonArn"],
        "shown": deployment,
    }
    daemon["deploymentArn"] = deployment["daemonDeploymentArn"]
    _schedule(region, daemon, deployment, target, _pick_rule(region, name, cluster))


def _on_providers(revision_arn: str, provider_arns: list[str]) -> Json:
    counts = {"runningInstanceCount": 1, "withoutDaemonInstanceCount": 0, "drainingInstanceCount": 0}
    return {
        "arn": revision_arn,
        "capacityProviders": [{"arn": arn, **counts} for arn in provider_arns],
        "totalRunningInstanceCount": len(provider_arns),
        "totalWithoutDaemonInstanceCount": 0,
    }


def _schedule(region: Region, daemon: Json, deployment: Json, target: Json, rule: ServiceRule) -> None:
    start = deployment["createdAt"]
    old = daemon.get("currentRevisions") or []

    def begin(due: float) -> None:
        if deployment["status"] == "PENDING":
            deployment.update(status="IN_PROGRESS", startedAt=due)

    def finish(due: float) -> None:
        if deployment["status"] != "IN_PROGRESS":
            return
        if rule.outcome == "completed":
            deployment.update(status="SUCCESSFUL", finishedAt=due)
            deployment["circuitBreaker"]["status"] = "MONITORING_COMPLETE"
            daemon.update(currentRevisions=[_detail(target)], updatedAt=due)
            return
        reason = rule.reason or "ECS daemon deployment circuit breaker: tasks failed to start."
        deployment["circuitBreaker"].update(status="TRIGGERED", failureCount=rule.failed_tasks)
        deployment["statusReason"] = reason
        if not old or rule.rollback is False:
            deployment.update(status="STOPPED", stoppedAt=due, finishedAt=due)
            return
        rollback = {"reason": reason, "startedAt": due, "rollbackTargetDaemonRevisionArn": old[0]["arn"]}
        deployment.update(status="ROLLBACK_IN_PROGRESS", rollback=rollback)
        region.world.timeline.at(due + rule.rollback_seconds, rolled_back)

    def rolled_back(due: float) -> None:
        status = "ROLLBACK_FAILED" if rule.rollback_fails else "ROLLBACK_SUCCESSFUL"
        deployment.update(status=status, finishedAt=due)

    region.world.timeline.at(start + rule.seconds * 0.1, begin)
    if rule.outcome != "stuck":
        region.world.timeline.at(start + rule.seconds, finish)


def _detail(target: Json) -> Json:
    """Return a revision as DescribeDaemon shows it."""
    providers = [
        {"arn": item["arn"], "runningCount": 1, "withoutDaemonCount": 0} for item in target["capacityProviders"]
    ]
    return {
        "arn": target["arn"],
        "capacityProviders": providers,
        "totalRunningCount": len(providers),
        "totalWithoutDaemonCount": 0,
    }


def _update_daemon(region: Region, body: Json) -> Json:
    daemon = _active(region, body["daemonArn"])
    now = region.world.now()
    _deploy(region, daemon, body, now)
    daemon["updatedAt"] = now
    return {name: daemon[name] for name in (*_SUMMARY, "deploymentArn")}


def _delete_daemon(region: Region, body: Json) -> Json:
    daemon = _active(region, body["daemonArn"])
    now = region.world.now()
    daemon.update(status="DELETE_IN_PROGRESS", updatedAt=now)
    gone_at = now + region.world.scenario.service_defaults.seconds
    region.world.timeline.at(gone_at, lambda _: _kept(region, "daemons").pop(daemon["daemonArn"], None) and None)
    return {name: daemon[name] for name in (*_SUMMARY, "deploymentArn")}


def _describe_daemon(region: Region, body: Json) -> Json:
    return {"daemon": _need(region, body["daemonArn"])}


def _list_daemons(region: Region, body: Json) -> Json:
    cluster = region.cluster_arn(cluster_name(body["clusterArn"])) if body.get("clusterArn") else None
    found = [
        {name: item[name] for name in _SUMMARY if name in item}
        for item in _kept(region, "daemons").values()
        if cluster in (None, item["clusterArn"])
    ]
    return {"daemonSummariesList": found}


def _describe_daemon_deployments(region: Region, body: Json) -> Json:
    kept = _kept(region, "daemon deployments")
    arns = body["daemonDeploymentArns"]
    return {
        "daemonDeployments": [kept[arn]["shown"] for arn in arns if arn in kept],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in kept],
    }


def _list_daemon_deployments(region: Region, body: Json) -> Json:
    _need(region, body["daemonArn"])
    names = ("daemonDeploymentArn", "clusterArn", "status", "statusReason", "createdAt", "startedAt", "finishedAt")
    found = [
        {
            **{name: item["shown"][name] for name in (*names, "stoppedAt") if name in item["shown"]},
            "daemonArn": item["daemonArn"],
            "targetDaemonRevisionArn": item["shown"]["targetDaemonRevision"]["arn"],
        }
        for item in reversed(_kept(region, "daemon deployments").values())
        if item["daemonArn"] == body["daemonArn"]
        and (not body.get("status") or item["shown"]["status"] in body["status"])
    ]
    return {"daemonDeployments": found}


def _describe_daemon_revisions(region: Region, body: Json) -> Json:
    kept = _kept(region, "daemon revisions")
    arns = body["daemonRevisionArns"]
    return {
        "daemonRevisions": [kept[arn] for arn in arns if arn in kept],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in kept],
    }


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "CreateDaemon": _create_daemon,
    "UpdateDaemon": _update_daemon,
    "DeleteDaemon": _delete_daemon,
    "DescribeDaemon": _describe_daemon,
    "ListDaemons": _list_daemons,
    "DescribeDaemonDeployments": _describe_daemon_deployments,
    "ListDaemonDeployments": _list_daemon_deployments,
    "DescribeDaemonRevisions": _describe_daemon_revisions,
}
