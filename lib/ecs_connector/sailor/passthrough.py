"""What earlier steps said, carried along with each message.

Source: https://docs.elastic.io/developers/passthrough-feature
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def carried_on(
    incoming: Mapping[str, Any] | None, *, producer: str | None, received: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the incoming map plus the incoming message under the step that produced it."""
    carried = dict(incoming or {})
    if producer:
        carried[producer] = without_passthrough(received)
    return carried


def with_own(incoming: Mapping[str, Any] | None, *, step_id: str, emitted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the incoming map plus the emitted message under this step's id."""
    return {**(incoming or {}), step_id: without_passthrough(emitted)}


def without_passthrough(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as it is kept in a passthrough map: without one of its own."""
    return {key: value for key, value in message.items() if key != "passthrough"}
