"""Rows 13 to 22 of the interop table: rebounds, snapshots, replies, routing, bad input, limits."""

from __future__ import annotations

import json
import time
from collections import Counter

import pika
import pytest

from support.steps import NODE, OURS, encrypt, payload_of

REBOUND = {"do": [["emit", "rebound", "come again"]]}


@pytest.mark.parametrize(
    ("iteration", "expected"), [(..., 1), (4, 5), ("4", 1), (19, 20)], ids=["first", "fifth", "text", "last"]
)
def test_row_13_rebound(iteration, expected, standard):
    """The same bytes go out again with all their headers, a reason and an expiration that doubles."""
    headers = {"reboundIteration": iteration, "cid": "kept", "execId": "of-the-sender", "reply_to": "r"}
    properties = {"priority": 3, "correlation_id": "c-1"}
    sent = standard.send(REBOUND, headers=headers, properties=properties)
    taken = standard.take_one("rebound")
    assert taken.wire()["body"] == REBOUND
    assert taken.properties.expiration == str(15_000 * 2 ** (expected - 1))
    assert (taken.properties.priority, taken.properties.correlation_id) == (3, "c-1")
    assert taken.headers["reboundIteration"] == expected
    assert taken.headers["reboundReason"] == "come again"
    assert {
        "cid": "kept",
        "execId": "of-the-sender",
        "messageId": sent,
        "reply_to": "r",
    }.items() <= taken.headers.items()
    assert isinstance(taken.headers["end"], int)
    standard.settle()
    assert standard.empty()


def test_row_13_rebound_limit(standard):
    """Beyond the limit an error is published, and the message is acknowledged all the same."""
    standard.send(REBOUND, headers={"reboundIteration": 20, "reply_to": standard.key("reply")})
    taken = standard.take_one("error")
    assert taken.error()["message"] == "Rebound limit exceeded"
    assert taken.error_input()["body"] == REBOUND
    assert standard.take_one("reply").headers["x-eio-error-response"] is True
    standard.settle()
    assert standard.empty()


@pytest.mark.parametrize("sides", [(OURS, NODE), (NODE, OURS)], ids="-".join)
def test_row_14_a_rebound_goes_on_elsewhere(sides, standard_steps, node_runtime):
    """One runtime counts on where the other has stopped."""
    first, second = (standard_steps(name) for name in sides)
    first.send(REBOUND)
    taken = first.take_one("rebound")
    second.send(payload=taken.body, headers={**taken.headers})
    again = second.take_one("rebound")
    assert again.headers["reboundIteration"] == 2
    assert again.properties.expiration == "30000"
    assert again.body == taken.body


def test_row_15_snapshots(side, start, topology):
    """A snapshot replaces, an update merges and sends the patch alone; `$set` and non-objects do nothing."""
    start(side, info={"snapshot": {"start": 1}})
    steps = [["emit", "snapshot", {"a": 1}], ["emit", "updateSnapshot", {"b": 2}]]
    nothing = [["emit", "updateSnapshot", {"$set": {"c": 3}}], ["emit", "updateSnapshot", "text"]]
    topology.send({"do": [["echo"], *steps, *nothing]})
    assert topology.take_one("data").wire()["body"]["snapshot"] == {"start": 1}
    taken = topology.take("snapshot", 2)
    assert [json.loads(message.body) for message in taken] == [{"a": 1}, {"b": 2}]
    assert [message.headers["snapshotEvent"] for message in taken] == ["snapshot", "updateSnapshot"]
    topology.send({"do": [["echo"]]})
    assert topology.take_one("data").wire()["body"]["snapshot"] == {"a": 1, "b": 2}
    assert topology.empty()


def test_row_16_http_reply(side, start, topology):
    """A reply goes to `reply_to` in protocol version 1, whatever the step's version."""
    start(side, PROTOCOL_VERSION="2")
    reply = {"statusCode": 201, "body": {"ok": True}, "headers": {"Content-Type": "x/y", "X-EIO-Routing-Key": "no"}}
    topology.send({"do": [["emit", "httpReply", reply]]}, headers={"reply_to": topology.key("reply")})
    taken = topology.take_one("reply")
    assert taken.headers["protocolVersion"] == 1
    out = taken.wire()
    assert (out["statusCode"], out["body"]) == (201, {"ok": True})
    assert out["headers"] == {"Content-Type": "x/y"}
    topology.settle()
    assert topology.empty()


def test_row_16_the_component_sees_who_waits(standard):
    """`reply_to` is one of the message's own headers, too."""
    standard.send({"do": [["echo"]]}, headers={"reply_to": "somebody"})
    taken = standard.take_one("data")
    assert taken.wire()["body"]["headers"]["reply_to"] == "somebody"
    assert taken.headers["reply_to"] == "somebody"


