"""Runs one operation on one message: the stages in order, and the one call that every action makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ecs_connector import emit
from ecs_connector.client import Step
from ecs_connector.context import Context
from ecs_connector.pages import items_of, merged, one_page, pages, split
from ecs_connector.prepare import filled, prepare
from ecs_connector.values import Emission, Message, Output

Call = Callable[[Mapping[str, Any]], Output]


def run_operation(name: str, message: Message, config: Mapping[str, Any], context: Context) -> Iterator[Emission]:
    """Resolve, prepare, call and emit.

    Raises:
        ConnectorError: See the stage table of `errors`.
    """
    step = context.clients.step(name, config)
    if step.defaults:
        message = filled(message, step.defaults)
    params = prepare(step.operation, message, step.config, context)

    def call(request: Mapping[str, Any]) -> Output:
        return step.client.call(step.operation, request, step.config)

    if step.operation.pages is not None:
        yield from _listed(step, params, call)
        return

    def called() -> Output:
        return _called(step, message, params, context, call)

    if step.config.waitFor and step.operation.waits:
        yield emit.data(step, _waited(step, params, context, called))
    else:
        yield emit.data(step, called())


def _called(step: Step, message: Message, params: Mapping[str, Any], context: Context, call: Call) -> Output:
    """Call once, with an effect that an earlier delivery of the message may have had already."""
    if step.operation.effect is None:
        return split(step.operation, params, call)
    from ecs_connector.tokens import once

    return once(step, message, params, context, call)


def _waited(step: Step, params: Mapping[str, Any], context: Context, called: Callable[[], Output]) -> Output:
    """Call, wait until what was called for has come about, and judge it."""
    from ecs_connector.wait_step import wait_step

    return wait_step(step, params, context, called)


def _listed(step: Step, params: Mapping[str, Any], call: Call) -> Iterator[Emission]:
    """Emit a list: all of it, a page or an item at a time."""
    spec = step.operation.pages
    assert spec is not None  # noqa: S101 - the caller looked

    def split_call(request: Mapping[str, Any]) -> Output:
        return split(step.operation, request, call)

    if step.config.emitBehaviour == "fetchPage":
        yield emit.data(step, one_page(step.operation, params, split_call))
        return
    found = pages(step.operation, params, split_call, max_items=step.config.maxItems)
    if step.config.emitBehaviour == "fetchAll":
        yield emit.data(step, merged(spec, list(found)))
        return
    succeeded = False
    for page in found:
        emit.judge(step, page, succeeded=succeeded)
        items = items_of(spec, page.body)
        succeeded = succeeded or bool(items)
        if step.config.emitBehaviour == "emitPage":
            yield emit.message(step, page)
        else:
            token = page.body.get(spec.token_out)
            for index, value in enumerate(items):
                yield emit.item(step, value, page.evidence, token if index == len(items) - 1 else None)
