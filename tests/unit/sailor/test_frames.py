"""Frames as bytes: the same as pika's, and read the same however the stream is cut."""

from __future__ import annotations

import struct
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame, spec
from pika.exceptions import InvalidFrameError

from ecs_connector.sailor import frames
from ecs_connector.sailor.amqp import Batch, Channel, Connection
from ecs_connector.sailor.fieldtable import encode_properties

CHANNEL = 1
HEARTBEAT = frame.Heartbeat().marshal()
PROPERTIES = {"content_type": "application/json", "headers": {"messageId": "m-1"}, "delivery_mode": 1}


def content(body, *, limit, channel=CHANNEL, weight=60):
    """Return pika's frames of a message's properties and body."""
    encoded = encode_properties(PROPERTIES)
    payload = struct.pack(">HHQ", weight, 0, len(body)) + encoded
    pieces = [struct.pack(">BHI", 2, channel, len(payload)) + payload + b"\xce"]
    pieces += [frame.Body(channel, body[start : start + limit]).marshal() for start in range(0, len(body), limit)]
    return pieces


def deliver(tag, body, *, redelivered=False, limit=1000):
    """Return pika's frames of a delivery."""
    method = spec.Basic.Deliver("consumer", tag, redelivered, "exchange", "key")
    return [frame.Method(CHANNEL, method).marshal(), *content(body, limit=limit)]


def confirm(tag, *, multiple=False, positive=True):
    """Return pika's frame of a confirm."""
    return frame.Method(CHANNEL, (spec.Basic.Ack if positive else spec.Basic.Nack)(tag, multiple)).marshal()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 4321])
@pytest.mark.parametrize("mandatory", [False, True])
def test_publish(size, mandatory):
    """A message leaves in the bytes that pika would write, split where the broker's limit says."""
    body = bytes(index % 251 for index in range(size))
    found = frames.publish(
        CHANNEL, "exchange", "schlüssel", mandatory=mandatory, properties=encode_properties(PROPERTIES), body=body,
        body_limit=1000,
    )  # fmt: skip
    method = spec.Basic.Publish(exchange="exchange", routing_key="schlüssel", mandatory=mandatory)
    assert found == b"".join([frame.Method(CHANNEL, method).marshal(), *content(body, limit=1000)])


@pytest.mark.parametrize("tag", [1, 2**40])
def test_settlements(tag):
    """Settlements leave in the bytes that pika would write."""
    assert frames.ack(CHANNEL, tag) == frame.Method(CHANNEL, spec.Basic.Ack(tag)).marshal()
    for requeue in (False, True):
        expected = frame.Method(CHANNEL, spec.Basic.Reject(tag, requeue=requeue)).marshal()
        assert frames.reject(CHANNEL, tag, requeue=requeue) == expected


def connection(found, *, confirms=True, deliveries=True):
    """Return a connection that has a channel and no socket, and notes all that comes into a list."""
    made = Connection.__new__(Connection)
    made._batch, made._held, made._is_plain = Batch(), [], False
    made._frame_buffer, made.bytes_received, made._transport = b"", 0, None
    channel = SimpleNamespace(confirmed=None, delivered=None)
    if confirms:
        channel.confirmed = lambda tag, multiple, positive: found.append(("confirm", tag, multiple, positive))
    if deliveries:
        channel.delivered = lambda *arguments: found.append(("deliver", *arguments))
    made._channels = {CHANNEL: channel}
    made._process_frame = lambda other: found.append(("other", other.NAME, getattr(other, "fragment", None)))
    return made


ITEMS = st.lists(
    st.one_of(
        st.builds(
            lambda tag, multiple, positive: (
                [confirm(tag, multiple=multiple, positive=positive)], ("confirm", tag, multiple, positive),
            ),
            st.integers(0, 2**63), st.booleans(), st.booleans(),
        ),
        st.builds(
            lambda tag, body, redelivered, limit: (
                deliver(tag, body, redelivered=redelivered, limit=limit),
                ("deliver", tag, redelivered, encode_properties(PROPERTIES), body),
            ),
            st.integers(0, 2**63), st.binary(max_size=60), st.booleans(), st.integers(1, 40),
        ),
        st.just(([HEARTBEAT], ("other", "Heartbeat", None))),
        st.just(([frame.Method(CHANNEL, spec.Channel.CloseOk()).marshal()], ("other", "METHOD", None))),
    ),
    max_size=8,
)  # fmt: skip


