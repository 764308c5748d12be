"""Task protection, command sessions, and what container agents report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local.refusal import Refusal, client, invalid
from ecs_connector.harness.local.state import Json, Region, cluster_name
from ecs_connector.harness.local.task_api import find_task, task_arn
from ecs_connector.harness.local.tasks import TaskRecord


def _update_task_protection(region: Region, body: Json) -> Json:
    minutes = body.get("expiresInMinutes") or 120
    until = region.world.now() + minutes * 60 if body["protectionEnabled"] else None

    def protect(task: TaskRecord) -> None:
        task.protected_until = until

    return _protections(region, body["cluster"], body["tasks"], protect)


def _get_task_protection(region: Region, body: Json) -> Json:
    references = body.get("tasks")
    if references is None:
        cluster = region.cluster(body["cluster"])
        references = [task.arn for task in region.tasks.values() if task.cluster == cluster and _in_service(task)]
    return _protections(region, body["cluster"], references, lambda _: None)


def _protections(region: Region, cluster_ref: str, references: list[str], change: Callable[[TaskRecord], None]) -> Json:
    cluster = region.cluster(cluster_ref)
    now = region.world.now()
    protected, failures = [], []
    for reference in references:
        task = find_task(region, cluster, reference)
        if task is None or task.desired_status == "STOPPED":
            failures.append({"arn": task_arn(region, cluster, reference), "reason": "MISSING"})
            continue
        if not _in_service(task):
            failures.append(
                {"arn": task.arn, "reason": "TASK_NOT_VALID", "detail": "The task does not belong to a service."}
            )
            continue
        change(task)
        entry: Json = {"taskArn": task.arn, "protectionEnabled": (task.protected_until or 0) > now}
        if entry["protectionEnabled"]:
            entry["expirationDate"] = task.protected_until
        protected.append(entry)
    return {"protectedTasks": protected, "failures": failures}


def _in_service(task: TaskRecord) -> bool:
    return task.group.startswith("service:")


def _execute_command(region: Region, body: Json) -> Json:
    cluster = region.cluster(body.get("cluster"))
    if not body["interactive"]:
        raise invalid("Interactive is the only mode supported currently.")
    task = find_task(region, cluster, body["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    containers = [item for item in task.containers if body.get("container") in (None, item.name)]
    if not containers:
        raise client("The container was not found in the task.")
    if task.last_status != "RUNNING" or not task.fixed["enableExecuteCommand"]:
        raise Refusal(
            "TargetNotConnectedException" if task.last_status != "RUNNING" else "InvalidParameterException",
            "The execute command failed because execute command was not enabled when the task was run or the "
            "execute command agent isn't running. Wait and try again or run a new task with execute command "
            "enabled and try again.",
        )
    session = f"ecs-execute-command-{region.world.hex_id()[:17]}"
    return {
        "clusterArn": region.cluster_arn(cluster),
        "containerArn": containers[0].arn,
        "containerName": containers[0].name,
        "interactive": True,
        "taskArn": task.arn,
        "session": {
            "sessionId": session,
            "streamUrl": f"wss://ssmmessages.{region.name}.amazonaws.com/v1/data-channel/{session}?role=publish_subscribe",
            "tokenValue": region.world.hex_id(),
        },
    }


def _acknowledged(region: Region, body: Json) -> Json:
    """Answer a container agent: this endpoint needs no reports, tasks live by the scenario."""
    region.cluster(body.get("cluster"))
    return {"acknowledgment": f"{cluster_name(body.get('cluster'))}-{region.world.count('acknowledgment')}"}


HANDLERS: dict[str, Callable[[Region, Any], Json]] = {
    "UpdateTaskProtection": _update_task_protection,
    "GetTaskProtection": _get_task_protection,
    "ExecuteCommand": _execute_command,
    "SubmitTaskStateChange": _acknowledged,
    "SubmitContainerStateChange": _acknowledged,
    "SubmitAttachmentStateChanges": _acknowledged,
}
