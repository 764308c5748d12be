"""Schema files against the platform's dialect and the AWS model, walked side by side."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from support.schema_check import schema_problems

ROOT = Path(__file__).parents[2]
MODEL = json.loads(json.dumps(Loader().load_service_model("ecs", "service-2")))
OVERRIDES = tomllib.loads((ROOT / "lib/ecs_codegen/overrides.toml").read_text(encoding="utf-8"))
#: Operation -> the members that this component adds to what ECS answers.
OWN: dict[str, set[str]] = {}
for _entry in OVERRIDES["output"]:
    for _operation in _entry["on"]:
        OWN.setdefault(_operation, set()).add(_entry["member"])
LIMITS = {(entry["shape"], entry["member"]): entry for entry in OVERRIDES["limit"]}
OPERATIONS = sorted(MODEL["operations"])
TYPES = {
    "structure": "object", "map": "object", "list": "array", "string": "string", "timestamp": "string", "blob": "string",
    "boolean": "boolean", "integer": "number", "long": "number", "float": "number", "double": "number",
}  # fmt: skip
BOUNDS = {
    "string": ("minLength", "maxLength"), "list": ("minItems", "maxItems"), "map": ("minProperties", "maxProperties"),
    "integer": ("minimum", "maximum"), "long": ("minimum", "maximum"), "float": ("minimum", "maximum"), "double": ("minimum", "maximum"),
}  # fmt: skip
BOUNDED = {"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "required"}


def read(operation: str, side: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "schemas" / f"{operation}.{side}.json").read_text(encoding="utf-8"))
    return schema


@pytest.mark.parametrize("side", ["in", "out"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_schema_speaks_the_platforms_dialect(operation: str, side: str) -> None:
    """Types, boolean `required`, titles, references and plain text: what the designer can read."""
    assert schema_problems(read(operation, side), is_input=side == "in") == []


def differences(
    where: str,
    schema: dict[str, Any],
    name: str,
    top: dict[str, Any],
    limits: dict[str, Any],
    *,
    is_input: bool,
    seen: tuple[str, ...] = (),
) -> Iterator[str]:
    """Yield everything in which a schema is not what the shape of this name says."""
    shape = MODEL["shapes"][name]
    kind = shape["type"]
    if "$ref" in schema:
        schema = {**top["definitions"][schema["$ref"].removeprefix("#/definitions/")]}
    if schema.get("type") != TYPES[kind]:
        yield f"{where}: {kind} became {schema.get('type')}"
        return
    if (schema.get("format") == "date-time") != (kind == "timestamp") or (schema.get("multipleOf") == 1) != (
        kind in ("integer", "long")
    ):
        yield f"{where}: {kind} is not told apart"
    if schema.get("enum") != shape.get("enum"):
        yield f"{where}: enum"
    if is_input:
        yield from _bounds(where, schema, shape, limits)
    elif set(schema) & BOUNDED:
        yield f"{where}: an output is bounded"
    if kind == "structure":
        yield from _structure(where, schema, name, top, is_input=is_input, seen=seen)
    elif kind in ("list", "map"):
        key, inner = ("member", "items") if kind == "list" else ("value", "additionalProperties")
        reference = shape[key]
        below = LIMITS.get((name, key), {})
        yield from differences(
            f"{where}/*", schema[inner], reference["shape"], top, below, is_input=is_input, seen=seen
        )


def _bounds(where: str, schema: dict[str, Any], shape: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    traits = {**shape, **{key: limits[key] for key in ("min", "max", "pattern") if key in limits}}
    low, high = BOUNDS.get(shape["type"], (None, None))
    for trait, keyword in (("min", low), ("max", high)):
        if keyword is None:
            continue
        wanted = traits.get(trait)
        if wanted == 0 and keyword in ("minLength", "minItems"):
            wanted = None
        if schema.get(keyword) != wanted:
            yield f"{where}: {keyword} is {schema.get(keyword)}, {wanted} is right"
    if ("pattern" in schema) != ("pattern" in traits):
        yield f"{where}: pattern"
    if "pattern" in schema and not (schema["pattern"].startswith("^") and schema["pattern"].endswith("$")):
        yield f"{where}: the pattern does not hold the whole text"


def _structure(
    where: str, schema: dict[str, Any], name: str, top: dict[str, Any], *, is_input: bool, seen: tuple[str, ...]
) -> Iterator[str]:
    shape = MODEL["shapes"][name]
    if shape.get("document"):
        if set(schema) & {"properties", "additionalProperties"}:
            yield f"{where}: a free-form document is bounded"
        return
    if name in seen:
        return
    if list(schema["properties"]) != list(shape.get("members", {})):
        yield f"{where}: members"
        return
    if bool(shape.get("union")) != (schema.get("maxProperties") == 1 and schema.get("minProperties") == 1):
        yield f"{where}: union"
    if is_input and schema.get("additionalProperties") is not False:
        yield f"{where}: unknown members pass"
    for member, reference in shape.get("members", {}).items():
        inner = schema["properties"][member]
        if is_input and inner["required"] != (member in shape.get("required", ())):
            yield f"{where}/{member}: required"
        below = LIMITS.get((name, member), {})
        yield from differences(
            f"{where}/{member}", inner, reference["shape"], top, below, is_input=is_input, seen=(*seen, name)
        )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_input_schema_says_what_the_model_says(operation: str) -> None:
    """Every constraint of the model is in the schema, with the documented corrections, and nothing else is."""
    schema = read(operation, "in")

    assert (
        list(differences("", schema, MODEL["operations"][operation]["input"]["shape"], schema, {}, is_input=True)) == []
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_output_schema_says_what_the_model_says(operation: str) -> None:
    """Every output member is described, and none is bounded: ECS may answer with more than today's model knows.

    What this component adds itself, such as the verdict on a task, stands beside them.
    """
    schema = read(operation, "out")
    output = MODEL["operations"][operation].get("output")
    own = OWN.get(operation, set())
    assert own <= set(schema["properties"])
    schema["properties"] = {name: inner for name, inner in schema["properties"].items() if name not in own}
    if output is None:
        assert schema == {"type": "object", "properties": {}}
        return

    assert list(differences("", schema, output["shape"], schema, {}, is_input=False)) == []


def test_no_schema_is_left_over() -> None:
    """There are exactly two schema files for each operation."""
    names = {path.name for path in (ROOT / "schemas").iterdir()}

    assert names == {f"{operation}.{side}.json" for operation in OPERATIONS for side in ("in", "out")}


BROKEN = {
    "no object": ({"type": "array"}, "a body is an object"),
    "required as a list": ({"type": "object", "properties": {"a": {"title": "A", "type": "object", "required": ["x"]}}}, "not true or false"),
    "no required": ({"type": "object", "properties": {"a": {"title": "A", "type": "string"}}}, "whether it is required"),
    "no title": ({"type": "object", "properties": {"a": {"type": "string", "required": False}}}, "has no title"),
    "integer": ({"type": "object", "properties": {"a": {"title": "A", "type": "integer", "required": False}}}, "'integer'"),
    "items": ({"type": "object", "properties": {"a": {"title": "A", "type": "array", "required": False}}}, "of what"),
    "reference": ({"type": "object", "properties": {"a": {"title": "A", "$ref": "#/definitions/x", "required": False}}}, "leads nowhere"),
    "unused": ({"type": "object", "properties": {}, "definitions": {"X": {"type": "object", "properties": {}}}}, "is not used"),
    "keyword": ({"type": "object", "properties": {"a": {"title": "A", "oneOf": [], "type": "string", "required": False}}}, "oneOf"),
    "HTML": ({"type": "object", "properties": {"a": {"title": "A", "type": "string", "required": False, "help": {"description": "<p>x</p>"}}}}, "HTML"),
    "entity": ({"type": "object", "properties": {"a": {"title": "A&amp;B", "type": "string", "required": False}}}, "HTML"),
    "nothing fits": ({"type": "object", "properties": {"a": {"title": "A", "type": "number", "minimum": 2, "maximum": 1, "required": False}}}, "nothing is between"),
    "enum": ({"type": "object", "properties": {"a": {"title": "A", "type": "string", "enum": [], "required": False}}}, "enum is empty"),
    "pattern": ({"type": "object", "properties": {"a": {"title": "A", "type": "string", "pattern": "(", "required": False}}}, "pattern is none"),
}  # fmt: skip


@pytest.mark.parametrize("schema, wanted", BROKEN.values(), ids=BROKEN)
def test_the_check_refuses_a_broken_schema(schema: dict[str, Any], wanted: str) -> None:
    """Each rule of the dialect check finds what breaks it."""
    assert any(wanted in problem for problem in schema_problems(schema))
