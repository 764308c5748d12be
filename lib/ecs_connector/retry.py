"""Decides whether a failed attempt is repeated, and when.

Standard mode: full jitter over an exponential ceiling, a quota that all calls of a client share, and
AWS's own word on when to come back. What is repeated follows from why it failed and from whether
doing it twice is safe; it is never decided by the operation's name.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html; the numbers are those
of botocore 1.44's standard mode, except for capacity, which no SDK knows as a kind of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

#: Ceiling of the pause before the first repetition, in seconds, by the kind of failure.
_BASE_S = {"throttle": 1.0, "capacity": 15.0}
_BASE_DEFAULT_S = 0.05
#: Ceiling of any pause in seconds.
_MAX_S = {"capacity": 120.0}
_MAX_DEFAULT_S = 20.0
#: Longest that AWS's `x-amz-retry-after` may prolong a pause, in seconds.
_MAX_OWN_HINT_S = 5.0
#: Longest pause in seconds that `Retry-After` is followed for: it may come from anything on the way.
_MAX_HINT_S = 300.0

#: Tokens of the quota: what it holds, what a repetition costs, what a success gives back.
QUOTA_SIZE = 500
_COSTS = {"throttle": 5, "capacity": 5}
_COST_DEFAULT = 14
_REFUND = 1


class Hint(NamedTuple):
    """How long the other side asked to wait, in seconds."""

    seconds: float
    #: Longest that it may prolong a pause.
    most_s: float


class Failure(NamedTuple):
    """Why an attempt failed, as far as repeating it is concerned."""

    #: throttle, capacity, server, transport, stale, credentials, skew; None when repeating cannot help.
    kind: str | None
    #: Whether the attempt may have taken effect.
    maybe_done: bool
    hint: Hint | None = None


class Quota:
    """The tokens that all calls of one client pay repetitions from."""

    def __init__(self, size: int = QUOTA_SIZE) -> None:
        self._size = size
        self._left = size
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def pay(self, kind: str | None) -> int | None:
        """Take what a repetition costs; None when there is not enough."""
        cost = _COSTS.get(kind or "", _COST_DEFAULT)
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
    kind = failure.kind or ""
    # The exponent is bounded: beyond it every ceiling is the highest one, and no float is that large.
    grown = _BASE_S.get(kind, _BASE_DEFAULT_S) * 2.0 ** min(attempt - 1, 20)
    ceiling: float = min(_MAX_S.get(kind, _MAX_DEFAULT_S), grown)
    pause = random() * ceiling
    if kind == "capacity":
        # Capacity comes back in minutes: half of the ceiling at least, or the attempts are used up in no time.
        pause = ceiling / 2 + pause / 2
    if failure.hint is not None:
        return max(pause, min(failure.hint.seconds, pause + failure.hint.most_s))
    return pause


def hint(headers: Mapping[str, str], now_epoch_s: float) -> Hint | None:
    """Return what an answer asks for: `x-amz-retry-after` (milliseconds) or `Retry-After` (seconds or a date)."""
    own = headers.get("x-amz-retry-after", "").strip()
    if _digits(own):
        return Hint(int(own) / 1000, _MAX_OWN_HINT_S)
    asked = headers.get("retry-after", "").strip()
    if _digits(asked):
        return Hint(float(asked), _MAX_HINT_S)
    moment = http_date(asked)
    return None if moment is None else Hint(max(0.0, moment - now_epoch_s), _MAX_HINT_S)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def http_date(text: str | None) -> float | None:
    """Return an HTTP date as seconds since 1970; None when it is none."""
    if not text:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
