"""Compiles a schema and its rules into one quick yes.

A gate says True only for an input that keeps every constraint: it never says why not. Whatever it does
not accept is judged by the report (`report.py`), which is the reference; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ecs_connector.rules import KINDS, Rule, find

Gate = Callable[[Any], bool]


def compile_gate(schema: Mapping[str, Any], rules: Sequence[Rule] = ()) -> Gate:
    """Return the gate of a schema file in the platform's dialect."""
    return _Compiler(schema.get("definitions", {})).value(schema, [(tuple(rule["at"]), rule) for rule in rules])


def _string(value: Any) -> bool:
    return type(value) is str


def _number(value: Any) -> bool:
    return type(value) is int or type(value) is float and value == value and value - value == 0


def _integer(value: Any) -> bool:
    return type(value) is int


def _boolean(value: Any) -> bool:
    return type(value) is bool


def _object(value: Any) -> bool:
    return type(value) is dict


def moment(value: Any) -> bool:
    """Accept ISO-8601 text or seconds since 1970."""
    if type(value) is str:
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return _number(value)


_Placed = list[tuple[tuple[str, ...], Rule]]


class _Compiler:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._plain: dict[str, Gate] = {}

    def value(self, schema: Mapping[str, Any], rules: _Placed) -> Gate:
        reference = schema.get("$ref")
        if reference is not None:
            name = reference.rpartition("/")[2]
            if rules:
                return self.value(self._definitions[name], rules)
            if name not in self._plain:
                self._plain[name] = self.value(self._definitions[name], [])
            return self._plain[name]
        kind = schema["type"]
        if kind == "object":
            return self._object(schema, rules)
        if kind == "array":
            return self._array(schema, rules)
        if kind == "string":
            return moment if schema.get("format") == "date-time" else self._text(schema)
        if kind == "number":
            return self._amount(schema)
        return _boolean

    def _object(self, schema: Mapping[str, Any], rules: _Placed) -> Gate:
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping):
            inner = self.value(extra, [(at[1:], rule) for at, rule in rules if at])
            return lambda value: type(value) is dict and all(
                type(key) is str and inner(item) for key, item in value.items()
            )
        properties = schema.get("properties")
        if properties is None:
            return _object
        checks = {
            name: self.value(inner, [(at[1:], rule) for at, rule in rules if at and at[0] == name])
            for name, inner in properties.items()
        }
        required = [name for name, inner in properties.items() if inner.get("required")]
        here = [_rule_gate(rule) for at, rule in rules if not at]
        least = schema.get("minProperties", 0)
        most = schema.get("maxProperties", len(checks))
        lookup = checks.get

        def gate(value: Any) -> bool:
            if type(value) is not dict:
                return False
            for key, item in value.items():
                check = lookup(key)
                if check is None or not check(item):
                    return False
            for name in required:
                if name not in value:
                    return False
            if here:
                for holds in here:
                    if not holds(value):
                        return False
            return True

        if "minProperties" not in schema and "maxProperties" not in schema:
            return gate
        return lambda value: gate(value) and least <= len(value) <= most

    def _array(self, schema: Mapping[str, Any], rules: _Placed) -> Gate:
        inner = self.value(schema["items"], [(at[1:], rule) for at, rule in rules if at])
        least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
        bounded = "minItems" in schema or "maxItems" in schema

        def gate(value: Any) -> bool:
            if type(value) is not list or (bounded and not least <= len(value) <= most):
                return False
            for item in value:
                if not inner(item):
                    return False
            return True

        return gate

    def _text(self, schema: Mapping[str, Any]) -> Gate:
        if "enum" in schema:
            allowed = frozenset(schema["enum"])
            return lambda value: type(value) is str and value in allowed
        least, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
        bounded = "minLength" in schema or "maxLength" in schema
        if "pattern" in schema:
            search = re.compile(schema["pattern"]).search
            return lambda value: type(value) is str and least <= len(value) <= most and search(value) is not None
        if bounded:
            return lambda value: type(value) is str and least <= len(value) <= most
        return _string

    def _amount(self, schema: Mapping[str, Any]) -> Gate:
        kind = _integer if schema.get("multipleOf") == 1 else _number
        if "minimum" in schema or "maximum" in schema:
            least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
            return lambda value: kind(value) and least <= value <= most
        return kind


def _rule_gate(rule: Rule) -> Gate:
    if "when" in rule or "unless" in rule:
        return lambda value: not find(rule, value)
    kind = KINDS[rule["kind"]]
    return lambda value: not kind(rule, value)
