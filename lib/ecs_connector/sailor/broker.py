"""The broker as the runtime sees it: one publisher, one consumer, two connections, one I/O thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ecs_connector.context import Logger
from ecs_connector.errors import BrokerError
from ecs_connector.sailor.amqp import connection_parameters
from ecs_connector.sailor.consumer import Consumer
from ecs_connector.sailor.dedup import Delivery, Settlement
from ecs_connector.sailor.link import IoThread, Link, Patience
from ecs_connector.sailor.publisher import Publication, Publisher, RetryPolicy
from ecs_connector.sailor.settings import Settings


class Broker:
    """Owns the connections. Its methods are for any thread but the I/O thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        log: Logger,
        monotonic: Callable[[], float],
        on_delivery: Callable[[Delivery], None],
        on_dead: Callable[[str], None],
    ) -> None:
        # pika explains every lost connection in several lines of its own; the links say it in one.
        logging.getLogger("pika").setLevel(logging.CRITICAL + 1)
        self._settings = settings
        self._on_dead = on_dead
        self._writable = threading.Event()
        self._readable = threading.Event()
        self._consuming = threading.Event()
        #: Why the broker cannot be used at all, once that is so.
        self._death: str | None = None
        self._io = IoThread(lambda error: self._died(f"The broker thread has failed: {type(error).__name__}: {error}"))
        self.publisher = Publisher(
            self._io,
            RetryPolicy(
                settings.amqp_publish_retry_delay_ms / 1000,
                settings.amqp_publish_max_retry_delay_ms / 1000,
                settings.amqp_publish_retry_attempts,
            ),
            on_ready=self._writable.set,
        )
        self.consumer = Consumer(
            self._io,
            queue=settings.listen_messages_on,
            prefetch=settings.prefetch,
            one_cpu=settings.one_cpu,
            on_delivery=on_delivery,
            on_ready=self._readable.set,
            on_consuming=self._consuming.set,
            on_refused=self._died,
        )
        self._links = [
            self._link("read", self.consumer, log, monotonic),
            self._link("write", self.publisher, log, monotonic),
        ]

    def _link(self, name: str, owner: Consumer | Publisher, log: Logger, monotonic: Callable[[], float]) -> Link:
        settings = self._settings
        owner.link = Link(
            self._io,
            connection_parameters(settings.amqp_uri, name),
            name=name,
            patience=Patience(
                first_attempts=settings.amqp_reconnect_attempts,
                first_pause_s=settings.amqp_reconnect_timeout_ms / 1000,
                give_up_s=settings.broker_give_up_s,
            ),
            log=log,
            monotonic=monotonic,
            on_channel=owner.channel_opened,
            on_lost=owner.channel_lost,
            on_dead=self._died,
        )
        return owner.link

    def _died(self, reason: str) -> None:
        if self._death is None:
            self._death = reason
        for event in (self._writable, self._readable, self._consuming):
            event.set()
        self._on_dead(reason)

    def open(self) -> None:
        """Begin to connect; `wait_open` says how it went."""
        self._io.start()
        for link in self._links:
            self._io.call(link.open)

    def wait_open(self) -> None:
        """Wait until both connections are up.

        Raises:
            BrokerError: They cannot be had.
        """
        self._writable.wait()
        self._readable.wait()
        self._raise_if_dead()

    def wait_writable(self) -> None:
        """Wait until the publishing connection is up.

        Raises:
            BrokerError: It cannot be had.
        """
        self._writable.wait()
        if self.publisher.link.channel is None:
            self._raise_if_dead()

    def consume(self) -> None:
        """Begin to consume and wait until the broker has agreed.

        Raises:
            BrokerError: The queue is missing, or may not be read.
        """
        self.consumer.start()
        self._consuming.wait()
        self._raise_if_dead()

    def publish(self, publication: Publication) -> None:
        """Publish and wait for the confirm.

        Raises:
            BrokerError: The attempts are used up.
        """
        self.publisher.publish(publication)

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """Settle a delivery."""
        self.consumer.settle(delivery, settlement)

    def stop_consuming(self, timeout_s: float) -> None:
        """Ask for no more deliveries, and wait until none can come."""
        stopped = threading.Event()
        self.consumer.stop(stopped.set)
        stopped.wait(timeout_s)

    def close(self, timeout_s: float) -> None:
        """Close both connections; what is not settled goes back to the queue."""
        for link in self._links:
            self._io.call(link.close)
        for link in self._links:
            link.closed.wait(timeout_s / 2)
        self._io.stop(timeout_s / 2)

    def _raise_if_dead(self) -> None:
        if self._death is not None:
            raise BrokerError(self._death)
