"""Tells the platform what a step takes and gives: the action's schemas, fitted to how the step is configured.

Source: https://docs.elastic.io/developers/component-json-metadata (getMetaModel)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ecs_connector.component import Action
from ecs_connector.errors import DescriptorError
from ecs_connector.model import Operation


def meta_model(action: Action, operation: Operation | None, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{in, out}`: the schemas that the descriptor names, `out` being one item where items are emitted.

    Raises:
        DescriptorError: The action has no metadata, or a file of it cannot be read.
    """
    metadata = action.entry.get("metadata")
    if not isinstance(metadata, Mapping):
        raise DescriptorError(f"The entry {action.id!r} of component.json has no metadata.")
    found = {side: _schema(action, metadata.get(side)) for side in ("in", "out")}
    if operation is not None and operation.pages is not None and config.get("emitBehaviour") == "emitIndividually":
        found["out"] = _item(found["out"], operation)
    return found


def _schema(action: Action, metadata: Any) -> dict[str, Any]:
    if isinstance(metadata, Mapping):
        return dict(metadata)
    if not isinstance(metadata, str):
        return {"type": "object", "properties": {}}
    try:
        with open(action.path(metadata), "rb") as file:
            schema: dict[str, Any] = orjson.loads(file.read())
    except (OSError, ValueError) as error:
        raise DescriptorError(f"{metadata} of the action {action.id!r} cannot be read: {error}") from error
    return schema


def _item(out: dict[str, Any], operation: Operation) -> dict[str, Any]:
    """Return the schema of one emitted message: the item, under its name where it is no object."""
    assert operation.pages is not None  # noqa: S101 - the caller looked
    schema: Mapping[str, Any] = out
    for name in operation.pages.items:
        schema = _resolved(schema, out)["properties"][name]
    item = _resolved(schema["items"], out)
    if item.get("type") != "object":
        name = operation.pages.item
        item = {"type": "object", "properties": {name: {"title": name, **item}}}
    return {**item, "definitions": out["definitions"]} if "definitions" in out else dict(item)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    resolved: Mapping[str, Any] = root["definitions"][reference.rpartition("/")[2]]
    return resolved
