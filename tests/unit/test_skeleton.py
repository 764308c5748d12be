"""Skeletons: an example input of each operation that passes its own validation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.serialize import create_serializer

from ecs_connector.model import Model
from ecs_connector.prepare import input_schema
from ecs_connector.report import violations
from ecs_connector.terminal.skeleton import skeleton
from support.strategies import service

MODEL = Model.load()
SERIALIZER = create_serializer("json", include_validation=True)
KINDS = pytest.mark.parametrize("minimal", [False, True], ids=["full", "minimal"])


def made(operation: str, *, minimal: bool) -> dict[str, Any]:
    row = MODEL.operation(operation)
    return skeleton(row, input_schema(row).schema, minimal=minimal)


@KINDS
@pytest.mark.parametrize("operation", MODEL.names)
def test_a_skeleton_passes_its_validation(operation: str, minimal: bool) -> None:
    """Both skeletons of every operation are accepted here and by botocore, and are plain JSON."""
    row = MODEL.operation(operation)
    body = made(operation, minimal=minimal)

    assert violations(input_schema(row).schema, row.rules, body) == []
    assert input_schema(row).accepts(body)
    SERIALIZER.serialize_to_request(body, service().operation_model(operation))
    assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("operation", MODEL.names)
def test_a_minimal_skeleton_is_part_of_the_full_one(operation: str) -> None:
    """Minimal is what the model requires at the top; full shows at least as much."""
    required = set(service().operation_model(operation).input_shape.required_members)
    minimal, full = made(operation, minimal=True), made(operation, minimal=False)

    assert set(minimal) == required
    assert set(minimal) <= set(full)
    if len(service().operation_model(operation).input_shape.members) > len(required) + 2:
        assert len(full) > len(minimal)


@KINDS
def test_what_the_connector_fills_in_is_left_out(minimal: bool) -> None:
    """Client tokens are derived from the message, and a list begins at its first page."""
    assert "clientToken" not in made("RunTask", minimal=minimal)
    assert "nextToken" not in made("ListTasks", minimal=minimal)


def test_a_skeleton_is_something_to_start_from() -> None:
    """The example is filled with what people write, not with placeholders."""
    body = made("RunTask", minimal=False)

    assert body["taskDefinition"] == "web:1"
    assert body["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-0123456789abcdef0"]
    assert made("StopTask", minimal=True) == {"task": "0123456789abcdef0123456789abcdef"}
    (container,) = made("RegisterTaskDefinition", minimal=True)["containerDefinitions"]
    assert {"name", "image", "memory"} <= set(container)
    assert made("TagResource", minimal=True)["tags"][0]["key"] == "team"
