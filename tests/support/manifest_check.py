"""Says what the platform would not accept, or not show well, in a component.json.

Source: https://docs.elastic.io/developers/component-json-technical-reference and the pages it leads to.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from support.schema_check import HTML, schema_problems

ROOT_KEYS = frozenset({
    "title", "description", "version", "buildType", "credentials", "actions", "triggers", "envVars", "deprecated", "consumesRawData",
    "help", "docsUrl", "url", "authClientTypes",
})  # fmt: skip
#: Written by the platform's builder, never by an author; `service` is for its own components.
FORBIDDEN_ROOT_KEYS = frozenset({"language", "sailor_version", "service"})
CREDENTIAL_KEYS = frozenset({"fields", "help", "verifier"})
ENTRY_KEYS = frozenset({
    "title", "description", "help", "main", "fields", "metadata", "dynamicMetadata", "order", "deprecated", "autoResolveObjectReferences",
})  # fmt: skip
FIELD_KEYS = frozenset({
    "viewClass", "label", "required", "placeholder", "note", "help", "order", "model", "prompt", "require", "prefix", "suffix",
})  # fmt: skip
VIEW_CLASSES = frozenset({
    "TextFieldView", "TextAreaView", "PasswordFieldView", "CheckBoxView", "SelectView", "MultiSelectView", "JSONataView",
})  # fmt: skip
_SELECTS = frozenset({"SelectView", "MultiSelectView"})
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
_ID = re.compile(r"[A-Za-z]+\w*")
_SECRET = re.compile(r"secret|password|token|externalid", re.IGNORECASE)


def manifest_problems(manifest: Mapping[str, Any], root: Path) -> list[str]:
    """Return everything that is wrong with a descriptor in its folder."""
    return list(_root(manifest)) + list(_credentials(manifest)) + list(_functions(manifest, root))


def _text(where: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip():
        yield f"{where}: text is missing"
    elif HTML.search(value):
        yield f"{where}: has HTML: {value}"


def _help(where: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping) or set(value) - {"description", "link"}:
        yield f"{where}: help is a description and a link"
        return
    yield from _text(f"{where}.description", value.get("description"))
    link = value.get("link")
    if link is not None and not str(link).startswith(("https://", "/", "#")):
        yield f"{where}.link: {link!r} is no link"


def _root(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield from _text("title", manifest.get("title"))
    yield from _text("description", manifest.get("description"))
    if not _SEMVER.fullmatch(str(manifest.get("version"))):
        yield f"version: {manifest.get('version')!r} is not a semantic version without a v"
    if manifest.get("buildType") != "docker":
        yield "buildType: is not docker"
    for key in manifest:
        if key in FORBIDDEN_ROOT_KEYS:
            yield f"{key}: is not for an author to write"
        elif key not in ROOT_KEYS:
            yield f"{key}: the platform knows no such property"
    for name, spec in manifest.get("envVars", {}).items():
        if (
            not isinstance(spec, Mapping)
            or set(spec) != {"required", "description"}
            or not isinstance(spec["required"], bool)
        ):
            yield f"envVars.{name}: says required and description, and nothing else"
    if "help" in manifest:
        yield from _help("help", manifest["help"])
    for key in ("docsUrl", "url"):
        if key in manifest and not str(manifest[key]).startswith("https://"):
            yield f"{key}: is no address"


def _credentials(manifest: Mapping[str, Any]) -> Iterator[str]:
    credentials = manifest.get("credentials", {})
    for key in credentials:
        if key not in CREDENTIAL_KEYS:
            yield f"credentials.{key}: the platform knows no such property"
    if "help" in credentials:
        yield from _help("credentials.help", credentials["help"])
    yield from _fields("credentials.fields", credentials.get("fields", {}), exports=frozenset())


def _functions(manifest: Mapping[str, Any], root: Path) -> Iterator[str]:
    actions, triggers = manifest.get("actions"), manifest.get("triggers")
    if not actions and not triggers:
        yield "actions: there is nothing to run"
    for name in set(actions or {}) & set(triggers or {}):
        yield f"{name}: is an action and a trigger"
    for group, entries in (("actions", actions), ("triggers", triggers)):
        if entries is not None and not entries:
            yield f"{group}: is empty; leave it out"
        for name, entry in (entries or {}).items():
            yield from _entry(f"{group}.{name}", name, entry, root, is_trigger=group == "triggers")


def _entry(where: str, name: str, entry: Mapping[str, Any], root: Path, *, is_trigger: bool) -> Iterator[str]:
    if not _ID.fullmatch(name):
        yield f"{where}: the id is not one"
    for key in entry:
        if key not in ENTRY_KEYS and not (is_trigger and key == "type"):
            yield f"{where}.{key}: the platform knows no such property"
    if is_trigger and entry.get("type", "webhook") not in ("polling", "webhook"):
        yield f"{where}.type: is neither polling nor webhook"
    yield from _text(f"{where}.title", entry.get("title"))
    yield from _text(f"{where}.description", entry.get("description"))
    if "help" in entry:
        yield from _help(f"{where}.help", entry["help"])
    if "order" in entry and (isinstance(entry["order"], bool) or not isinstance(entry["order"], (int, float))):
        yield f"{where}.order: is no number"
    exports: frozenset[str] = frozenset()
    main = entry.get("main")
    if not isinstance(main, str) or not (root / main).is_file():
        yield f"{where}.main: {main!r} is no file"
    else:
        tree = ast.parse((root / main).read_text(encoding="utf-8"))
        exports = frozenset(
            node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        )
        if "process" not in exports:
            yield f"{where}.main: has no function process"
    yield from _fields(f"{where}.fields", entry.get("fields", {}), exports | _shared_models(root))
    yield from _metadata(where, entry, root, is_trigger=is_trigger)


def _shared_models(root: Path) -> frozenset[str]:
    """Return the select models that a component answers for all of its actions."""
    table = root / "lib" / "ecs_connector" / "data" / "select_models.json"
    return frozenset(json.loads(table.read_text(encoding="utf-8"))) if table.is_file() else frozenset()


def _metadata(where: str, entry: Mapping[str, Any], root: Path, *, is_trigger: bool) -> Iterator[str]:
    if entry.get("dynamicMetadata"):
        return
    metadata = entry.get("metadata", {})
    for side in ("in", "out"):
        given = metadata.get(side)
        if given is None:
            if not (is_trigger and side == "in"):
                yield f"{where}.metadata.{side}: is missing"
            continue
        schema = given
        if isinstance(given, str):
            try:
                schema = json.loads((root / given).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                yield f"{where}.metadata.{side}: {given} cannot be read: {type(error).__name__}"
                continue
        yield from (f"{where}.metadata.{side}{problem}" for problem in schema_problems(schema, is_input=side == "in"))


def _fields(where: str, fields: Mapping[str, Any], exports: frozenset[str]) -> Iterator[str]:
    for name, field in fields.items():
        yield from (f"{where}.{name}{problem}" for problem in _field(name, field, fields, exports))


def _field(name: str, field: Mapping[str, Any], siblings: Mapping[str, Any], exports: frozenset[str]) -> Iterator[str]:
    view = field.get("viewClass")
    if view not in VIEW_CLASSES:
        yield f".viewClass: {view!r} is not one to use"
    elif _SECRET.search(name) and view not in ("PasswordFieldView", "CheckBoxView"):
        yield ".viewClass: a secret is typed into a PasswordFieldView"
    yield from _text(".label", field.get("label"))
    for key in field:
        if key not in FIELD_KEYS:
            yield f".{key}: the platform knows no such property"
    if not isinstance(field.get("required", False), bool):
        yield ".required: is not true or false"
    if "order" in field and (isinstance(field["order"], bool) or not isinstance(field["order"], (int, float))):
        yield ".order: is no number"
    for other in field.get("require", ()):
        if other not in siblings:
            yield f".require: there is no field {other}"
    yield from _model(view, field.get("model"), exports)


def _model(view: Any, model: Any, exports: frozenset[str]) -> Iterator[str]:
    if view in _SELECTS:
        if isinstance(model, str):
            if model not in exports:
                yield f".model: the module exports no {model}"
        elif not isinstance(model, Mapping) or not model:
            # A list would store the index of the option, not its value.
            yield ".model: is neither value to label nor a function's name"
        elif not all(isinstance(label, str) and label for label in model.values()):
            yield ".model: an option has no label"
    elif model is not None:
        yield ".model: only a selection has one"
