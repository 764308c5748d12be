"""Messages that nobody should send: each ends once, and the one after it is processed."""

from __future__ import annotations

import struct

import pika.data
import pytest

from support.steps import OURS

THROW = {"do": [["throw", "boom"]]}


def survives(step, topology) -> None:
    """The step has not gone deaf, and stops as it should."""
    topology.send({"do": [["data", {"healthy": True}]]})
    assert topology.take_one("data").wire()["body"] == {"healthy": True}
    step.terminate()
    assert step.wait_exit() == 0


def test_a_number_of_thousands_of_digits(start, topology):
    """A header that no program can read as a number costs its message and nothing else."""
    step = start(OURS)
    topology.send({}, headers={"protocolVersion": "1" * 5000})
    topology.take_one("dead")
    survives(step, topology)
    assert topology.empty("error")


def test_an_envelope_with_half_a_character(start, topology):
    """An error handler refuses what is no text."""
    step = start(OURS, INPUT_FORMAT="error")
    topology.send(payload=b'{"error":"\\ud800"}')
    topology.take_one("dead")
    step.terminate()
    assert step.wait_exit() == 0


def test_a_reply_address_that_is_too_long(start, topology):
    """The error is told once; only its copy has nowhere to go."""
    step = start(OURS)
    topology.send(THROW, headers={"reply_to": "r" * 300})
    topology.take_one("dead")
    assert topology.take_one("error").error()["message"] == "boom"
    assert "could not be sent to reply_to" in step.log()
    survives(step, topology)
    assert topology.empty()


def test_headers_that_fill_a_frame(start, topology):
    """Headers that leave no room for those of an error end the message, not the step, and the log says so."""
    step = start(OURS)
    topology.send(THROW, headers={"x-eio-meta-big": "m" * 129_700})
    topology.take_one("dead")
    assert "too long for AMQP" in step.log()
    survives(step, topology)
    assert topology.empty()


@pytest.mark.parametrize("initial", ["-5", "5000000000"])
def test_odd_first_expirations(initial, start, topology):
    """Whatever the first expiration is set to, a rebound is one that the broker takes."""
    step = start(OURS, topology=topology, REBOUND_INITIAL_EXPIRATION=initial)
    topology.send({"do": [["emit", "rebound", "later"]]})
    survives(step, topology)
    assert "is lost" not in step.log()


def test_a_timestamp_in_milliseconds(start, topology, monkeypatch):
    """A timestamp beyond the year 9999 is a number like any other, and the message is processed."""

    class Timestamp(int):
        pass

    encode = pika.data.encode_value

    def encode_value(pieces, value):
        if isinstance(value, Timestamp):
            pieces.append(struct.pack(">cQ", b"T", value))
            return 9
        return encode(pieces, value)

    monkeypatch.setattr(pika.data, "encode_value", encode_value)
    step = start(OURS)
    topology.send({"do": [["data", {"n": 1}]]}, headers={"sentAt": Timestamp(1_764_000_000_000)})
    assert topology.take_one("data").wire()["body"] == {"n": 1}
    survives(step, topology)


def test_an_expiration_of_ages(start, topology):
    """A late rebound of a step with a high limit waits for years, and the broker takes it."""
    step = start(OURS, topology=topology, REBOUND_LIMIT="100")
    topology.send({"do": [["emit", "rebound", "later"]]}, headers={"reboundIteration": 45})
    assert topology.take_one("rebound").headers["reboundIteration"] == 46
    survives(step, topology)
    assert "is lost" not in step.log()


def test_errors_that_cannot_be_published(start, topology):
    """With limited attempts and a full error queue a message comes again after a pause, not at once."""
    topology.channel.queue_delete(topology.queue("error"))
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    topology.channel.queue_declare(topology.queue("error"), arguments=full)
    topology.channel.queue_bind(topology.queue("error"), topology.exchange, topology.key("error"))
    topology.send(to="error")
    step = start(OURS, AMQP_PUBLISH_RETRY_ATTEMPTS="1")
    topology.send({"do": [["say", "at work"], ["throw", "boom"]]})
    step.wait(lambda: "could not be published" in step.log(), 10, topology)
    topology.settle(1)
    assert sum(line["msg"] == "at work" for line in step.lines()) == 1


def test_passthrough_that_is_none(start, topology):
    """A passthrough that is no object is not carried on, and does not end a message whose work is done."""
    step = start(OURS, info={"is_passthrough": True})
    wire = {"id": "i", "body": {"do": [["data", {"n": 1}]]}, "headers": {}, "passthrough": ["odd"]}
    topology.send(wire=wire)
    assert list(topology.take_one("data").wire()["passthrough"]) == [topology.name]
    survives(step, topology)


@pytest.mark.parametrize("part", ["config", "variables"])
def test_odd_step_information(part, start, topology, platform):
    """A start that the platform gives no object for says which part that is."""
    platform.steps[topology.name] = {part: ["odd"]}
    step = start(OURS, wait=False)
    assert step.wait_exit() == 1
    assert f"its {part} is not an object" in topology.take_one("error").error()["message"]
