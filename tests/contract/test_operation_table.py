"""The operation table against the AWS model: every name in a row leads somewhere, and no trait is missing."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from ecs_connector.model import Model, read_data
from ecs_connector.rules import KINDS

SERVICE = botocore.session.get_session().get_service_model("ecs")
MODEL = Model.load()
ROWS = read_data("operations.json")["operations"]
PAGINATORS = Loader().load_service_model("ecs", "paginators-1")["pagination"]
RAW = Loader().load_service_model("ecs", "service-2")
OPERATIONS = list(SERVICE.operation_names)


def output_members(operation: str) -> dict[str, Any]:
    shape = SERVICE.operation_model(operation).output_shape
    return dict(shape.members) if shape is not None else {}


def input_members(operation: str) -> dict[str, Any]:
    return dict(SERVICE.operation_model(operation).input_shape.members)


def test_the_table_has_every_operation_and_error() -> None:
    """Rows and errors are those of the model, no more and no less."""
    assert sorted(ROWS) == sorted(OPERATIONS)
    shapes = RAW["shapes"]
    assert dict(MODEL.faults) == {
        name: "server" if shape.get("fault") else "client" for name, shape in shapes.items() if shape.get("exception")
    }


def test_the_service_facts_are_the_models() -> None:
    """Version, target prefix, content type and signing name are what botocore sends."""
    metadata = SERVICE.metadata

    assert MODEL.api_version == metadata["apiVersion"]
    assert MODEL.target_prefix == metadata["targetPrefix"]
    assert MODEL.content_type == f"application/x-amz-json-{metadata['jsonVersion']}"
    assert MODEL.signing_name == SERVICE.signing_name


@pytest.mark.parametrize("operation", OPERATIONS)
def test_paging_leads_to_a_list(operation: str) -> None:
    """Every operation with a next token is paged, also those that botocore's paginators forget."""
    pages = MODEL.operation(operation).pages
    assert (pages is not None) == ("nextToken" in input_members(operation))
    if pages is None:
        return
    assert pages.token_in in input_members(operation)
    assert pages.token_out in output_members(operation)
    assert (pages.limit is not None) == ("maxResults" in input_members(operation))
    members, shape = output_members(operation), None
    for name in pages.items:
        shape = members[name]
        members = dict(getattr(shape, "members", {}))
    assert shape is not None
    assert shape.type_name == "list"
    assert pages.item
    if operation in PAGINATORS:
        assert ".".join(pages.items) == PAGINATORS[operation]["result_key"]
        assert pages.token_out == PAGINATORS[operation]["output_token"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_traits_are_the_models(operation: str) -> None:
    """Failures, client tokens, splits, reading and writing: each is there exactly where the model has it."""
    row, model = MODEL.operation(operation), SERVICE.operation_model(operation)

    assert row.failures == ("failures" in output_members(operation))
    assert set(row.good) <= set(output_members(operation)) - {"failures", "nextToken"}
    assert bool(row.good) == row.failures
    assert (row.token is not None) == ("clientToken" in input_members(operation))
    if row.split is not None:
        assert input_members(operation)[row.split.member].type_name == "list"
        assert row.split.size > 1
        assert not row.mutates
    assert row.mutates == (not RAW["operations"][operation].get("readonly"))
    assert not (row.mutates and operation.startswith(("Describe", "List", "Get")))
    assert row.mutates or not row.destroys
    if not row.mutates or row.token is not None:
        assert row.safe is True
    if isinstance(row.safe, str):
        assert input_members(operation)[row.safe].type_name == "boolean"
    assert model.name == row.name


def leaves(shape: Any, wanted: Any, path: tuple[str, ...] = (), seen: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the places of all wanted leaves in a shape."""
    if wanted(shape):
        return {path}
    if shape.type_name == "structure" and shape.name not in seen:
        found: set[tuple[str, ...]] = set()
        for name, member in shape.members.items():
            found |= leaves(member, wanted, (*path, name), (*seen, shape.name))
        return found
    if shape.type_name == "list":
        return leaves(shape.member, wanted, (*path, "[]"), seen)
    if shape.type_name == "map":
        return leaves(shape.value, wanted, (*path, "*"), seen)
    return set()


def plan_leaves(plan: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the places of all leaves of a plan."""
    if isinstance(plan, list):
        return plan_leaves(plan[0], (*path, "[]"))
    if isinstance(plan, (str, int)):
        return {path}
    return {leaf for name, inner in (plan or {}).items() for leaf in plan_leaves(inner, (*path, name))}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_timestamp_is_planned(operation: str) -> None:
    """Each timestamp of input and output, nested ones too, is in the row's plan, and nothing else is."""
    row, model = MODEL.operation(operation), SERVICE.operation_model(operation)

    def stamp(shape: Any) -> bool:
        return bool(shape.type_name == "timestamp")

    assert plan_leaves(row.times_in) == leaves(model.input_shape, stamp)
    assert plan_leaves(row.times_out) == (leaves(model.output_shape, stamp) if model.output_shape else set())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_sensitive_member_is_planned(operation: str) -> None:
    """What the model marks as sensitive is in the plan of secrets."""
    row, model = MODEL.operation(operation), SERVICE.operation_model(operation)

    def sensitive(shape: Any) -> bool:
        return bool(shape.metadata.get("sensitive"))

    def covered(place: tuple[str, ...], plan: set[tuple[str, ...]]) -> bool:
        return any(place[: len(leaf)] == leaf for leaf in plan)

    for shape, plan in ((model.input_shape, row.secrets_in), (model.output_shape, row.secrets_out)):
        planned = plan_leaves(plan)
        marked = leaves(shape, sensitive) if shape is not None else set()
        assert [place for place in marked if not covered(place, planned)] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_rules_stand_where_the_input_has_their_members(operation: str) -> None:
    """A rule's place exists, its kind is known, and its id and text say what it is."""
    for rule in MODEL.operation(operation).rules:
        assert rule["kind"] in KINDS
        assert rule["id"] and rule["text"].endswith(".")
        shape = SERVICE.operation_model(operation).input_shape
        for name in rule["at"]:
            if name == "*":
                shape = shape.member if shape.type_name == "list" else shape.value
            else:
                shape = shape.members[name]
        named = {*rule.get("members", ()), *rule.get("any", ()), *([rule["member"]] if "member" in rule else [])}
        named |= {path.partition(".")[0] for key in ("when", "unless") for path in rule.get(key, {})}
        assert named <= set(shape.members)


def test_waits_name_real_operations() -> None:
    """Each wait of a row is in the table of waits, and everything the table calls is an operation."""
    tables = read_data("waits.json")
    offered = {wait for operation in OPERATIONS for wait in MODEL.operation(operation).waits}
    lookups = {row.effect.lookup for row in map(MODEL.operation, OPERATIONS) if row.effect is not None}

    assert offered == set(tables["waits"])
    assert lookups == set(tables["lookups"])

    def called(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value[key] for key in ("poll", "operation") if isinstance(value.get(key), str)}
            return own.union(*(called(inner) for inner in value.values()))
        return set().union(*map(called, value)) if isinstance(value, list) else set()

    assert called(tables) <= set(OPERATIONS)
