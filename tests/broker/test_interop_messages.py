"""Rows 1 to 12 of the interop table: messages, headers, passthrough, errors; both runtimes side by side."""

from __future__ import annotations

import base64
import json
from typing import Any

import pika
import pytest

from support.steps import IV, NODE, OURS, PASSWORD, payload_of

BODIES: list[dict[str, Any]] = [
    {"text": "plain ASCII"},
    {"text": "Grüße, señor — ünïcödé"},
    {"text": "🚀 emoji and \u2028 separators", "nothing": None},
    {"deep": [[1, [2, {"three": [None, True, 0.5, -1]}]], []], "empty": {}},
]
VECTOR_TEXTS = [
    '{"id":"1","attachments":{},"body":{"message":"ok"},"headers":{"some-header":"headerValue"}}',
    '{"body":{"cluster":"Ünïcöde — 🚀","count":3,"ratio":0.1,"nothing":null}}',
    "{}",
]
TABLE: dict[str, Any] = {
    "x-eio-meta-zero": 0,
    "x-eio-meta-byte": 127,
    "x-eio-meta-octet": 128,
    "x-eio-meta-short": 40000,
    "x-eio-meta-negative": -5,
    "x-eio-meta-long": 3_000_000_000,
    "x-eio-meta-epoch": 1_790_000_000_123,
    "x-eio-meta-bool": True,
    "x-eio-meta-null": None,
    "x-eio-meta-float": 0.5,
    "x-eio-meta-table": {"a": 1, "b": {"c": "d"}},
    "x-eio-meta-array": [1, "two", None],
}


class Fractional(pika.BasicProperties):
    """Properties with floats in their headers, which pika itself cannot write."""

    def encode(self) -> list[bytes]:
        from ecs_connector.sailor.fieldtable import encode_properties

        return [encode_properties({"content_type": self.content_type, "headers": self.headers})]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sides", [(NODE, OURS, NODE), (OURS, NODE, OURS)], ids="-".join)
def test_row_01_bodies_survive_a_chain(version, sides, start, topologies, node_runtime):
    """A body is the same after three steps of both runtimes, and the version travels as an integer."""
    steps = topologies(3)
    start.chain(*sides, topologies=steps, PROTOCOL_VERSION=str(version))
    bodies = [{"do": [["forward"]], **body} for body in BODIES]
    for body in bodies:
        steps[0].send(body, version=version)
    taken = steps[-1].take("data", len(bodies))
    assert [message.wire()["body"] for message in taken] == bodies
    assert all(message.headers["protocolVersion"] == version for message in taken)


def test_row_02_ciphertexts_are_equal(node_eval):
    """Both runtimes make the same bytes of the same text, and each reads the other's."""
    from ecs_connector.sailor.crypto import PayloadCipher

    ours = PayloadCipher(PASSWORD, IV)
    for text in VECTOR_TEXTS:
        script = (
            "const E = require('./lib/encryptor');"
            f"const e = new E({json.dumps(PASSWORD)}, {json.dumps(IV)});"
            f"const v = JSON.parse({json.dumps(text)});"
            f"const theirs = e.decryptMessageContent({json.dumps(base64.b64encode(ours.encrypt(text.encode())).decode())}, 'base64');"
            "console.log(JSON.stringify([e.encryptMessageContent(v, 'base64').toString(), theirs]));"
        )
        ciphertext, read = node_eval(script)
        assert base64.b64decode(ciphertext) == ours.encrypt(text.encode())
        assert read == json.loads(text)
        assert ours.decrypt(base64.b64decode(ciphertext)) == text.encode()


@pytest.mark.parametrize("prefetch", [2, 10])
def test_row_03_our_outputs_have_ids_of_their_own(prefetch, start, topologies, node_runtime):
    """The official step handles each of three outputs of one message, side by side."""
    steps = topologies(2)
    start.chain(OURS, NODE, topologies=steps, RABBITMQ_PREFETCH_SAILOR=str(prefetch))
    steps[0].send({"do": [["many", 3]]})
    taken = steps[1].take("data", 3)
    assert sorted(message.wire()["body"]["body"]["number"] for message in taken) == [0, 1, 2]
    assert len({message.headers["parentMessageId"] for message in taken}) == 3
    steps[1].settle()
    assert steps[1].empty()


def test_row_04_messages_that_share_an_id_are_all_processed(start, topologies, node_runtime):
    """Three outputs of the official step carry one id; ours handles all three and acknowledges all."""
    steps = topologies(2)
    start.chain(NODE, OURS, topologies=steps, RABBITMQ_PREFETCH_SAILOR="2")
    steps[0].send({"do": [["many", 3]]})
    taken = steps[1].take("data", 3)
    assert sorted(message.wire()["body"]["body"]["number"] for message in taken) == [0, 1, 2]
    assert len({message.headers["parentMessageId"] for message in taken}) == 1
    steps[1].settle()
    assert steps[1].empty()


@pytest.mark.parametrize("side", [OURS], indirect=True)
def test_row_05_a_message_without_id_is_processed_once(standard):
    """A message without `messageId` is processed and acknowledged; the official step never settles it."""
    standard.send({"do": [["echo"]]}, headers={"messageId": ...})
    assert "parentMessageId" not in standard.take_one("data").headers
    standard.settle()
    assert standard.empty()


def test_row_05_a_thread_begins_or_goes_on(standard):
    """A missing thread id is the trace id, or else a new one."""
    standard.send({"do": [["echo"]]}, headers={"threadId": ...})
    assert len(standard.take_one("data").headers["threadId"]) == 36
    standard.send({"do": [["echo"]]}, headers={"threadId": ..., "X-Eio-Meta-Trace-Id": "trace-7"})
    headers = standard.take_one("data").headers
    assert headers["threadId"] == "trace-7"
    assert headers["x-eio-meta-trace-id"] == "trace-7"


