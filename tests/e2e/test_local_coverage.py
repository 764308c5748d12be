"""The embedded endpoint answers every operation of the model, and says truly how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ecs_connector.harness.local import LocalEcs, ManualClock, coverage
from ecs_connector.harness.local.endpoint import SYNTHETIC_HEADER
from ecs_connector.harness.local.model import ecs_model
from support.local_client import LocalClient
from support.local_scene import Scene
from support.model_check import shape_problems


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, Any]]:
    """Every operation's answer, each on a scene of its own."""
    found: dict[str, Any] = {}
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        for operation in ecs_model().operations:
            ecs.reset()
            scene = Scene(ecs)
            found[operation] = client.call(operation, scene.body(operation))
    yield found


@pytest.mark.parametrize("operation", ecs_model().operations)
def test_every_operation_answers_what_the_model_allows(answers: dict[str, Any], operation: str) -> None:
    """No operation fails, and each output is valid by the model."""
    answer = answers[operation]

    assert answer.status == 200, answer.raw
    assert shape_problems(ecs_model().output_shape(operation), json.loads(answer.raw), operation) == []


def test_coverage_is_true(answers: dict[str, Any]) -> None:
    """An operation is marked as synthetic in its answer exactly when the table says so."""
    marked = {
        name: "synthetic" if SYNTHETIC_HEADER in found.headers else "implemented" for name, found in answers.items()
    }

    assert marked == coverage()


def test_the_main_job_is_not_synthetic() -> None:
    """What tests and demos lean on keeps state."""
    table = coverage()

    for operation in (
        "CreateCluster",
        "RegisterTaskDefinition",
        "RunTask",
        "DescribeTasks",
        "StopTask",
        "UpdateService",
    ):
        assert table[operation] == "implemented"
