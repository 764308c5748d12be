"""Publications: what goes to which routing key, with which headers and which payload."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_connector.errors import ConnectorError
from ecs_connector.sailor.dedup import Delivery
from ecs_connector.sailor.envelope import Codec
from ecs_connector.sailor.headers import ERROR_REPLY, HeaderFactory, Incoming
from ecs_connector.sailor.jsontext import dumps
from ecs_connector.sailor.publisher import Publication
from ecs_connector.sailor.settings import Settings
from ecs_connector.values import Emission

#: A neighbour may read frames of 4096 bytes only, and headers travel in one.
_REASON_LIMIT_CHARS = 1000
#: Set anew; and RabbitMQ refuses a user id that is not the connection's own.
_NOT_COPIED = frozenset({"user_id", "headers", "expiration", "delivery_mode"})
#: Ten years, in the broker's reckoning.
_LONGEST_EXPIRATION_MS = 315_360_000_000
_PERSISTENT, _TRANSIENT = 2, 1


def now_ms() -> int:
    """Return the wall clock as the platform's headers carry it."""
    return time.time_ns() // 1_000_000


def as_object(emission: Emission) -> Any:
    """Return the body as the next step can map from it: always an object."""
    body = emission.body
    if isinstance(body, Mapping):
        return body
    return {} if body is None else {emission.item_name or "value": body}


@dataclass(slots=True)
class Received:
    """A delivery with its headers read."""

    delivery: Delivery
    properties: Mapping[str, Any]
    incoming: Incoming
    #: The wire message.
    wire: dict[str, Any]


class Outgoing:
    """Makes the publications of one step."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self.headers = HeaderFactory(settings)
        # The mode is always said: a broker would take its absence for transient, a reader for unknown.
        self._delivery_mode = _PERSISTENT if settings.amqp_persistent_messages else _TRANSIENT

    def data(self, wire: Mapping[str, Any], headers: dict[str, Any], routing_key: str | None) -> Publication:
        """Return a message on its way.

        Raises:
            ConnectorError: It is larger than the platform allows.
        """
        settings = self._settings
        return self._encrypted(wire, headers, routing_key or settings.data_routing_key, settings.protocol_version)

    def reply(self, wire: Mapping[str, Any], headers: dict[str, Any], reply_to: str) -> Publication:
        """Return the answer to an HTTP request on its way; always protocol version 1.

        Raises:
            ConnectorError: It is larger than the platform allows.
        """
        return self._encrypted(wire, headers, reply_to, 1)

    def errors(
        self, report: Mapping[str, str], headers: Mapping[str, Any], received: Received | None
    ) -> list[Publication]:
        """Return an error on its way, and its copy to whoever waits for a reply."""
        error = self._codec.encode_error(report)
        envelope = {"error": error}
        if received is not None:
            envelope["errorInput"] = self._codec.error_input(received.delivery.body, received.incoming.protocol_version)
        found = [self._publication(self._settings.error_routing_key, dumps(envelope), dict(headers))]
        reply_to = received.incoming.reply_to if received is not None else None
        if reply_to and not self._settings.no_error_replies:
            found.append(self._publication(reply_to, error.encode(), {**headers, ERROR_REPLY: True}))
        return found

    def snapshot(self, value: Any, headers: Mapping[str, Any], event: str) -> Publication:
        """Return a snapshot, or a patch of it, on its way: plain JSON."""
        return self._publication(self._settings.snapshot_routing_key, dumps(value), {**headers, "snapshotEvent": event})

    def rebound(self, received: Received, reason: str, iteration: int) -> Publication:
        """Return the incoming message, unchanged, on its way to come again later."""
        settings = self._settings
        properties = {name: value for name, value in received.properties.items() if name not in _NOT_COPIED}
        properties["headers"] = {
            **received.properties["headers"],
            "end": now_ms(),
            "reboundReason": reason[:_REASON_LIMIT_CHARS],
            "reboundIteration": iteration,
        }
        # The broker closes the channel over a negative one, and over one of many years.
        expiration_ms = max(0, settings.rebound_initial_expiration_ms) * 2 ** (iteration - 1)
        properties["expiration"] = str(min(expiration_ms, _LONGEST_EXPIRATION_MS))
        properties["delivery_mode"] = self._delivery_mode
        return Publication(
            settings.publish_messages_to,
            settings.rebound_routing_key,
            received.delivery.body,
            properties,
            mandatory=False,
        )

    def _encrypted(self, wire: Mapping[str, Any], headers: dict[str, Any], key: str, version: int) -> Publication:
        headers["protocolVersion"] = version
        payload = self._codec.encode(wire, version)
        limit = self._settings.outgoing_message_size_limit
        if len(payload) > limit:
            raise ConnectorError(f"Outgoing message size {len(payload)} exceeds limit of {limit}.")
        return self._publication(key, payload, headers)

    def _publication(self, routing_key: str, payload: bytes, headers: dict[str, Any]) -> Publication:
        properties = {
            "content_type": "application/json",
            "content_encoding": "utf8",
            "headers": headers,
            "delivery_mode": self._delivery_mode,
        }
        return Publication(
            self._settings.publish_messages_to,
            routing_key,
            payload,
            properties,
            header_items=self.headers.fixed_items,
        )
