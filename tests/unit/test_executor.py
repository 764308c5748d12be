"""What a component's `process` may return, and when it is asked for more."""

from __future__ import annotations

import pytest

from ecs_connector.executor import execute
from ecs_connector.values import Emission, Message


def emitted(process):
    return [(one.kind, one.body) for one in execute(process, Message({"n": 1}), {}, {}, None)]


async def one_value(message, config, snapshot, context):
    return {"got": message.body}


async def several_values(message, config, snapshot, context):
    yield Emission("snapshot", {"at": 1})
    yield {"got": message.body}


async def nothing(message, config, snapshot, context):
    return None


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (lambda *_: None, []),
        (lambda *_: {"a": 1}, [("data", {"a": 1})]),
        (lambda *_: Emission("rebound", "later"), [("rebound", "later")]),
        (lambda *_: iter([{"a": 1}, Emission("end")]), [("data", {"a": 1}), ("end", None)]),
        (one_value, [("data", {"got": {"n": 1}})]),
        (several_values, [("snapshot", {"at": 1}), ("data", {"got": {"n": 1}})]),
        (nothing, []),
    ],
)
def test_what_a_process_returns_is_emitted(process, expected):
    """A value, an emission, a generator, a coroutine and an asynchronous generator all say what they have to say."""
    assert emitted(process) == expected


def test_an_asynchronous_generator_is_pulled():
    """The second value is made when it is asked for, not before."""
    made = []

    async def process(*_):
        for number in (1, 2):
            made.append(number)
            yield number

    emissions = execute(process, Message({}), {}, {}, None)
    next(emissions)
    assert made == [1]
    emissions.close()


def test_an_error_of_a_coroutine_is_raised():
    """What a coroutine raises reaches whoever pulls."""

    async def process(*_):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        emitted(process)
