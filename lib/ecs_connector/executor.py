"""Runs an action's `process` and yields what it emits.

The caller pulls: the next page is fetched only when the last emission has been dealt with. Knows
neither the terminal nor AMQP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import GeneratorType
from typing import Any

from ecs_connector.context import Context
from ecs_connector.values import Emission, Message, Process


def execute(
    process: Process, message: Message, config: Mapping[str, Any], snapshot: Mapping[str, Any], context: Context
) -> Iterator[Emission]:
    """Yield the emissions of one message.

    A generator or iterator, asynchronous or not, may yield emissions or bodies; a value that is returned,
    by a coroutine too, and is not None is one data emission.
    """
    result = process(message, config, snapshot, context)
    if hasattr(result, "__await__") or hasattr(result, "__anext__"):
        yield from _awaited(result)
        return
    if isinstance(result, (GeneratorType, Iterator)):
        for item in result:
            yield item if isinstance(item, Emission) else Emission("data", item)
    elif result is not None:
        yield result if isinstance(result, Emission) else Emission("data", result)


def _awaited(result: Any) -> Iterator[Emission]:
    """Yield what a coroutine returns or an asynchronous generator yields, each when it is asked for."""
    import asyncio

    with asyncio.Runner() as runner:
        if hasattr(result, "__await__"):
            value = runner.run(_value(result))
            if value is not None:
                yield value if isinstance(value, Emission) else Emission("data", value)
            return
        while True:
            try:
                item = runner.run(_value(result.__anext__()))
            except StopAsyncIteration:
                return
            yield item if isinstance(item, Emission) else Emission("data", item)


async def _value(awaitable: Any) -> Any:
    return await awaitable
