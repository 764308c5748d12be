"""Turns a shape of the model into a schema file in the platform's dialect.

`required` is a boolean on the property, every property has a title, whole numbers are `number` with
`multipleOf` 1, a union is an object with exactly one member.

Source: https://docs.elastic.io/developers/component-json-metadata
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ecs_codegen import text
from ecs_codegen.source import Source

_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "number", "multipleOf": 1},
    "long": {"type": "number", "multipleOf": 1},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "timestamp": {"type": "string", "format": "date-time"},
    "blob": {"type": "string", "contentEncoding": "base64"},
}
#: Trait -> keyword, by the type of the shape.
_KEYWORDS = {
    "string": {"min": "minLength", "max": "maxLength"},
    "list": {"min": "minItems", "max": "maxItems"},
    "map": {"min": "minProperties", "max": "maxProperties"},
    "number": {"min": "minimum", "max": "maximum"},
}


def schema(source: Source, shape: str | None, *, is_input: bool) -> dict[str, Any]:
    """Return the schema file of an operation's input or output shape."""
    if shape is None:
        return {"type": "object", "properties": {}}
    return _Builder(source, is_input=is_input).root(shape)


def added(source: Source, operation: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return an output schema with the members that this component adds to what ECS answers."""
    own = {entry["member"]: entry["schema"] for entry in source.overrides["output"] if operation in entry["on"]}
    if not own:
        return schema
    properties = {**schema["properties"], **{name: {**spec, "order": 0} for name, spec in own.items()}}
    return {**schema, "properties": properties}


class _Builder:
    def __init__(self, source: Source, *, is_input: bool) -> None:
        self._source = source
        self._is_input = is_input
        self._shared: set[str] = set()

    def root(self, shape: str) -> dict[str, Any]:
        uses: Counter[str] = Counter()
        self._count(shape, uses)
        self._shared = {name for name, count in uses.items() if count > 1}
        result = self._structure(shape)
        if self._shared:
            result["definitions"] = {name: self._structure(name) for name in sorted(self._shared)}
        return result

    def _count(self, name: str, uses: Counter[str]) -> None:
        """Count the uses of each structure, so that one that is used twice becomes a definition."""
        shape = self._source.shapes[name]
        if shape["type"] == "structure":
            uses[name] += 1
            if uses[name] > 1:
                return
        for reference in _children(shape):
            self._count(reference["shape"], uses)

    def _structure(self, name: str) -> dict[str, Any]:
        shape = self._source.shapes[name]
        result: dict[str, Any] = {"type": "object"}
        if shape.get("document"):
            return result
        required = set(shape.get("required", ()))
        members = shape.get("members", {})
        total = len(members)
        result["properties"] = {
            member: self._property(member, reference, required=member in required, order=total - index)
            for index, (member, reference) in enumerate(members.items())
        }
        if self._is_input:
            result["additionalProperties"] = False
        if shape.get("union"):
            result["minProperties"] = result["maxProperties"] = 1
        return result

    def _property(self, name: str, reference: dict[str, Any], *, required: bool, order: int) -> dict[str, Any]:
        result: dict[str, Any] = {"title": text.title(name), **self._value(reference)}
        if self._is_input:
            result["required"] = required
        result["order"] = order
        documentation = reference.get("documentation") or self._source.shapes[reference["shape"]].get(
            "documentation", ""
        )
        help_text = text.first_sentence(documentation)
        if reference.get("deprecated"):
            help_text = f"Deprecated: {text.first_sentence(reference.get('deprecatedMessage', '')) or 'do not use.'} {help_text}"
        if help_text:
            result["help"] = {"description": help_text.strip()}
        return result

    def _value(self, reference: dict[str, Any]) -> dict[str, Any]:
        name = reference["shape"]
        shape = self._source.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return {"$ref": f"#/definitions/{name}"} if name in self._shared else self._structure(name)
        result: dict[str, Any]
        if kind == "list":
            result = {"type": "array", "items": self._value(shape["member"])}
        elif kind == "map":
            result = {"type": "object", "additionalProperties": self._value(shape["value"])}
        else:
            result = dict(_SCALARS[kind])
        result.update(self._constraints(kind, {**shape, **reference.get("limits", {})}))
        return result

    def _constraints(self, kind: str, traits: dict[str, Any]) -> dict[str, Any]:
        if not self._is_input:
            # ECS may answer with more than today's model knows; an output is described, not judged.
            return {"enum": traits["enum"]} if "enum" in traits else {}
        keywords = _KEYWORDS.get(kind, _KEYWORDS["number"])
        result = {keyword: traits[trait] for trait, keyword in keywords.items() if trait in traits}
        result = {key: int(value) if float(value).is_integer() else value for key, value in result.items()}
        if result.get("minLength") == 0 or result.get("minItems") == 0:
            result = {key: value for key, value in result.items() if key not in ("minLength", "minItems")}
        if "pattern" in traits:
            result["pattern"] = anchored(traits["pattern"])
        if "enum" in traits:
            result["enum"] = traits["enum"]
        return result


def _children(shape: dict[str, Any]) -> list[dict[str, Any]]:
    references = list(shape.get("members", {}).values())
    return references + [shape[key] for key in ("member", "value") if isinstance(shape.get(key), dict)]


def anchored(pattern: str) -> str:
    r"""Return a model pattern as one that a JSON schema search applies to the whole text.

    The only Unicode classes in the model are letters, separators and digits, together; `\w` and `\s`
    are those and the underscore, which the patterns allow as well.
    """
    if r"\p{" in pattern:
        pattern = pattern.replace(r"\p{L}\p{Z}\p{N}_", r"\w\s")
        if r"\p{" in pattern:
            raise ValueError(f"the pattern {pattern!r} has Unicode classes that have no equal in `re`")
    if not pattern.startswith("^"):
        pattern = "^" + pattern
    return pattern if pattern.endswith("$") else pattern + "$"
