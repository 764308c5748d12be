"""Who may import whom, and what an ordinary call must not load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.ecs_stub import EcsStub
from support.import_graph import imports, modules

LIB = Path(__file__).parents[2] / "lib"
#: An import goes to an earlier line of this list or stays on its own, never to a later one.
LAYERS = (
    ("errors", "values", "clock", "redact", "expressions"),
    ("model", "config", "context", "address", "hidden_errors", "advice", "diagnosis", "verdict", "judge"),
    ("rules", "rule_gates", "rule_schemas", "dialect", "gate", "report"),
    ("serialize", "endpoint", "connection", "transport", "adapter", "signer", "retry", "pacing", "parse", "credentials",
     "credential_sources", "failures", "exchange"),
    ("client",),
    ("pages", "tokens", "prepare", "emit", "poller", "waits", "waiter", "logs", "run_judge", "rollout", "deployment", "wait_step"),
    ("operation", "select_models", "verify_credentials"),
    ("executor",),
    ("component", "actions", "meta_model"),
    ("harness", "sailor", "terminal"),
    ("cli", "__init__", "__main__"),
)  # fmt: skip
#: Third-party package -> the modules that may load it when they are loaded themselves.
HEAVY = {
    "asyncio": (),
    "botocore": ("credential_sources", "harness"),
    "cryptography": ("sailor.crypto",),
    "jsonata": ("harness.flow",),
    "jsonschema": ("report",),
    "moto": ("harness.local",),
    "pika": ("sailor",),
    "requests": ("adapter",),
    "urllib3": ("adapter",),
    "werkzeug": ("harness.local",),
    "yaml": ("harness",),
}


def _short(name: str) -> str:
    return name.removeprefix("ecs_connector").lstrip(".") or "__init__"


def _layer(name: str) -> int | None:
    top = _short(name).partition(".")[0]
    return next((index for index, layer in enumerate(LAYERS) if top in layer), None)


def test_every_module_has_a_layer() -> None:
    """A new module is given its place in the order of imports."""
    assert [name for name in modules() if _layer(name) is None] == []


def test_imports_go_one_way() -> None:
    """No module imports from a layer above its own, not even inside a function."""
    wrong = [
        f"{_short(one.importer)} imports {_short(one.imported)}"
        for one in imports()
        if one.imported.startswith("ecs_connector.") and (_layer(one.imported) or 0) > (_layer(one.importer) or 0)
    ]

    assert wrong == []


def test_no_module_imports_itself_in_a_circle() -> None:
    """Within a layer, too, imports have an order."""
    edges: dict[str, set[str]] = {}
    for one in imports():
        if one.imported in modules() and one.imported != one.importer and not one.lazy:
            edges.setdefault(one.importer, set()).add(one.imported)
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above[above.index(name) :], name))
        if name not in done:
            for imported in sorted(edges.get(name, ())):
                visit(imported, (*above, name))
            done.add(name)

    for name in modules():
        visit(name, ())
    assert done == set(modules())


def test_the_two_drivers_do_not_know_each_other() -> None:
    """The flow step runs without the harness, the harness without the flow step; the library needs neither generator nor tests."""
    for one in imports():
        importer, imported = _short(one.importer), _short(one.imported)
        assert not (importer.startswith("sailor") and imported.startswith(("harness", "terminal"))), one
        assert not (importer.startswith("harness") and imported.startswith("sailor")), one
        assert one.imported.partition(".")[0] not in ("ecs_codegen", "support", "tests"), one


def test_imports_are_absolute_and_never_private() -> None:
    """A module uses another by its public names."""
    import ast

    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, name
                if (node.module or "").startswith("ecs_connector"):
                    private = [alias.name for alias in node.names if alias.name.startswith("_")]
                    assert private == [], name


@pytest.mark.parametrize("package", HEAVY)
def test_a_heavy_package_is_loaded_only_where_it_is_used(package: str) -> None:
    """What costs time to import is imported inside the few modules that need it."""
    wrong = [
        _short(one.importer)
        for one in imports()
        if one.imported.partition(".")[0] == package
        and not one.lazy
        and not _short(one.importer).startswith(HEAVY[package] or "-")
    ]

    assert wrong == []


#: Runs in a process of its own: what is loaded by then, minus what the interpreter came with.
_PROBE = """
import json, sys
before = set(sys.modules)
import ecs_connector
after_import = set(sys.modules) - before
config = json.loads(sys.argv[1])
bodies = {"RunTask": {"taskDefinition": "web:7", "cluster": "blue"}, "ListTasks": {}}
component = ecs_connector.Component.load()
for name, body in bodies.items():
    for emission in component.run(name, body=body, config=config):
        assert emission.kind == "data"
component.close()
print(json.dumps([sorted(after_import), sorted(set(sys.modules) - before)]))
"""


@pytest.fixture(scope="module")
def probe(_stub_server: EcsStub) -> tuple[list[str], list[str]]:
    _stub_server.reset()
    _stub_server.reply(lambda _: _answer())
    environment = {"PYTHONPATH": str(LIB), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROBE, json.dumps(_stub_server.config())],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded: list[list[str]] = json.loads(done.stdout)
    return loaded[0], loaded[1]


def _answer() -> Any:
    from support.ecs_stub import Answer

    return Answer({"tasks": [{"taskArn": "t"}], "failures": [], "taskArns": []})


@pytest.mark.parametrize("package", HEAVY)
def test_an_ordinary_call_loads_nothing_heavy(package: str, probe: tuple[list[str], list[str]]) -> None:
    """Neither importing the package nor a valid call with static keys loads what only some need."""
    after_import, after_calls = probe

    assert package not in {name.partition(".")[0] for name in after_import}
    assert package not in {name.partition(".")[0] for name in after_calls}


def test_start_up_stays_lean(probe: tuple[list[str], list[str]]) -> None:
    """The number of modules that an import and a call load is held: it is what a cold start costs."""
    after_import, after_calls = probe

    assert len(after_import) <= 85
    assert len(after_calls) <= 105
    own = [name for name in after_calls if name.startswith("ecs_connector")]
    assert not [
        name
        for name in own
        if name.startswith(("ecs_connector.harness", "ecs_connector.sailor", "ecs_connector.terminal"))
    ]
