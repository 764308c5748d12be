"""component.json against the platform's contract and the AWS model: one test over every entry."""

from __future__ import annotations

import copy
import inspect
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from ecs_connector import Component
from support.manifest_check import manifest_problems
from support.schema_check import HTML

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "component.json").read_text(encoding="utf-8"))
MODEL = Loader().load_service_model("ecs", "service-2")
ACTIONS = sorted(MANIFEST["actions"])
SECRETS = ("secretAccessKey", "sessionToken", "externalId")


@pytest.fixture(scope="module")
def loaded() -> Component:
    return Component.load()


def test_the_manifest_is_one_that_the_platform_accepts() -> None:
    """Nothing in the descriptor, its schemas or its modules breaks the platform's contract."""
    assert manifest_problems(MANIFEST, ROOT) == []


def test_every_operation_is_one_action() -> None:
    """The actions are the operations of the model: none is missing, none is extra."""
    assert ACTIONS == sorted(MODEL["operations"])


def test_every_action_has_a_place_of_its_own() -> None:
    """No two actions share a module, a title or a place in the order."""
    entries = MANIFEST["actions"].values()

    for key in ("main", "title", "order"):
        assert len({entry[key] for entry in entries}) == len(ACTIONS), key


def test_versions_agree(loaded: Component) -> None:
    """The descriptor has the version of the package."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert MANIFEST["version"] == project["version"] == loaded.version


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_module_does_what_its_entry_says(name: str, loaded: Component) -> None:
    """The module loads, has `process` with the exact signature, and its docstring names operation and reference."""
    module = loaded.module(name)

    assert list(inspect.signature(module.process).parameters) == ["message", "config", "snapshot", "context"]
    assert (module.__doc__ or "").startswith(f"{name}: ")
    assert f"API_{name}.html" in (module.__doc__ or "")
    assert module.OPERATION == name
    assert len(inspect.getsource(module).splitlines()) <= 40


@pytest.mark.parametrize("name", ACTIONS)
def test_an_entry_helps_its_reader(name: str) -> None:
    """An action is described in plain sentences and links to its page of the API reference."""
    entry = MANIFEST["actions"][name]

    assert entry["help"]["link"] == f"https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_{name}.html"
    for text in (entry["title"], entry["description"], entry["help"]["description"]):
        assert text.strip() == text
        assert not HTML.search(text)
    assert entry["description"].endswith(".")


@pytest.mark.parametrize("name", ACTIONS)
def test_an_entry_offers_the_fields_that_mean_something(name: str, loaded: Component) -> None:
    """List fields are on lists, failure policies where failures are, waits where there are waits."""
    operation = loaded.clients.model.operation(name)
    fields = set(MANIFEST["actions"][name]["fields"])

    assert fields == operation.fields
    assert fields <= set(loaded.clients.fields.names)
    assert {"region", "validation", "maxAttempts", "connectTimeoutSeconds", "readTimeoutSeconds"} <= fields
    assert ({"emitBehaviour", "maxItems"} <= fields) == (operation.pages is not None)
    assert ("onFailures" in fields) == operation.failures
    assert ("waitFor" in fields) == bool(operation.waits)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_operation_of_the_agent_says_so(name: str) -> None:
    """What the documentation keeps for the container agent is marked in title and description."""
    agent = "only used by the amazon ecs agent" in MODEL["operations"][name]["documentation"].lower() or (
        "not intended for use outside of the agent" in MODEL["operations"][name]["documentation"].lower()
    )
    entry = MANIFEST["actions"][name]

    assert ("(container agent only)" in entry["title"]) == agent
    assert ("not intended for use in flows" in entry["description"]) == agent


def test_credentials_ask_for_what_is_needed() -> None:
    """The credential form has the documented fields; secrets are masked; regions are chosen by value."""
    fields = MANIFEST["credentials"]["fields"]

    documented = {
        "accessKeyId", "secretAccessKey", "sessionToken", "roleArn", "externalId", "roleSessionName", "region", "endpoint",
        "useFips", "useDualStack", "credentialSource",
    }  # fmt: skip
    assert documented <= set(fields)
    assert {name for name in fields if fields[name]["viewClass"] == "PasswordFieldView"} == set(SECRETS)
    assert fields["useFips"]["viewClass"] == fields["useDualStack"]["viewClass"] == "CheckBoxView"


def test_every_region_of_every_partition_can_be_chosen() -> None:
    """The region field offers all regions of all partitions, value to label."""
    partitions = Loader().load_data("partitions")["partitions"]
    known = {region for part in partitions for region in part["regions"] if not region.endswith("-global")}
    model = MANIFEST["credentials"]["fields"]["region"]["model"]

    assert set(model) == known
    assert all(region in label for region, label in model.items())


def test_the_logo_is_a_sound_picture() -> None:
    """logo.png is a PNG of 128 by 128 with transparency, every chunk of it intact."""
    data = (ROOT / "logo.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = [], 8
    while place < len(data):
        (size,), kind = struct.unpack(">I", data[place : place + 4]), data[place + 4 : place + 8]
        content = data[place + 8 : place + 8 + size]
        (checksum,) = struct.unpack(">I", data[place + 8 + size : place + 12 + size])
        assert zlib.crc32(kind + content) == checksum, kind
        chunks.append((kind, content))
        place += 12 + size

    width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
    assert (width, height) == (128, 128)
    assert colour in (4, 6) or b"tRNS" in dict(chunks)
    assert chunks[-1] == (b"IEND", b"")
    assert len(zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))) >= 128 * depth // 8


# -- the check itself ---------------------------------------------------------------------------------

Breaker = Callable[[dict[str, Any]], None]


def _put(*path: str, value: Any) -> Breaker:
    def put(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return put


def _drop(*path: str) -> Breaker:
    def drop(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return drop


TASK = ("actions", "RunTask")
KEYS = ("credentials", "fields")
BROKEN: dict[str, tuple[Breaker, str]] = {
    "no title": (_drop("title"), "title: text is missing"),
    "version with v": (_put("version", value="v1.0.0"), "version: 'v1.0.0' is not"),
    "no version": (_drop("version"), "version: None is not"),
    "slug": (_put("buildType", value="slug"), "buildType"),
    "builder's key": (_put("language", value="python"), "language: is not for an author"),
    "unknown root key": (_put("tittle", value="x"), "tittle: the platform knows"),
    "nothing to run": (_drop("actions"), "there is nothing to run"),
    "empty triggers": (_put("triggers", value={}), "triggers: is empty"),
    "collision": (_put("triggers", value={"RunTask": {}}), "is an action and a trigger"),
    "bad id": (_put("actions", "1-two", value={}), "actions.1-two: the id"),
    "no main": (_drop(*TASK, "main"), "actions.RunTask.main"),
    "main is gone": (_put(*TASK, "main", value="./actions/nothing.py"), "is no file"),
    "main without process": (_put(*TASK, "main", value="./lib/ecs_connector/clock.py"), "has no function process"),
    "no description": (_drop(*TASK, "description"), "actions.RunTask.description: text is missing"),
    "HTML": (_put(*TASK, "description", value="<p>Runs.</p>"), "has HTML"),
    "order as text": (_put(*TASK, "order", value="1"), "order: is no number"),
    "schema is gone": (_put(*TASK, "metadata", "in", value="./schemas/Nothing.in.json"), "cannot be read"),
    "no output schema": (_drop(*TASK, "metadata", "out"), "metadata.out: is missing"),
    "draft 4 required": (_put(*TASK, "metadata", "in", value={"type": "object", "properties": {"a": {"title": "A", "type": "object", "required": ["b"]}}}), "required is not true or false"),
    "untitled property": (_put(*TASK, "metadata", "in", value={"type": "object", "properties": {"a": {"type": "string", "required": False}}}), "has no title"),
    "integer": (_put(*TASK, "metadata", "in", value={"type": "object", "properties": {"a": {"title": "A", "type": "integer", "required": False}}}), "the type 'integer'"),
    "dangling reference": (_put(*TASK, "metadata", "in", value={"type": "object", "properties": {"a": {"title": "A", "$ref": "#/definitions/B", "required": False}}}), "leads nowhere"),
    "vendor's view": (_put(*KEYS, "region", "viewClass", value="CodeFieldView"), "viewClass: 'CodeFieldView'"),
    "secret in the open": (_put(*KEYS, "sessionToken", "viewClass", value="TextFieldView"), "PasswordFieldView"),
    "no label": (_drop(*KEYS, "region", "label"), "label: text is missing"),
    "list as model": (_put(*KEYS, "region", "model", value=["eu-central-1"]), "neither value to label"),
    "model of a text field": (_put(*KEYS, "endpoint", "model", value={"a": "b"}), "only a selection has one"),
    "model function is gone": (_put(*TASK, "fields", "region", value={"viewClass": "SelectView", "label": "Region", "model": "listRegions"}), "exports no listRegions"),
    "required as text": (_put(*KEYS, "region", "required", value="true"), "required: is not"),
    "unknown field key": (_put(*KEYS, "region", "hint", value="x"), "hint: the platform knows"),
    "require of nothing": (_put(*KEYS, "region", "require", value=["account"]), "there is no field account"),
    "environment variable": (_put("envVars", value={"A": {"required": "yes", "description": ""}}), "envVars.A"),
}  # fmt: skip


@pytest.mark.parametrize("breaker, wanted", BROKEN.values(), ids=BROKEN)
def test_the_check_refuses_a_broken_manifest(breaker: Breaker, wanted: str) -> None:
    """Each rule of the check finds what breaks it: a check that accepts everything would prove nothing."""
    broken = copy.deepcopy(MANIFEST)
    breaker(broken)

    assert any(wanted in problem for problem in manifest_problems(broken, ROOT))
