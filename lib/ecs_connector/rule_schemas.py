"""Writes rules as JSON Schema, where it has words for them: a native validator then checks them for next to nothing.

Only for the quick yes; a refused input is reported by the rules themselves.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ecs_connector.rules import Rule


def with_rules(schema: Mapping[str, Any], rules: Sequence[Rule]) -> tuple[dict[str, Any], list[Rule]]:
    """Return a standard schema that says the rules too, and the rules that it has no words for."""
    result: dict[str, Any] = copy.deepcopy(dict(schema))
    left = []
    for rule in rules:
        make = _WORDS.get(rule["kind"])
        words = make(rule) if make is not None and "given" not in rule else None
        if words is None:
            left.append(rule)
            continue
        if "when" in rule:
            words = {"if": _condition(rule["when"]), "then": words}
        if "unless" in rule:
            words = {"if": _condition(rule["unless"]), "else": words}
        said = _place(result, result, rule["at"]).setdefault("allOf", [])
        if words not in said:
            said.append(words)
    return result, left


def _place(root: dict[str, Any], schema: dict[str, Any], at: Sequence[str]) -> dict[str, Any]:
    """Return the schema of the object at a rule's place; a definition stands for every place that refers to it."""
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    if not at:
        return schema
    if at[0] != "*":
        return _place(root, schema["properties"][at[0]], at[1:])
    inner = schema["items"] if "items" in schema else schema["additionalProperties"]
    return _place(root, inner, at[1:])


def _condition(when: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return the schema of "every named member has, or contains, one of its values"."""
    said = []
    for path, wanted in when.items():
        words: dict[str, Any] = {"enum": list(wanted)}
        words = {"anyOf": [words, {"type": "array", "contains": words}]}
        for name in reversed(path.split(".")):
            words = {"type": "object", "required": [name], "properties": {name: words}}
        said.append(words)
    return {"allOf": said}


def _required(rule: Rule) -> dict[str, Any]:
    return {"required": list(rule["members"])}


def _exclusive(rule: Rule) -> dict[str, Any] | None:
    return {"not": {"required": list(rule["members"])}} if len(rule["members"]) == 2 else None


def _at_least_one(rule: Rule) -> dict[str, Any]:
    return {"anyOf": [{"required": [name]} for name in rule["members"]]}


def _requires(rule: Rule) -> dict[str, Any]:
    return {"dependencies": {rule["member"]: list(rule["members"])}}


def _requires_any(rule: Rule) -> dict[str, Any]:
    return {"dependencies": {name: list(rule["members"]) for name in rule["any"]}}


def _one_of_if(rule: Rule) -> dict[str, Any]:
    words: dict[str, Any] = {"properties": {rule["member"]: {"enum": list(rule["values"])}}}
    return {**words, "required": [rule["member"]]} if rule.get("required") else words


def _prefix_reserved(rule: Rule) -> dict[str, Any]:
    pattern = "".join(
        f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else re.escape(letter) for letter in rule["prefix"]
    )
    return {"properties": {name: {"not": {"pattern": "^" + pattern}} for name in rule["members"]}}


#: What counts as not given.
_EMPTY: dict[str, Any] = {
    "anyOf": [
        {"type": "array", "maxItems": 0},
        {"type": "object", "maxProperties": 0},
        {"enum": ["", None, False, 0]},
    ]
}


def _forbidden(rule: Rule) -> dict[str, Any]:
    return {"properties": dict.fromkeys(rule["members"], _EMPTY)}


def _forbidden_in_items(rule: Rule) -> dict[str, Any]:
    return {"properties": {rule["member"]: {"items": {"properties": {rule["key"]: _EMPTY}}}}}


_WORDS: dict[str, Callable[[Rule], dict[str, Any] | None]] = {
    "required_if": _required,
    "exclusive": _exclusive,
    "at_least_one": _at_least_one,
    "requires": _requires,
    "requires_any": _requires_any,
    "forbidden_if": _forbidden,
    "one_of_if": _one_of_if,
    "prefix_reserved": _prefix_reserved,
    "forbidden_in_items_if": _forbidden_in_items,
}
