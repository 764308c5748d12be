"""The package as others get it: built, installed into an empty environment, and run there."""

from __future__ import annotations

import configparser
import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support.ecs_stub import EcsStub

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MANIFEST = json.loads((ROOT / "component.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source archive, and the wheel from that archive: what it lacks, the wheel lacks."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with what it depends on, and nothing else; return the environment's programs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    command = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return programs


def run(installed: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    return subprocess.run(
        [str(installed / arguments[0]), *arguments[1:]],
        env=environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_wheel_has_everything_that_runs(names: set[str]) -> None:
    """Descriptor, logo, each action, each schema, the tables, the type marker and the licence are inside."""
    assert {f"ecs_connector/{name}" for name in ("component.json", "logo.png", "py.typed", "__main__.py")} <= names
    for entry in MANIFEST["actions"].values():
        for path in (entry["main"], entry["metadata"]["in"], entry["metadata"]["out"]):
            assert f"ecs_connector/{path.removeprefix('./')}" in names
    for entry in MANIFEST.get("triggers", {}).values():
        assert f"ecs_connector/{entry['main'].removeprefix('./')}" in names
    for table in (ROOT / "lib/ecs_connector/data").iterdir():
        assert f"ecs_connector/data/{table.name}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_has_nothing_else(names: set[str]) -> None:
    """Neither tests, nor the generator, nor what an interpreter leaves behind is shipped; one top-level package."""
    tops = {name.partition("/")[0] for name in names}

    assert tops == {"ecs_connector", f"ecs_connector-{PROJECT['version']}.dist-info"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".toml", ".yaml"))]


def test_the_metadata_is_the_projects(wheel: Path) -> None:
    """Version, licence and the command are what pyproject.toml says; the version is the descriptor's too."""
    with zipfile.ZipFile(wheel) as archive:
        folder = f"ecs_connector-{PROJECT['version']}.dist-info"
        metadata = archive.read(f"{folder}/METADATA").decode()
        entry_points = configparser.ConfigParser()
        entry_points.read_file(io.StringIO(archive.read(f"{folder}/entry_points.txt").decode()))

    assert f"\nVersion: {MANIFEST['version']}\n" in metadata
    assert f"\nLicense-Expression: {PROJECT['license']}\n" in metadata
    assert dict(entry_points["console_scripts"]) == PROJECT["scripts"]


def test_the_source_archive_can_be_worked_on(built: Path) -> None:
    """The archive has sources, generator, tests, schemas and the Makefile, under one folder."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "pyproject.toml",
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "component.json",
        "tests/conftest.py",
    } <= inside
    assert {
        "lib/ecs_codegen/overrides.toml",
        "lib/ecs_connector/cli.py",
        "actions/run_task.py",
        "schemas/RunTask.in.json",
    } <= inside
    assert not [name for name in inside if name.startswith((".venv", ".cache", ".git/")) or "__pycache__" in name]


def test_it_runs_where_nothing_else_is(installed: Path, tmp_path: Path) -> None:
    """Command and module print the version; every action is listed and loads from the installed package."""
    for arguments in (["ecs-connector", "--version"], ["python", "-m", "ecs_connector", "--version"]):
        done = run(installed, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"ecs-connector {MANIFEST['version']}, ECS model ")

    listed = run(installed, "ecs-connector", "list", "--names", cwd=tmp_path).stdout.split()
    assert set(MANIFEST["actions"]) <= set(listed)

    code = (
        "import ecs_connector, pathlib; component = ecs_connector.Component.load();"
        "assert pathlib.Path(component.root) == pathlib.Path(ecs_connector.__file__).parent, component.root;"
        "print(sum(callable(component.process(name)) for name in component.functions))"
    )
    done = run(installed, "python", "-W", "error", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(listed)


def test_it_calls(installed: Path, ecs_stub: EcsStub, tmp_path: Path) -> None:
    """An installed command makes a signed call, refuses a wrong input with its report, and describes an action."""
    ecs_stub.play({"clusterArns": ["a"]})
    options = [part for name, value in ecs_stub.config().items() for part in ("--set", f"{name}={value}")]

    done = run(installed, "ecs-connector", "run", "ListClusters", *options, cwd=tmp_path)
    wrong = run(installed, "ecs-connector", "run", "StopTask", "--body", '{"taks":"x"}', *options, cwd=tmp_path)
    page = run(installed, "ecs-connector", "describe", "StopTask", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    emitted: Any = json.loads(done.stdout)
    assert emitted["body"] == {"clusterArns": ["a"]}
    assert f"ecs-connector/{MANIFEST['version']}" in ecs_stub.received[0].headers["user-agent"]
    assert wrong.returncode == 65
    assert "did you mean task?" in wrong.stderr
    assert page.returncode == 0
    assert len(ecs_stub.received) == 1


def test_what_an_extra_brings_is_asked_for_by_name(installed: Path, tmp_path: Path) -> None:
    """Without the extra, the embedded endpoint says what to install instead of failing."""
    done = run(installed, "ecs-connector", "run", "ListClusters", "--local", cwd=tmp_path)

    assert done.returncode == 78
    assert "ecs-connector[local]" in done.stderr
    assert "Traceback" not in done.stderr
