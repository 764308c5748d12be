"""Evaluates the small trees that the expressions of waits are compiled into.

A tree is the name of a member, or a list of an operator and its operands. The meaning of each operator
is JMESPath's, with one exception: what JMESPath calls a type error is null here.

Source: https://jmespath.org/specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Tree = Any


def find(tree: Tree, value: Any) -> Any:
    """Return what a tree finds in a value; None when there is nothing."""
    if isinstance(tree, str):
        return value.get(tree) if isinstance(value, Mapping) else None
    return _OPERATORS[tree[0]](tree[1:], value)


def _path(operands: list[Tree], value: Any) -> Any:
    for operand in operands:
        value = find(operand, value)
    return value


def _flat(operands: list[Tree], value: Any) -> Any:
    found = find(operands[0], value)
    if not isinstance(found, list):
        return None
    flat: list[Any] = []
    for item in found:
        flat.extend(item if isinstance(item, list) else [item])
    return flat


def _each(operands: list[Tree], value: Any) -> Any:
    found = find(operands[0], value)
    if not isinstance(found, list):
        return None
    return [result for item in found if (result := find(operands[1], item)) is not None]


def _pick(operands: list[Tree], value: Any) -> Any:
    found = find(operands[0], value)
    if not isinstance(found, list):
        return None
    kept = (item for item in found if not _is_empty(find(operands[2], item)))
    return [result for item in kept if (result := find(operands[1], item)) is not None]


def _length(operands: list[Tree], value: Any) -> Any:
    found = find(operands[0], value)
    return len(found) if isinstance(found, (list, Mapping, str)) else None


def _index(operands: list[Tree], value: Any) -> Any:
    try:
        return value[operands[0]] if isinstance(value, list) else None
    except IndexError:
        return None


def _and(operands: list[Tree], value: Any) -> Any:
    left = find(operands[0], value)
    return left if _is_empty(left) else find(operands[1], value)


def _or(operands: list[Tree], value: Any) -> Any:
    left = find(operands[0], value)
    return find(operands[1], value) if _is_empty(left) else left


def _is_same(left: Any, right: Any) -> bool:
    # True is 1 for Python, and not for JSON.
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _is_empty(value: Any) -> bool:
    """Say whether JMESPath takes a value for false: zero is true."""
    return value is None or value is False or (isinstance(value, (str, list, Mapping)) and not value)


_OPERATORS: dict[str, Any] = {
    "this": lambda _, value: value,
    "is": lambda operands, _: operands[0],
    "index": _index,
    "path": _path,
    "flat": _flat,
    "each": _each,
    "pick": _pick,
    "list": lambda operands, value: None if value is None else [find(operand, value) for operand in operands],
    "length": _length,
    "same": lambda operands, value: _is_same(find(operands[0], value), find(operands[1], value)),
    "differs": lambda operands, value: not _is_same(find(operands[0], value), find(operands[1], value)),
    "and": _and,
    "or": _or,
    "not": lambda operands, value: _is_empty(find(operands[0], value)),
}
