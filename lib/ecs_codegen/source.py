"""Reads botocore's ECS model and applies overrides.toml to it.

A correction that has no reason, or that no longer changes anything, is refused: the table must not
outlive its causes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import tomllib
from dataclasses import dataclass
from typing import Any

SERVICE = "ecs"
_HERE = os.path.dirname(os.path.abspath(__file__))


class CorrectionError(Exception):
    """An entry of overrides.toml is not a correction."""


@dataclass(frozen=True)
class Source:
    """The model after its corrections, and where it came from."""

    service: dict[str, Any]
    paginators: dict[str, Any]
    waiters: dict[str, Any]
    examples: dict[str, Any]
    partitions: dict[str, Any]
    overrides: dict[str, Any]
    fields: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def operations(self) -> dict[str, Any]:
        operations: dict[str, Any] = self.service["operations"]
        return operations

    @property
    def shapes(self) -> dict[str, Any]:
        shapes: dict[str, Any] = self.service["shapes"]
        return shapes

    def members(self, shape: str | None) -> dict[str, Any]:
        members: dict[str, Any] = self.shapes[shape].get("members", {}) if shape else {}
        return members

    def input_shape(self, operation: str) -> str:
        name: str = self.operations[operation]["input"]["shape"]
        return name

    def output_shape(self, operation: str) -> str | None:
        output = self.operations[operation].get("output")
        return output["shape"] if output else None


def _toml(name: str) -> dict[str, Any]:
    with open(os.path.join(_HERE, name), "rb") as file:
        return tomllib.load(file)


def load(data_path: str | None = None) -> Source:
    """Read the installed botocore's model (or the one of another botocore's data folder) and correct it."""
    import botocore
    from botocore.loaders import Loader

    loader = Loader(extra_search_paths=[data_path] if data_path else None, include_default_search_paths=not data_path)
    parts = {
        kind: _plain(loader.load_service_model(SERVICE, kind)) for kind in ("service-2", "paginators-1", "waiters-2")
    }
    try:
        examples = _plain(loader.load_service_model(SERVICE, "examples-1"))
    except Exception:  # noqa: BLE001 - botocore raises its own kind; a model without examples is still a model
        examples = {"examples": {}}
    overrides = _toml("overrides.toml")
    service = correct(parts["service-2"], overrides)
    provenance = {
        "botocore": botocore.__version__,
        "apiVersion": service["metadata"]["apiVersion"],
        "operations": len(service["operations"]),
        "sha256": {
            **{kind: _digest(part) for kind, part in parts.items()},
            "overrides.toml": _digest(overrides),
            "fields.toml": _digest(_toml("fields.toml")),
        },
    }
    return Source(
        service=service,
        paginators=parts["paginators-1"]["pagination"],
        waiters=parts["waiters-2"]["waiters"],
        examples=examples["examples"],
        partitions=_plain(loader.load_data("partitions")),
        overrides=overrides,
        fields=_toml("fields.toml"),
        provenance=provenance,
    )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


#: Names of `[[limit]]` keys -> the model's trait of a string, list or number shape.
_LIMITS = ("min", "max", "pattern", "enum")


def correct(model: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Return the model with every `[[limit]]` and `[[sensitive]]` of the table applied.

    Raises:
        CorrectionError: An entry has no reason, names what is not there, or changes nothing.
    """
    model = copy.deepcopy(model)
    for entry in [*overrides.get("limit", ()), *overrides.get("sensitive", ())]:
        name = f"{entry.get('shape')}.{entry.get('member')}"
        if not entry.get("reason"):
            raise CorrectionError(f"{name}: a correction needs a reason")
        shape = model["shapes"].get(entry["shape"])
        if shape is None:
            raise CorrectionError(f"{name}: the model has no such shape")
        # `member` of a structure; "member", "key" or "value" of a list or map.
        reference = shape.get("members", {}).get(entry["member"]) or shape.get(entry["member"])
        if not isinstance(reference, dict):
            raise CorrectionError(f"{name}: the model has no such member")
    for entry in overrides.get("limit", ()):
        reference = _reference(model, entry)
        target = model["shapes"][reference["shape"]]
        traits = {key: entry[key] for key in _LIMITS if key in entry}
        if not traits or all(target.get(key) == value for key, value in traits.items()):
            raise CorrectionError(f"{entry['shape']}.{entry['member']}: the correction changes nothing")
        reference.setdefault("limits", {}).update(traits)
    for entry in overrides.get("sensitive", ()):
        reference = _reference(model, entry)
        if model["shapes"][reference["shape"]].get("sensitive") or reference.get("sensitive"):
            raise CorrectionError(f"{entry['shape']}.{entry['member']}: is marked sensitive by the model already")
        reference["sensitive"] = True
    return model


def _reference(model: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    shape = model["shapes"][entry["shape"]]
    reference: dict[str, Any] = shape.get("members", {}).get(entry["member"]) or shape[entry["member"]]
    return reference
