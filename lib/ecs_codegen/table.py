"""Makes the operation table: one row of data for each operation, so that the code has no branches by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecs_codegen import choices, waits
from ecs_codegen.source import CorrectionError, Source

#: Leaves of a plan.
TIMESTAMP, SENSITIVE = 1, "s"


def table(source: Source) -> dict[str, Any]:
    """Return operations.json."""
    metadata = source.service["metadata"]
    _check(source)
    return {
        "service": {
            "apiVersion": metadata["apiVersion"],
            "targetPrefix": metadata["targetPrefix"],
            "contentType": f"application/x-amz-json-{metadata['jsonVersion']}",
            "signingName": metadata.get("signingName", metadata["endpointPrefix"]),
            "model": source.provenance["botocore"],
        },
        "errors": errors(source),
        "operations": {name: row(source, name) for name in sorted(source.operations)},
    }


def errors(source: Source) -> dict[str, str]:
    """Return whose fault each modelled error is."""
    return {
        name: "server" if shape.get("fault") else "client"
        for name, shape in sorted(source.shapes.items())
        if shape.get("exception")
    }


def row(source: Source, name: str) -> dict[str, Any]:
    """Return the row of one operation; a trait that it does not have is absent."""
    operation = source.operations[name]
    inputs, outputs = source.input_shape(name), source.output_shape(name)
    members, answers = source.members(inputs), source.members(outputs)
    overrides = source.overrides
    entry: dict[str, Any] = {}
    if not operation.get("readonly"):
        entry["mutates"] = True
    if name in overrides["destructive"]["operations"]:
        entry["destroys"] = True
    if name in overrides["agent"]["operations"]:
        entry["agent"] = True
    entry["safe"] = retry_safe(source, name)
    if "clientToken" in members:
        entry["token"] = {"member": "clientToken", "length": overrides["tokens"][name]["max_length"]}
    if name in overrides["effects"]:
        entry["effect"] = waits.effects(source)[name]
    if pages := _pages(source, name):
        entry["pages"] = pages
    if name in overrides["split"]:
        entry["split"] = {key: overrides["split"][name][key] for key in ("member", "size")}
    if "failures" in answers:
        entry["failures"] = True
        entry["good"] = [key for key in answers if key not in ("failures", "nextToken")]
    if offered := [wait for wait, spec in overrides["waits"].items() if name in spec["on"]]:
        entry["waits"] = offered
    for key, plan in (
        ("timesIn", _plan(source, inputs, _timestamp)),
        ("timesOut", _plan(source, outputs, _timestamp)),
        ("secretsIn", _plan(source, inputs, _sensitive)),
        ("secretsOut", _plan(source, outputs, _sensitive)),
        ("rules", _rules(source, name)),
    ):
        if plan:
            entry[key] = plan
    if filling := choices.fills(source, name):
        entry["fills"] = filling
    entry["fields"] = _fields(source, name, entry)
    return entry


def _fields(source: Source, name: str, entry: dict[str, Any]) -> list[str]:
    """Return the step fields that an operation offers."""
    chosen = choices.offered(source, entry.get("fills", []))
    return [
        field
        for field, spec in source.fields["step"].items()
        if (field in chosen if "fills" in spec else _offers(name, entry, spec.get("on"), source.overrides))
    ]


def retry_safe(source: Source, name: str) -> bool | dict[str, str]:
    """Say whether doing it twice ends where doing it once does; `{"unless": member}` where that depends."""
    operation = source.operations[name]
    if (
        operation.get("readonly")
        or operation.get("idempotent")
        or "clientToken" in source.members(source.input_shape(name))
    ):
        return True
    unsafe = source.overrides["unsafe"].get(name)
    if unsafe is None:
        return True
    return {"unless": unsafe["when"]} if "when" in unsafe else False


def _offers(name: str, entry: dict[str, Any], on: str | None, overrides: dict[str, Any]) -> bool:
    """Say whether an operation offers a step field: for a trait of its row, or `waits:` for one of its waits."""
    if on is None:
        return True
    trait, _, wanted = on.partition(":")
    if not wanted:
        return trait in entry or (trait == "token" and "mark" in entry.get("effect", {}))
    kinds = [overrides["kinds"][overrides["waits"][wait]["kind"]] for wait in entry.get("waits", ())]
    return any(wanted in kind["from"][name] for kind in kinds)


def _pages(source: Source, name: str) -> dict[str, Any] | None:
    if "nextToken" not in source.members(source.input_shape(name)):
        return None
    found = source.paginators.get(name) or source.overrides["paginators"][name]
    result_key = found["result_key"]
    limit = source.members(source.input_shape(name)).get("maxResults")
    pages: dict[str, Any] = {
        "in": "nextToken",
        "out": "nextToken",
        "items": result_key,
        "item": singular(result_key.rpartition(".")[2]),
    }
    if limit:
        pages["limit"] = "maxResults"
    return pages


def singular(member: str) -> str:
    """Return the name of one item of a list member: `clusterArns` -> `clusterArn`, `families` -> `family`."""
    member = member.removesuffix("List")
    if member.endswith("ies"):
        return member[:-3] + "y"
    return member[:-1] if member.endswith("s") and not member.endswith("ss") else member


def _timestamp(shape: dict[str, Any], reference: dict[str, Any]) -> int | None:
    return TIMESTAMP if shape["type"] == "timestamp" else None


def _sensitive(shape: dict[str, Any], reference: dict[str, Any]) -> str | None:
    return SENSITIVE if shape.get("sensitive") or reference.get("sensitive") else None


def _plan(source: Source, name: str | None, wanted: Any, reference: dict[str, Any] | None = None) -> Any:
    """Return where in a shape the wanted leaves are: members as a dict, items as a list, values under `*`."""
    if name is None:
        return None
    shape = source.shapes[name]
    if leaf := wanted(shape, reference or {}):
        return leaf
    if shape["type"] == "structure":
        plans = {key: _plan(source, value["shape"], wanted, value) for key, value in shape.get("members", {}).items()}
        return {key: plan for key, plan in plans.items() if plan} or None
    if shape["type"] == "list":
        plan = _plan(source, shape["member"]["shape"], wanted, shape["member"])
        return [plan] if plan else None
    if shape["type"] == "map":
        plan = _plan(source, shape["value"]["shape"], wanted, shape["value"])
        return {"*": plan} if plan else None
    return None


def places(source: Source, name: str, pointer: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every structure inside a shape with its place; `*` stands for each item or value."""
    shape = source.shapes[name]
    if shape["type"] == "structure":
        yield name, pointer
        for key, value in shape.get("members", {}).items():
            yield from places(source, value["shape"], (*pointer, key))
    elif shape["type"] == "list":
        yield from places(source, shape["member"]["shape"], (*pointer, "*"))
    elif shape["type"] == "map":
        yield from places(source, shape["value"]["shape"], (*pointer, "*"))


