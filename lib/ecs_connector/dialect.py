"""Turns a schema of the platform's dialect into standard JSON Schema (draft 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What a timestamp's type is called until a validator is told what it means.
MOMENT = "moment"
_KEPT = (
    "$ref", "enum", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern",
    "minProperties", "maxProperties",
)  # fmt: skip


def standard(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with `required` as arrays and whole numbers as `integer`."""
    result: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if "type" in schema:
        whole = schema["type"] == "number" and schema.get("multipleOf") == 1
        result["type"] = MOMENT if schema.get("format") == "date-time" else "integer" if whole else schema["type"]
    if "properties" in schema:
        result["properties"] = {name: standard(inner) for name, inner in schema["properties"].items()}
        required = [name for name, inner in schema["properties"].items() if inner.get("required")]
        if required:
            result["required"] = required
    extra = schema.get("additionalProperties")
    if extra is not None:
        result["additionalProperties"] = standard(extra) if isinstance(extra, Mapping) else extra
    if "items" in schema:
        result["items"] = standard(schema["items"])
    if "definitions" in schema:
        result["definitions"] = {name: standard(inner) for name, inner in schema["definitions"].items()}
    return result


def has_moment(schema: Any) -> bool:
    """Say whether a standard schema has a timestamp anywhere."""
    if isinstance(schema, Mapping):
        return schema.get("type") == MOMENT or any(has_moment(inner) for inner in schema.values())
    return False
