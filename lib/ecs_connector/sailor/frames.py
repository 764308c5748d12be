"""The AMQP frames that every message costs, as bytes: publish, ack and reject out, deliver and confirm in.

pika makes objects of each frame and looks each one up in its registry of callbacks; at the pace of a
busy step that was most of the processor time. Everything else stays pika's.

Source: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, 4.2
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

#: Bodies up to here are taken from the buffer in one piece; of larger ones pika collects the frames as they come,
#: so that the buffer does not grow with the body.
ONE_PIECE_BYTES = 1 << 17

_METHOD, _HEADER, _BODY = 1, 2, 3
_BASIC = 60
_PUBLISH, _DELIVER, _ACK, _REJECT, _NACK = 40, 60, 80, 90, 120
_END = 0xCE
_END_BYTE = b"\xce"
#: Type, channel and size before a frame's payload; the end marker behind it.
_FRAME_BYTES, _END_BYTES = 7, 1
#: A header frame's payload before the properties.
_CONTENT_BYTES = 12
#: Delivery tag and flags, with class and method before them.
_SETTLEMENT_BYTES = 13

_frame_head = struct.Struct(">BHI")
_method_head = struct.Struct(">BHIHH")
_content_head = struct.Struct(">BHIHHQ")
_settlement = struct.Struct(">BHIHHQBB")
_tag_and_flags = struct.Struct(">QB")

#: A call to make with what a frame has said.
Event = tuple[Callable[..., None], tuple[Any, ...]]


class Receiver(Protocol):
    """A channel as this module sees it."""

    #: Takes tag, whether all before it are meant too, and whether the broker has the message.
    confirmed: Callable[[int, bool, bool], None] | None
    #: Takes tag, whether it came before, properties and body.
    delivered: Callable[[int, bool, bytes, bytes], None] | None


@lru_cache(maxsize=128)
def _publish_method(channel: int, exchange: str, routing_key: str, mandatory: bool) -> bytes:
    names = [name.encode() for name in (exchange, routing_key)]
    payload = struct.pack(">HHH", _BASIC, _PUBLISH, 0) + b"".join([bytes((len(name),)) + name for name in names])
    payload += b"\x01" if mandatory else b"\x00"
    return _frame_head.pack(_METHOD, channel, len(payload)) + payload + _END_BYTE


def publish(
    channel: int, exchange: str, routing_key: str, *, mandatory: bool, properties: bytes, body: bytes, body_limit: int
) -> bytes:
    """Return the frames of one message on its way out; `body_limit` is what one body frame may hold."""
    size = len(body)
    pieces = [
        _publish_method(channel, exchange, routing_key, mandatory),
        _content_head.pack(_HEADER, channel, _CONTENT_BYTES + len(properties), _BASIC, 0, size),
        properties,
        _END_BYTE,
    ]
    if 0 < size <= body_limit:
        pieces += (_frame_head.pack(_BODY, channel, size), body, _END_BYTE)
    else:
        for start in range(0, size, body_limit):
            piece = body[start : start + body_limit]
            pieces += (_frame_head.pack(_BODY, channel, len(piece)), piece, _END_BYTE)
    return b"".join(pieces)


def ack(channel: int, tag: int) -> bytes:
    """Return the frame that acknowledges one delivery."""
    return _settlement.pack(_METHOD, channel, _SETTLEMENT_BYTES, _BASIC, _ACK, tag, 0, _END)


def reject(channel: int, tag: int, *, requeue: bool) -> bytes:
    """Return the frame that rejects one delivery."""
    return _settlement.pack(_METHOD, channel, _SETTLEMENT_BYTES, _BASIC, _REJECT, tag, int(requeue), _END)


def scan(data: bytes, channels: Mapping[int, Receiver]) -> tuple[list[Event], int, bool]:
    """Read confirms and deliveries from the start of a buffer.

    Returns:
        What to call, in order; the bytes that were read; and whether what follows is not for this
        function to read, rather than a delivery that is still incomplete.
    """
    events: list[Event] = []
    offset, length = 0, len(data)
    while length - offset >= _FRAME_BYTES + 4:
        kind, number, size, class_id, method = _method_head.unpack_from(data, offset)
        channel = channels.get(number)
        if kind != _METHOD or class_id != _BASIC or channel is None:
            break
        end = offset + _FRAME_BYTES + size + _END_BYTES
        if end > length or data[end - 1] != _END:
            break
        if method in (_ACK, _NACK) and channel.confirmed is not None:
            tag, flags = _tag_and_flags.unpack_from(data, offset + _FRAME_BYTES + 4)
            events.append((channel.confirmed, (tag, bool(flags & 1), method == _ACK)))
        elif method == _DELIVER and channel.delivered is not None:
            content = _content(data, end, number)
            if content is None:
                return events, offset, False
            properties, body, end_of_content = content
            if end_of_content == 0:
                break
            tag, flags = _tag_and_flags.unpack_from(data, offset + _FRAME_BYTES + 5 + data[offset + _FRAME_BYTES + 4])
            events.append((channel.delivered, (tag, bool(flags & 1), properties, body)))
            end = end_of_content
        else:
            break
        offset = end
    return events, offset, True


#: What follows a delivery's method is left to pika: large, mixed with other frames, or broken.
_NOT_OURS = (b"", b"", 0)


def _content(data: bytes, start: int, channel: int) -> tuple[bytes, bytes, int] | None:
    """Return properties, body and their end; None while something is missing."""
    length = len(data)
    begin = start + _FRAME_BYTES + _CONTENT_BYTES
    if length < begin:
        return None
    kind, number, size, _, _, body_size = _content_head.unpack_from(data, start)
    if kind != _HEADER or number != channel or body_size > ONE_PIECE_BYTES:
        return _NOT_OURS
    end = start + _FRAME_BYTES + size
    if length <= end:
        return None
    if data[end] != _END:
        return _NOT_OURS
    properties = data[begin:end]
    pieces = []
    end += _END_BYTES
    while body_size > 0:
        begin = end + _FRAME_BYTES
        if length < begin:
            return None
        kind, number, size = _frame_head.unpack_from(data, end)
        if kind != _BODY or number != channel or size > body_size:
            return _NOT_OURS
        end = begin + size
        if length <= end:
            return None
        if data[end] != _END:
            return _NOT_OURS
        pieces.append(data[begin:end])
        body_size -= size
        end += _END_BYTES
    return properties, pieces[0] if len(pieces) == 1 else b"".join(pieces), end
