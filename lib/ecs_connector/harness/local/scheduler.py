"""Starts, stops and replaces the tasks of services."""

from __future__ import annotations

from dataclasses import replace

from ecs_connector.harness.local.definitions import find_definition
from ecs_connector.harness.local.deployments import Deployment
from ecs_connector.harness.local.launch import Order, launch
from ecs_connector.harness.local.reader import FOREVER
from ecs_connector.harness.local.rules import PlacementFailure, TaskRule
from ecs_connector.harness.local.services import ServiceRecord
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import TaskRecord


def scale(region: Region, service: ServiceRecord, now: float) -> None:
    """Bring the number of tasks of the primary deployment to what is desired."""
    for deployment in service.deployments:
        if deployment.status != "PRIMARY":
            continue
        deployment.desired, deployment.updated_at = service.desired, now
        alive = [task for task in deployment.tasks if task.desired_status == "RUNNING"]
        for task in alive[service.desired :]:
            dismiss(region, task, now)
        start_tasks(region, service, deployment, count=max(0, service.desired - len(alive)), now=now)


def dissolve(region: Region, service: ServiceRecord, now: float) -> None:
    """Let go of every task: the service drains, then is inactive."""
    service.status = "DRAINING"
    service.desired = 0
    rollout = service.rollout
    if rollout is not None and rollout.ongoing:
        rollout.finish("STOPPED", now, "The service was deleted.")
    alive = [task for item in service.deployments for task in item.tasks if task.last_status != "STOPPED"]
    for deployment in service.deployments:
        deployment.desired = 0
    for task in alive:
        dismiss(region, task, now)
    wait_s = max((task.rule.stopping_s for task in alive), default=region.world.scenario.task_defaults.stopping_s)

    def gone(due: float) -> None:
        service.status = "INACTIVE"
        service.deployments.clear()
        key = (service.cluster, service.name)
        # ECS shows an inactive service for a while, as it does a stopped task.
        forget_at = due + region.world.scenario.task_retention_s
        region.world.timeline.at(forget_at, lambda _: _forget(region, key, service))

    region.world.timeline.at(now + wait_s, gone)


def _forget(region: Region, key: tuple[str, str], service: ServiceRecord) -> None:
    if region.services.get(key) is service:
        del region.services[key]


def start_tasks(
    region: Region,
    service: ServiceRecord,
    deployment: Deployment,
    *,
    count: int,
    now: float,
    rule: TaskRule | None = None,
) -> None:
    """Start tasks of a deployment; without a rule they live as the scenario says of the service."""
    config = deployment.revision.config
    names = ("launchType", "capacityProviderStrategy", "networkConfiguration", "platformVersion")
    body: Json = {
        **{name: config[name] for name in names if config.get(name) is not None},
        "group": f"service:{service.name}",
        "startedBy": deployment.id,
        "enableExecuteCommand": service.config.get("enableExecuteCommand"),
        "tags": region.get_tags(service.arn) if service.config.get("propagateTags") == "SERVICE" else [],
    }
    definition = find_definition(region, config["taskDefinition"])
    life = rule if rule is not None else service_life(region, service, definition)
    order = Order(service.cluster, definition, body, service=service.name, rule=life)
    for _ in range(count):
        task = launch(region, order, now)
        if isinstance(task, PlacementFailure):
            service.say(region, now, "was unable to place a task. Reason: " + task.reason + ".")
            continue
        deployment.tasks.append(task)
        task.on_stopped = lambda gone, due: replace_when_gone(region, service, deployment, gone, due)
    if count:
        service.say(region, now, f"has started {count} tasks: {_names(deployment.tasks[-count:])}.")


def _names(tasks: list[TaskRecord]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)


def service_life(region: Region, service: ServiceRecord, definition: Json) -> TaskRule:
    """Return the rule of a service's tasks: only one that names the service may end them."""
    scenario = region.world.scenario
    values = {"service": service.name, "cluster": service.cluster, "family": definition["family"]}
    for rule in scenario.tasks:
        if any(field == "service" for field, _ in rule.match.patterns) and rule.match.fits(values):
            return rule
    return replace(scenario.task_defaults, running_s=FOREVER)


def replace_when_gone(
    region: Region, service: ServiceRecord, deployment: Deployment, gone: TaskRecord, now: float
) -> None:
    """Start another task for one that ended although it was wanted."""
    deployment.tasks.remove(gone)
    wanted = service.status == "ACTIVE" and deployment.status == "PRIMARY" and deployment.rollout_state != "FAILED"
    failing = deployment.failed_tasks > 0 and deployment.rollout_state == "IN_PROGRESS"
    alive = sum(task.desired_status == "RUNNING" for task in deployment.tasks)
    if wanted and not failing and gone.stop_code != "ServiceSchedulerInitiated" and alive < deployment.desired:
        start_tasks(region, service, deployment, count=1, now=now, rule=gone.rule)


def dismiss(region: Region, task: TaskRecord, now: float) -> None:
    """Stop a task because the service no longer wants it."""
    task.stop(region, now, "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {task.started_by})")
