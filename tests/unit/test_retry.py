"""When to come back, and who pays for it."""

from __future__ import annotations

import pytest

from ecs_connector.retry import QUOTA_SIZE, Failure, Hint, Quota, hint, http_date, may_repeat, pause_s


@pytest.mark.parametrize(
    ("kind", "maybe_done", "safe", "repeat"),
    [
        ("throttle", False, False, True),
        ("server", True, False, False),
        ("server", True, True, True),
        ("transport", False, False, True),
        ("transport", True, False, False),
        ("transport", True, True, True),
        (None, False, True, False),
    ],
)
def test_what_is_repeated(kind: str | None, maybe_done: bool, safe: bool, repeat: bool) -> None:  # noqa: FBT001 - a table
    """Only what may pass is repeated, and only where doing it twice does no harm."""
    assert may_repeat(Failure(kind, maybe_done), safe=safe) is repeat


@pytest.mark.parametrize(
    ("kind", "ceilings"),
    [
        ("throttle", [1, 2, 4, 8, 16, 20, 20]),
        ("server", [0.05, 0.1, 0.2, 0.4]),
        ("transport", [0.05, 0.1, 0.2, 0.4]),
        ("capacity", [15, 30, 60, 120, 120]),
    ],
)
def test_ceilings(kind: str, ceilings: list[float]) -> None:
    """The ceiling of the pause doubles from attempt to attempt up to its limit."""
    pauses = [pause_s(Failure(kind, maybe_done=False), n, lambda: 1.0) for n in range(1, len(ceilings) + 1)]
    assert pauses == pytest.approx(ceilings)


def test_full_jitter() -> None:
    """The pause is anywhere below the ceiling; for capacity in its upper half."""
    assert pause_s(Failure("throttle", maybe_done=False), 3, lambda: 0.0) == 0
    assert pause_s(Failure("capacity", maybe_done=False), 1, lambda: 0.0) == 7.5


def test_many_attempts_do_not_overflow() -> None:
    """The hundred-thousandth pause is the ceiling, not an error."""
    assert pause_s(Failure("throttle", maybe_done=False), 100_000, lambda: 1.0) == 20


def test_hint_prolongs_only() -> None:
    """A hint never shortens the pause, and prolongs it up to its limit."""
    assert pause_s(Failure("throttle", False, Hint(0.1, 300)), 3, lambda: 1.0) == 4
    assert pause_s(Failure("throttle", False, Hint(9.0, 300)), 3, lambda: 1.0) == 9
    assert pause_s(Failure("throttle", False, Hint(9e9, 300)), 3, lambda: 1.0) == 304


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 50),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0),
        ({"x-amz-retry-after": "1500", "retry-after": "7"}, 1.5),
        ({"x-amz-retry-after": "-1", "retry-after": "7"}, 7),
    ],
)
def test_hints(headers: dict[str, str], expected: float) -> None:
    """AWS's own hint is in milliseconds and comes first; `Retry-After` is seconds or a date."""
    found = hint(headers, 50.0)
    assert found is not None
    assert found.seconds == expected


@pytest.mark.parametrize("value", ["", "soon", "-3", "1e3", "9" * 400, "\u0663", "Thu, 99 Foo 1970"])
def test_damaged_hints_are_none(value: str) -> None:
    """A hint that cannot be read is none, whatever it is."""
    assert hint({"retry-after": value, "x-amz-retry-after": value}, 0.0) is None


def test_dates() -> None:
    """An HTTP date is seconds since 1970; anything else is none."""
    assert http_date("Thu, 01 Jan 1970 00:01:00 GMT") == 60
    assert http_date(None) is None
    assert http_date("yesterday") is None


def test_quota_numbers() -> None:
    """500 tokens; a throttle or a lack of capacity costs 5, anything else 14; too few is a refusal."""
    quota = Quota()
    assert quota.left == QUOTA_SIZE == 500
    assert [quota.pay(kind) for kind in ("throttle", "capacity", "server", "transport", "stale")] == [5, 5, 14, 14, 14]
    assert quota.left == 500 - 52
    small = Quota(13)
    assert small.pay("server") is None
    assert small.left == 13


def test_refunds() -> None:
    """A success gives back what its last repetition cost, or one token, and never more than there were."""
    quota = Quota()
    quota.pay("server")
    quota.pay("server")
    quota.refund(14)
    assert quota.left == 486
    quota.refund(0)
    assert quota.left == 487
    for _ in range(50):
        quota.refund(14)
    assert quota.left == 500
