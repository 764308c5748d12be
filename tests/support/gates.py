"""The two ways to a quick yes, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ecs_connector.gate import compile_gate, compile_rules, native_gate

Accepts = Callable[[Any], bool]


def compiled(schema: Mapping[str, Any], rules: Sequence[Any] = ()) -> Accepts:
    """Return the way of a process that handles few messages."""
    gate, left = compile_gate(schema), compile_rules(rules)
    return lambda body: gate(body) and left(body)


def native(schema: Mapping[str, Any], rules: Sequence[Any] = ()) -> Accepts:
    """Return the way of a process that handles many; the compiled one where a schema has timestamps."""
    made = native_gate(schema, rules)
    if made is None:
        return compiled(schema, rules)
    gate, left = made[0], compile_rules(made[1])
    return lambda body: gate(body) and left(body)
