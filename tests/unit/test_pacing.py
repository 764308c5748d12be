"""The pace at which calls go while ECS throttles."""

from __future__ import annotations

import pytest

from ecs_connector.pacing import Pacer
from support.stepped_clock import SteppedClock


def drive(*, size: float, rate: float, latency_s: float, calls: int) -> tuple[int, float]:
    """Call against a bucket; return the throttled replies and the seconds that it took."""
    clock = SteppedClock()
    pacer = Pacer(clock)
    tokens, at, throttled = size, 0.0, 0
    for _ in range(calls):
        while True:
            pause = pacer.reserve()
            if pause:
                clock.sleep(pause)
            clock.elapsed_s += latency_s
            tokens, at = min(size, tokens + (clock.elapsed_s - at) * rate), clock.elapsed_s
            if tokens >= 1:
                tokens -= 1
                pacer.succeeded()
                break
            throttled += 1
            pacer.throttled()
            clock.sleep(0.5)
    return throttled, clock.elapsed_s


@pytest.mark.parametrize("latency_s", [0.005, 0.1])
@pytest.mark.parametrize(("size", "rate"), [(100, 40), (50, 20), (20, 10), (10, 5), (20, 1), (1, 1), (1, 20), (5, 100)])
def test_few_throttles(size: float, rate: float, latency_s: float) -> None:
    """Of 500 calls less than 2 % are throttled, whatever the bucket, and they take little longer than they must."""
    throttled, seconds = drive(size=size, rate=rate, latency_s=latency_s, calls=500)
    assert throttled < 10
    assert seconds < 1.7 * max((500 - size) / rate, 500 * latency_s) + 10


def test_nothing_is_held_back_before_a_throttle() -> None:
    """Without a throttle calls go at once."""
    pacer = Pacer(SteppedClock())
    assert {pacer.reserve() for _ in range(1000)} == {0.0}


def test_waiting_calls_queue_up() -> None:
    """Calls that wait together get turns one after the other, and a turn given back is free again."""
    pacer = Pacer(SteppedClock())
    pacer.throttled()
    assert [pacer.reserve() for _ in range(3)] == pytest.approx([0.1, 0.2, 0.3])
    pacer.cancel()
    assert pacer.reserve() == pytest.approx(0.3)


def test_throttles_of_calls_under_way_together_count_once() -> None:
    """Twenty throttles at once lower the pace as one does."""
    pacer = Pacer(SteppedClock())
    for _ in range(20):
        pacer.throttled()
    assert pacer.rate == 10


def test_pace_ends_after_long_success() -> None:
    """Some minutes without a throttle, and nothing is held back any more."""
    clock = SteppedClock()
    pacer = Pacer(clock)
    pacer.throttled()
    for _ in range(1000):
        clock.elapsed_s += 0.2
        pacer.succeeded()
    assert pacer.rate is None
    assert pacer.reserve() == 0
