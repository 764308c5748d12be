"""AMQP headers: what is read from an incoming message and what each kind of outgoing one carries.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/lib/sailor.js
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_connector.sailor.fieldtable import encode_items
from ecs_connector.sailor.settings import Settings, leading_integer

META_PREFIX = "x-eio-meta-"
TRACE_ID = "x-eio-meta-trace-id"
#: In a message's own headers: where to send it instead of the data routing key.
ROUTING_KEY = "x-eio-routing-key"
ERROR_REPLY = "x-eio-error-response"
#: Set for each message; no variable of ADDITIONAL_VARS_FOR_HEADERS may take their names.
_PER_MESSAGE = frozenset(
    {"threadId", "messageId", "parentMessageId", "start", "end", "protocolVersion", "retry", "snapshotEvent"}
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the headers of a delivery say."""

    message_id: str | None
    parent_message_id: str | None
    thread_id: str
    #: The step that produced the message.
    step_id: str | None
    reply_to: str | None
    #: `x-eio-meta-*`, names in lower case.
    meta: Mapping[str, Any]
    protocol_version: int
    #: Times the message has been rebounded.
    rebound_iteration: int


def read_incoming(headers: Mapping[str, Any], make_id: Callable[[], str]) -> Incoming:
    """Read the headers of a delivery; a thread begins here where none is named."""
    meta = {lowered: value for name, value in headers.items() if (lowered := name.lower()).startswith(META_PREFIX)}
    thread_id = headers.get("threadId") or meta.get(TRACE_ID) or make_id()
    iteration: Any = headers.get("reboundIteration")
    return Incoming(
        message_id=_text(headers.get("messageId")),
        parent_message_id=_text(headers.get("parentMessageId")),
        thread_id=str(thread_id),
        step_id=_text(headers.get("stepId")),
        reply_to=_text(headers.get("reply_to")),
        meta=meta,
        protocol_version=_protocol_version(headers.get("protocolVersion")),
        # Only a number counts; the official runtime starts again at 1 on a text.
        rebound_iteration=int(iteration) if _is_number(iteration) else 0,
    )


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _protocol_version(value: Any) -> int:
    if _is_number(value):
        return int(value)
    return (leading_integer(value) if isinstance(value, str) else None) or 1


class HeaderFactory:
    """Makes outgoing headers; what a step always says is encoded once."""

    def __init__(self, settings: Settings) -> None:
        step = {
            "execId": settings.exec_id,
            "taskId": settings.flow_id,
            "workspaceId": settings.workspace_id,
            "containerId": settings.container_id,
            "userId": settings.user_id,
            "stepId": settings.step_id,
            "compId": settings.comp_id,
            "function": settings.function,
        }
        additional = {k: v for k, v in settings.additional_headers.items() if k not in _PER_MESSAGE}
        #: The headers that are the same for every message, as they travel.
        self.fixed_items = encode_items({**additional, **step})

    def startup_error(self, message_id: str) -> dict[str, Any]:
        """Return the variable headers of an error that no message caused."""
        return {"messageId": message_id}

    def outgoing(self, incoming: Incoming, *, message_id: str, start_ms: int, end_ms: int | None) -> dict[str, Any]:
        """Return the variable headers of a message that another one caused."""
        headers: dict[str, Any] = dict(incoming.meta)
        headers["threadId"] = incoming.thread_id
        headers["messageId"] = message_id
        if incoming.message_id is not None:
            headers["parentMessageId"] = incoming.message_id
        if incoming.reply_to is not None:
            headers["reply_to"] = incoming.reply_to
        headers["start"] = start_ms
        if end_ms is not None:
            headers["end"] = end_ms
        return headers


def take_routing_key(message_headers: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return a message's own headers without `X-EIO-Routing-Key`, and the key, in any spelling."""
    kept: dict[str, Any] = {}
    key = None
    for name, value in message_headers.items():
        if name.lower() == ROUTING_KEY:
            key = str(value) if value else key
        else:
            kept[name] = value
    return kept, key
