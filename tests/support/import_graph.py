"""Reads from the source who imports whom, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIB = Path(__file__).parents[2] / "lib"


@dataclass(frozen=True)
class Import:
    """One import statement's module."""

    importer: str
    imported: str
    #: Inside a function: done when it runs, not when the module is loaded.
    lazy: bool


def module_name(path: Path) -> str:
    """Return the dotted name of a file under lib/."""
    parts = path.relative_to(LIB).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(package: str = "ecs_connector") -> dict[str, Path]:
    """Return every module of a package, name to file."""
    return {module_name(path): path for path in sorted((LIB / package).rglob("*.py"))}


@cache
def imports(package: str = "ecs_connector") -> tuple[Import, ...]:
    """Return every import of a package's modules; those that only a type checker sees are left out."""
    known = modules(package)
    found: list[Import] = []
    for name, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [Import(name, imported, lazy) for imported, lazy in _visit(tree, known, lazy=False)]
    return tuple(found)


def _visit(node: ast.AST, known: dict[str, Path], *, lazy: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            for alias in child.names:
                inner = f"{child.module}.{alias.name}"
                yield (inner if inner in known else child.module), lazy
        inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _visit(child, known, lazy=lazy or inside)
