"""Time and sleep as an argument.

Every stage that needs the time or has to pause is handed a `Clock`; nothing else reads the system's.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

from ecs_connector.errors import StopRequested


class Clock(Protocol):
    """What the pipeline needs to know about time."""

    def now(self) -> datetime:
        """Return the wall clock, aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for budgets."""

    def sleep(self, seconds: float) -> None:
        """Pause; raise `StopRequested` when the process has been asked to stop."""


class SystemClock:
    """The machine's clock, with a sleep that a stop request ends at once."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop if stop is not None else threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StopRequested
