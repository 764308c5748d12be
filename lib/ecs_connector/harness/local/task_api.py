"""The operations on tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.launch import Order, launch, launch_type, order_of
from ecs_connector.harness.local.refusal import Refusal, invalid
from ecs_connector.harness.local.rules import PlacementFailure
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import TaskRecord

#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html (count)
_MOST_TASKS_OF_ONE_CALL = 10
#: Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html (tasks)
_MOST_TASKS_DESCRIBED = 100


def _run_task(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    now = region.world.now()
    repeated = region.world.tokens.repeated("RunTask", region.name, cluster, body, now)
    if repeated is not None:
        return dict(repeated)
    count = 1 if body.get("count") is None else body["count"]
    if not 1 <= count <= _MOST_TASKS_OF_ONE_CALL:
        raise invalid(f"count must be between 1 and {_MOST_TASKS_OF_ONE_CALL}.")
    if body.get("launchType") and body.get("capacityProviderStrategy"):
        raise invalid("Specify either Launch Type or Capacity Provider Strategy, but not both.")
    _check_instances(region, body, cluster)
    order = order_of(region, body, cluster=cluster)
    tasks, failures = _launch_all(region, [order] * count, now)
    _remember(region, cluster, body, tasks=tasks, failures=failures)
    return {"tasks": [task.show(region.get_tags(task.arn)) for task in tasks], "failures": failures}


def _check_instances(region: Region, body: Json, cluster: str) -> None:
    if not region.world.scenario.require_instances or launch_type(body, region, cluster)[0] == "FARGATE":
        return
    if not any(item["cluster"] == cluster for item in region.instances.values()):
        raise invalid("No Container Instances were found in your cluster.")


def _start_task(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    references = body["containerInstances"]
    if not 1 <= len(references) <= _MOST_TASKS_OF_ONE_CALL:
        raise invalid(f"You may specify 1 to {_MOST_TASKS_OF_ONE_CALL} container instances.")
    orders, failures = [], []
    for reference in references:
        arn = _instance_arn(region, cluster, reference)
        known = region.instances.get(arn)
        if known is None and (region.instances or region.world.scenario.require_instances):
            failures.append({"arn": arn, "reason": "MISSING"})
        elif known is not None and not known["active"]:
            failures.append({"arn": arn, "reason": "INACTIVE"})
        else:
            orders.append(order_of(region, body, cluster=cluster, instance=arn))
    tasks, unplaced = _launch_all(region, orders, region.world.now())
    shown = [task.show(region.get_tags(task.arn)) for task in tasks]
    return {"tasks": shown, "failures": failures + unplaced}


def _instance_arn(region: Region, cluster: str, reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    return region.arn(f"container-instance/{cluster}/{reference}")


def _launch_all(region: Region, orders: list[Order], now: float) -> tuple[list[TaskRecord], list[Json]]:
    tasks: list[TaskRecord] = []
    failures: list[Json] = []
    for order in orders:
        made = launch(region, order, now)
        if isinstance(made, PlacementFailure):
            arn = made.arn or order.instance or region.arn(f"container-instance/{order.cluster}/{'0' * 32}")
            failures.append({"arn": arn, "reason": made.reason, **({"detail": made.detail} if made.detail else {})})
        else:
            tasks.append(made)
    return tasks, failures


def _remember(region: Region, cluster: str, body: Json, *, tasks: list[TaskRecord], failures: list[Json]) -> None:
    def again() -> Json:
        return {"tasks": [_show_again(region, task) for task in tasks], "failures": failures}

    def ended_at() -> float | None:
        times = [task.stopped_at for task in tasks]
        return max((time for time in times if time is not None), default=None) if None not in times else None

    key = ("RunTask", region.name, cluster)
    region.world.tokens.remember(
        key, body, region.world.now(), resource_ids=[task.arn for task in tasks], again=again, ended_at=ended_at
    )


def _show_again(region: Region, task: TaskRecord) -> Json:
    if task.last_status == "STOPPED":
        # A repeated request tells only this of tasks that have stopped.
        return {"taskArn": task.arn, "lastStatus": task.last_status, "desiredStatus": task.desired_status}
    return task.show(region.get_tags(task.arn))


# -- looking ------------------------------------------------------------------------------------------


def find_task(region: Region, cluster: str, reference: str) -> TaskRecord | None:
    """Return a task of a cluster by id or ARN, unless the scenario let it vanish."""
    task = region.tasks.get(reference) or region.tasks.get(region.arn(f"task/{cluster}/{reference}"))
    if task is None or task.cluster != cluster:
        return None
    return None if region.world.now() >= task.created_at + task.rule.vanishes_s else task


def _describe_tasks(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    references = body["tasks"]
    if not references:
        raise invalid("Tasks cannot be empty.")
    if len(references) > _MOST_TASKS_DESCRIBED:
        raise invalid(f"Tasks cannot have more than {_MOST_TASKS_DESCRIBED} elements.")
    with_tags = "TAGS" in (body.get("include") or [])
    tasks, failures = [], []
    for reference in dict.fromkeys(references):
        task = find_task(region, cluster, reference)
        if task is None:
            failures.append({"arn": task_arn(region, cluster, reference), "reason": "MISSING"})
        else:
            tasks.append(task.show(region.get_tags(task.arn) if with_tags else []))
    return {"tasks": tasks, "failures": failures}


def task_arn(region: Region, cluster: str, reference: str) -> str:
    """Return the ARN that a reference to a task means."""
    return reference if reference.startswith("arn:") else region.arn(f"task/{cluster}/{reference}")


def _list_tasks(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    wanted = body.get("desiredStatus") or "RUNNING"
    if body.get("serviceName") is not None and (cluster, body["serviceName"].rsplit("/", 1)[-1]) not in region.services:
        raise Refusal("ServiceNotFoundException", "Service not found.")
    found = []
    for task in region.tasks.values():
        if task.cluster != cluster or task.desired_status != wanted or not _fits(task, body, region):
            continue
        found.append(task.arn)
    return {"taskArns": found}


def _fits(task: TaskRecord, body: Json, region: Region) -> bool:
    filters: dict[str, Any] = {
        "family": task.family,
        "startedBy": task.started_by,
        "launchType": task.fixed["launchType"],
    }
    if any(body.get(name) is not None and body[name] != value for name, value in filters.items()):
        return False
    if body.get("serviceName") is not None and task.group != f"service:{body['serviceName'].rsplit('/', 1)[-1]}":
        return False
    if body.get("daemonName") is not None and task.group != f"daemon:{body['daemonName']}":
        return False
    if body.get("containerInstance") is not None:
        arn = _instance_arn(region, task.cluster, body["containerInstance"])
        return bool(task.fixed.get("containerInstanceArn") == arn)
    return True


# -- changing -----------------------------------------------------------------------------------------


def _stop_task(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    task = find_task(region, cluster, body["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    task.stop(region, region.world.now(), "UserInitiated", body.get("reason") or "Task stopped by user")
    return {"task": task.show(region.get_tags(task.arn))}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "RunTask": _run_task,
    "StartTask": _start_task,
    "StopTask": _stop_task,
    "DescribeTasks": _describe_tasks,
    "ListTasks": _list_tasks,
}
