"""Holds calls back on our side while ECS throttles: a rate that falls with each throttle and recovers.

The rate after a throttle follows a cubic curve: quick back to near where it broke, careful around it.
Until the first throttle nothing is held back and nothing is counted.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html (adaptive mode)
"""

from __future__ import annotations

import threading

from ecs_connector.clock import Clock

_BETA = 0.7
_SCALE = 0.4
#: Slowest rate in calls a second.
_MIN_RATE = 0.5
#: Seconds over which the rate of calls is measured.
_WINDOW_S = 0.5


class Pacer:
    """A token bucket whose rate is learned from throttles."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: Calls a second; None while nothing is held back.
        self.rate: float | None = None
        self._tokens = 0.0
        self._filled_at = 0.0
        self._broke_at_rate = 0.0
        self._broke_at = 0.0
        self._window_start = clock.monotonic()
        self._window_calls = 0
        self._measured = 0.0

    def wait(self) -> None:
        """Pause until a call may be sent."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                self._measure(now)
                if self.rate is None:
                    return
                self._tokens = min(max(1.0, self.rate), self._tokens + (now - self._filled_at) * self.rate)
                self._filled_at = now
                if self._tokens >= 1.0:
                    self._tokens -= 1.0
                    return
                pause = (1.0 - self._tokens) / self.rate
            self._clock.sleep(pause)

    def throttled(self) -> None:
        """Lower the rate: ECS has refused a call as one too many."""
        with self._lock:
            now = self._clock.monotonic()
            current = self._measured if self.rate is None else min(self._measured or self.rate, self.rate)
            self._broke_at_rate = max(current, _MIN_RATE)
            self._broke_at = now
            self.rate = max(_MIN_RATE, self._broke_at_rate * _BETA)
            self._tokens = 0.0
            self._filled_at = now

    def succeeded(self) -> None:
        """Let the rate recover; well above where it broke, stop pacing."""
        if self.rate is None:
            return
        with self._lock:
            if self.rate is None:
                return
            elapsed = self._clock.monotonic() - self._broke_at
            inflection = (self._broke_at_rate * (1 - _BETA) / _SCALE) ** (1 / 3)
            grown = _SCALE * (elapsed - inflection) ** 3 + self._broke_at_rate
            self.rate = max(self.rate, min(grown, 2.0 * max(self._measured, _MIN_RATE)))

    def _measure(self, now: float) -> None:
        self._window_calls += 1
        elapsed = now - self._window_start
        if elapsed >= _WINDOW_S:
            rate = self._window_calls / elapsed
            self._measured = rate if self._measured == 0.0 else 0.8 * rate + 0.2 * self._measured
            self._window_start, self._window_calls = now, 0
