"""Headers in, headers out, passthrough maps."""

from __future__ import annotations

import pytest

from ecs_connector.sailor.fieldtable import decode_properties, encode_properties
from ecs_connector.sailor.headers import HeaderFactory, read_incoming, take_routing_key
from ecs_connector.sailor.passthrough import carried_on, with_own
from support.unit_settings import settings


def read(headers):
    return read_incoming(headers, lambda: "new-id")


def test_incoming():
    """What matters is read; meta headers are in lower case; the rest is dropped."""
    found = read(
        {"messageId": "m", "threadId": "t", "stepId": "s", "reply_to": "r", "X-EIO-Meta-A": 1, "execId": "other"}
    )
    assert (found.message_id, found.thread_id, found.step_id, found.reply_to) == ("m", "t", "s", "r")
    assert found.meta == {"x-eio-meta-a": 1}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"threadId": "t"}, "t"),
        ({"X-Eio-Meta-Trace-Id": "trace"}, "trace"),
        ({}, "new-id"),
        ({"threadId": ""}, "new-id"),
    ],
)
def test_thread(headers, expected):
    """The thread is the one named, the trace, or a new one."""
    assert read(headers).thread_id == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, 1), (1, 1), (2, 2), ("2", 2), ("x", 1), (3, 3), (2.0, 2), (True, 1), (float("nan"), 1)],
)
def test_protocol_version(value, expected):
    """A number or a numeric text; 1 without one."""
    assert read({"protocolVersion": value}).protocol_version == expected


@pytest.mark.parametrize(("value", "expected"), [(None, 0), (4, 4), ("4", 0), (True, 0), (2.0, 2)])
def test_rebound_iteration(value, expected):
    """Only a number counts."""
    assert read({"reboundIteration": value}).rebound_iteration == expected


def outgoing(factory, headers, **more):
    variable = factory.outgoing(read(headers), message_id="out", start_ms=5, end_ms=9, **more)
    return decode_properties(encode_properties({"headers": variable}, header_items=factory.fixed_items))["headers"]


def test_outgoing():
    """An outgoing message says who made it, from what, when and on which thread."""
    found = outgoing(
        HeaderFactory(settings()), {"messageId": "in", "threadId": "t", "X-Eio-Meta-A": "x", "cid": "dropped"}
    )
    assert found == {
        "execId": "exec_id", "taskId": "flow_id", "workspaceId": "workspace_id", "containerId": "container_id",
        "userId": "user_id", "stepId": "step_id", "compId": "comp_id", "function": "function",
        "x-eio-meta-a": "x", "threadId": "t", "messageId": "out", "parentMessageId": "in", "start": 5, "end": 9,
    }  # fmt: skip


def test_additional_headers_take_no_names():
    """A named variable never replaces what a message says of itself."""
    factory = HeaderFactory(settings(additional_headers={"messageId": "no", "execId": "no", "contractId": "yes"}))
    found = outgoing(factory, {"messageId": "in"})
    assert (found["messageId"], found["execId"], found["contractId"]) == ("out", "exec_id", "yes")


@pytest.mark.parametrize("name", ["X-EIO-Routing-Key", "x-eio-routing-key", "X-EIO-ROUTING-KEY"])
def test_routing_key(name):
    """The routing key is taken in any spelling; the other headers stay."""
    assert take_routing_key({name: "k", "a": 1}) == ({"a": 1}, "k")
    assert take_routing_key({"a": 1}) == ({"a": 1}, None)


def test_passthrough():
    """Maps are flat: an entry never has one of its own."""
    incoming = {"a": {"body": 1}}
    assert with_own(incoming, step_id="me", emitted={"body": 2, "passthrough": incoming}) == {
        "a": {"body": 1},
        "me": {"body": 2},
    }
    assert carried_on(incoming, producer="p", received={"body": 3, "passthrough": {}}) == {
        "a": {"body": 1},
        "p": {"body": 3},
    }
    assert carried_on(None, producer=None, received={}) == {}
    assert incoming == {"a": {"body": 1}}
