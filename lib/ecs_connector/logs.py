"""Reads the last lines of a task's containers from CloudWatch Logs.

Where a container's lines are follows from its task definition alone: the awslogs driver names a stream
`prefix/container/task id`, or, without a prefix, by the container's runtime id. Lines that cannot be read
never fail a step: the report says why they are missing.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ecs_connector.address import is_loopback
from ecs_connector.client import Step
from ecs_connector.endpoint import resolve
from ecs_connector.errors import ConnectorError, ServiceError
from ecs_connector.redact import redact_text
from ecs_connector.signer import Scope
from ecs_connector.values import Endpoint, Evidence, HttpRequest

_TARGET = "Logs_20140328"
#: Most events that one GetLogEvents gives.
#: Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
_MOST_EVENTS = 10_000


class LogReader:
    """Reads the log streams of one step's tasks."""

    def __init__(self, step: Step, count: int) -> None:
        self._step = step
        self._count = count
        #: Evidence of the calls that this took.
        self.calls: list[Evidence] = []

    def of_task(self, task: Mapping[str, Any], definition: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return container name -> its stream and last lines, or why there are none."""
        if definition is None:
            return {}
        found = {}
        containers = {item.get("name"): item for item in task.get("containers") or ()}
        for item in definition.get("containerDefinitions") or ():
            found[item["name"]] = self._of_container(task, containers.get(item["name"]) or {}, item)
        return found

    def _of_container(
        self, task: Mapping[str, Any], container: Mapping[str, Any], definition: Mapping[str, Any]
    ) -> dict[str, Any]:
        config = definition.get("logConfiguration") or {}
        driver, options = config.get("logDriver"), config.get("options") or {}
        if driver != "awslogs":
            return {"error": f"The log driver is {driver or 'not set'}: only lines of awslogs can be read."}
        group = options.get("awslogs-group")
        stream = stream_name(task, container, definition["name"], options.get("awslogs-stream-prefix"))
        if not group or not stream:
            return {"error": "The container never ran, so it has no log stream."}
        region = options.get("awslogs-region") or self._step.client.endpoint.region
        where = {"group": group, "stream": stream, "region": region}
        try:
            lines = self._last_lines(group, stream, region)
        except ServiceError as error:
            if error.code == "ResourceNotFoundException" and "log group" not in error.message:
                return {**where, "error": "The log stream does not exist: the container wrote nothing."}
            return {**where, "error": error.user_message}
        except ConnectorError as error:
            return {**where, "error": error.user_message}
        return {**where, "lines": lines}

    def _last_lines(self, group: str, stream: str, region: str) -> list[str]:
        """Return the last lines, oldest first; pages back until there are enough."""
        request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": False}
        events: list[Any] = []
        token = None
        while len(events) < self._count:
            page = {**request, "limit": min(_MOST_EVENTS, self._count - len(events))}
            output = self._call({**page, "nextToken": token} if token else page, region)
            events = [*(output.get("events") or ()), *events]
            following = output.get("nextBackwardToken")
            # The stream's beginning is where the token does not change; an empty page may come before it.
            if not following or following == token:
                break
            token = following
        # What looks like a secret is masked: a bundle travels further than a log does.
        return [redact_text(str(event.get("message", "")).rstrip("\n")) for event in events[-self._count :]]

    def _call(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        client, config = self._step.client, self._step.config
        endpoint = self._endpoint(region)
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": endpoint.authority,
            "user-agent": client.clients.user_agent,
            "accept": "application/json",
            "x-amz-target": f"{_TARGET}.GetLogEvents",
        }
        operation = self._step.operation._replace(name="GetLogEvents")
        message = HttpRequest("POST", endpoint, endpoint.path, headers, json.dumps(request).encode())
        scope = Scope(endpoint.signing_region, "logs")
        response, evidence = client.exchange(operation, message, config, safe=True, scope=scope)
        self.calls.append(evidence)
        content = json.loads(response.body or b"{}")
        return content if isinstance(content, dict) else {}

    def _endpoint(self, region: str) -> Endpoint:
        """Return where the logs of a region are read.

        A custom endpoint is one for ECS. Only the embedded endpoint, which is on this machine, serves both.
        """
        own, config = self._step.client.endpoint, self._step.config
        if config.endpoint and is_loopback(own.host):
            return own._replace(region=region, signing_region=region, signing_name="logs")
        return resolve(
            region,
            partitions=self._step.client.clients.partitions,
            use_fips=bool(config.useFips),
            use_dual_stack=bool(config.useDualStack),
            service="logs",
        )


def stream_name(task: Mapping[str, Any], container: Mapping[str, Any], name: str, prefix: str | None) -> str | None:
    """Return the name of a container's log stream; None when the container never had one."""
    if prefix:
        return f"{prefix}/{name}/{str(task.get('taskArn')).rpartition('/')[2]}"
    runtime_id = container.get("runtimeId")
    return runtime_id if isinstance(runtime_id, str) else None
