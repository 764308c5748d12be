"""AMQP properties: in the types that every runtime reads, and back as they were."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from decimal import Decimal

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_connector.errors import EnvelopeError
from ecs_connector.sailor.fieldtable import (
    decode_properties,
    encode_items,
    encode_properties,
    encode_table,
    encode_value,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=5))
def test_round_trip(headers):
    """Every table comes back with the same values and the same types."""
    found = decode_properties(encode_properties({"headers": headers}))["headers"]
    assert found == headers
    assert [type(value) for value in found.values()] == [type(value) for value in headers.values()]


@given(st.binary(max_size=80))
def test_any_bytes(data):
    """Bytes that are no properties are bad input, whatever they are."""
    try:
        decode_properties(data)
    except EnvelopeError:
        pass


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        (0, b"I"), (127, b"I"), (128, b"I"), (40_000, b"I"), (-1, b"I"), (2**31 - 1, b"I"), (2**31, b"l"),
        (3_000_000_000, b"l"), (1_790_000_000_000, b"l"), (-(2**31) - 1, b"l"), (2**63, b"d"),
        (True, b"t"), (None, b"V"), (0.5, b"d"), ("x", b"S"), (b"x", b"x"), ({}, b"F"), ([], b"A"),
        (Decimal("1.5"), b"D"), (datetime(2026, 1, 1, tzinfo=UTC), b"T"),
    ],
)  # fmt: skip
def test_tags(value, tag):
    """Integers are written as `I` or `l` only; every other type has its one tag."""
    assert encode_value(value)[:1] == tag


@pytest.mark.parametrize(
    ("tag", "layout", "value"),
    [
        ("b", ">b", -5), ("B", ">B", 250), ("s", ">h", -300), ("u", ">H", 60_000), ("U", ">h", -300),
        ("I", ">i", -70_000), ("i", ">I", 4_000_000_000), ("l", ">q", -(2**40)), ("L", ">q", 2**40),
        ("f", ">f", 0.5), ("d", ">d", 0.1),
    ],
)  # fmt: skip
def test_every_number_that_others_write_is_read(tag, layout, value):
    """Numbers of all tags are read, floats as floats."""
    items = b"\x01n" + tag.encode() + struct.pack(layout, value)
    data = struct.pack(">H", 1 << 13) + struct.pack(">I", len(items)) + items
    found = decode_properties(data)["headers"]["n"]
    assert found == value
    assert type(found) is type(value)


def test_decimals_and_times_come_back():
    """The rarer types survive."""
    table = {"d": Decimal("-12.50"), "t": datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)}
    assert decode_properties(encode_properties({"headers": table}))["headers"] == table


def test_same_bytes_as_pika():
    """Properties are laid out as pika lays them out."""
    properties = {
        "content_type": "application/json", "content_encoding": "utf8", "headers": {"a": 1, "b": "x", "c": {"d": True}},
        "delivery_mode": 2, "priority": 3, "correlation_id": "c", "reply_to": "r", "expiration": "15000",
        "message_id": "m", "timestamp": 12345, "type": "t", "user_id": "u", "app_id": "a", "cluster_id": "k",
    }  # fmt: skip
    assert encode_properties(properties) == b"".join(pika.BasicProperties(**properties).encode())
    assert decode_properties(encode_properties(properties)) == properties


def test_prepared_items():
    """Entries that were encoded before stand in the table with the others."""
    data = encode_properties({"headers": {"b": 2}}, header_items=encode_items({"a": 1}))
    assert decode_properties(data)["headers"] == {"a": 1, "b": 2}


def test_an_empty_table_is_there():
    """No entries is not the same as no table."""
    assert decode_properties(encode_properties({"headers": {}})) == {"headers": {}}
    assert "headers" not in decode_properties(encode_properties({}))


def test_text_that_is_no_utf8_stays_bytes():
    """A text in another encoding is kept as it is."""
    items = b"\x01n" + b"S" + struct.pack(">I", 1) + b"\xff"
    data = struct.pack(">H", 1 << 13) + struct.pack(">I", len(items)) + items
    assert decode_properties(data)["headers"] == {"n": b"\xff"}


def test_unknown_types_are_refused():
    """What AMQP has no type for is a TypeError, and nothing is written."""
    with pytest.raises(TypeError, match="object"):
        encode_table({"x": object()})
