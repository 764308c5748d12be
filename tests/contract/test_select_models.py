"""The drop-downs of the manifest against the AWS model: each can be answered, and what it fills is there to be filled."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from ecs_codegen import choices
from ecs_codegen.source import CorrectionError, Source, load
from ecs_connector.model import Model, read_data

ROOT = Path(__file__).parents[2]
ACTIONS = json.loads((ROOT / "component.json").read_text(encoding="utf-8"))["actions"]
SERVICE = botocore.session.get_session().get_service_model("ecs")
MODEL = Model.load()
SELECTS = read_data("select_models.json")


def drop_downs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for action, entry in ACTIONS.items():
        for name, field in entry["fields"].items():
            if isinstance(field.get("model"), str):
                yield action, name, field


def reach(operation: str, path: tuple[str | None, ...]) -> Any:
    """Return the shape at a place of an input."""
    shape = SERVICE.operation_model(operation).input_shape
    for step in path:
        shape = shape.member if step is None else shape.members[step]
    return shape


def test_every_drop_down_is_answered() -> None:
    """Each field with a live list names one that is there, and each list is used by a field."""
    assert {field["model"] for _, _, field in drop_downs()} == set(SELECTS)


def test_every_drop_down_is_enabled_by_its_parents() -> None:
    """What a list cannot do without is a field of the same form, and the form asks for it first."""
    for action, name, field in drop_downs():
        sources = SELECTS[field["model"]]["from"]
        needed = set() if any(not source["needs"] for source in sources) else set(sources[0]["needs"])
        assert set(field.get("require", ())) == needed, (action, name)
        assert needed <= set(ACTIONS[action]["fields"])
        assert field["viewClass"] == "SelectView"
        assert field["required"] is False
        assert field["prompt"]


@pytest.mark.parametrize("operation", sorted(ACTIONS))
def test_what_is_chosen_has_a_place(operation: str) -> None:
    """Each field that fills the body leads to a text in the input, and every action with a cluster lets choose one."""
    row = MODEL.operation(operation)
    members = set(SERVICE.operation_model(operation).input_shape.members)

    for fill in row.fills:
        assert reach(operation, fill.path).type_name == "string"
        assert fill.unless <= members
        assert fill.field in row.fields
    if {"cluster", "clusters"} & members:
        assert "cluster" in {fill.field for fill in row.fills}


def test_names_of_new_things_are_not_chosen() -> None:
    """An action that creates something does not offer the names that are taken."""
    for action, field in (
        ("CreateService", "service"),
        ("CreateExpressGatewayService", "service"),
        ("CreateCluster", "cluster"),
        ("CreateCapacityProvider", "capacityProvider"),
    ):
        assert field not in ACTIONS[action]["fields"]


def test_a_revision_is_stronger_than_its_family() -> None:
    """Where both could fill a member, the more exact choice comes first."""
    for operation in ("RunTask", "UpdateService", "DescribeTaskDefinition"):
        fields = [fill.field for fill in MODEL.operation(operation).fills if fill.path[0] == "taskDefinition"]
        assert fields == ["taskDefinition", "taskFamily"]
    assert [fill.field for fill in MODEL.operation("DeregisterTaskDefinition").fills] == ["taskDefinition"]


# -- the generator refuses a table that leads nowhere ---------------------------------------------------


@pytest.fixture(scope="module")
def source() -> Source:
    return load()


Breaker = Callable[[dict[str, Any]], Any]
BROKEN: dict[str, tuple[Breaker, str]] = {
    "operation of also": (lambda t: t["step"]["service"]["also"].update(NoSuch="service"), "the model has no operation NoSuch"),
    "operation of except": (lambda t: t["step"]["taskFamily"]["except"].append("NoSuch"), "the model has no operation NoSuch"),
    "select model": (lambda t: t["step"]["task"].update(model="chores"), "there is no select model chores"),
    "parent": (lambda t: t["step"]["task"]["require"].append("region2"), "there is no step field region2"),
    "place": (lambda t: t["step"]["service"]["also"].update(ListTasks="serviceNam"), "ListTasks: the input has no serviceNam"),
    "list as text": (lambda t: t["step"]["task"].update(fills=["tasks"]), "where there is a list"),
    "no text": (lambda t: t["step"]["service"]["also"].update(RunTask="count"), "RunTask: count is no string"),
    "listed operation": (lambda t: t["select"]["clusters"]["from"][0].update(operation="ListNothing"), "has no such operation"),
    "input": (lambda t: t["select"]["clusters"]["from"][0]["input"].update(colour="red"), "has no colour"),
    "needs": (lambda t: t["select"]["services"]["from"][0]["needs"].update(tribe="cluster"), "there is no step field tribe"),
    "items of pages": (lambda t: t["select"]["clusters"]["from"][0].update(items="x"), "needs items, or has them"),
    "ids": (lambda t: t["select"]["tasks"]["describe"].update(ids="chores"), "the input has no chores"),
}  # fmt: skip


@pytest.mark.parametrize("breaker, wanted", BROKEN.values(), ids=BROKEN)
def test_the_generator_refuses_what_leads_nowhere(breaker: Breaker, wanted: str, source: Source) -> None:
    """A name that the model or the table does not have ends the generation with a text that names it."""
    fields = copy.deepcopy(source.fields)
    breaker(fields)
    broken = replace(source, fields=fields)

    with pytest.raises(CorrectionError, match=wanted):
        choices.select_models(broken)
        for operation in broken.operations:
            choices.fills(broken, operation)
