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
