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

    A generator or iterator may yield emissions or bodies; a plain return value that is not None is
    one data emission.
    """
    result = process(message, config, snapshot, context)
    if isinstance(result, (GeneratorType, Iterator)):
        for item in result:
            yield item if isinstance(item, Emission) else Emission("data", item)
    elif result is not None:
        yield result if isinstance(result, Emission) else Emission("data", result)
