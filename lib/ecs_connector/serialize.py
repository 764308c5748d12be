"""Turns an operation's input into the body of a JSON 1.1 request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ecs_connector.model import Model, Operation

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def target(model: Model, operation: Operation, path: str = "/") -> str:
    """Return path and query: the query names the operation, as the component's specification asks."""
    return f"{path}?Action={operation.name}&Version={model.api_version}"


def body(operation: Operation, params: Mapping[str, Any]) -> bytes:
    """Return the input as compact JSON; timestamps go as seconds since 1970, as the protocol has them."""
    content = to_epoch(params, operation.times_in) if operation.times_in else params
    return _ENCODER.encode(content).encode()


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
