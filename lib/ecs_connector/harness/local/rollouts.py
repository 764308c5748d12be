"""Begins service deployments, and stops or continues them on request."""

from __future__ import annotations

from ecs_connector.harness.local.course import STOPPED_BY_USER, Course, put_primary
from ecs_connector.harness.local.deployments import Revision, Rollout
from ecs_connector.harness.local.rules import ServiceRule
from ecs_connector.harness.local.services import REVISION_MEMBERS, ServiceRecord
from ecs_connector.harness.local.state import Region


def new_revision(region: Region, service: ServiceRecord, now: float) -> Revision:
    """Return a revision of what the service is now configured to run."""
    config = {name: service.config[name] for name in REVISION_MEMBERS if service.config.get(name) is not None}
    path = f"{service.cluster}/{service.name}/{region.world.digits_id()}"
    revision = Revision(region.arn(f"service-revision/{path}"), config, now)
    service.revisions.append(revision)
    return revision


def begin(region: Region, service: ServiceRecord, now: float) -> Rollout:
    """Start a service deployment of the service's configuration."""
    number = region.world.count("deployment", region.name, service.cluster, service.name)
    rule = _pick_rule(region, service, number)
    previous = service.rollout
    if previous is not None and previous.ongoing:
        previous.finish("STOPPED", now, "Service deployment stopped because a newer service deployment started.")
    sources = [item.revision for item in service.deployments if item.rollout_state == "COMPLETED"]
    if not sources and previous is not None:
        sources = previous.sources
    revision = new_revision(region, service, now)
    deployment = put_primary(region, service, revision, now)
    arn = region.arn(f"service-deployment/{service.cluster}/{service.name}/{region.world.hex_id()[:20]}")
    rollout = Rollout(arn, deployment, revision, sources, now)
    breaker = (service.config.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    rollout.breaker = "MONITORING" if breaker.get("enable") else "DISABLED"
    service.rollouts.append(rollout)
    Course(region, service, rollout, rule).start(now)
    return rollout


def stop(region: Region, service: ServiceRecord, rollout: Rollout, now: float, *, roll_back: bool) -> None:
    """Stop a service deployment on request."""
    number = region.world.counts.get(("deployment", region.name, service.cluster, service.name), 0)
    course = Course(region, service, rollout, _pick_rule(region, service, number))
    # Long enough that a test on a real clock can see that the stop was requested.
    wait_s = min(0.2, course.rule.rollback_seconds / 2)
    if roll_back and rollout.sources:
        rollout.plan += 1
        rollout.status = "ROLLBACK_REQUESTED"
        rollout.times["stoppedAt"] = now
        course.later(now, wait_s, lambda due: course.roll_back(due, STOPPED_BY_USER))
    else:
        rollout.plan += 1
        rollout.status = "STOP_REQUESTED"
        course.later(now, wait_s, course.stopped)


def _pick_rule(region: Region, service: ServiceRecord, number: int) -> ServiceRule:
    reference = service.config.get("taskDefinition") or ""
    name = reference.rsplit("/", 1)[-1]
    values = {
        "service": service.name,
        "cluster": service.cluster,
        "taskDefinition": name,
        "family": name.partition(":")[0],
    }
    scenario = region.world.scenario
    for rule in scenario.services:
        if rule.match.fits(values) and (rule.deployment is None or number in rule.deployment):
            return rule
    return scenario.service_defaults


def continue_after_pause(
    region: Region, service: ServiceRecord, rollout: Rollout, now: float, *, roll_back: bool
) -> None:
    """Go on from a pause hook on request."""
    number = region.world.counts.get(("deployment", region.name, service.cluster, service.name), 0)
    Course(region, service, rollout, _pick_rule(region, service, number)).go_on(now, roll_back=roll_back)
