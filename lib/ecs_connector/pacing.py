"""Holds calls back on our side while ECS throttles: at the rate that ECS lets through, as far as it is known.

ECS takes calls from a bucket that refills at a steady rate. Two throttles tell that rate: the bucket was
empty at both, so what passed in between is what came in. The pace stays a little below it and creeps up, to
notice when there is more. Until the first throttle, and again some time after the last, nothing is held back.

Deviates: the SDKs' adaptive mode follows a cubic curve, which runs into a throttle every few seconds.
Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

from __future__ import annotations

import threading

from ecs_connector.clock import Clock

#: Pace in calls a second after the first throttle, when nothing is known; and the slowest one.
_FIRST_RATE = 10.0
_MIN_RATE = 0.5
#: What part of the known rate is used.
_MARGIN = 0.85
#: Growth of the pace with each success: while nothing is known, and later.
_FAST_GROWTH = 1.02
_GROWTH = 1.002
#: Throttles within this many seconds are one event: the calls were under way together.
_SAME_EVENT_S = 0.25
#: After this long without a throttle, in seconds, the last one tells nothing about the next.
_FORGET_S = 30.0
#: Successes and seconds without a throttle after which nothing is held back any more.
_FREE_AFTER = 300
_FREE_AFTER_S = 60.0


class Pacer:
    """A pace that is learned from throttles; one for each kind of call that has a bucket of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: Calls a second; None while nothing is held back.
        self.rate: float | None = None
        self._growth = _FAST_GROWTH
        #: Calls that may go at once; below zero by the calls that wait already.
        self._tokens = 0.0
        self._filled_at = 0.0
        self._throttled_at = 0.0
        self._successes = 0

    def reserve(self) -> float:
        """Take the next place and return how long to wait for it, in seconds."""
        if self.rate is None:
            return 0.0
        with self._lock:
            if self.rate is None:
                return 0.0
            now = self._clock.monotonic()
            self._tokens = min(1.0, self._tokens + (now - self._filled_at) * self.rate) - 1.0
            self._filled_at = now
            return max(0.0, -self._tokens / self.rate)

    def cancel(self) -> None:
        """Give a place back that was not waited for."""
        with self._lock:
            self._tokens = min(1.0, self._tokens + 1.0)

    def throttled(self) -> None:
        """Slow down: ECS has refused a call as one too many."""
        with self._lock:
            now = self._clock.monotonic()
            since = now - self._throttled_at
            if self.rate is None:
                self.rate, self._growth = _FIRST_RATE, _FAST_GROWTH
                self._tokens, self._filled_at = 0.0, now
            elif since < _SAME_EVENT_S:
                return
            elif since > _FORGET_S and self._successes < since * _MIN_RATE:
                self.rate = max(_MIN_RATE, self.rate / 2)
            else:
                known = self._successes / since
                self.rate = max(_MIN_RATE, min(self.rate, known) * _MARGIN)
                self._growth = _GROWTH
            self._throttled_at, self._successes = now, 0

    def succeeded(self) -> None:
        """Creep up; stop holding back when there has been no throttle for long."""
        if self.rate is None:
            return
        with self._lock:
            if self.rate is None:
                return
            self._successes += 1
            self.rate *= self._growth
            if self._successes >= _FREE_AFTER and self._clock.monotonic() - self._throttled_at >= _FREE_AFTER_S:
                self.rate = None
