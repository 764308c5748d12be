"""JSON as the neighbours read and write it, by whichever of two parsers."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from datetime import UTC, date, datetime
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_connector.errors import EnvelopeError
from ecs_connector.sailor.jsontext import dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


def typed(value):
    """Return a value in a form in which 1, 1.0 and True differ."""
    return repr(value)


@given(VALUES)
def test_what_is_written_is_read(value):
    """Every JSON value comes through, with its types, integers of any size included."""
    assert typed(loads(dumps(value))) == typed(value)
    assert typed(json.loads(dumps(value))) == typed(value)


@given(VALUES)
def test_what_others_write_is_read(value):
    """What the standard library writes, escaped and spaced, is read as it would read it."""
    text = json.dumps(value, indent=1)
    assert typed(loads(text.encode())) == typed(json.loads(text))


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**40])
def test_large_integers_stay_integers(number):
    """An integer of any length keeps its digits."""
    assert dumps({"a": number}) == b'{"a":%d}' % number
    assert typed(loads(b'{"a":%d}' % number)) == typed({"a": number})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [None, x], lambda x: {"a": {"null": x}}])
def test_what_is_no_number_is_refused(value, wrap):
    """NaN and Infinity are never written, nor null in their place."""
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps(wrap(value))


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


@pytest.mark.parametrize("value", [Point(1), object(), 1j])
def test_what_is_not_json_is_refused(value):
    """Types that JSON has no form for are a TypeError, also those that the faster writer would take."""
    with pytest.raises(TypeError):
        dumps({"a": value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("null", '"null"'),
        ({"ключ": "\u2028é"}, '{"ключ":"\u2028é"}'),
        ({1: 2, None: 3, False: 4}, '{"1":2,"null":3,"false":4}'),
        (datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC), '"2026-01-02T03:04:05.678Z"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        ({"a": MappingProxyType({"b": {3}})}, '{"a":{"b":[3]}}'),
        ((1, (2,)), "[1,[2]]"),
        ([Colour.RED, UUID(int=1)], '["red","00000000-0000-0000-0000-000000000001"]'),
        ([Colour.RED, UUID(int=1), None], '["red","00000000-0000-0000-0000-000000000001",null]'),
        ("\ud800x", '"\ufffdx"'),
    ],
)
def test_written(value, text):
    """Compact, unescaped, and in the forms that JavaScript gives to dates."""
    assert dumps(value) == text.encode()


@pytest.mark.parametrize("data", [b'{"a":NaN}', b"[Infinity]", b"{", b"", b"\xff", b"[1,]", b"\xef\xbb\xbf{}", b"[01]"])
def test_what_cannot_be_read(data):
    """Whatever is not strict JSON is one error."""
    with pytest.raises(EnvelopeError):
        loads(data)


def test_half_a_surrogate_pair_is_read():
    """JavaScript may send half of a pair; the message is not lost over it."""
    assert loads(b'"\\ud800"') == "\ud800"
