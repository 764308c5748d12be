"""Writes the help page of an action: what it does, its fields, its input and its output."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ecs_connector.component import Action
from ecs_connector.config import Fields
from ecs_connector.model import Operation

_INDENT = "  "


def page(action: Action, operation: Operation | None, fields: Fields, width: int = 100) -> str:
    """Return the help page of an action."""
    entry = action.entry
    lines = [f"{action.id} - {entry.get('title', '')}", ""]
    lines += textwrap.wrap(str(entry.get("description", "")), width)
    link = entry.get("help", {}).get("link")
    if link:
        lines.append(link)
    if operation is not None:
        lines += ["", *_traits(operation)]
    lines += ["", "STEP FIELDS (--set field=value)"]
    lines += list(_fields(entry.get("fields", {}), fields, width))
    for side, title in (("in", "INPUT (--body)"), ("out", "OUTPUT")):
        schema = _schema(action, entry.get("metadata", {}).get(side))
        lines += ["", title]
        members = list(_members(schema, schema.get("definitions", {}), width, 1, ()))
        lines += members or [f"{_INDENT}nothing"]
    return "\n".join(lines) + "\n"


def _traits(operation: Operation) -> Iterator[str]:
    yield "Changes something in AWS." if operation.mutates else "Reads only."
    if operation.destroys:
        yield "Destroys: needs confirm=true where the credential asks for confirmation."
    if operation.token is not None:
        yield "The same message never takes effect twice: a client token is derived from it."
    elif not operation.safe:
        yield "Has no client token: it is never repeated once it may have reached ECS."
    if operation.split is not None:
        yield f"Any number of {operation.split.member}: ECS is asked for {operation.split.size} at a time."
    if operation.waits:
        yield f"Can wait for {', '.join(operation.waits)}."


def _fields(entries: Mapping[str, Any], fields: Fields, width: int) -> Iterator[str]:
    for name, entry in entries.items():
        default = fields.default(name)
        model = entry.get("model")
        text = entry["label"]
        if isinstance(model, dict) and len(model) <= 12:
            text += f": {', '.join(model)}"
        if default is not None:
            text += f" (default {', '.join(map(str, default)) if isinstance(default, list) else default})"
        yield from _entry(name, text, width, 1)


def _schema(action: Action, metadata: Any) -> Mapping[str, Any]:
    if isinstance(metadata, str):
        with open(action.path(metadata), encoding="utf-8") as file:
            found: Mapping[str, Any] = json.load(file)
            return found
    return metadata if isinstance(metadata, Mapping) else {}


def _members(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], width: int, depth: int, above: tuple[str, ...]
) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        resolved, reference = _resolve(inner, definitions)
        marks = [_kind(resolved, definitions), *_limits(resolved)]
        text = ", ".join(marks) + (" - required" if inner.get("required") else "")
        text += f". {inner['help']['description']}" if "help" in inner else ""
        yield from _entry(name, text, width, depth)
        nested = resolved
        while nested.get("type") == "array":
            nested, reference = _resolve(nested["items"], definitions)
        if isinstance(nested.get("additionalProperties"), Mapping):
            nested, reference = _resolve(nested["additionalProperties"], definitions)
        if "properties" in nested and reference not in above:
            yield from _members(nested, definitions, width, depth + 1, (*above, reference) if reference else above)


def _resolve(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    reference = str(schema.get("$ref", "")).rpartition("/")[2]
    return (definitions[reference], reference) if reference else (schema, "")


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_kind(_resolve(schema['items'], definitions)[0], definitions)}"
    if kind == "object":
        return "exactly one of" if "maxProperties" in schema else "object"
    if kind == "number":
        return "whole number" if schema.get("multipleOf") == 1 else "number"
    if kind == "string":
        return "timestamp" if schema.get("format") == "date-time" else "text"
    return "true or false"


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        values = schema["enum"]
        yield "one of " + " | ".join(values[:12]) + (f" | ... ({len(values)})" if len(values) > 12 else "")
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        if low in schema and high in schema:
            yield f"{schema[low]} to {schema[high]}{unit}"
        elif high in schema:
            yield f"at most {schema[high]}{unit}"
        elif low in schema:
            yield f"at least {schema[low]}{unit}"
    if "pattern" in schema:
        yield f"matches {schema['pattern']}"


def _entry(name: str, text: str, width: int, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    head = f"{indent}{name}"
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=f"{head}{' ' * max(2, 26 - len(head))}",
        subsequent_indent=indent + " " * 8,
        break_long_words=False,
        break_on_hyphens=False,
    )
