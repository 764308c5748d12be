"""Fills the sections of README.md that say what is in the manifest."""

from __future__ import annotations

import re
from typing import Any

from ecs_codegen.source import Source


def filled(text: str, source: Source, manifest: dict[str, Any]) -> str:
    """Return the README with its generated sections made anew.

    Raises:
        ValueError: A section has lost its marks.
    """
    for name, lines in (
        ("credentials", _fields(source.fields["credentials"], manifest["credentials"]["fields"])),
        ("fields", _fields(source.fields["step"], None)),
        ("actions", _actions(manifest)),
    ):
        pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"README.md has lost the marks of its section {name!r}")
        body = "\n".join(lines) + "\n"
        text = pattern.sub(rf"\g<1>{_escaped(body)}\g<2>", text)
    text = re.sub(r"help page: \S+ of them", f"help page: {len(manifest['actions'])} of them", text)
    return re.sub(r"The model is botocore \S+'s", f"The model is botocore {source.provenance['botocore']}'s", text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _fields(specs: dict[str, Any], shown: dict[str, Any] | None) -> list[str]:
    lines = ["| field | what it is | values | default |", "|---|---|---|---|"]
    for name, spec in specs.items():
        if shown is not None and name not in shown:
            continue
        note = f". {spec['note']}" if "note" in spec else ""
        lines.append(f"| `{name}` | {spec['label']}{note} | {_values(spec)} | {_default(spec)} |")
    return lines


def _values(spec: dict[str, Any]) -> str:
    choices = spec.get("choices")
    if isinstance(choices, dict):
        return "<br>".join(f"`{value}`: {text}" for value, text in choices.items())
    if choices == "waits":
        return "a wait that fits the action"
    bounds = [f"{word} {spec[key]:g}" for key, word in (("minimum", "at least"), ("maximum", "at most")) if key in spec]
    return " ".join([_KINDS[spec["kind"]], ", ".join(bounds)]).strip()


_KINDS = {
    "text": "text", "secret": "secret", "flag": "true or false", "number": "number", "integer": "whole number",
    "integers": "whole numbers", "choice": "choice",
}  # fmt: skip


def _default(spec: dict[str, Any]) -> str:
    default = spec.get("default")
    if default is None:
        return ""
    return f"`{', '.join(map(str, default)) if isinstance(default, list) else default}`"


def _actions(manifest: dict[str, Any]) -> list[str]:
    lines = ["| action | does |", "|---|---|"]
    for name, entry in manifest["actions"].items():
        lines.append(f"| [`{name}`]({entry['help']['link']}) | {entry['description'].replace('|', '/')} |")
    return lines
