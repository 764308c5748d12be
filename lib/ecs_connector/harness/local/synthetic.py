"""Answers made from the model, for operations that nothing here simulates.

The same request gives the same answer. A member whose name is in the request echoes it; an ARN is put
together from the names that the request gives; the rest are the plainest values that the model allows.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from ecs_connector.harness.local.model import ecs_model
from ecs_connector.harness.local.state import Json, Region

#: Deep enough for every output; a shape that holds itself ends here.
_DEEPEST = 8


def synthesize(region: Region, operation: str, body: Json) -> Json:
    """Return an output of the operation that its model allows."""
    shape = ecs_model().output_shape(operation)
    seed = hashlib.sha256(f"{operation}{json.dumps(body, sort_keys=True)}".encode()).hexdigest()
    maker = _Maker(region, seed, _flat_texts(body), body)
    output: Json = maker.structure(shape, operation, 0)
    output.pop("nextToken", None)
    return output


def _flat_texts(body: Json) -> dict[str, Any]:
    """Return the scalar members of a body, those further up winning over those further down."""
    found: dict[str, Any] = {}
    level: list[Any] = [body]
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                for name, value in item.items():
                    if isinstance(value, (dict, list)):
                        below.append(value)
                    else:
                        found.setdefault(name, value)
            elif isinstance(item, list):
                below.extend(item)
        level = below
    return found


class _Maker:
    def __init__(self, region: Region, seed: str, given: dict[str, Any], body: Json) -> None:
        self._region = region
        self._seed = seed
        self._given = given
        self._body = body

    def structure(self, shape: Any, path: str, depth: int) -> Json:
        members = shape.members
        if getattr(shape, "is_tagged_union", False):
            # Exactly one member of a union is set.
            first = next(iter(members))
            members = {first: members[first]}
        made: Json = {}
        for name, member in members.items():
            if depth >= _DEEPEST and name not in shape.required_members:
                continue
            made[name] = self.value(member, name, f"{path}.{name}", depth)
        return made

    def value(self, shape: Any, name: str, path: str, depth: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, path, depth + 1)
        if kind == "list":
            return self._list(shape, name, path, depth)
        if kind == "map":
            return {"name": self.value(shape.value, "value", f"{path}.value", depth + 1)}
        given = self._given.get(name)
        if kind == "string":
            return given if isinstance(given, str) and _allows(shape, given) else self._text(shape, name, path)
        if kind == "boolean":
            return given if isinstance(given, bool) else False
        if kind == "timestamp":
            return self._region.world.started_s
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return given
        return self._number(shape)

    def _list(self, shape: Any, name: str, path: str, depth: int) -> list[Any]:
        if name == "failures":
            return []
        given = self._body.get(name)
        if isinstance(given, list) and shape.member.type_name == "string":
            return list(given)
        if depth >= _DEEPEST or shape.metadata.get("max") == 0:
            return []
        return [self.value(shape.member, _singular(name), f"{path}[0]", depth)]

    def _number(self, shape: Any) -> float | int:
        least = shape.metadata.get("min", 0)
        return float(least) if shape.type_name in ("float", "double") else int(least)

    def _text(self, shape: Any, name: str, path: str) -> str:
        enum = getattr(shape, "enum", None)
        if enum:
            return str("ACTIVE" if "ACTIVE" in enum else enum[0])
        if name.lower().endswith("arn"):
            return self._arn(name, path)
        digest = hashlib.sha256(f"{self._seed}{path}".encode()).hexdigest()
        if name.endswith("Id") or name == "id":
            return str(uuid.UUID(digest[:32]))
        text = f"{name}-{digest[:8]}"
        longest = shape.metadata.get("max")
        return text[: int(longest)] if longest else text

    def _arn(self, name: str, path: str) -> str:
        thing = name[:-3] or "resource"
        named = self._given.get(f"{thing}Name") or self._given.get(thing) or self._given.get("name")
        if isinstance(named, str) and named.startswith("arn:"):
            return named
        if not isinstance(named, str):
            named = hashlib.sha256(f"{self._seed}{path}".encode()).hexdigest()[:8]
        kebab = "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in thing).strip("-")
        return self._region.arn(f"{kebab}/{named}")


def _allows(shape: Any, text: str) -> bool:
    enum = getattr(shape, "enum", None)
    return text in enum if enum else len(text) <= shape.metadata.get("max", len(text))


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
