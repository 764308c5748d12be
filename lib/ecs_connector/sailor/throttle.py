"""Limits how many messages leave in an interval: the first N at once, the rest in the next intervals.

Source: https://github.com/sindresorhus/p-throttle/blob/v2.1.0/index.js
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Throttle:
    """One bucket, shared by all threads; places are given in the order in which they are asked for."""

    def __init__(
        self, limit: int, interval_s: float, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._limit = max(1, limit)
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tick = float("-inf")
        self._taken = 0

    def reserve(self) -> float:
        """Take the next place and return the seconds until it."""
        with self._lock:
            now = self._monotonic()
            if now - self._tick > self._interval_s:
                self._tick = now
                self._taken = 1
            elif self._taken < self._limit:
                self._taken += 1
            else:
                self._tick += self._interval_s
                self._taken = 1
            return self._tick - now

    def wait(self) -> None:
        """Take the next place and wait for it."""
        delay = self.reserve()
        if delay > 0:
            self._sleep(delay)
