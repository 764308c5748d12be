"""Measures: whole processes by the kernel's accounting, functions by CPU time, in turn so that drift hits both."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Series:
    """Samples of one figure."""

    unit: str
    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def text(self) -> str:
        """Return the median with its spread."""
        return f"{_number(self.median)} {self.unit} ({_number(min(self.samples))} to {_number(max(self.samples))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


@dataclass
class Result:
    """One line of the table."""

    name: str
    ours: Series
    theirs: Series
    #: The ratio that is aimed at; None where there is no aim.
    goal: float | None = None
    #: Whether the ratio shall be at least the goal, instead of at most.
    higher: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours.median / self.theirs.median

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.higher else self.ratio <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Return the line as data."""
        return {
            "name": self.name, "unit": self.ours.unit, "ours": self.ours.samples, "theirs": self.theirs.samples,
            "ratio": self.ratio, "goal": self.goal, "atLeast": self.higher, "met": self.met, "note": self.note,
        }  # fmt: skip


@dataclass
class Run:
    """What the kernel says of one finished process."""

    cpu_ms: float
    wall_ms: float
    peak_mib: float
    output: str


def process(command: Sequence[str], **options: Any) -> Run:
    """Run a whole process and return its CPU time, wall time and peak memory."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Run((usage.ru_utime + usage.ru_stime) * 1000, wall * 1000, usage.ru_maxrss / 1024, output)


def in_turn(rounds: int, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[list[Any], list[Any]]:
    """Call two functions A B A B ..., after one round that does not count."""
    first(), second()
    pairs = [(first(), second()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def cpu_us(function: Callable[[], Any], count: int) -> float:
    """Return the CPU time of one call in microseconds."""
    started = time.process_time()
    for _ in range(count):
        function()
    return (time.process_time() - started) / count * 1e6


@contextlib.contextmanager
def stub(*options: str) -> Iterator[int]:
    """Give the port of a stub in a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "bench.stub", *options], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield int(child.stdout.readline())
        finally:
            child.terminate()
