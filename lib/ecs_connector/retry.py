"""Decides whether a failed attempt is repeated, and when.

Standard mode: full jitter over an exponential ceiling, a quota that all calls of a client share, and
AWS's own word on when to come back. What is repeated follows from why it failed and from whether
doing it twice is safe; it is never decided by the operation's name.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Ceiling of the pause before the first repetition, in seconds, by the kind of failure.
_BASE_S = {"throttle": 1.0, "capacity": 15.0, "server": 1.0, "transport": 1.0}
#: Ceiling of any pause in seconds.
_MAX_S = {"capacity": 120.0}
_MAX_DEFAULT_S = 20.0
#: Longest pause in seconds that a server's own word is followed for.
_MAX_HINT_S = 300.0

#: Tokens of the quota: what it holds, what a repetition costs, what a success gives back.
QUOTA_SIZE = 500
_COSTS = {"transport": 10}
_COST_DEFAULT = 5
_REFUND = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, as far as repeating it is concerned."""

    #: throttle, capacity, server, transport, credentials, skew; None when repeating cannot help.
    kind: str | None
    #: Whether the attempt may have taken effect.
    maybe_done: bool
    #: Seconds that the other side asked to wait.
    hint_s: float | None = None


class Quota:
    """The tokens that all calls of one client pay repetitions from."""

    def __init__(self, size: int = QUOTA_SIZE) -> None:
        self._size = size
        self._left = size
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def pay(self, kind: str) -> int | None:
        """Take what a repetition costs; None when there is not enough."""
        cost = _COSTS.get(kind, _COST_DEFAULT)
        with self._lock:
            if self._left < cost:
                return None
            self._left -= cost
            return cost

    def refund(self, paid: int) -> None:
        """Give back what the repetition cost that led to a success; a first success gives one token."""
        if self._left < self._size:
            with self._lock:
                self._left = min(self._size, self._left + (paid or _REFUND))


def may_repeat(failure: Failure, *, safe: bool) -> bool:
    """Say whether another attempt may help and can do no harm."""
    return failure.kind is not None and (safe or not failure.maybe_done)


def pause_s(failure: Failure, attempt: int, random: Callable[[], float]) -> float:
    """Return how long to wait after the n-th attempt (1 is the first)."""
    kind = failure.kind or "server"
    ceiling = min(_MAX_S.get(kind, _MAX_DEFAULT_S), _BASE_S.get(kind, 1.0) * 2 ** (attempt - 1))
    jittered = random() * ceiling
    if kind == "capacity":
        # Capacity comes back in minutes: half of the ceiling at least, or the attempts are used up in no time.
        jittered = ceiling / 2 + jittered / 2
    if failure.hint_s is not None:
        return max(jittered, min(failure.hint_s, _MAX_HINT_S))
    return jittered


def hint_s(headers: Mapping[str, str], now_epoch_s: float) -> float | None:
    """Return the seconds that an answer asks to wait: `x-amz-retry-after` (milliseconds) or `Retry-After`."""
    own = headers.get("x-amz-retry-after")
    if own is not None and own.strip().isdigit():
        return int(own) / 1000
    asked = headers.get("retry-after")
    if asked is None:
        return None
    if asked.strip().isdigit():
        return float(asked)
    moment = http_date(asked)
    return None if moment is None else max(0.0, moment - now_epoch_s)


def http_date(text: str | None) -> float | None:
    """Return an HTTP date as seconds since 1970; None when it is none."""
    if not text:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
