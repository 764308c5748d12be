"""Holds wire JSON against a shape of the botocore model, and makes minimal inputs from one."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def shape_problems(shape: Any, value: Any, where: str = "") -> list[str]:
    """Return everything about a value that the model does not allow."""
    if not isinstance(value, _TYPES[shape.type_name]) or (
        isinstance(value, bool) and shape.type_name not in ("boolean",)
    ):
        return [f"{where}: {type(value).__name__} is no {shape.type_name}"]
    problems: list[str] = []
    if shape.type_name == "structure":
        problems += [f"{where}.{name}: missing" for name in shape.required_members if name not in value]
        problems += [f"{where}.{name}: unknown" for name in value if name not in shape.members]
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            problems.append(f"{where}: a union of {len(value)} members")
        for name, item in value.items():
            if name in shape.members:
                problems += shape_problems(shape.members[name], item, f"{where}.{name}")
        return problems
    if shape.type_name in ("list", "map"):
        items = value.values() if isinstance(value, dict) else value
        member = shape.value if shape.type_name == "map" else shape.member
        for index, item in enumerate(items):
            problems += shape_problems(member, item, f"{where}[{index}]")
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        problems.append(f"{where}: {value!r} is none of {enum}")
    return problems + _limits(shape, value, where)


def _limits(shape: Any, value: Any, where: str) -> list[str]:
    if shape.type_name in ("timestamp", "boolean"):
        return []
    size = len(value) if isinstance(value, (str, list, dict)) else value
    problems = []
    if size < shape.metadata.get("min", size):
        problems.append(f"{where}: {size} is below the minimum")
    if size > shape.metadata.get("max", size):
        problems.append(f"{where}: {size} is above the maximum")
    pattern = shape.metadata.get("pattern")
    # Python's re has no \p classes; the model uses them for tags only.
    if pattern and "\\p" not in pattern and not re.fullmatch(pattern, value):
        problems.append(f"{where}: {value!r} does not match {pattern}")
    return problems


def minimal(shape: Any, name: str = "value") -> Any:
    """Return the smallest value that a shape allows."""
    kind = shape.type_name
    if kind == "structure":
        wanted = list(shape.required_members) or (list(shape.members)[:1] if shape.is_tagged_union else [])
        return {member: minimal(shape.members[member], member) for member in wanted}
    if kind == "list":
        return [minimal(shape.member, name)]
    if kind == "map":
        return {"key": minimal(shape.value)}
    if kind == "boolean":
        return True
    if kind == "string":
        enum = getattr(shape, "enum", None)
        return enum[0] if enum else f"arn:aws:ecs:us-east-1:123456789012:x/{name}" if "rn" in name[-4:] else name
    return shape.metadata.get("min", 1)
