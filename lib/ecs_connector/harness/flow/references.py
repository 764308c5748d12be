"""What an expression refers to, and whether that exists: variables, functions, steps, inputs.

JSONata gives nothing, and no error, for a name that does not exist; a typo would only show as a missing
member, steps later. So names are checked when the flow is loaded, as far as they can be read off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.harness.flow.checks import nearest
from ecs_connector.harness.flow.mapping import PASSTHROUGH, builtin_names
from ecs_connector.harness.flow.model import Expression
from ecs_connector.harness.flow.source import Problems

#: Variables of every expression.
COMMON = frozenset({"steps", "inputs", "headers", "messages", "runId"})
#: Functions that the platform's mapper adds to JSONata's own.
PLATFORM = frozenset({"getPassthrough", "getFlowVariables"})
#: The variables that start a path into earlier steps; the function of the platform does the same.
_TO_STEPS = ("steps", "getPassthrough")
_TO_INPUTS = ("inputs", "getFlowVariables")
_NOT_A_VALUE = {"error": " A step's error is $failure in `expect.assert`, and $steps.<id>.error after the step."}


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name."""

    #: Ids of the steps that run before.
    earlier: Sequence[str]
    #: Ids of all steps.
    steps: Sequence[str]
    inputs: Mapping[str, Any]
    #: Variables besides the common ones: item, index, failure.
    own: frozenset[str] = field(default_factory=frozenset)
    #: Why a variable that exists elsewhere does not exist here.
    hints: Mapping[str, str] = field(default_factory=dict)


def check(expression: Expression, scope: Scope, problems: Problems) -> None:
    """Note every name of an expression that does not exist."""
    nodes = list(_nodes(expression.program.ast))
    bound = {name for node in nodes for name in _bindings(node)}
    known = builtin_names() | COMMON | PLATFORM | scope.own
    used = [node.value for node in nodes if node.type == "variable" and node.value not in ("", "$")]
    for name in dict.fromkeys(used):
        if name not in known and name not in bound:
            hint = scope.hints.get(name) or nearest(name, known | bound, prefix="$")
            problems.add(expression.pointer, "variable", f"there is no ${name}.{hint}")
    for node in nodes:
        if node.type == "path" and node.steps:
            _check_path(node.steps, expression, scope, problems, bound)


def _check_path(
    steps: Sequence[Any], expression: Expression, scope: Scope, problems: Problems, bound: set[str]
) -> None:
    root, rest = steps[0], steps[1:]
    name = _root_name(root)
    if root.type == "name" and name in ("steps", "inputs"):
        text = f"`{name}` is a variable: write ${name}, which also works inside filters and nested paths."
        problems.add(expression.pointer, "variable", text)
        return
    if name in bound or not rest or rest[0].type not in ("name", "string"):
        return
    if root.type == "variable" and name in builtin_names():
        problems.add(expression.pointer, "variable", f"${name} is a function of JSONata.{_NOT_A_VALUE.get(name, '')}")
        return
    target = str(rest[0].value)
    if (root.type != "name" and name in _TO_STEPS) or (root.type == "name" and name == PASSTHROUGH):
        _check_step(target, expression, scope, problems)
    elif root.type != "name" and name in _TO_INPUTS and target not in scope.inputs:
        hint = nearest(target, scope.inputs) or " The flow declares no inputs." * (not scope.inputs)
        problems.add(expression.pointer, "input", f"there is no input {target!r}.{hint}")


def _check_step(target: str, expression: Expression, scope: Scope, problems: Problems) -> None:
    if target in scope.earlier:
        return
    if target in scope.steps:
        text = f"the step {target!r} does not run before this expression is evaluated."
    else:
        text = f"there is no step {target!r}.{nearest(target, scope.earlier)}"
    problems.add(expression.pointer, "step", text)


def _root_name(node: Any) -> str | None:
    if node.type == "function" and node.procedure is not None and node.procedure.type == "variable":
        return str(node.procedure.value)
    return str(node.value) if node.type in ("name", "variable") else None


def _bindings(node: Any) -> Iterator[str]:
    """Yield the variables that a node of the syntax tree brings into being."""
    if node.type == "bind":
        yield node.lhs.value
    elif node.type == "lambda":
        yield from (argument.value for argument in node.arguments or ())
    for name in (node.focus, node.index):
        if isinstance(name, str):
            yield name


def _nodes(root: Any) -> Iterator[Any]:
    """Yield every node of a syntax tree, once."""
    kind = type(root)
    base = next((cls for cls in reversed(kind.__mro__) if cls.__name__ == "Symbol"), kind)
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, base) and id(value) not in seen:
            seen.add(id(value))
            yield value
            waiting.extend(vars(value).values())
