"""Makes the tables of waits and of lookups: what a wait polls, when it ends, how an effect is found again."""

from __future__ import annotations

from typing import Any

from ecs_codegen.expressions import compile_expression
from ecs_codegen.source import CorrectionError, Source

_MATCHERS = {"path": "is", "pathAll": "all", "pathAny": "any"}


def tables(source: Source) -> dict[str, Any]:
    """Return waits.json."""
    return {
        "kinds": kinds(source),
        "waits": waits(source),
        "lookups": lookups(source),
        "conflicts": {key: source.overrides["conflicts"][key] for key in ("codes", "texts")},
    }


def kinds(source: Source) -> dict[str, Any]:
    """Return what can be waited for, and how each operation says where to look."""
    return {name: _kind(source, name, spec) for name, spec in source.overrides["kinds"].items()}


def _kind(source: Source, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    _needs(source, f"kinds.{name}", spec["poll"], spec["ids"])
    entry = {key: value for key, value in spec.items() if key != "from"}
    entry["from"] = {}
    for operation, rule in spec["from"].items():
        if operation not in source.operations:
            raise CorrectionError(f"kinds.{name}: the model has no operation {operation}")
        for member in rule["input"]:
            _needs(source, f"kinds.{name}.from.{operation}", spec["poll"], member)
        compiled = {key: value for key, value in rule.items() if key not in ("input", "since")}
        compiled["input"] = {member: compile_expression(text) for member, text in rule["input"].items()}
        if "since" in rule:
            compiled["since"] = compile_expression(rule["since"])
        entry["from"][operation] = compiled
    return entry


def waits(source: Source) -> dict[str, Any]:
    """Return every wait with its acceptors: the model's, or its own."""
    found = {name: _wait(source, name, spec) for name, spec in source.overrides["waits"].items()}
    missing = set(source.waiters) - {spec.get("of") for spec in source.overrides["waits"].values()}
    if missing:
        raise CorrectionError(f"waits: the model has waiters that no wait is made of: {', '.join(sorted(missing))}")
    return found


def _wait(source: Source, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    kind = source.overrides["kinds"].get(spec["kind"])
    if kind is None:
        raise CorrectionError(f"waits.{name}: there is no kind {spec['kind']}")
    for operation in spec["on"]:
        if operation not in kind["from"]:
            raise CorrectionError(f"waits.{name}: the kind {spec['kind']} does not say where {operation} looks")
    model = source.waiters.get(spec["of"]) if "of" in spec else None
    if model is None and ("of" in spec or not spec.get("reason")):
        raise CorrectionError(f"waits.{name}: needs a waiter of the model, or acceptors of its own and a reason")
    if model is not None and model["operation"] != kind["poll"]:
        raise CorrectionError(f"waits.{name}: the model's waiter polls {model['operation']}, the kind {kind['poll']}")
    given: dict[str, Any] = {key: spec[key] for key in ("title", "kind", "final", "verdict", "says") if key in spec}
    acceptors = (model or spec)["acceptors"]
    return {
        **given,
        "delay": (model or spec)["delay"],
        "acceptors": [_acceptor(name, acceptor) for acceptor in acceptors],
    }


def _acceptor(name: str, acceptor: dict[str, Any]) -> dict[str, Any]:
    matcher = _MATCHERS.get(acceptor["matcher"])
    if matcher is None or acceptor["state"] not in ("success", "failure"):
        raise CorrectionError(f"waits.{name}: an acceptor {acceptor} is not supported")
    return {
        "state": acceptor["state"],
        "matcher": matcher,
        "tree": compile_expression(acceptor["argument"]),
        "expected": acceptor["expected"],
    }


def lookups(source: Source) -> dict[str, Any]:
    """Return how an effect of an earlier delivery is found."""
    return {name: _lookup(source, name, spec) for name, spec in source.overrides["lookups"].items()}


def _lookup(source: Source, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    entry = {**spec, "found": compile_expression(spec["found"])}
    entry["calls"] = [_call(source, name, call) for call in spec["calls"]]
    if "named" in spec:
        entry["named"] = {**spec["named"], "input": compile_expression(spec["named"]["input"])}
    if "detail" in spec:
        detail = _call(source, name, spec["detail"])
        entry["detail"] = {**spec["detail"], **detail, "found": compile_expression(spec["detail"]["found"])}
    return entry


def _call(source: Source, name: str, call: dict[str, Any]) -> dict[str, Any]:
    for member in call["input"]:
        _needs(source, f"lookups.{name}", call["operation"], member)
    return {
        "operation": call["operation"],
        "input": {member: compile_expression(text) for member, text in call["input"].items()},
    }


def effects(source: Source) -> dict[str, Any]:
    """Return which operations' effects can be found again: operation -> mark and lookup."""
    found = source.overrides["effects"]
    for name, spec in found.items():
        if not spec.get("reason"):
            raise CorrectionError(f"effects.{name}: needs a reason")
        if spec["lookup"] not in source.overrides["lookups"]:
            raise CorrectionError(f"effects.{name}: there is no lookup {spec['lookup']}")
        if "mark" in spec:
            _needs(source, f"effects.{name}", name, spec["mark"])
    return {name: {key: spec[key] for key in ("mark", "lookup") if key in spec} for name, spec in found.items()}


def _needs(source: Source, where: str, operation: str, member: str) -> None:
    if operation not in source.operations:
        raise CorrectionError(f"{where}: the model has no operation {operation}")
    if member not in source.members(source.input_shape(operation)):
        raise CorrectionError(f"{where}: {operation} has no member {member}")
