"""Makes the drop-downs: which operations offer which, what they fill in the body, and what they list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_codegen.expressions import compile_expression
from ecs_codegen.source import CorrectionError, Source

#: Keys of a field of fields.toml that name operations.
_BY_OPERATION = ("also", "instead", "except")


def fills(source: Source, name: str) -> list[dict[str, Any]]:
    """Return the fields that an operation takes defaults of its body from, the strongest first.

    Where two fields fill the same member, the one that depends on the other is the stronger: a revision says
    more than its family.

    Raises:
        CorrectionError: A field names what is not there.
    """
    _check_fields(source)
    found = []
    members = source.members(source.input_shape(name))
    for field, spec in source.fields["step"].items():
        if "fills" not in spec or name in spec.get("except", ()):
            continue
        path = spec.get("also", {}).get(name) or next((path for path in spec["fills"] if _head(path) in members), None)
        if path is None:
            continue
        _check_path(source, name, path)
        entry: dict[str, Any] = {"field": field, "path": path}
        if unless := [member for member in spec.get("unless", ()) if member in members]:
            entry["unless"] = unless
        found.append(entry)
    depth = {field: len(_parents(source, {field})) for field in source.fields["step"]}
    return sorted(found, key=lambda entry: -depth[entry["field"]])


def offered(source: Source, filling: list[dict[str, Any]]) -> set[str]:
    """Return the drop-downs of an operation: what fills its body, and what those depend on."""
    return _parents(source, {entry["field"] for entry in filling})


def _parents(source: Source, fields: set[str]) -> set[str]:
    above = {parent for field in fields for parent in source.fields["step"][field].get("require", ())}
    return fields if above <= fields else _parents(source, fields | above)


def model_of(spec: Mapping[str, Any], operation: str | None) -> str:
    """Return the name of the select model that a field uses on an operation."""
    name: str = spec.get("instead", {}).get(operation, spec["model"])
    return name


def select_models(source: Source) -> dict[str, Any]:
    """Return select_models.json.

    Raises:
        CorrectionError: An entry names what is not there.
    """
    return {name: _model(source, name, spec) for name, spec in source.fields["select"].items()}


def _model(source: Source, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    entry = {
        "title": spec["title"],
        "value": compile_expression(spec["value"]) if "value" in spec else None,
        "label": [compile_expression(text) for text in spec.get("label", ())],
        "sorted": spec.get("order") != "given",
        "from": [],
    }
    for origin in spec["from"]:
        paged = "nextToken" in source.members(_input(source, origin["operation"]))
        if paged == ("items" in origin):
            raise CorrectionError(f"select.{name}: {origin['operation']} needs items, or has them by its pages")
        for member in origin.get("input", ()):
            _check_path(source, origin["operation"], member, leaf=None)
        _check_needs(source, name, origin)
        made = {"operation": origin["operation"], "input": origin.get("input", {}), "needs": origin.get("needs", {})}
        if "items" in origin:
            made["items"] = compile_expression(origin["items"])
        entry["from"].append(made)
    if describe := spec.get("describe"):
        _check_path(source, describe["operation"], f"{describe['ids']}[]")
        _check_needs(source, name, describe)
        entry["describe"] = describe
    return entry


def _check_needs(source: Source, name: str, call: Mapping[str, Any]) -> None:
    for field, path in call.get("needs", {}).items():
        if field not in source.fields["step"]:
            raise CorrectionError(f"select.{name}: there is no step field {field}")
        _check_path(source, call["operation"], path)


def _check_fields(source: Source) -> None:
    for field, spec in source.fields["step"].items():
        if "fills" not in spec:
            continue
        for key in _BY_OPERATION:
            for operation in spec.get(key, ()):
                if operation not in source.operations:
                    raise CorrectionError(f"step.{field}.{key}: the model has no operation {operation}")
        for model in (spec["model"], *spec.get("instead", {}).values()):
            if model not in source.fields["select"]:
                raise CorrectionError(f"step.{field}: there is no select model {model}")
        for parent in spec.get("require", ()):
            if parent not in source.fields["step"]:
                raise CorrectionError(f"step.{field}.require: there is no step field {parent}")


def _input(source: Source, operation: str) -> str:
    if operation not in source.operations:
        raise CorrectionError(f"{operation}: the model has no such operation")
    return source.input_shape(operation)


def _head(path: str) -> str:
    return path.partition(".")[0].removesuffix("[]")


def _check_path(source: Source, operation: str, path: str, *, leaf: str | None = "string") -> None:
    """Refuse a place that the input does not have, or that takes something else."""
    shape = _input(source, operation)
    for part in path.split("."):
        reference = source.members(shape).get(part.removesuffix("[]"))
        if reference is None:
            raise CorrectionError(f"{operation}: the input has no {path}")
        shape = reference["shape"]
        if (source.shapes[shape]["type"] == "list") != part.endswith("[]"):
            raise CorrectionError(f"{operation}: {path} is written with [] where there is a list, and nowhere else")
        if part.endswith("[]"):
            shape = source.shapes[shape]["member"]["shape"]
    if leaf is not None and source.shapes[shape]["type"] != leaf:
        raise CorrectionError(f"{operation}: {path} is no {leaf}")
