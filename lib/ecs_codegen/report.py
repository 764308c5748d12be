"""Says what a newer model would change: operations, members, enums, and what would break a flow.

Incompatible is what makes an input fail that was right before, or takes away what a mapping reads:
a removed operation, member or enum value, a new required member, a changed type, a tighter limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ecs_codegen.source import SERVICE

_TIGHTER: dict[str, Callable[[Any, Any], bool]] = {"min": lambda old, new: new > old, "max": lambda old, new: new < old}


@dataclass
class Report:
    """What differs between two models."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    incompatible: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, list[str]]:
        return {name: sorted(set(getattr(self, name))) for name in ("added", "removed", "changed", "incompatible")}


def compare(old: dict[str, Any], new: dict[str, Any]) -> Report:
    """Compare two service models as botocore keeps them."""
    report = Report()
    before, after = old["operations"], new["operations"]
    report.added += [f"operation {name}" for name in after if name not in before]
    gone = [f"operation {name}" for name in before if name not in after]
    report.removed += gone
    report.incompatible += [f"{what} is gone" for what in gone]
    for name in before:
        if name not in after:
            continue
        for side in ("input", "output"):
            one, other = before[name].get(side), after[name].get(side)
            if one and other:
                _shapes(report, old, new, (one["shape"], other["shape"]), f"{name}.{side}", side == "input", set())
            elif one or other:
                report.changed.append(f"{name} {'has no' if one else 'has an'} {side} now")
    return report


def _shapes(
    report: Report,
    old: dict[str, Any],
    new: dict[str, Any],
    names: tuple[str, str],
    place: str,
    is_input: bool,
    seen: set[tuple[str, str]],
) -> None:
    if names in seen:
        return
    seen.add(names)
    one, other = old["shapes"][names[0]], new["shapes"][names[1]]
    if one["type"] != other["type"]:
        report.changed.append(f"{place}: {one['type']} is {other['type']} now")
        report.incompatible.append(f"{place}: the type has changed")
        return
    _traits(report, one, other, place, is_input)
    before, after = one.get("members", {}), other.get("members", {})
    report.added += [f"member {place}.{name}" for name in after if name not in before]
    for name in before:
        if name not in after:
            report.removed.append(f"member {place}.{name}")
            report.incompatible.append(f"{place}.{name} is gone")
    for key in ("member", "key", "value"):
        if isinstance(one.get(key), dict) and "shape" in one[key]:
            before, after = {**before, f"[{key}]": one[key]}, {**after, f"[{key}]": other[key]}
    for name, reference in before.items():
        if name in after:
            pair = (reference["shape"], after[name]["shape"])
            _shapes(report, old, new, pair, f"{place}.{name}", is_input, seen)


def _traits(report: Report, one: dict[str, Any], other: dict[str, Any], place: str, is_input: bool) -> None:
    before, after = one.get("enum", []), other.get("enum", [])
    if before != after:
        report.added += [f"value {place} = {value}" for value in after if value not in before and before]
        gone = [value for value in before if value not in after]
        report.removed += [f"value {place} = {value}" for value in gone]
        if is_input and after and (gone or not before):
            report.incompatible.append(f"{place}: fewer values are allowed")
    if is_input:
        needed = set(other.get("required", ())) - set(one.get("required", ()))
        report.incompatible += [f"{place}.{name} is required now" for name in sorted(needed)]
        for trait, tighter in _TIGHTER.items():
            if other.get(trait) != one.get(trait):
                report.changed.append(f"{place}: {trait} {one.get(trait)} is {other.get(trait)} now")
                if trait in other and (trait not in one or tighter(one[trait], other[trait])):
                    report.incompatible.append(f"{place}: {trait} is tighter")
        if other.get("pattern") != one.get("pattern"):
            report.changed.append(f"{place}: the pattern has changed")
            if "pattern" in other:
                report.incompatible.append(f"{place}: the pattern has changed")


def model(version: str | None, folder: str) -> dict[str, Any]:
    """Return the ECS model of a botocore version, a data folder, or the installed one.

    A version that is not installed is fetched into `folder` by pip.

    Raises:
        ValueError: There is no such version, or no such model.
    """
    from botocore.exceptions import BotoCoreError
    from botocore.loaders import Loader

    if version is None:
        loader = Loader()
    else:
        path = version
        if not os.path.isdir(path):
            target = os.path.join(folder, version)
            requirement = "botocore" if version == "latest" else f"botocore=={version}"
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, requirement]
            done = subprocess.run(command, check=False)  # noqa: S603 - the version is the developer's own argument
            if done.returncode:
                raise ValueError(f"{requirement} cannot be had: give a version that pip finds, or a data folder")
            path = os.path.join(target, "botocore", "data")
        loader = Loader(extra_search_paths=[path], include_default_search_paths=False)
    try:
        found: dict[str, Any] = json.loads(json.dumps(loader.load_service_model(SERVICE, "service-2")))
    except BotoCoreError as error:
        raise ValueError(f"{version or 'the installed botocore'} holds no model of {SERVICE}") from error
    return found


def main(old: str | None, new: str | None, *, as_json: bool) -> int:
    """Print the report of two versions: by default the installed one against the newest."""
    with tempfile.TemporaryDirectory() as folder:
        report = compare(model(old, folder), model(new or "latest", folder)).as_json()
    if as_json:
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
        return 0
    for name, entries in report.items():
        sys.stdout.write(f"{name}: {len(entries) or 'nothing'}\n" + "".join(f"  {entry}\n" for entry in entries))
    sys.stdout.write("safe to take\n" if not report["incompatible"] else "not safe to take unseen: see incompatible\n")
    return 0