@given(items=ITEMS, cuts=st.lists(st.integers(1, 400), max_size=30))
def test_any_split(items, cuts):
    """Whatever pieces the stream comes in, all that is in it is told once, in order, and nothing is left."""
    stream = b"".join(piece for pieces, _ in items for piece in pieces)
    found = []
    made = connection(found)
    start = 0
    for cut in [*cuts, len(stream)]:
        if start < len(stream):
            made._on_data_available(stream[start : start + cut])
        start += cut
    assert found == [expected for _, expected in items]
    assert made._frame_buffer == b""
    assert made.bytes_received == len(stream)


def others(found):
    return [kind for kind, *_ in found]


def test_a_delivery_that_is_mixed_with_other_frames_is_left_to_pika():
    """A heartbeat between the frames of a delivery: pika gets all of them, one by one; what follows is read again."""
    method, header, *bodies = deliver(1, b"x" * 2000)
    found = []
    connection(found)._on_data_available(b"".join([method, header, HEARTBEAT, *bodies, confirm(7)]))
    assert others(found) == ["other"] * 5 + ["confirm"]
    assert [name for _, name, *_ in found[:5]] == ["METHOD", "Header", "Heartbeat", "Body", "Body"]


def test_a_large_body_is_left_to_pika():
    """A large body is not gathered in the buffer, each of its frames is handed on as it comes."""
    body = b"x" * (frames.ONE_PIECE_BYTES + 1)
    pieces = deliver(1, body, limit=frames.ONE_PIECE_BYTES // 2)
    found = []
    made = connection(found)
    for piece in [pieces[0] + pieces[1], *pieces[2:]]:
        made._on_data_available(piece)
        assert made._frame_buffer == b""
    assert others(found) == ["other"] * len(pieces)


def test_a_channel_that_has_asked_for_nothing():
    """Confirms and deliveries that nobody has asked for are pika's."""
    found = []
    made = connection(found, confirms=False, deliveries=False)
    made._on_data_available(b"".join([confirm(1), *deliver(2, b"x")]))
    assert others(found) == ["other"] * 4


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_broken_frame_is_never_told(broken):
    """A frame without its end marker ends the stream with pika's error, and nothing of its delivery is told."""
    pieces = deliver(1, b"body")
    pieces[broken] = pieces[broken][:-1] + b"\x00"
    found = []
    made = connection(found)
    with pytest.raises(InvalidFrameError):
        made._on_data_available(b"".join([confirm(9), *pieces]))
    assert found[0] == ("confirm", 9, False, True)
    assert "deliver" not in others(found)


class Transport:
    """A transport of pika's with a socket that takes some bytes, or none."""

    _STATE_ACTIVE = _state = 1

    def __init__(self, takes, waiting=0):
        self._sock = SimpleNamespace(send=self.send)
        self.takes, self.waiting = takes, waiting
        self.sent, self.left = b"", b""

    def get_write_buffer_size(self):
        return self.waiting

    def send(self, data):
        if self.takes is None:
            raise BlockingIOError
        self.sent += data[: self.takes]
        return min(self.takes, len(data))

    def write(self, data):
        self.left += data


@pytest.mark.parametrize(
    ("takes", "waiting", "sent"), [(99, 0, b"abcdef"), (2, 0, b"ab"), (None, 0, b""), (99, 5, b"")]
)
def test_sending(takes, waiting, sent):
    """What the socket takes is sent at once, the rest waits with pika, and nothing overtakes what waits already."""
    made = connection([])
    made.bytes_sent, made._is_plain, made._transport = 0, True, Transport(takes, waiting)
    with made._batch:
        made.write(b"abc")
        made.write(b"def")
        assert made._transport.sent == made._transport.left == b""
    assert (made._transport.sent, made._transport.left) == (sent, b"abcdef"[len(sent) :])
    assert made.bytes_sent == 6


def test_a_cancelled_consumer_gets_nothing(monkeypatch):
    """From the wish to cancel on, deliveries are pika's, which hands them back."""
    calls = []
    monkeypatch.setattr("pika.channel.Channel.basic_cancel", lambda *arguments, **_: calls.append(arguments[1:]))
    channel = Channel.__new__(Channel)
    channel.delivered = lambda *_: None
    channel.basic_cancel("tag", callback=lambda _: None)
    assert channel.delivered is None
    assert calls == [("tag",)]
