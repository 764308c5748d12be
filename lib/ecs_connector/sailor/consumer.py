"""Consume the step's queue and settle what came from it.

Runs on the I/O thread; a delivery goes to the workers, its settlement comes back by `settle`.

Source: https://www.rabbitmq.com/docs/consumers
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.sailor.dedup import Delivery, Ledger, Settlement
from ecs_connector.sailor.link import IoThread, Link
from ecs_connector.sailor.one_cpu import OneCpu


class Consumer:
    """The consuming side of the step."""

    def __init__(
        self,
        io: IoThread,
        *,
        queue: str,
        prefetch: int,
        one_cpu: bool,
        on_delivery: Callable[[Delivery], None],
        on_ready: Callable[[], None],
        on_consuming: Callable[[], None],
        on_refused: Callable[[str], None],
    ) -> None:
        self._io = io
        self._queue = queue
        self._prefetch = prefetch
        self._on_delivery = on_delivery
        self._on_ready = on_ready
        self._on_consuming = on_consuming
        self._on_refused = on_refused
        #: Set by whoever makes the link with this consumer's callbacks.
        self.link: Link
        self._ledger = Ledger(prefetch)
        # A single worker takes turns with the I/O thread: there is nothing to gain.
        self._one_cpu = OneCpu(io.later) if one_cpu and prefetch > 1 else None
        self._channel: Any = None
        self._epoch = 0
        self._started = False
        self._consumed = False
        self._stopped: Callable[[], None] | None = None
        self._tag: str | None = None
        self.received = 0
        self.copies = 0

    @property
    def in_work(self) -> int:
        return self._ledger.in_work

    def start(self) -> None:
        """Begin to consume; any thread."""
        self._io.call(self._start)

    def stop(self, then: Callable[[], None]) -> None:
        """Stop consuming; `then` is called when no further delivery can come; any thread."""
        self._io.call(self._stop, then)

    def settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """Settle a delivery, now or when its copy comes; any thread."""
        self._io.call(self._settle, delivery, settlement)

    # Everything below runs on the I/O thread.

    def channel_opened(self, channel: Any) -> None:
        self._channel = channel
        self._epoch += 1
        self._ledger.channel_opened(self._epoch)
        channel.add_on_cancel_callback(self._cancelled)
        if self._started:
            self._consume()
        else:
            self.link.healthy()
            self._on_ready()

    def channel_lost(self, reason: str, refused: bool) -> None:
        self._channel = None
        self._tag = None
        # A queue that was never there fails the start; one that goes away later may come back.
        if refused and self._started and not self._consumed:
            self._on_refused(f"The queue {self._queue} cannot be consumed: {reason}")
        if self._stopped is not None:
            self._stopped()

    def _start(self) -> None:
        self._started = True
        if self._channel is not None:
            self._consume()

    def _consume(self) -> None:
        if self._stopped is not None:
            return
        channel, epoch = self._channel, self._epoch

        def deliver(tag: int, redelivered: bool, properties: bytes, body: bytes) -> None:
            self._received(Delivery(body, properties, tag, redelivered, epoch))

        def consuming() -> None:
            self._consumed = True
            self.link.healthy()
            self._on_consuming()

        channel.basic_qos(prefetch_count=self._prefetch)
        self._tag = channel.consume(self._queue, deliver, consuming)

    def _received(self, delivery: Delivery) -> None:
        self.received += 1
        if self._one_cpu is not None:
            self._one_cpu.delivered()
        verdict = self._ledger.received(delivery)
        if verdict == "start":
            self._on_delivery(delivery)
            return
        self.copies += 1
        if verdict is not None:
            self._send(delivery.tag, verdict)

    def _settle(self, delivery: Delivery, settlement: Settlement) -> None:
        if self._ledger.settled(delivery, settlement) and self._channel is not None:
            self._send(delivery.tag, settlement)

    def _send(self, tag: int, settlement: Settlement) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            return
        if settlement == "ack":
            channel.ack(tag)
        else:
            channel.reject(tag, requeue=settlement == "requeue")

    def _cancelled(self, _: Any) -> None:
        # The queue was deleted, or its node is gone. A new channel starts afresh, whatever it was.
        self.link.drop_channel("the broker has cancelled the consumer")

    def _stop(self, then: Callable[[], None]) -> None:
        self._stopped = then
        channel = self._channel
        if channel is not None and channel.is_open and self._tag is not None:
            channel.basic_cancel(self._tag, callback=lambda _: then())
        else:
            then()
