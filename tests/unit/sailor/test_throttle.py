"""The rate limit: so many at once, the rest in the next intervals."""

from __future__ import annotations

from ecs_connector.sailor.throttle import Throttle


class Time:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_bursts():
    """Ten leave at once, ten in the next interval, and so on."""
    time = Time()
    throttle = Throttle(10, 0.1, monotonic=time.monotonic, sleep=time.sleep)
    left = []
    for _ in range(35):
        throttle.wait()
        left.append(round(time.now - 100, 6))
    assert left == [0.0] * 10 + [0.1] * 10 + [0.2] * 10 + [0.3] * 5


def test_many_waiters_get_places_in_order():
    """Places are given ahead: whoever asks later leaves later."""
    time = Time()
    throttle = Throttle(2, 1.0, monotonic=time.monotonic, sleep=time.sleep)
    assert [throttle.reserve() for _ in range(6)] == [0, 0, 1, 1, 2, 2]


def test_a_pause_frees_the_bucket():
    """After a quiet interval the whole limit is there again."""
    time = Time()
    throttle = Throttle(2, 1.0, monotonic=time.monotonic, sleep=time.sleep)
    for _ in range(3):
        throttle.reserve()
    time.now += 5
    assert [throttle.reserve() for _ in range(3)] == [0, 0, 1]
