"""Which deliveries are in work, and which delivery settles each of them.

A delivery that is lost with its channel comes again, as a copy: the work goes on, and the copy is what
gets settled. Nothing else is ever taken for a duplicate: two messages may carry the same id, so a
copy is only what matches work of a channel that is gone, in id, headers and body.

Deviates: the official runtime compares the id alone and drops distinct messages that share one.

Source: https://www.rabbitmq.com/docs/confirms#automatic-requeueing
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from ecs_connector.errors import EnvelopeError
from ecs_connector.sailor.fieldtable import decode_properties

Settlement = Literal["ack", "reject", "requeue"]
Key = tuple[Any, ...]

#: Headers by which two copies of one message may differ: RabbitMQ counts redeliveries in them.
_COUNTERS = frozenset({"x-delivery-count"})


@dataclass(slots=True, eq=False)
class Delivery:
    """One message as it came from the broker."""

    body: bytes = field(repr=False)
    #: The content properties as they came; decoded where an error can be dealt with.
    raw_properties: bytes = field(repr=False)
    tag: int
    redelivered: bool
    #: Number of the channel, counted over the life of the process.
    epoch: int

    def key(self) -> Key:
        """Return what two copies of one message have in common."""
        try:
            properties = decode_properties(self.raw_properties)
        except EnvelopeError:
            return (self.body, self.raw_properties)
        headers = properties.pop("headers", None) or {}
        named = sorted((name, repr(value)) for name, value in headers.items() if name not in _COUNTERS)
        return (self.body, repr(sorted(properties.items())), *named)


class Ledger:
    """The deliveries of one consumer. Used by the thread that owns the channel, and by no other."""

    def __init__(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._in_work: set[Delivery] = set()
        #: Settlements that the broker may not have seen yet: it never has more than the prefetch open.
        self._recent: deque[tuple[Delivery, Settlement]] = deque(maxlen=prefetch)
        #: Work, or a settlement, that waits for the copy of a delivery whose channel is gone.
        self._orphans: list[tuple[Key, Delivery, Settlement | None]] = []
        self._epoch = 0

    @property
    def in_work(self) -> int:
        return len(self._in_work)

    def channel_opened(self, epoch: int) -> None:
        """Note that deliveries of older channels can no longer be settled."""
        self._epoch = epoch
        known = {id(delivery) for _, delivery, _ in self._orphans}
        for delivery in self._in_work:
            if delivery.epoch != epoch and id(delivery) not in known:
                self._orphans.append((delivery.key(), delivery, None))
        for delivery, settlement in self._recent:
            self._orphans.append((delivery.key(), delivery, settlement))
        self._recent.clear()
        # A copy that went to another process never comes here.
        finished = [orphan for orphan in self._orphans if orphan[2] is not None]
        for orphan in finished[: -4 * self._prefetch]:
            self._orphans.remove(orphan)

    def received(self, delivery: Delivery) -> Settlement | Literal["start"] | None:
        """Take in a delivery.

        Returns:
            `start` for new work; a settlement for the copy of finished work; None for the copy of
            work that goes on.
        """
        if delivery.redelivered and self._orphans:
            key = delivery.key()
            for index, (known, original, settlement) in enumerate(self._orphans):
                if known == key and original.epoch != delivery.epoch:
                    del self._orphans[index]
                    return self._adopt(original, delivery, settlement)
        self._in_work.add(delivery)
        return "start"

    def _adopt(self, original: Delivery, copy: Delivery, settlement: Settlement | None) -> Settlement | None:
        original.tag, original.epoch = copy.tag, copy.epoch
        if settlement is not None:
            self._recent.append((original, settlement))
        return settlement

    def settled(self, delivery: Delivery, settlement: Settlement) -> bool:
        """Note that work has ended; return whether its delivery can be settled on the current channel."""
        self._in_work.discard(delivery)
        if delivery.epoch == self._epoch:
            if settlement != "requeue":
                self._recent.append((delivery, settlement))
            return True
        for index, (key, orphan, _) in enumerate(self._orphans):
            if orphan is delivery:
                if settlement == "requeue":
                    del self._orphans[index]
                else:
                    self._orphans[index] = (key, orphan, settlement)
        return False
