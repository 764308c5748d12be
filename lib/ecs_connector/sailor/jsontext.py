"""JSON as the Node.js runtime reads and writes it: compact, strict, non-ASCII unescaped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn
from uuid import UUID

import orjson

from ecs_connector.errors import EnvelopeError


def iso_timestamp(value: datetime) -> str:
    """Return ISO-8601 in UTC with milliseconds, as JavaScript's toISOString does."""
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    # orjson writes these two without asking; what it leaves to the standard library must come out the same.
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"A value of type {type(value).__name__} is not JSON.")


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not JSON")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode
_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode

# orjson does what both of them would do, many times faster, and the standard library decides the rest: all that
# orjson refuses (large integers, names that are no texts, half surrogate pairs), and what it would change in silence.
_AS_DEFAULT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
#: NaN and Infinity become this.
_NULL = b"null"
#: Integers of more than 64 bits become floats.
_LONG_NUMBER = re.compile(rb"\d{19}")


def dumps(value: Any) -> bytes:
    """Return compact UTF-8 JSON; NaN and Infinity are a ValueError, as no neighbour could read them."""
    try:
        fast = orjson.dumps(value, _plain, _AS_DEFAULT)
    except TypeError:
        return _dumps_any(value)
    return _dumps_any(value) if _NULL in fast else fast


def _dumps_any(value: Any) -> bytes:
    text = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair: JavaScript strings may hold one, UTF-8 may not.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def loads(data: bytes) -> Any:
    """Return the value of UTF-8 JSON.

    Raises:
        EnvelopeError: It is not strict JSON. The text never quotes the data.
    """
    if _LONG_NUMBER.search(data) is None:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
    try:
        return _decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise EnvelopeError(f"The payload is not JSON: {type(error).__name__}.") from error
