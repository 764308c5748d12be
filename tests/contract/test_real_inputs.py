"""Inputs as people write them: none is refused, by the report or by either gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ecs_connector.model import Model
from ecs_connector.prepare import input_schema
from ecs_connector.report import violations
from support.gates import compiled, native

_DEFINITIONS = Path(__file__).parents[1] / "data" / "definitions"
CASES = [
    pytest.param(operation, body, id=f"{operation}-{name}")
    for operation, file in (("RegisterTaskDefinition", "register-task-definition"), ("CreateService", "create-service"))
    for name, body in yaml.safe_load((_DEFINITIONS / f"{file}.yaml").read_text(encoding="utf-8")).items()
]


@pytest.mark.parametrize(("operation", "body"), CASES)
def test_no_false_alarm(operation: str, body: Any) -> None:
    """What ECS takes passes the validation."""
    row = Model.load().operation(operation)
    schema = input_schema(row).schema

    assert violations(schema, row.rules, body) == []
    assert [accepts(body) for accepts in (compiled(schema, row.rules), native(schema, row.rules))] == [True, True]
