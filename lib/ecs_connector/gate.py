"""Says yes to a valid input, quickly.

An acceptor says True only for an input that keeps every constraint of its schema and every rule; it never
says why not. Whatever it does not accept is judged by the report (`report.py`), which is the reference;
a property test holds them together.

Two ways to the same yes. Functions compiled from the schema cost nothing to load, which is what counts in a
process that handles one message. A process that handles many changes to jsonschema-rs where it is
installed: ten times as fast, and 25 ms to load.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ecs_connector.rule_gates import Gate, holds
from ecs_connector.rules import Rule

#: Inputs of one operation after which loading jsonschema-rs is worth it.
_MANY = 100
#: Members of a schema below which it never is: nothing is saved on them, and it takes 10 MiB.
_LARGE = 20


class Acceptor:
    """The quick yes of one operation."""

    def __init__(self, schema: Mapping[str, Any], rules: Sequence[Rule], *, many: int = _MANY) -> None:
        self._schema, self._all_rules = schema, rules
        self._gate = compile_gate(schema)
        self._rules = compile_rules(rules)
        self._left = many if _members(schema) >= _LARGE else -1

    def __call__(self, body: Any) -> bool:
        """Say whether the input is certainly valid."""
        if self._left >= 0:
            self._left -= 1
            if self._left < 0:
                self._change()
        return self._gate(body) and self._rules(body)

    def schema_accepts(self, body: Any) -> bool:
        """Say whether the input certainly keeps the schema, whatever the rules that it has no words for say."""
        return self._gate(body)

    def _change(self) -> None:
        native = native_gate(self._schema, self._all_rules)
        if native is not None:
            self._gate, left = native
            self._rules = compile_rules(left)


def _members(schema: Any) -> int:
    """Return the number of members that a schema describes, those inside others included."""
    if not isinstance(schema, Mapping):
        return 0
    return len(schema.get("properties", ())) + sum(_members(inner) for inner in schema.values())


def native_gate(schema: Mapping[str, Any], rules: Sequence[Rule] = ()) -> tuple[Gate, list[Rule]] | None:
    """Return the gate that jsonschema-rs makes of a schema, and the rules that it does not check.

    None where jsonschema-rs is not installed, or the schema has timestamps, which it has no words for.
    """
    from ecs_connector.dialect import has_moment, standard
    from ecs_connector.rule_schemas import with_rules

    translated, left = with_rules(standard(schema), rules)
    if has_moment(translated):
        return None
    try:
        import jsonschema_rs
    except ImportError:
        return None
    is_valid = jsonschema_rs.Draft7Validator(translated).is_valid

    def gate(body: Any) -> bool:
        try:
            return is_valid(body)
        except (TypeError, ValueError):  # what it cannot read is not certainly valid
            return False

    return gate, left


def compile_gate(schema: Mapping[str, Any]) -> Gate:
    """Return a schema file in the platform's dialect as a function."""
    return _Compiler(schema.get("definitions", {})).value(schema)


def compile_rules(rules: Sequence[Rule]) -> Gate:
    """Return the rules of an operation as one function that looks only where a rule stands.

    The input must have passed its schema.
    """
    return _placed([(tuple(rule["at"]), holds(rule)) for rule in rules])


def _placed(rules: list[tuple[tuple[str, ...], Gate]]) -> Gate:
    here = [gate for at, gate in rules if not at]
    below: dict[str, list[tuple[tuple[str, ...], Gate]]] = {}
    for at, gate in rules:
        if at:
            below.setdefault(at[0], []).append((at[1:], gate))
    each = _placed(below.pop("*")) if "*" in below else None
    children = [(name, _placed(inner)) for name, inner in below.items()]

    def check(value: Any) -> bool:
        for gate in here:
            if not gate(value):
                return False
        for name, child in children:
            if name in value and not child(value[name]):
                return False
        if each is not None:
            for item in value.values() if isinstance(value, Mapping) else value:
                if not each(item):
                    return False
        return True

    return check


def _string(value: Any) -> bool:
    return type(value) is str


def _number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value - value == 0)


def _integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


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


class _Compiler:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._made: dict[str, Gate] = {}

    def value(self, schema: Mapping[str, Any]) -> Gate:
        reference = schema.get("$ref")
        if reference is not None:
            name = reference.rpartition("/")[2]
            if name not in self._made:
                self._made[name] = self.value(self._definitions[name])
            return self._made[name]
        kind = schema["type"]
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema)
        if kind == "string":
            return moment if schema.get("format") == "date-time" else self._text(schema)
        return self._amount(schema) if kind == "number" else _boolean

    def _object(self, schema: Mapping[str, Any]) -> Gate:
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping):
            inner = self.value(extra)
            return lambda value: (
                type(value) is dict and all(type(key) is str and inner(item) for key, item in value.items())
            )
        properties = schema.get("properties")
        if properties is None:
            return _object
        lookup = {name: self.value(inner) for name, inner in properties.items()}.get
        required = [name for name, inner in properties.items() if inner.get("required")]

        def gate(value: Any) -> bool:
            if type(value) is not dict:
                return False
            for key, item in value.items():
                check = lookup(key)
                if check is _string:
                    if type(item) is not str:
                        return False
                elif check is None or not check(item):
                    return False
            for name in required:
                if name not in value:
                    return False
            return True

        if "minProperties" not in schema:
            return gate
        least, most = schema["minProperties"], schema["maxProperties"]
        return lambda value: gate(value) and least <= len(value) <= most

    def _array(self, schema: Mapping[str, Any]) -> Gate:
        inner = self.value(schema["items"])
        least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))

        def gate(value: Any) -> bool:
            if type(value) is not list or not least <= len(value) <= most:
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
        if "pattern" in schema:
            search = re.compile(schema["pattern"]).search
            return lambda value: type(value) is str and least <= len(value) <= most and search(value) is not None
        if "minLength" in schema or "maxLength" in schema:
            return lambda value: type(value) is str and least <= len(value) <= most
        return _string

    def _amount(self, schema: Mapping[str, Any]) -> Gate:
        kind = _integer if schema.get("multipleOf") == 1 else _number
        if "minimum" in schema or "maximum" in schema:
            least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
            return lambda value: kind(value) and least <= value <= most
        return kind
