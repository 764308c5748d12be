"""A flow file -> `Flow`. Everything that is wrong with the file is reported at once, with its line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ecs_connector.errors import InputError
from ecs_connector.harness.flow import inputs as flow_inputs
from ecs_connector.harness.flow.checks import as_mapping, check_flag, check_keys, check_text
from ecs_connector.harness.flow.model import Flow, Input
from ecs_connector.harness.flow.source import Problems, escape, read_yaml
from ecs_connector.harness.flow.steps import IDENTIFIER, read_steps
from ecs_connector.harness.flow.templates import Templates

_KEYS = ("name", "description", "inputs", "config", "steps", "output")
_INPUT_KEYS = ("type", "default", "required", "description")


class Functions(Protocol):
    """The part of a component that is needed to check a flow."""

    @property
    def functions(self) -> Sequence[str]: ...


def load_flow(source: str | os.PathLike[str], component: Functions | None = None) -> Flow:
    """Read and check a flow.

    Args:
        source: Path of the file, or its text (told by a line break or an opening brace).
        component: Whose actions the steps must name; None to leave that to the run.

    Raises:
        InputError: The file cannot be read or is not a flow; its violations are everything that is wrong.
    """
    label, text = _read(source)
    problems = Problems(label)
    data = read_yaml(text, problems)
    if not isinstance(data, dict):
        problems.add("", "type", "a flow is a mapping with `name` and `steps`")
        problems.raise_any()
    templates = Templates(problems)
    check_keys(data, "", _KEYS, problems, required=("name", "steps"))
    name = check_text(data, "name", "", problems)
    declared = _inputs(data.get("inputs"), problems)
    config = data.get("config", {})
    if not isinstance(config, dict):
        problems.add("/config", "type", "must be a mapping of configuration fields")
    functions = None if component is None else tuple(component.functions)
    steps = read_steps(data.get("steps"), declared, functions, templates)
    ids = [step.id for step in steps]
    scope = templates.scope(earlier=ids, steps=ids, inputs=declared)
    flow = Flow(
        name=name,
        steps=tuple(steps),
        description=check_text(data, "description", "", problems),
        config=templates.read(as_mapping(config), "/config", templates.scope([], ids, declared)),
        inputs=declared,
        output=templates.read(data.get("output"), "/output", scope),
        has_output="output" in data,
    )
    problems.raise_any()
    return flow


def _read(source: str | os.PathLike[str]) -> tuple[str, str]:
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return "The flow", source
    path = Path(source)
    try:
        return path.name, path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"The flow file {path} is not UTF-8 text (byte {error.start}).") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InputError(f"The flow file {path} cannot be read: {reason}.") from error


def _inputs(value: Any, problems: Problems) -> dict[str, Input]:
    if value is not None and not isinstance(value, dict):
        problems.add("/inputs", "type", "must be a mapping of input names")
    declared: dict[str, Input] = {}
    for name, entry in as_mapping(value).items():
        pointer = f"/inputs/{escape(name)}"
        if not IDENTIFIER.fullmatch(name):
            problems.add(pointer, "pattern", "an input's name is made of letters, digits and _, as JSONata reads it")
        if name == flow_inputs.RUN_ID:
            problems.add(pointer, "reserved", "runId is an input of every flow: the identity of the run")
        if entry is not None and not isinstance(entry, dict):
            text = "must be a mapping; for a default write `default: ...`"
            problems.add(pointer, "type", text)
        declared[name] = _input(name, as_mapping(entry), pointer, problems)
    return declared


def _input(name: str, entry: Mapping[str, Any], pointer: str, problems: Problems) -> Input:
    check_keys(entry, pointer, _INPUT_KEYS, problems)
    default = entry.get("default")
    kind = entry.get("type", flow_inputs.type_of(default))
    if kind not in flow_inputs.TYPES:
        problems.add(f"{pointer}/type", "enum", f"must be one of {', '.join(flow_inputs.TYPES)}")
        kind = "string"
    elif default is not None and not flow_inputs.has_type(default, kind):
        problems.add(f"{pointer}/default", "type", f"the default must be of the input's type, {kind}")
    required = check_flag(entry, "required", pointer, problems)
    if required and default is not None:
        problems.add(pointer, "exclusive", "an input is either required or has a default")
    return Input(name, kind, default, required, check_text(entry, "description", pointer, problems))
