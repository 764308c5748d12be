"""Publish with confirms, for as long as it takes.

Any thread publishes and waits; the I/O thread writes, collects the confirms and repeats what the
broker refused (a full queue) or may not have got (a lost channel). So an output is said at least once.

A transaction would make a publication and an acknowledgement one, and was tried: RabbitMQ acknowledges the
delivery even when a full queue refuses the publication of the same transaction, and the message is lost.

Source: https://www.rabbitmq.com/docs/confirms#publisher-confirms
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.errors import BrokerError, ConnectorError
from ecs_connector.sailor.fieldtable import encode_properties
from ecs_connector.sailor.link import IoThread, Link

#: Headers must fit into one frame, which RabbitMQ limits to 128 KiB.
_HEADERS_LIMIT_BYTES = 130_000
_ROUTING_KEY_LIMIT_BYTES = 255
#: What stands before the properties in a header frame: class, weight and size of the body.
_HEADER_FRAME_BYTES = 12


@dataclass(slots=True, eq=False)
class Publication:
    """One message on its way out."""

    exchange: str
    routing_key: str
    body: bytes = field(repr=False)
    #: AMQP properties; `headers` holds those that vary.
    properties: dict[str, Any]
    #: Further header entries, encoded already.
    header_items: bytes = field(default=b"", repr=False)
    mandatory: bool = True
    #: Tries that have failed.
    failures: int = 0
    encoded: bytes = field(default=b"", repr=False)
    error: ConnectorError | None = None
    _done: Any = field(default_factory=threading.Lock, repr=False)

    def prepare(self) -> None:
        """Encode the properties and get ready to be waited for.

        Raises:
            ConnectorError: The broker would close the connection over this message, every time.
        """
        encoded = encode_properties(self.properties, header_items=self.header_items)
        if len(encoded) > _HEADERS_LIMIT_BYTES or len(self.routing_key.encode()) > _ROUTING_KEY_LIMIT_BYTES:
            raise ConnectorError(
                f"A message cannot be published: its routing key of {len(self.routing_key)} characters "
                f"or its headers of {len(encoded)} bytes are too long for AMQP."
            )
        self.encoded = encoded
        self._done.acquire()

    def mark_retry(self) -> None:
        """Count a failed try and say so in the headers."""
        self.failures += 1
        headers: Mapping[str, Any] = self.properties.get("headers") or {}
        self.properties["headers"] = {**headers, "retry": self.failures}
        self.encoded = encode_properties(self.properties, header_items=self.header_items)

    def finish(self, error: ConnectorError | None = None) -> None:
        self.error = error
        self._done.release()

    def wait(self) -> None:
        self._done.acquire()
        if self.error is not None:
            raise self.error


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a publish is repeated."""

    base_s: float
    longest_s: float
    #: Total tries; None for as long as it takes.
    attempts: int | None

    def delay_s(self, failures: int) -> float:
        """Return the pause after so many failed tries."""
        return float(min(self.base_s * 2.0 ** min(failures - 1, 60), self.longest_s))


class Publisher:
    """The publishing side of the step."""

    def __init__(self, io: IoThread, retry: RetryPolicy, *, on_ready: Callable[[], None]) -> None:
        self._io = io
        self._retry = retry
        self._on_ready = on_ready
        #: Set by whoever makes the link with this publisher's callbacks.
        self.link: Link
        self._channel: Any = None
        self._next_tag = 1
        self._unconfirmed: dict[int, Publication] = {}
        self._waiting: deque[Publication] = deque()
        self.published = 0
        self.retried = 0
        self.returned = 0

    def publish(self, publication: Publication) -> None:
        """Publish a message and return when the broker has confirmed it; any thread.

        Raises:
            BrokerError: The policy's attempts are used up.
            ConnectorError: AMQP cannot carry it.
        """
        publication.prepare()
        self._io.call(self._send, publication)
        publication.wait()

    @property
    def pending(self) -> int:
        return len(self._unconfirmed) + len(self._waiting)

    # Everything below runs on the I/O thread.

    def channel_opened(self, channel: Any) -> None:
        # Unroutable messages come back before their confirm: a step without a listener is no failure.
        channel.add_on_return_callback(self._on_return)
        channel.select_confirms(self._on_confirm, lambda: self._ready(channel))

    def channel_lost(self, _reason: str, _refused: bool) -> None:
        self._channel = None
        lost, self._unconfirmed = list(self._unconfirmed.values()), {}
        for publication in lost:
            self._repeat(publication, "the connection was lost before the broker confirmed it")

    def _ready(self, channel: Any) -> None:
        self._channel = channel
        self._next_tag = 1
        self.link.healthy()
        self._on_ready()
        waiting, self._waiting = self._waiting, deque()
        for publication in waiting:
            self._send(publication)

    def _send(self, publication: Publication) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            self._waiting.append(publication)
            return
        if len(publication.encoded) > channel.connection.body_limit - _HEADER_FRAME_BYTES:
            publication.finish(
                ConnectorError(
                    f"A message cannot be published: its headers of {len(publication.encoded)} bytes do not fit into "
                    f"one frame of this connection. Raise frameMax in ELASTICIO_AMQP_URI, or send less in them."
                )
            )
            return
        tag = self._next_tag
        self._next_tag = tag + 1
        self._unconfirmed[tag] = publication
        channel.publish(
            publication.exchange,
            publication.routing_key,
            publication.body,
            publication.encoded,
            mandatory=publication.mandatory,
        )

    def _on_confirm(self, tag: int, multiple: bool, confirmed: bool) -> None:
        unconfirmed = self._unconfirmed
        for known in [earlier for earlier in unconfirmed if earlier <= tag] if multiple else (tag,):
            publication = unconfirmed.pop(known, None)
            if publication is None:
                continue
            if confirmed:
                self.published += 1
                publication.finish()
            else:
                self._repeat(publication, "the broker refused it: the queue is full")

    def _on_return(self, *_: Any) -> None:
        self.returned += 1

    def _repeat(self, publication: Publication, reason: str) -> None:
        publication.mark_retry()
        attempts = self._retry.attempts
        if attempts is not None and publication.failures >= attempts:
            message_id = (publication.properties.get("headers") or {}).get("messageId")
            publication.finish(BrokerError(f"Failed on publishing {message_id} message to MQ: {reason}."))
            return
        self.retried += 1
        self._io.later(self._retry.delay_s(publication.failures), lambda: self._send(publication))
