"""Makes component.json: credential fields, and one action for each operation.

Source: https://docs.elastic.io/developers/component-json-technical-reference
"""

from __future__ import annotations

from typing import Any

from ecs_codegen import choices, text
from ecs_codegen.source import Source
from ecs_codegen.table import row

VERSION = "1.0.1"
REFERENCE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"
HOME = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html"


def manifest(source: Source) -> dict[str, Any]:
    """Return component.json."""
    names = sorted(source.operations)
    return {
        "title": "Amazon ECS",
        "description": (
            "Run, judge and manage containers on Amazon Elastic Container Service: every operation of the ECS API as an "
            "action that checks its input before it calls, retries without doing a thing twice, and waits for the outcome."
        ),
        "version": VERSION,
        "buildType": "docker",
        "docsUrl": HOME,
        "url": "https://aws.amazon.com/ecs/",
        "help": {"description": "Amazon ECS API reference", "link": HOME},
        "envVars": {
            "ECS_CONNECTOR_ALLOW_ENVIRONMENT_CREDENTIALS": {
                "required": False,
                "description": "true lets a step use the credentials of the hosting process (credential source: environment).",
            }
        },
        "credentials": {
            "verifier": "ecs_connector.verify_credentials:verify",
            "help": {
                "description": "Access keys of an IAM identity that may call Amazon ECS, or a role that they may assume.",
                "link": "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
            },
            "fields": _fields(source, source.fields["credentials"], None),
        },
        "actions": {name: action(source, name, order=len(names) - index) for index, name in enumerate(names)},
    }


def action(source: Source, name: str, *, order: int) -> dict[str, Any]:
    """Return the entry of one operation."""
    entry = row(source, name)
    description = describe(source, name)
    fields = {field: source.fields["step"][field] for field in entry["fields"]}
    return {
        "title": text.title(name) + (" (container agent only)" if "agent" in entry else ""),
        "description": description,
        "help": {"description": description, "link": f"{REFERENCE}API_{name}.html"},
        "main": f"./actions/{text.snake(name)}.py",
        "order": order,
        "fields": _fields(source, fields, entry, name),
        "metadata": {"in": f"./schemas/{name}.in.json", "out": f"./schemas/{name}.out.json"},
    }


def describe(source: Source, name: str) -> str:
    """Return one plain sentence on an operation; an agent's operation says so."""
    sentence = text.first_sentence(source.operations[name]["documentation"])
    if name in source.overrides["agent"]["operations"]:
        sentence = f"Only used by the Amazon ECS container agent, not intended for use in flows. {sentence}"
    return sentence


def regions(source: Source) -> dict[str, str]:
    """Return every region of every partition, value -> label; the pseudo-regions of global services are left out."""
    found = {}
    for partition in source.partitions["partitions"]:
        for region, facts in partition["regions"].items():
            if not region.endswith("-global"):
                found[region] = f"{facts.get('description') or region} - {region}"
    return found


def _fields(
    source: Source, fields: dict[str, Any], entry: dict[str, Any] | None, operation: str | None = None
) -> dict[str, Any]:
    total = len(fields)
    return {
        name: _field(source, spec, entry, total - index, operation) for index, (name, spec) in enumerate(fields.items())
    }


def _field(
    source: Source, spec: dict[str, Any], entry: dict[str, Any] | None, order: int, operation: str | None
) -> dict[str, Any]:
    field: dict[str, Any] = {
        "viewClass": spec["view"],
        "label": spec["label"],
        "required": spec.get("required", False),
        "order": order,
    }
    for key in ("placeholder", "note", "prompt"):
        if key in spec:
            field[key] = spec[key]
    if "require" in spec:
        field["require"] = spec["require"]
    if "fills" in spec:
        field["model"] = choices.model_of(spec, operation)
    elif spec.get("model") == "regions":
        field["model"] = regions(source)
    elif spec.get("choices") == "waits" and entry is not None:
        waits = source.overrides["waits"]
        field["model"] = {wait: waits[wait]["title"] for wait in entry["waits"]}
    elif isinstance(spec.get("choices"), dict):
        field["model"] = spec["choices"]
    return field
