"""Sizes: a module and a function are small enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from support.source_size import function_lines, module_lines

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "lib").rglob("*.py"))
#: Lines of code; blanks, comments and docstrings are free.
MODULE_LINES, FUNCTION_LINES = 250, 40
#: Longer than the budget, each with its reason.
LONGER_FUNCTIONS = {
    "ecs_codegen/table.py:_check": (45, "one refusal after another: each stands for itself"),
}
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "base", "core", "tools", "lib"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT / "lib").as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    """No module and no function outgrows its budget, unless the table says why."""
    assert module_lines(path) <= MODULE_LINES
    for function, lines in function_lines(path).items():
        budget, _ = LONGER_FUNCTIONS.get(f"{_name(path)}:{function}", (FUNCTION_LINES, ""))
        assert lines <= budget, function


def test_every_exception_is_still_needed() -> None:
    """An exception that a function no longer needs is taken out of the table."""
    for entry in LONGER_FUNCTIONS:
        module, _, function = entry.partition(":")
        assert function_lines(ROOT / "lib" / module)[function] > FUNCTION_LINES, entry


def test_modules_are_named_after_what_they_do() -> None:
    """There is no drawer for things that have no place."""
    names = {part for path in SOURCES for part in path.relative_to(ROOT / "lib").with_suffix("").parts}

    assert names & FORBIDDEN_NAMES == set()


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    """Each module begins with a docstring, and leaves no work behind in comments."""
    text = path.read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(text))
    assert "TODO" not in text
    assert "FIXME" not in text


def test_the_conftest_stays_short() -> None:
    """What every test sees is small; what some need lies in tests/support."""
    assert len((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8").splitlines()) <= 150


def _broad(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler takes everything and keeps it."""
    caught = handler.type.id if isinstance(handler.type, ast.Name) else None
    last = handler.body[-1]
    passed_on = isinstance(last, ast.Raise) and last.exc is None
    return (handler.type is None or caught in ("Exception", "BaseException")) and not passed_on


def test_broad_catches_say_why() -> None:
    """Whoever catches everything says on that line why nothing less will do."""
    unmarked = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        unmarked += [
            f"{_name(path)}:{node.lineno}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ExceptHandler) and _broad(node) and "#" not in lines[node.lineno - 1]
        ]

    assert unmarked == []
