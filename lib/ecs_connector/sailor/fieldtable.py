"""AMQP message properties to bytes and back, in the types that every runtime reads.

Integers are written with the tags `I` and `l` only: the Node.js runtime's decoder drops the
connection on most others. Floats are kept; pika writes none and reads them as integers.

Source: https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ecs_connector.errors import EnvelopeError

_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)

#: Property name -> (flag, kind), in the order in which they travel.
_PROPERTIES: tuple[tuple[str, int, str], ...] = (
    ("content_type", 1 << 15, "text"),
    ("content_encoding", 1 << 14, "text"),
    ("headers", 1 << 13, "table"),
    ("delivery_mode", 1 << 12, "octet"),
    ("priority", 1 << 11, "octet"),
    ("correlation_id", 1 << 10, "text"),
    ("reply_to", 1 << 9, "text"),
    ("expiration", 1 << 8, "text"),
    ("message_id", 1 << 7, "text"),
    ("timestamp", 1 << 6, "time"),
    ("type", 1 << 5, "text"),
    ("user_id", 1 << 4, "text"),
    ("app_id", 1 << 3, "text"),
    ("cluster_id", 1 << 2, "text"),
)

_pack_int32 = struct.Struct(">ci").pack
_pack_int64 = struct.Struct(">cq").pack
_pack_double = struct.Struct(">cd").pack
_pack_sized = struct.Struct(">cI").pack
_pack_size = struct.Struct(">I").pack
_unpack_size = struct.Struct(">I").unpack_from


def encode_value(value: Any) -> bytes:
    """Return a field value with its tag.

    Raises:
        TypeError: AMQP has no type for it.
    """
    if isinstance(value, str):
        text = value.encode("utf-8", "replace")
        return _pack_sized(b"S", len(text)) + text
    if value is True:
        return b"t\x01"
    if value is False:
        return b"t\x00"
    if value is None:
        return b"V"
    if isinstance(value, int):
        if value in _INT32:
            return _pack_int32(b"I", value)
        return _pack_int64(b"l", value) if value in _INT64 else _pack_double(b"d", float(value))
    return _encode_rare(value)


def _encode_rare(value: Any) -> bytes:
    if isinstance(value, float):
        return _pack_double(b"d", value)
    if isinstance(value, Mapping):
        return b"F" + encode_table(value)
    if isinstance(value, (list, tuple)):
        items = b"".join([encode_value(item) for item in value])
        return _pack_sized(b"A", len(items)) + items
    if isinstance(value, (bytes, bytearray)):
        return _pack_sized(b"x", len(value)) + bytes(value)
    if isinstance(value, datetime):
        return struct.pack(">cQ", b"T", int(value.timestamp()))
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        if isinstance(exponent, int) and exponent <= 0:
            raw = int("".join(map(str, digits))) * (-1 if sign else 1)
            if raw in _INT32 and -exponent <= 255:
                return struct.pack(">cBi", b"D", -exponent, raw)
        return _pack_double(b"d", float(value))
    raise TypeError(f"AMQP headers cannot hold a value of type {type(value).__name__}.")


def encode_items(table: Mapping[str, Any]) -> bytes:
    """Return the entries of a table without its size, to be joined with others."""
    pieces = []
    for name, value in table.items():
        key = name.encode("utf-8", "replace")[:255]
        pieces.append(bytes((len(key),)) + key + encode_value(value))
    return b"".join(pieces)


def encode_table(table: Mapping[str, Any]) -> bytes:
    """Return a field table with its size."""
    items = encode_items(table)
    return _pack_size(len(items)) + items


def encode_properties(properties: Mapping[str, Any], *, header_items: bytes = b"") -> bytes:
    """Return content properties as they follow the body size in a header frame.

    Args:
        header_items: Entries of the header table that are encoded already; they come first.
    """
    flags = 0
    pieces = []
    for name, flag, kind in _PROPERTIES:
        value = properties.get(name)
        if value is None:
            continue
        flags |= flag
        if kind == "text":
            text = str(value).encode("utf-8", "replace")[:255]
            pieces.append(bytes((len(text),)) + text)
        elif kind == "table":
            items = header_items + encode_items(value)
            pieces.append(_pack_size(len(items)) + items)
        elif kind == "octet":
            pieces.append(bytes((value,)))
        else:
            pieces.append(struct.pack(">Q", value))
    return struct.pack(">H", flags) + b"".join(pieces)


def decode_properties(data: bytes) -> dict[str, Any]:
    """Return the content properties that are present, by name.

    Raises:
        EnvelopeError: The bytes are not properties.
    """
    found: dict[str, Any] = {}
    try:
        flags, offset = struct.unpack_from(">H", data)[0], 2
        for name, flag, kind in _PROPERTIES:
            if not flags & flag:
                continue
            if kind == "text":
                end = offset + 1 + data[offset]
                found[name], offset = _text(data[offset + 1 : end]), end
            elif kind == "table":
                found[name], offset = _decode_table(data, offset)
            elif kind == "octet":
                found[name], offset = data[offset], offset + 1
            else:
                found[name], offset = struct.unpack_from(">Q", data, offset)[0], offset + 8
    except (struct.error, IndexError, KeyError, OverflowError, ValueError, RecursionError) as error:
        raise EnvelopeError(f"The properties of a delivery cannot be read: {error}.") from error
    return found


def _text(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _decode_table(data: bytes, offset: int) -> tuple[dict[str, Any], int]:
    table: dict[str, Any] = {}
    end = offset + 4 + _unpack_size(data, offset)[0]
    offset += 4
    while offset < end:
        start = offset + 1
        offset = start + data[offset]
        name = data[start:offset].decode("utf-8", "replace")
        tag = data[offset]
        if tag == _LONG_STRING:
            start = offset + 5
            offset = start + _unpack_size(data, offset + 1)[0]
            table[name] = _text(data[start:offset])
        else:
            table[name], offset = _DECODERS[tag](data, offset + 1)
    return table, end


def _decode_array(data: bytes, offset: int) -> tuple[list[Any], int]:
    end = offset + 4 + _unpack_size(data, offset)[0]
    offset += 4
    items = []
    while offset < end:
        item, offset = _DECODERS[data[offset]](data, offset + 1)
        items.append(item)
    return items, end


def _decode_bytes(data: bytes, offset: int) -> tuple[bytes, int]:
    end = offset + 4 + _unpack_size(data, offset)[0]
    return data[offset + 4 : end], end


def _decode_string(data: bytes, offset: int) -> tuple[Any, int]:
    value, end = _decode_bytes(data, offset)
    return _text(value), end


def _decode_decimal(data: bytes, offset: int) -> tuple[Decimal, int]:
    scale, raw = struct.unpack_from(">Bi", data, offset)
    return Decimal(raw).scaleb(-scale), offset + 5


def _decode_time(data: bytes, offset: int) -> tuple[datetime | int, int]:
    seconds: int = struct.unpack_from(">Q", data, offset)[0]
    try:
        return datetime.fromtimestamp(seconds, UTC), offset + 8
    except (ValueError, OverflowError, OSError):
        # Some send milliseconds, which leads past the year 9999: the number is all that can be said.
        return seconds, offset + 8


def _number(code: str) -> Callable[[bytes, int], tuple[Any, int]]:
    layout = struct.Struct(">" + code)

    def decode(data: bytes, offset: int) -> tuple[Any, int]:
        return layout.unpack_from(data, offset)[0], offset + layout.size

    return decode


_LONG_STRING = ord("S")
_DECODERS: dict[int, Callable[[bytes, int], tuple[Any, int]]] = {
    ord("A"): _decode_array,
    ord("F"): _decode_table,
    ord("S"): _decode_string,
    ord("x"): _decode_bytes,
    ord("D"): _decode_decimal,
    ord("T"): _decode_time,
    ord("V"): lambda _data, offset: (None, offset),
    ord("t"): lambda data, offset: (data[offset] != 0, offset + 1),
    **{
        ord(tag): _number(code)
        # RabbitMQ reads `s` and `L` as signed, whatever the first specification said.
        for tag, code in (
            ("b", "b"),
            ("B", "B"),
            ("s", "h"),
            ("U", "h"),
            ("u", "H"),
            ("I", "i"),
            ("i", "I"),
            ("l", "q"),
            ("L", "q"),
            ("f", "f"),
            ("d", "d"),
        )
    },
}