def test_row_16_http_reply_without_address(standard):
    """A reply to nobody is an error of the message."""
    standard.send({"do": [["emit", "httpReply", {"statusCode": 200, "body": {}, "headers": {}}]]})
    assert "reply_to" in standard.take_one("error").error()["message"]
    standard.take_one("dead")


@pytest.mark.parametrize("name", ["X-EIO-Routing-Key", "x-eio-routing-key", "X-Eio-Routing-KEY"])
def test_row_17_routing_key(name, standard):
    """A message may name its own routing key; the header goes no further, the others do."""
    standard.send({"do": [["data", {"n": 1}, {name: standard.key("other"), "kept": "yes"}]]})
    assert standard.take_one("other").wire()["headers"] == {"kept": "yes"}
    standard.settle()
    assert standard.empty()


BAD_PAYLOADS = {
    "garbage": (b"\x00\xffgarbage", 1),
    "plain JSON": (b'{"body":{}}', 1),
    "wrong key": (encrypt(b'{"body":{}}', password="other"), 2),
    "empty": (b"", 1),
    "null": (payload_of(None), 1),
    "NaN": (encrypt(b'{"body":{"x":NaN}}'), 2),
    "version 1 called 2": (payload_of({"body": {}}, 1), 2),
    "version 2 called 1": (payload_of({"body": {}}, 2), 1),
}


@pytest.mark.parametrize("case", BAD_PAYLOADS)
def test_row_18_bad_input(case, standard):
    """What cannot be read is rejected without an error message, and the step goes on."""
    payload, version = BAD_PAYLOADS[case]
    sent = standard.send(payload=payload, version=version)
    assert standard.take_one("dead").headers["messageId"] == sent
    standard.send({"do": [["data", {"n": 1}]]})
    standard.take_one("data")
    assert standard.empty()


def test_row_18_no_headers_table(standard):
    """A delivery without a headers table is rejected."""
    standard.channel.basic_publish(
        standard.exchange,
        standard.key("messages"),
        payload_of({"body": {}}),
        pika.BasicProperties(content_type="application/json"),
    )
    standard.take_one("dead")
    standard.settle()
    assert standard.empty()


def test_row_19_full_queue(side, start, topology):
    """A full queue is tried again until it takes the message; only then the input is acknowledged."""
    full = topology.name + ":full"
    topology.channel.queue_declare(full, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    topology.channel.queue_bind(full, topology.exchange, full)
    topology.channel.basic_publish(topology.exchange, full, b"in the way")
    step = start(side)
    topology.send({"do": [["data", {"n": 1}, {"X-EIO-Routing-Key": full}]]})
    topology.settle(0.5)
    step.terminate()
    topology.settle(0.2)
    assert step.process.poll() is None, "the message is still in work"
    assert topology.channel.basic_get(full, auto_ack=True)[2] == b"in the way"
    assert step.wait_exit() == 0
    _, properties, _ = topology.channel.basic_get(full, auto_ack=True)
    assert properties.headers["retry"] >= 1
    assert topology.channel.basic_get(full)[0] is None
    assert topology.empty()
    topology.channel.queue_delete(full)


def test_row_20_unroutable(standard):
    """A routing key that nobody listens on is no error."""
    standard.send({"do": [["data", {"n": 1}, {"X-EIO-Routing-Key": "nobody"}], ["data", {"n": 2}]]})
    assert standard.take_one("data").wire()["body"] == {"n": 2}
    standard.settle()
    assert standard.empty()


def test_row_21_rate_limit(side, start, topology):
    """At most ten messages leave in a tenth of a second, in order."""
    start(side, DATA_RATE_LIMIT=None)
    arrivals: list[float] = []
    topology.send({"do": [["many", 35]]})
    while len(arrivals) < 35:
        method, _, _ = topology.channel.basic_get(topology.queue("data"), auto_ack=True)
        if method is not None:
            arrivals.append(time.monotonic())
    first = arrivals[0]
    # A window may begin anywhere, and the broker may hold a message for a moment.
    windows = Counter(int((at - first + 0.03) / 0.1) for at in arrivals)
    assert max(windows.values()) <= 11
    assert 0.2 < arrivals[-1] - first < 0.8


def test_row_21_order(standard):
    """What one message emits leaves in order."""
    standard.send({"do": [["many", 12]]})
    assert [message.wire()["body"]["number"] for message in standard.take("data", 12)] == list(range(12))


def test_row_22_size_limit(side, start, topology):
    """Output over the limit is an error that names both sizes."""
    start(side, OUTGOING_MESSAGE_SIZE_LIMIT="1000")
    topology.send({"do": [["data", {"text": "x" * 2000}]]})
    message = topology.take_one("error").error()["message"]
    assert message.startswith("Outgoing message size ")
    assert message.endswith(" exceeds limit of 1000.")
    topology.take_one("dead")
    assert topology.empty()
