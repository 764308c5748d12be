"""A list of fake items behind an operation with a next token, page by page."""

from __future__ import annotations

from typing import Any

from ecs_connector.model import Model
from support.ecs_stub import Answer, Received
from support.strategies import service
from support.violations import minimal

MODEL = Model.load()
PAGED = [name for name in MODEL.names if MODEL.operation(name).pages is not None]


def body_of(operation: str) -> dict[str, Any]:
    """Return the smallest valid input of an operation."""
    found: dict[str, Any] = minimal(service().operation_model(operation).input_shape)
    return found


def items(operation: str, count: int) -> list[Any]:
    """Return distinct items as the operation lists them: texts or objects."""
    spec = MODEL.operation(operation).pages
    assert spec is not None
    shape = service().operation_model(operation).output_shape
    for name in spec.items:
        shape = shape.members[name]
    if shape.member.type_name == "structure":
        member = next(
            name for name, inner in shape.member.members.items() if inner.type_name == "string" and not inner.enum
        )
        return [{member: f"item-{index}"} for index in range(count)]
    return [f"item-{index}" for index in range(count)]


def output(operation: str, part: list[Any], token: str | None, **more: Any) -> dict[str, Any]:
    """Return one answer: the list where the operation has it, and the token."""
    spec = MODEL.operation(operation).pages
    assert spec is not None
    inner: Any = part
    for name in reversed(spec.items):
        inner = {name: inner}
    return {**inner, **more, **({spec.token_out: token} if token is not None else {})}


class Pages:
    """An endpoint's reply that serves a list in pages of equal size, by the token alone."""

    def __init__(self, operation: str, count: int, size: int) -> None:
        self.operation, self.items, self._size = operation, items(operation, count), size

    def __call__(self, request: Received) -> Answer:
        start = int(request.json.get("nextToken", "from-0").removeprefix("from-"))
        end = start + self._size
        token = f"from-{end}" if end < len(self.items) else None
        return Answer(output(self.operation, self.items[start:end], token))
