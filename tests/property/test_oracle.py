"""botocore as the oracle: what we accept, send and read is what AWS's own library accepts, sends and reads."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, note
from hypothesis import strategies as st

from ecs_connector import parse, serialize
from ecs_connector.model import Model
from ecs_connector.prepare import Checked, input_schema
from ecs_connector.report import violations
from ecs_connector.values import HttpResponse
from support.gates import Accepts, compiled, native
from support.strategies import inputs, operations, outputs, service

MODEL = Model.load()
OPERATIONS = operations()
EXAMPLES = json.loads(json.dumps(Loader().load_service_model("ecs", "examples-1")))["examples"]
SERIALIZER = create_serializer("json", include_validation=True)
PARSER = create_parser("json")


@cache
def checked(operation: str) -> Checked:
    return input_schema(MODEL.operation(operation))


@cache
def acceptors(operation: str) -> tuple[Accepts, Accepts]:
    """Return the gate of a process that handles few messages, and that of one that handles many."""
    schema, rules = checked(operation).schema, MODEL.operation(operation).rules
    return compiled(schema, rules), native(schema, rules)


def problems(operation: str, body: Any) -> list[Any]:
    return violations(checked(operation).schema, MODEL.operation(operation).rules, body)


def same_json(one: Any, other: Any) -> bool:
    """Say whether two JSON values are the same; 3 and 3.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_valid_inputs_are_accepted_and_sent_as_botocore_sends_them(operation: str, data: st.DataObject) -> None:
    """No false alarm on an input that botocore takes, and the same JSON body, timestamps included."""
    body = data.draw(inputs(operation))

    assert problems(operation, body) == []
    assert [accepts(body) for accepts in acceptors(operation)] == [True, True]
    ours = json.loads(serialize.body(MODEL.operation(operation), body))
    theirs = json.loads(SERIALIZER.serialize_to_request(body, service().operation_model(operation))["body"])
    assert same_json(ours, theirs)


def same(ours: Any, theirs: Any) -> bool:
    """Say whether our output is botocore's; its datetimes are our text."""
    if isinstance(theirs, datetime):
        return isinstance(ours, str) and ours.endswith("Z") and datetime.fromisoformat(ours) == theirs
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict)
            and ours.keys() == theirs.keys()
            and all(same(ours[key], theirs[key]) for key in theirs)
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)


@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_outputs_are_read_as_botocore_reads_them(operation: str, data: st.DataObject) -> None:
    """Every value of an answer is the one that botocore's parser finds, timestamps as the same instant."""
    raw = json.dumps(data.draw(outputs(operation))).encode()

    ours = parse.output(MODEL.operation(operation), HttpResponse(200, {}, raw))

    shape = service().operation_model(operation).output_shape
    theirs = PARSER.parse({"body": raw, "headers": {}, "status_code": 200}, shape)
    theirs.pop("ResponseMetadata", None)
    note(f"{ours}\n{theirs}")
    assert same(ours, theirs) if shape is not None else ours == json.loads(raw)


@pytest.mark.parametrize("operation", sorted(EXAMPLES))
def test_the_official_examples_are_accepted(operation: str) -> None:
    """Every example input of botocore passes the validation and is sent as botocore sends it."""
    for example in EXAMPLES[operation]:
        body = example.get("input") or {}

        assert [accepts(body) for accepts in acceptors(operation)] == [True, True], problems(operation, body)
        theirs = SERIALIZER.serialize_to_request(body, service().operation_model(operation))["body"]
        assert json.loads(serialize.body(MODEL.operation(operation), body)) == json.loads(theirs)


# -- the gate and the report ------------------------------------------------------------------------

JUNK = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.0, 0.5, 2**31, 1e300, float("nan"), float("inf"), "", "x", "aws:x", "x" * 300, "\n", [], [None], ["x"], {}, {"x": 1}]
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def mutate(draw: Any, body: Any) -> Any:
    """Return a copy that has been damaged in one place; some damage does no harm."""
    body = copy.deepcopy(body)
    path = draw(st.sampled_from(places(body)))
    if not path:
        return (
            draw(JUNK)
            if draw(st.booleans())
            else {**body, draw(st.sampled_from(["x", "Cluster", "tags", "launchType"])): draw(JUNK)}
        )
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    kind = draw(st.sampled_from(["replace", "remove", "double", "add"]))
    if kind == "replace":
        parent[path[-1]] = draw(JUNK)
    elif kind == "remove":
        del parent[path[-1]]
    elif kind == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[path[-1]]))
    elif isinstance(parent, dict):
        parent[f"{path[-1]}X"] = parent[path[-1]]
    return body


@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_gate_and_report_agree(operation: str, data: st.DataObject) -> None:
    """The quick yes, either of the two, and the full report come to the same verdict, whatever is given."""
    body = mutate(data.draw, data.draw(inputs(operation)))

    found = problems(operation, body)

    assert [accepts(body) for accepts in acceptors(operation)] == [found == []] * 2, found
