"""Says on stderr, when it is a terminal, that something is still being done."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

#: Seconds of silence before the first word, and between words.
_QUIET_S, _EVERY_S = 1.0, 0.5


class Progress:
    """A line that grows older while work goes on, and is gone afterwards."""

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self._what = what
        self._stream = stream if stream is not None else sys.stderr
        self._done = threading.Event()
        self._started = time.monotonic()
        self._thread: threading.Thread | None = None
        self._shown = False

    def __enter__(self) -> Self:
        if self._stream.isatty():
            for handler in logging.getLogger().handlers:
                handler.addFilter(self._make_way)
            self._thread = threading.Thread(target=self._tick, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            for handler in logging.getLogger().handlers:
                handler.removeFilter(self._make_way)
        self.clear()

    def say(self, what: str) -> None:
        """Change what is being done."""
        self._what = what

    def clear(self) -> None:
        """Take the line away, for something else to be printed."""
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._shown = False

    def _make_way(self, _record: logging.LogRecord) -> bool:
        """Clear the line for a log record, which is let pass."""
        self.clear()
        return True

    def _tick(self) -> None:
        pause = _QUIET_S
        while not self._done.wait(pause):
            pause = _EVERY_S
            seconds = int(time.monotonic() - self._started)
            self._stream.write(f"\r\033[K{self._what} ... {seconds} s")
            self._stream.flush()
            self._shown = True
