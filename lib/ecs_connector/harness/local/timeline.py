"""Things that will happen, in order of their time.

Nothing runs in the background: before a request is answered, everything that is due by then happens,
each at its own time. Two requests with nothing due between them therefore see the same state.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

#: Called with the time at which it was due, not with the time of the request that noticed.
Event = Callable[[float], None]


class Timeline:
    """A queue of events by epoch time; not thread-safe, its owner holds a lock."""

    def __init__(self) -> None:
        self._events: list[tuple[float, int, Event]] = []
        self._count = 0

    def at(self, time_s: float, event: Event) -> None:
        """Let an event happen at a time."""
        self._count += 1
        # To the millisecond, as ECS shows times.
        heapq.heappush(self._events, (round(time_s, 3), self._count, event))

    def run_until(self, now_s: float) -> None:
        """Let everything happen that is due, including what the events themselves put in the queue."""
        while self._events and self._events[0][0] <= now_s:
            time_s, _, event = heapq.heappop(self._events)
            event(time_s)
