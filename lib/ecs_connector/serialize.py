"""Turns an operation's input into the body of a JSON 1.1 request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from ecs_connector.errors import InputError, Violation
from ecs_connector.model import Model, Operation


def target(model: Model, operation: Operation, path: str = "/") -> str:
    """Return path and query: the query names the operation, as the component's specification asks."""
    return f"{path}?Action={operation.name}&Version={model.api_version}"


def body(operation: Operation, params: Mapping[str, Any]) -> bytes:
    """Return the input as compact JSON; timestamps go as seconds since 1970, as the protocol has them.

    Raises:
        InputError: The input has something that is not JSON: a number that is not finite, half a character.
    """
    content = to_epoch(params, operation.times_in) if operation.times_in else params
    try:
        encoded = orjson.dumps(content)
        # A number that is not finite is written as null by orjson; 3.0 may stand where 3 is meant, and ECS takes
        # whole numbers only as such. Both are rare, and looked at more closely.
        if b"null" not in encoded and b".0" not in encoded:
            return encoded
    except TypeError:
        pass  # numbers beyond 64 bits, half a character, something that is not JSON
    try:
        return _strict(_whole(content))
    except (TypeError, ValueError, RecursionError) as error:
        message = f"{operation.name}: the input is not JSON: {type(error).__name__}: {error}"
        raise InputError(message, violations=[Violation("", "json", message)]) from error


def _strict(content: Any) -> bytes:
    import json

    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _whole(value: Any) -> Any:
    """Return a copy in which every number without a fraction is an integer."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, (list, tuple)) else value


def to_epoch(value: Any, plan: Any) -> Any:
    """Return a copy in which every timestamp of the plan is a number."""
    if plan == 1:
        return _epoch(value) if isinstance(value, str) else value
    if isinstance(plan, list):
        return [to_epoch(item, plan[0]) for item in value] if isinstance(value, list) else value
    if not isinstance(value, Mapping):
        return value
    return {key: to_epoch(item, plan[key]) if key in plan else item for key, item in value.items()}


def _epoch(text: str) -> int | float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp()
    return int(seconds) if seconds.is_integer() else seconds
