"""The last lines of a task's containers."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.logs import LogReader, stream_name
from support.scripted_ecs import CONFIG, Ecs, Refused, cut, make_task


def make_definition(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"containerDefinitions": list(containers)}


def make_container(name: str = "app", driver: str = "awslogs", **options: str) -> dict[str, Any]:
    given = {
        f"awslogs-{key}": value
        for key, value in {"group": "/ecs/web", "region": "eu-central-1", "stream_prefix": "p", **options}.items()
        if value
    }
    return {
        "name": name,
        "logConfiguration": {
            "logDriver": driver,
            "options": {key.replace("_", "-"): value for key, value in given.items()},
        },
    }


class Streams:
    """CloudWatch Logs as it pages: back from the end, at most `page` events at a time."""

    def __init__(self, page: int = 1000, **streams: list[str]) -> None:
        self.page = page
        self.streams = streams

    def __call__(self, operation: str, body: dict[str, Any]) -> Any:
        assert operation == "GetLogEvents"
        if body["logStreamName"] not in self.streams:
            raise Refused("ResourceNotFoundException", "The specified log stream does not exist.")
        # Every event has the same time: only the token tells one from the other.
        events = [{"timestamp": 1768478400000, "message": line} for line in self.streams[body["logStreamName"]]]
        end = int(body["nextToken"]) if body.get("nextToken") else len(events)
        start = max(0, end - min(body["limit"], self.page))
        return {"events": events[start:end], "nextBackwardToken": str(start), "nextForwardToken": "f"}


def make_reader(clock: Any, answer: Any, count: int = 50, **fields: Any) -> tuple[LogReader, Ecs]:
    ecs = Ecs(answer, clock)
    step = ecs.component.clients.step("RunTask", {**CONFIG, **fields})
    return LogReader(step, count), ecs


@pytest.mark.parametrize("page", [1, 7, 50, 200, 1000])
def test_no_line_is_lost_or_doubled(clock, page):
    """Lines with equal times come once each and in order, whatever the pages."""
    lines = [f"line {number}" for number in range(200)]
    reader, _ = make_reader(clock, Streams(page, **{"p/app/t1": lines}), count=150)

    assert reader.of_task(make_task("t1"), make_definition(make_container()))["app"]["lines"] == lines[-150:]


def test_a_short_stream_is_read_whole(clock):
    """Fewer lines than asked for are all there are."""
    reader, ecs = make_reader(clock, Streams(**{"p/app/t1": ["a", "b"]}))

    assert reader.of_task(make_task("t1"), make_definition(make_container()))["app"] == {
        "group": "/ecs/web", "stream": "p/app/t1", "region": "eu-central-1", "lines": ["a", "b"],
    }  # fmt: skip
    assert sum(call.attempts for call in reader.calls) == len(ecs.script.asked)


def test_each_container_has_its_own_stream(clock):
    """Two containers with two prefixes, groups and regions are each read where they write."""
    reader, ecs = make_reader(clock, Streams(**{"p/app/t1": ["a"], "q/side/t1": ["s"]}))
    definition = make_definition(make_container(), make_container("side", stream_prefix="q", region="us-west-2"))

    found = reader.of_task(make_task("t1"), definition)

    assert (found["app"]["lines"], found["side"]["lines"]) == (["a"], ["s"])
    assert found["side"]["region"] == "us-west-2"


def test_lines_are_read_in_the_region_of_the_log_group(clock):
    """The request goes to the logs endpoint of the group's region, signed for it."""
    sent = []
    reader, ecs = make_reader(clock, Streams(**{"p/app/t1": ["a"]}))
    original = ecs.script.send
    ecs.script.send = lambda request, **times: sent.append(request) or original(request, **times)

    reader.of_task(make_task("t1"), make_definition(make_container(region="us-west-2")))

    assert sent[0].endpoint.host == "logs.us-west-2.amazonaws.com"
    assert sent[0].headers["x-amz-target"] == "Logs_20140328.GetLogEvents"
    assert "/us-west-2/logs/aws4_request" in sent[0].headers["authorization"]


def test_a_custom_endpoint_of_ecs_is_not_asked_for_logs(clock):
    """Only the endpoint on this machine serves both; any other custom endpoint is one for ECS."""
    hosts = []
    for endpoint in ("http://127.0.0.1:4510", "https://vpce-0123.ecs.eu-central-1.vpce.amazonaws.com"):
        reader, ecs = make_reader(clock, Streams(**{"p/app/t1": ["a"]}), endpoint=endpoint)
        original = ecs.script.send
        ecs.script.send = lambda request, original=original, **times: (
            hosts.append(request.endpoint.host) or original(request, **times)
        )
        reader.of_task(make_task("t1"), make_definition(make_container()))

    assert set(hosts) == {"127.0.0.1", "logs.eu-central-1.amazonaws.com"}


def test_a_stream_without_a_prefix_is_named_by_the_runtime_id():
    """Both naming rules of the driver are known; a container that never ran has no stream."""
    task = make_task("t1")

    assert stream_name(task, {"runtimeId": "abc-123"}, "app", None) == "abc-123"
    assert stream_name(task, {}, "app", None) is None
    assert stream_name(task, {}, "app", "p") == "p/app/t1"


@pytest.mark.parametrize(
    ("container", "answer", "said"),
    [
        (make_container(driver="splunk"), None, "log driver is splunk"),
        ({"name": "app"}, None, "log driver is not set"),
        (make_container(), Streams(), "The log stream does not exist"),
        (
            make_container(),
            lambda *_: Refused("ResourceNotFoundException", "The specified log group does not exist."),
            "log group does not exist",
        ),
        (
            make_container(),
            lambda *_: Refused("AccessDeniedException", "not authorized to perform: logs:GetLogEvents"),
            "logs:GetLogEvents",
        ),
        (make_container(), lambda *_: cut(), "connection"),
        (make_container(stream_prefix=""), None, "never ran"),
    ],
)
def test_lines_that_cannot_be_read_say_why(clock, container, answer, said):
    """Nothing about logs raises: the reason stands where the lines would."""
    reader, _ = make_reader(clock, answer or (lambda *_: {}), maxAttempts=1)

    found = reader.of_task(make_task("t1"), make_definition(container))

    assert said in found["app"]["error"]
    assert "lines" not in found["app"]


def test_secrets_in_lines_are_masked(clock):
    """What looks like a secret does not leave the log."""
    reader, _ = make_reader(clock, Streams(**{"p/app/t1": ["password=hunter2hunter2"]}))

    found = reader.of_task(make_task("t1"), make_definition(make_container()))

    assert "hunter2" not in str(found)
