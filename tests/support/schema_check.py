"""Says what the platform's designer could not read in a schema file.

Source: https://docs.elastic.io/developers/component-json-metadata
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES = frozenset({"string", "number", "boolean", "object", "array"})
KEYWORDS = frozenset({
    "title", "type", "required", "order", "help", "enum", "examples", "default", "minimum", "maximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "contentEncoding", "minItems", "maxItems", "items", "properties", "additionalProperties",
    "minProperties", "maxProperties", "definitions", "$ref",
})  # fmt: skip
#: A tag, not a comparison or a placeholder with spaces.
HTML = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(\s[^<>]*)?/?>|&(amp|lt|gt|quot|nbsp|#\d+);")


def schema_problems(schema: Any, *, is_input: bool = True) -> list[str]:
    """Return everything in a schema file that breaks the dialect."""
    if (
        not isinstance(schema, Mapping)
        or schema.get("type") != "object"
        or not isinstance(schema.get("properties"), Mapping)
    ):
        return ["a body is an object with properties"]
    definitions = schema.get("definitions", {})
    problems = list(_node("", schema, definitions, is_input=is_input))
    for name, inner in definitions.items():
        problems += _node(f"definitions/{name}", inner, definitions, is_input=is_input)
    used = {text for text in _references(schema)}
    problems += [f"definitions/{name}: is not used" for name in definitions if f"#/definitions/{name}" not in used]
    return problems


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _node(where: str, node: Any, definitions: Mapping[str, Any], *, is_input: bool) -> Iterator[str]:
    if not isinstance(node, Mapping):
        yield f"{where}: is no schema"
        return
    for key in node:
        if key not in KEYWORDS:
            yield f"{where}: the keyword {key} is not of the dialect"
    if "$ref" in node:
        name = str(node["$ref"]).removeprefix("#/definitions/")
        if name not in definitions:
            yield f"{where}: {node['$ref']} leads nowhere"
    elif node.get("type") not in TYPES:
        yield f"{where}: the type {node.get('type')!r} is not of the dialect"
    elif node["type"] == "array" and "items" not in node:
        yield f"{where}: a list does not say of what"
    if "required" in node and not isinstance(node["required"], bool):
        yield f"{where}: required is not true or false"
    if "enum" in node and (not node["enum"] or len(set(map(str, node["enum"]))) != len(node["enum"])):
        yield f"{where}: the enum is empty or repeats itself"
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        if low in node and high in node and node[low] > node[high]:
            yield f"{where}: nothing is between {low} and {high}"
    if "pattern" in node:
        try:
            re.compile(node["pattern"])
        except re.error as error:
            yield f"{where}: the pattern is none: {error}"
    for name, inner in node.get("properties", {}).items():
        yield from _property(f"{where}/{name}", inner, is_input=is_input)
        yield from _node(f"{where}/{name}", inner, definitions, is_input=is_input)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), Mapping):
            yield from _node(f"{where}/{key}", node[key], definitions, is_input=is_input)


def _property(where: str, node: Mapping[str, Any], *, is_input: bool) -> Iterator[str]:
    title = node.get("title")
    if not isinstance(title, str) or not title.strip():
        yield f"{where}: has no title"
    elif HTML.search(title):
        yield f"{where}: the title has HTML"
    if is_input and "required" not in node:
        yield f"{where}: does not say whether it is required"
    if not isinstance(node.get("order", 0), int):
        yield f"{where}: the order is no number"
    text = node.get("help", {}).get("description") if isinstance(node.get("help", {}), Mapping) else None
    if "help" in node and (not isinstance(text, str) or not text.strip()):
        yield f"{where}: the help is empty"
    elif text and HTML.search(text):
        yield f"{where}: the help has HTML: {text}"
