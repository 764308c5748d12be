"""GetLogEvents and DescribeLogStreams over the lines that the scenario gives containers and streams.

A container's stream is named as the awslogs driver names it: `prefix/container/task id`. It exists from
the moment the container started.
"""

from __future__ import annotations

import fnmatch
from typing import Any

from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.tasks import TaskRecord

#: Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
_MOST_EVENTS = 10000
_MOST_STREAMS = 50


def answer_logs(region: Region, operation: str, body: Json) -> Json:
    """Return the output of a CloudWatch Logs operation; the caller holds the world's lock.

    Raises:
        Refusal: the group or stream does not exist, or the operation is not served here.
    """
    region.world.settle()
    if operation == "GetLogEvents":
        return _get_log_events(region, body)
    if operation == "DescribeLogStreams":
        return _describe_log_streams(region, body)
    raise Refusal("UnknownOperationException", f"{operation} is not served by the embedded endpoint.")


def _get_log_events(region: Region, body: Json) -> Json:
    group, stream = _group(body), str(body.get("logStreamName") or "")
    events = _streams(region, group).get(stream)
    if events is None:
        lines = _scenario_lines(region, group, stream)
        if lines is None:
            raise Refusal("ResourceNotFoundException", "The specified log stream does not exist.")
        events = _spread(lines, region.world.started_s, region.world.started_s + len(lines))
    events = [event for event in events if _within(event, body)]
    limit = min(int(body.get("limit") or _MOST_EVENTS), _MOST_EVENTS)
    token = str(body.get("nextToken") or "")
    if token.startswith("f/"):
        start = int(token[2:])
    elif token.startswith("b/"):
        start = max(0, int(token[2:]) - limit)
    else:
        start = 0 if body.get("startFromHead") else max(0, len(events) - limit)
    end = int(token[2:]) if token.startswith("b/") else start + limit
    page = events[start:end]
    return {
        "events": page,
        "nextForwardToken": f"f/{start + len(page):056d}",
        "nextBackwardToken": f"b/{start:056d}",
    }


def _within(event: Json, body: Json) -> bool:
    start, end = body.get("startTime"), body.get("endTime")
    return (start is None or event["timestamp"] >= start) and (end is None or event["timestamp"] < end)


def _describe_log_streams(region: Region, body: Json) -> Json:
    group = _group(body)
    prefix = body.get("logStreamNamePrefix") or ""
    streams = {name: events for name, events in _streams(region, group).items() if name.startswith(prefix)}
    shown = [_show_stream(region, group, name, events) for name, events in sorted(streams.items())]
    start = int(body.get("nextToken") or 0)
    limit = int(body.get("limit") or _MOST_STREAMS)
    output: Json = {"logStreams": shown[start : start + limit]}
    if start + limit < len(shown):
        output["nextToken"] = str(start + limit)
    return output


def _show_stream(region: Region, group: str, name: str, events: list[Json]) -> Json:
    shown: Json = {
        "logStreamName": name,
        "creationTime": int(region.world.started_s * 1000),
        "arn": region.arn(f"log-group:{group}:log-stream:{name}", "logs"),
        "storedBytes": 0,
    }
    if events:
        shown["firstEventTimestamp"] = events[0]["timestamp"]
        shown["lastEventTimestamp"] = events[-1]["timestamp"]
        shown["lastIngestionTime"] = events[-1]["ingestionTime"]
    return shown


def _group(body: Json) -> str:
    name = body.get("logGroupName")
    if name is None and body.get("logGroupIdentifier"):
        name = str(body["logGroupIdentifier"]).split(":log-group:", 1)[-1].removesuffix(":*")
    if not name:
        raise Refusal("InvalidParameterException", "logGroupName must be specified.")
    return str(name)


def _scenario_lines(region: Region, group: str, stream: str) -> tuple[str, ...] | None:
    for rule in region.world.scenario.logs:
        if fnmatch.fnmatchcase(group, rule.group) and fnmatch.fnmatchcase(stream, rule.stream):
            return rule.lines
    return None


def _streams(region: Region, group: str) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for task in region.tasks.values():
        definition = region.definitions.get(task.fixed["taskDefinitionArn"])
        if definition is None or "startedAt" not in task.times:
            continue
        for item in definition["containerDefinitions"]:
            config = item.get("logConfiguration") or {}
            options: dict[str, Any] = config.get("options") or {}
            if config.get("logDriver") == "awslogs" and options.get("awslogs-group") == group:
                name = _stream_name(task, item["name"], options.get("awslogs-stream-prefix"))
                found[name] = _container_events(region, group, name, task, item["name"])
    return found


def _stream_name(task: TaskRecord, container: str, prefix: str | None) -> str:
    if prefix:
        return f"{prefix}/{container}/{task.id}"
    return next(item.runtime_id for item in task.containers if item.name == container)


def _container_events(region: Region, group: str, stream: str, task: TaskRecord, container: str) -> list[Json]:
    lines = task.rule.container(container).logs or _scenario_lines(region, group, stream) or ()
    started = task.times["startedAt"]
    ended = task.times.get("executionStoppedAt")
    events = _spread(lines, started, started + min(task.rule.running_s, 60.0) if ended is None else ended)
    now_ms = region.world.now() * 1000
    return [event for event in events if event["timestamp"] <= now_ms]


def _spread(lines: tuple[str, ...], start_s: float, end_s: float) -> list[Json]:
    """Return events at equal distances between two times."""
    step_s = (end_s - start_s) / (len(lines) + 1)
    events = []
    for number, line in enumerate(lines, start=1):
        at_ms = int((start_s + number * step_s) * 1000)
        events.append({"timestamp": at_ms, "message": line, "ingestionTime": at_ms})
    return events
