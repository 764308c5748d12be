"""The clock that a test winds by hand, and time as ECS writes it.

The life cycle of tasks and deployments follows the endpoint's clock. On a `ManualClock` nothing moves
until somebody advances it; `sleep` advances it too, so a waiter that shares the clock needs no real time.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from ecs_connector.clock import Clock


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start if start is not None else datetime.now(UTC).replace(microsecond=0)
        self._elapsed_s = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        with self._lock:
            return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        with self._lock:
            self._elapsed_s += max(0.0, seconds)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)


def epoch_s(clock: Clock) -> float:
    """Return the clock's time in seconds since 1970, to the millisecond, as ECS sends timestamps."""
    return round(clock.now().timestamp(), 3)