@pytest.mark.parametrize("sides", [(OURS, NODE), (NODE, OURS)], ids=["row_06", "row_07"])
def test_header_values_survive(sides, start, topologies, node_runtime):
    """Every type of header value that one runtime writes is read by the other as it was."""
    producer, handler = topologies(2)
    start(
        sides[0],
        topology=producer,
        PUBLISH_MESSAGES_TO=handler.exchange,
        ERROR_ROUTING_KEY=handler.key("messages"),
    )
    start(sides[1], topology=handler, INPUT_FORMAT="error")
    headers = {"messageId": "m-1", "protocolVersion": 1, **TABLE}
    producer.channel.basic_publish(
        producer.exchange,
        producer.key("messages"),
        payload_of({"body": {"do": [["emit", "error", "wrong"]]}}),
        Fractional(content_type="application/json", headers=headers),
    )
    seen = handler.take_one("data").wire()["body"]["headers"]
    assert {name: seen[name] for name in TABLE} == TABLE
    assert all(type(seen[name]) is type(value) for name, value in TABLE.items())


@pytest.mark.parametrize("no_self", ["true", None], ids=["no_self", "self"])
def test_row_08_passthrough(no_self, side, start, topology):
    """Earlier steps are carried along: by default with this one, else with the one that sent the message."""
    start(side, info={"is_passthrough": True}, NO_SELF_PASSTRHOUGH=no_self)
    earlier = {"step_x": {"id": "x", "body": {"x": 1}, "headers": {}}, topology.name: {"id": "old", "body": {"o": 1}}}
    for headers in ({"stepId": "step_0"}, {"stepId": ...}):
        wire = {"id": "in-1", "body": {"do": [["data", {"out": 1}]]}, "headers": {}, "passthrough": earlier}
        topology.send(wire=wire, headers=headers)
        out = topology.take_one("data").wire()
        expected = dict(earlier)
        if no_self and headers["stepId"] == "step_0":
            expected["step_0"] = {"id": "in-1", "body": wire["body"], "headers": {}}
        if not no_self:
            own = out["passthrough"].pop(topology.name)
            assert own["body"] == {"out": 1}
            assert "passthrough" not in own
            del expected[topology.name]
        assert out["passthrough"] == expected


def test_row_08_without_passthrough_nothing_is_carried(side, start, topology):
    """Only the boolean true turns passthrough on."""
    start(side, info={"is_passthrough": "true"})
    topology.send(wire={"body": {"do": [["data", {}]]}, "headers": {}, "passthrough": {"a": {"body": {}}}})
    assert not topology.take_one("data").wire().get("passthrough")


def test_row_09_passthrough_chain(start, topologies, node_runtime):
    """After three steps of both runtimes every earlier step's output is there, flat."""
    steps = topologies(3)
    start.chain(NODE, OURS, NODE, topologies=steps, info={"is_passthrough": True})
    steps[0].send({"do": [["forward"]], "n": 1})
    out = steps[2].take_one("data").wire()
    assert set(out["passthrough"]) == {step.name for step in steps}
    for entry in out["passthrough"].values():
        assert entry["body"]["n"] == 1
        assert "passthrough" not in entry


@pytest.mark.parametrize("version", [1, 2], ids=["row_10", "row_11"])
def test_errors(version, standard):
    """An error is published with its input, and the input is rejected after it."""
    body = {"do": [["throw", "it broke"]], "text": "ü"}
    sent = standard.send(body, version=version)
    taken = standard.take_one("error")
    error = taken.error()
    assert error["message"] == "it broke"
    assert set(error) == {"name", "message", "stack"}
    assert taken.error_input()["body"] == body
    assert taken.headers["parentMessageId"] == sent
    assert "protocolVersion" not in taken.headers
    assert {"start", "end", "threadId", "messageId", "execId", "taskId", "function"} <= set(taken.headers)
    assert standard.take_one("dead").headers["messageId"] == sent


def test_row_10_error_then_data(standard):
    """Data after an error still goes out; the input is rejected."""
    standard.send({"do": [["emit", "error", "half"], ["data", {"n": 1}]]})
    error = standard.take_one("error").error()
    assert error == {"name": "Error", "message": "half", "stack": "Not Available"}
    assert standard.take_one("data").wire()["body"] == {"n": 1}
    standard.take_one("dead")


def test_row_10_error_goes_to_reply_to(standard):
    """Who waits for a reply gets the error, marked by a boolean header."""
    standard.send({"do": [["throw", "no"]]}, headers={"reply_to": standard.key("reply")})
    error, reply = standard.take_one("error"), standard.take_one("reply")
    assert json.loads(error.body)["error"].encode() == reply.body
    assert reply.headers["x-eio-error-response"] is True
    assert "x-eio-error-response" not in error.headers
    assert error.headers["reply_to"] == reply.headers["reply_to"] == standard.key("reply")
    standard.take_one("dead")


@pytest.mark.parametrize("sides", [(OURS, NODE), (NODE, OURS)], ids="-".join)
def test_row_12_error_handlers(sides, start, topologies, node_runtime):
    """A custom error handler of either runtime reads the other's error and its input."""
    producer, handler = topologies(2)
    start(sides[0], topology=producer, PUBLISH_MESSAGES_TO=handler.exchange, ERROR_ROUTING_KEY=handler.key("messages"))
    start(sides[1], topology=handler, INPUT_FORMAT="error")
    body = {"do": [["throw", "for the handler"]]}
    producer.send(body)
    seen = handler.take_one("data").wire()["body"]["body"]
    assert seen["error"]["message"] == "for the handler"
    assert seen["errorInput"]["body"] == body
