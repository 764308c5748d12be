"""The inputs of a flow: what is declared and what was given -> values.

Values from a command line are text and are read by the input's type; values from a program must have it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ecs_connector.errors import InputError
from ecs_connector.harness.flow.checks import nearest
from ecs_connector.harness.flow.model import Flow, Input
from ecs_connector.harness.flow.source import Problems, escape

#: Given beside the declared inputs: the identity of the run, the seed of its client tokens.
RUN_ID = "runId"

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}

_WORDS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}


def type_of(value: Any) -> str:
    """Return the input type that a default implies; "string" where it says nothing."""
    if isinstance(value, bool):
        return "boolean"
    return next((name for name, types in TYPES.items() if isinstance(value, types)), "string")


def has_type(value: Any, name: str) -> bool:
    """Return whether a value has an input type."""
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def resolve_inputs(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every input that has one.

    Raises:
        InputError: With everything that is wrong: unknown names, missing values, values of the wrong type.
    """
    problems = Problems(f"Inputs of the flow {flow.name}")
    for name in given:
        if name not in flow.inputs and name != RUN_ID:
            known = ", ".join(flow.inputs) or "it has none"
            text = f"the flow has no such input.{nearest(name, flow.inputs)} Its inputs: {known}."
            problems.add(f"/{escape(name)}", "unknown", text)
    values: dict[str, Any] = {}
    for name, declared in flow.inputs.items():
        pointer = f"/{escape(name)}"
        if name not in given:
            if declared.required:
                hint = f" ({declared.description})" if declared.description else ""
                problems.add(pointer, "required", f"give a value{hint}: --input {name}=...")
            elif declared.default is not None:
                values[name] = declared.default
            continue
        try:
            values[name] = _read(given[name], declared)
        except ValueError:
            problems.add(pointer, "type", f"must be of type {declared.type}{_HOW[declared.type]}")
    if problems.found:
        listed = "".join(f"\n  - {violation.message}" for violation in problems.found)
        raise InputError(f"{problems.label} are wrong.{listed}", violations=problems.found)
    return values


def _read(value: Any, declared: Input) -> Any:
    if isinstance(value, str):
        return _READERS[declared.type](value)
    if not has_type(value, declared.type):
        raise ValueError
    return list(value) if isinstance(value, tuple) else value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(text: str) -> bool:
    try:
        return _WORDS[text.strip().lower()]
    except KeyError:
        raise ValueError from None


def _array(text: str) -> Sequence[Any]:
    if text.lstrip().startswith("["):
        parsed = json.loads(text)
        if isinstance(parsed, list):
            return parsed
        raise ValueError
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _object(text: str) -> dict[str, Any]:
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise ValueError  # noqa: TRY004 - one exception for "cannot be read", whatever the reason
    return parsed


_READERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}
_HOW = {
    "string": "",
    "number": ", for example 3",
    "boolean": ": true or false",
    "array": ": a JSON list, or values with commas between them",
    "object": ": a JSON object",
}
