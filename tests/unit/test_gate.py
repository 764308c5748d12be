"""The quick yes: says it for every valid input it can be sure of, and never for an invalid one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecs_connector.gate import Acceptor, compile_gate, moment, native_gate
from ecs_connector.model import Model
from ecs_connector.prepare import input_schema
from support.gates import Accepts, compiled, native

MODEL = Model.load()
Way = Callable[..., Accepts]
#: Both ways to the same yes: compiled functions, and the native validator that takes over.
WAYS = pytest.mark.parametrize("way", [compiled, native])


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


TEXT, WHOLE, NUMBER, FLAG = (
    {"type": "string"},
    {"type": "number", "multipleOf": 1},
    {"type": "number"},
    {"type": "boolean"},
)
UNION = {**schema(a=TEXT, b=TEXT), "minProperties": 1, "maxProperties": 1}
CASES: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    (TEXT, ["", "x", "\u65e5"], [None, 1, True, [], {}]),
    ({**TEXT, "minLength": 2, "maxLength": 3}, ["ab", "abc", "\U0001f600\U0001f600"], ["a", "abcd"]),
    ({**TEXT, "enum": ["A", "B"]}, ["A"], ["a", "", None, 1, [], {}]),
    ({**TEXT, "pattern": "^[a-z]+$"}, ["abc"], ["", "ABC", "a c"]),
    (WHOLE, [0, -1, 2**40], [1.5, "1", True, None, float("nan"), float("inf")]),
    ({**WHOLE, "minimum": 1, "maximum": 10}, [1, 10], [0, 11]),
    (NUMBER, [0, 1.5, -3], ["1.5", True, float("nan"), float("-inf")]),
    (FLAG, [True, False], [0, 1, "true", None]),
    ({"type": "array", "items": TEXT, "minItems": 1, "maxItems": 2}, [["a"], ["a", "b"]], [[], ["a", "b", "c"], [1], "a", {}]),
    ({"type": "object", "additionalProperties": WHOLE}, [{}, {"a": 1}], [{"a": "1"}, [], {"a": None}]),
    ({"type": "object"}, [{}, {"any": ["thing", None]}], [[], None, "x"]),
    (schema(a={**TEXT, "required": True}, b=WHOLE), [{"a": ""}, {"a": "", "b": 1}], [{}, {"b": 1}, {"a": "", "c": 1}, {"a": 1}, []]),
    (UNION, [{"a": ""}, {"b": ""}], [{}, {"a": "", "b": ""}, {"c": ""}]),
]  # fmt: skip


@WAYS
@pytest.mark.parametrize("inner, good, bad", CASES)
def test_a_keyword_is_kept(inner: dict[str, Any], good: list[Any], bad: list[Any], way: Way) -> None:
    """Each keyword of the dialect accepts what it allows and nothing else."""
    accepts = way(schema(x=inner))

    assert [value for value in good if not accepts({"x": value})] == []
    assert [value for value in bad if accepts({"x": value})] == []


@WAYS
def test_a_definition_is_followed(way: Way) -> None:
    """A reference stands for its definition, wherever it is used."""
    node = schema(name={**TEXT, "required": True})
    whole = schema(top={"$ref": "#/definitions/Node"}, all={"type": "array", "items": {"$ref": "#/definitions/Node"}})
    accepts = way({**whole, "definitions": {"Node": node}})

    assert accepts({"top": {"name": "a"}, "all": [{"name": "b"}, {"name": ""}]})
    assert not accepts({"all": [{"name": "b"}, {"name": 7}]})
    assert not accepts({"top": {}})


@pytest.mark.parametrize(
    "value, good",
    [
        ("2026-01-15T11:30:00Z", True), ("2026-01-15", True), (1768476600, True), (1768476600.5, True), (0, True),
        ("soon", False), ("", False), (True, False), (None, False), (float("nan"), False), ([], False),
    ],
)  # fmt: skip
def test_a_timestamp_is_text_or_seconds(value: Any, good: bool) -> None:
    """Both forms that people write are taken, and nothing else."""
    assert moment(value) == good
    assert compile_gate(schema(at={"type": "string", "format": "date-time"}))({"at": value}) == good


@WAYS
def test_rules_are_part_of_the_yes(way: Way) -> None:
    """An input that keeps its schema and breaks a rule is not accepted."""
    operation = MODEL.operation("RunTask")
    accepts = way(input_schema(operation).schema, operation.rules)

    assert accepts({"taskDefinition": "web", "launchType": "EC2"})
    assert not accepts({"taskDefinition": "web", "launchType": "FARGATE"})
    assert not accepts({"taskDefinition": "web", "tags": [{"key": "a"}, {"key": "a"}]})
    assert not accepts({"taskDefinition": "web", "tags": [{"key": "AWS:a"}]})
    assert not accepts({"taskDefinition": "web", "overrides": {"containerOverrides": [{"cpu": 1}]}})


@WAYS
def test_what_was_right_elsewhere_is_not_right_on_fargate(way: Way) -> None:
    """A size that passed without Fargate is looked at again with it: what is remembered is the pair under the rule."""
    operation = MODEL.operation("RegisterTaskDefinition")
    accepts = way(input_schema(operation).schema, operation.rules)
    body = {
        "family": "f",
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "4096",
        "containerDefinitions": [{"name": "a"}],
    }

    assert accepts(body)
    assert accepts({**body, "requiresCompatibilities": ["EC2"]})
    assert not accepts({**body, "requiresCompatibilities": ["FARGATE"]})
    assert accepts({**body, "requiresCompatibilities": ["FARGATE"], "memory": "2048"})
    assert not accepts({**body, "requiresCompatibilities": ["FARGATE"]})


def test_the_native_way_takes_over_after_many() -> None:
    """A large schema's first inputs are judged by compiled functions; then the native validator is, with the same verdicts."""
    operation = MODEL.operation("RunTask")
    accepts = Acceptor(input_schema(operation).schema, operation.rules, many=3)
    before = accepts._gate
    bodies = ({"taskDefinition": "t"}, {}, {"taskDefinition": "t", "count": 11})

    first = [accepts(body) for body in bodies]
    assert accepts._gate is before
    second = [accepts(body) for body in bodies]

    assert first == second == [True, False, False]
    assert accepts._gate is not before


def test_a_small_schema_stays_with_what_it_has() -> None:
    """Nothing is loaded where there is nothing to gain."""
    operation = MODEL.operation("ListClusters")
    accepts = Acceptor(input_schema(operation).schema, operation.rules, many=0)
    before = accepts._gate

    assert [accepts({}), accepts({"x": 1}), accepts({"maxResults": 5})] == [True, False, True]
    assert accepts._gate is before


@pytest.mark.parametrize("operation", MODEL.names)
def test_the_native_way_is_there(operation: str) -> None:
    """Every operation without a timestamp in its input can be judged natively."""
    row = MODEL.operation(operation)

    assert (native_gate(input_schema(row).schema, row.rules) is None) == (row.times_in is not None)