def _rules(source: Source, name: str) -> list[dict[str, Any]]:
    rules = []
    for shape, pointer in places(source, source.input_shape(name)):
        members = source.members(shape)
        for rule in source.overrides["rule"]:
            if shape not in rule["on"] and not (rule["on"] == ["*"] and rule["member"] in members):
                continue
            entry = {key: value for key, value in rule.items() if key not in ("on", "reason", "source")}
            rules.append({"at": list(pointer), **entry})
    return rules


def _check(source: Source) -> None:
    """Refuse entries of the table that have no reason, name what is not there, or are not needed."""
    overrides = source.overrides
    for kind in ("paginators", "split", "tokens", "unsafe"):
        for name, entry in overrides[kind].items():
            if not entry.get("reason"):
                raise CorrectionError(f"{kind}.{name}: a correction needs a reason")
            if name not in source.operations:
                raise CorrectionError(f"{kind}.{name}: the model has no such operation")
    for name, entry in overrides["paginators"].items():
        if name in source.paginators:
            raise CorrectionError(f"paginators.{name}: the model has this paginator now")
        shape = source.output_shape(name)
        for member in entry["result_key"].split("."):
            reference = source.members(shape).get(member)
            if reference is None:
                raise CorrectionError(f"paginators.{name}: the output has no {entry['result_key']}")
            shape = reference["shape"]
    for name, entry in overrides["split"].items():
        if entry["member"] not in source.members(source.input_shape(name)):
            raise CorrectionError(f"split.{name}: the input has no {entry['member']}")
    for name in overrides["unsafe"]:
        operation = source.operations[name]
        if operation.get("readonly") or operation.get("idempotent"):
            raise CorrectionError(f"unsafe.{name}: the model calls it idempotent now")
    for kind in ("destructive", "agent"):
        for name in overrides[kind]["operations"]:
            if name not in source.operations:
                raise CorrectionError(f"{kind}: the model has no operation {name}")
    shapes = set(source.shapes)
    for rule in overrides["rule"]:
        if not rule.get("reason"):
            raise CorrectionError(f"rule {rule['id']}: needs a reason")
        for shape in rule["on"]:
            if shape == "*":
                continue
            if shape not in shapes:
                raise CorrectionError(f"rule {rule['id']}: the model has no shape {shape}")
            named = [*rule.get("members", ()), *rule.get("any", ()), *([rule["member"]] if "member" in rule else ())]
            named += [rule[key] for key in ("less", "more") if key in rule]
            missing = [member for member in named if member not in source.members(shape)]
            paths = [*rule.get("when", ()), *rule.get("unless", ()), *rule.get("given", ())]
            missing += [path for path in paths if not _reaches(source, shape, path)]
            if missing:
                raise CorrectionError(f"rule {rule['id']}: {shape} has no {', '.join(missing)}")


def _reaches(source: Source, shape: str, path: str) -> bool:
    """Say whether a path of members, with dots, leads somewhere from a shape."""
    for name in path.split("."):
        reference = source.members(shape).get(name)
        if reference is None:
            return False
        shape = reference["shape"]
    return True
