"""A busy step keeps its threads on one processor.

Only one thread at a time runs Python. With several processors each hand-over of the interpreter wakes
another one, and a thread that gives it away for a short system call finds it taken: with a prefetch
of 20 that was half of what a message cost. On one processor the thread mostly keeps it.

Threads that do not run Python are left where they are. What a component starts meanwhile begins where its
parent is held: threads are let go with the others, a process of its own is not.

Which processor is the kernel's choice: every now and then the threads are let go for a moment, and held
again where the broker's thread is found then, so that a neighbour's load on one processor is evaded.

Source: https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

#: Pace at which the load is looked at, and the threads are let go.
_TICK_S = 0.25
#: Time for the kernel to find another place.
_LOOSE_S = 0.005
#: Deliveries in a tick from which on a step counts as busy: 40 a second, less than the platform's rate limit lets out.
_BUSY = 10
_TASKS = "/proc/self/task"
_OWN_STATE = "/proc/thread-self/stat"
#: Place of `processor` among the fields that follow the command's closing bracket.
_PROCESSOR_FIELD = 36


class OneCpu:
    """Holds and releases the threads of this process. Used by the I/O thread, and by no other."""

    def __init__(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._later = later
        self._allowed = allowed_cpus()
        #: Nothing is to be gained, or it is not to be had.
        self._off = len(self._allowed) < 2
        self._deliveries = 0
        self._watching = False
        self._held: int | None = None

    def delivered(self) -> None:
        """Take note of a delivery."""
        self._deliveries += 1
        if not self._watching and not self._off:
            self._watching = True
            self._later(_TICK_S, self._tick)

    def _tick(self) -> None:
        is_busy, self._deliveries = self._deliveries >= _BUSY, 0
        self.release()
        # A step without work has no timer; the next delivery begins anew.
        self._watching = is_busy and not self._off
        if self._watching:
            self._later(_LOOSE_S, self._hold)

    def _hold(self) -> None:
        try:
            cpu = current_cpu()
            for thread in threading.enumerate():
                self._hold_one(thread.native_id, cpu)
        except (OSError, ValueError, IndexError):
            self.release()
            self._off = True
        self._later(_TICK_S, self._tick)

    def _hold_one(self, thread: int | None, cpu: int) -> None:
        try:
            # One that has been given a place of its own stays there.
            if thread is not None and os.sched_getaffinity(thread) == self._allowed:
                self._held = cpu
                os.sched_setaffinity(thread, {cpu})
        except ProcessLookupError:
            pass  # It has ended meanwhile.

    def release(self) -> None:
        """Let go of all threads, those that were started meanwhile included."""
        if self._held is None:
            return
        held, self._held = {self._held}, None
        for task in os.listdir(_TASKS):
            try:
                if os.sched_getaffinity(int(task)) == held:
                    os.sched_setaffinity(int(task), self._allowed)
            except OSError:
                continue


def allowed_cpus() -> set[int]:
    """Return the processors that this process may use; none where threads cannot be held."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") and os.path.isdir(_TASKS) else set()


def current_cpu() -> int:
    """Return the processor that the calling thread runs on."""
    with open(_OWN_STATE, encoding="ascii", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[_PROCESSOR_FIELD])
