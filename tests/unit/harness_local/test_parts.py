"""The parts of the embedded endpoint that need no socket."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from ecs_connector.harness.local import ManualClock, Scenario
from ecs_connector.harness.local.endpoint import Endpoint
from ecs_connector.harness.local.model import ecs_model
from ecs_connector.harness.local.paging import cut_page
from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.state import World
from ecs_connector.harness.local.synthetic import synthesize
from ecs_connector.harness.local.timeline import Timeline
from ecs_connector.harness.local.wire import BadRequest, read_request
from support.model_check import minimal, shape_problems


def _region() -> Any:
    return World(Scenario(), ManualClock(datetime(2026, 1, 1, tzinfo=UTC))).region("us-east-1")


def test_a_manual_clock_moves_when_told() -> None:
    """Advancing and sleeping move both readings by the same amount, and never back."""
    clock = ManualClock()
    start, zero = clock.now(), clock.monotonic()
    clock.advance(90)
    clock.sleep(0.5)
    clock.advance(-10)

    assert (clock.now() - start).total_seconds() == 90.5
    assert clock.monotonic() - zero == 90.5


def test_events_happen_in_order_and_at_their_time() -> None:
    """What is due happens by time, then by age, also what events themselves add."""
    timeline, seen = Timeline(), []
    timeline.at(2, lambda due: seen.append(("b", due)))
    timeline.at(1, lambda due: (seen.append(("a", due)), timeline.at(1.5, lambda at: seen.append(("c", at)))))
    timeline.at(2, lambda due: seen.append(("d", due)))
    timeline.at(9, lambda due: seen.append(("late", due)))
    timeline.run_until(5)

    assert seen == [("a", 1), ("c", 1.5), ("b", 2), ("d", 2)]


@pytest.mark.parametrize("operation", ecs_model().operations)
def test_synthetic_data_is_valid_and_repeats(operation: str) -> None:
    """For every operation, also the simulated ones, the made-up answer fits the model and is always the same."""
    body = minimal(ecs_model().input_shape(operation))

    first, second = synthesize(_region(), operation, body), synthesize(_region(), operation, body)

    assert shape_problems(ecs_model().output_shape(operation), first) == []
    assert first == second


def test_synthetic_data_echoes_the_request() -> None:
    """Names and ARNs of the request come back in the answer."""
    arn = "arn:aws:ecs:us-east-1:123456789012:daemon/c/agent"
    described = synthesize(_region(), "DescribeDaemon", {"daemonArn": arn})
    created = synthesize(
        _region(), "CreateExpressGatewayService", {"serviceName": "shop", "infrastructureRoleArn": "r"}
    )

    assert described["daemon"]["daemonArn"] == arn
    assert created["service"]["serviceName"] == "shop"
    assert created["service"]["serviceArn"].endswith("/shop")


def test_a_page_ends_where_the_items_end() -> None:
    """The last page has no token, and a full page that is the last has none either."""
    items = {"clusterArns": ["a", "b", "c", "d"], "failures": []}
    body: dict[str, Any] = {"maxResults": 2}
    first = cut_page("ListClusters", "clusterArns", body, items)
    last = cut_page("ListClusters", "clusterArns", {**body, "nextToken": first["nextToken"]}, items)

    assert (first["clusterArns"], last["clusterArns"]) == (["a", "b"], ["c", "d"])
    assert "nextToken" not in last
    assert last["failures"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "InvalidParameterException"),
        ({"taskDefinition": None}, "InvalidParameterException"),
        ({"taskDefinition": 1}, "SerializationException"),
        ({"taskDefinition": "x", "count": True}, "SerializationException"),
        ({"taskDefinition": "x", "count": "1"}, "SerializationException"),
        ({"taskDefinition": "x", "tags": {"key": "a"}}, "SerializationException"),
        ({"taskDefinition": "x", "tags": [{"key": "a"}, {"value": "b"}]}, "InvalidParameterException"),
        ({"taskDefinition": "x", "tags": [{"key": ""}]}, "InvalidParameterException"),
        ({"taskDefinition": "x", "capacityProviderStrategy": [{"weight": 1}]}, "ClientException"),
    ],
)
def test_inputs_are_held_against_the_model(body: dict[str, Any], code: str) -> None:
    """Wrong types and missing members are refused."""
    with pytest.raises(Refusal) as caught:
        ecs_model().check_input("RunTask", body)

    assert caught.value.code == code


def test_what_the_model_does_not_know_passes() -> None:
    """Members and enum values newer than the model are no reason to refuse."""
    ecs_model().check_input("RunTask", {"taskDefinition": "x", "launchType": "NEWER", "novelty": {"a": [1]}})


def test_a_bug_is_an_answer_and_not_a_cut_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the simulation itself fails the client gets a 500 that says so."""
    endpoint = Endpoint(Scenario(), ManualClock())
    monkeypatch.setattr("ecs_connector.harness.local.endpoint.answer", lambda *_: {}["bug"])
    data = (
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\n"
        b"X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ecs/aws4_request, "
        b"SignedHeaders=host, Signature=" + b"0" * 64 + b"\r\n\r\n"
    )
    request = read_request(io.BytesIO(data), io.BytesIO())
    assert request is not None
    reply = endpoint.respond(request)

    assert reply.status == 500
    assert b"InternalFailure" in reply.body
    assert request.error == "InternalFailure"


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_bytes_that_are_no_request_are_told_apart(data: bytes) -> None:
    """A connection with anything but HTTP on it is not answered."""
    with pytest.raises(BadRequest):
        read_request(io.BytesIO(data), io.BytesIO())


def test_a_client_that_waits_is_told_to_go_on() -> None:
    """`Expect: 100-continue` gets its interim answer before the body is read."""
    interim = io.BytesIO()
    data = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    request = read_request(io.BytesIO(data), interim)

    assert interim.getvalue() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert request is not None
    assert request.raw_body == b"{}"
