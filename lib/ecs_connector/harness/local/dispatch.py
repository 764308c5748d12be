"""Answers one ECS operation: checks the input, lets a handler or the model answer, cuts the page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local import (
    account_api,
    attributes,
    clusters,
    daemon_definitions,
    daemons,
    definitions,
    deployment_api,
    gateways,
    instances,
    providers,
    service_api,
    task_api,
    task_extras,
    task_sets,
)
from ecs_connector.harness.local.model import ecs_model
from ecs_connector.harness.local.paging import cut_page
from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.state import Json, Region
from ecs_connector.harness.local.synthetic import synthesize

Handler = Callable[[Region, Any], Json]
_SIMULATED = (
    account_api,
    attributes,
    clusters,
    daemon_definitions,
    daemons,
    definitions,
    deployment_api,
    gateways,
    instances,
    providers,
    service_api,
    task_api,
    task_extras,
    task_sets,
)


@functools.cache
def handlers() -> dict[str, Handler]:
    """Return the operations that are simulated, each with what answers it."""
    table: dict[str, Handler] = {}
    for module in _SIMULATED:
        table.update(module.HANDLERS)
    return table


def coverage() -> dict[str, str]:
    """Return for every operation of the model whether it is `implemented` or `synthetic`.

    Implemented: the answer follows from what was done before. Synthetic: it is made from the model and
    valid by it, but nothing is kept.
    """
    simulated = handlers()
    return {name: "implemented" if name in simulated else "synthetic" for name in ecs_model().operations}


def answer(region: Region, operation: str, body: Json) -> tuple[Json, bool]:
    """Return the output of an operation, and whether it is synthetic.

    The caller holds the world's lock.

    Raises:
        Refusal: ECS would refuse the request.
    """
    model = ecs_model()
    if operation not in model:
        raise Refusal("UnknownOperationException", "")
    model.check_input(operation, body)
    region.world.settle()
    handler = handlers().get(operation)
    output = synthesize(region, operation, body) if handler is None else handler(region, body)
    region.world.settle()
    items_member = model.paged.get(operation)
    if items_member is not None:
        output = cut_page(operation, items_member, body, output)
    return output, handler is None
