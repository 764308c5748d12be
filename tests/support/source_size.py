"""Measures Python source: lines that hold code, without blanks, comments and docstrings."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

_SKIPPED = frozenset({
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER,
})  # fmt: skip


def _code_lines(text: str, tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SKIPPED:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(
            node
        ):
            lines.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def module_lines(path: Path) -> int:
    """Return how many lines of a module hold code."""
    text = path.read_text(encoding="utf-8")
    return len(_code_lines(text, ast.parse(text)))


def function_lines(path: Path) -> dict[str, int]:
    """Return how many lines each function of a module has, by its qualified name."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = _code_lines(text, tree)
    found: dict[str, int] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = (
                f"{prefix}{child.name}"
                if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
                else prefix
            )
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found[name] = sum(child.lineno <= line <= (child.end_lineno or 0) for line in lines)
            visit(child, f"{name}." if name != prefix else prefix)

    visit(tree, "")
    return found
