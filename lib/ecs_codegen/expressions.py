"""Compiles JMESPath expressions into the small trees that `ecs_connector.expressions` evaluates.

Only the forms that waiters need are compiled; any other is refused, so that a new model cannot bring one
in unseen.

Source: https://jmespath.org/specification.html
"""

from __future__ import annotations

from typing import Any

from ecs_codegen.source import CorrectionError


def compile_expression(text: str) -> Any:
    """Return the tree of an expression: a member's name, or a list of an operator and its operands.

    Raises:
        CorrectionError: The expression has a form that is not supported.
    """
    import jmespath

    return _tree(jmespath.compile(text).parsed, text)


def _tree(node: dict[str, Any], text: str) -> Any:
    kind, value = node["type"], node.get("value")
    if kind == "field":
        return value
    if kind == "literal":
        return ["is", value]
    if kind == "index":
        return ["index", value]
    if kind == "comparator" and value in ("eq", "ne"):
        operator = {"eq": "same", "ne": "differs"}[value]
    elif kind == "function_expression" and value == "length":
        operator = "length"
    else:
        operator = _OPERATORS.get(kind, "")
    if not operator:
        raise CorrectionError(f"the expression {text!r} has a {kind} ({value}), which is not supported")
    return [operator, *(_tree(child, text) for child in node["children"])]


_OPERATORS = {
    "identity": "this",
    "subexpression": "path",
    "index_expression": "path",
    "projection": "each",
    "filter_projection": "pick",
    "flatten": "flat",
    "multi_select_list": "list",
    "and_expression": "and",
    "or_expression": "or",
    "not_expression": "not",
}
