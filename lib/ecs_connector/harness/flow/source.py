"""YAML text in, plain JSON values and the line of every one of them out.

Scalars follow the core schema of YAML 1.2: only `true` and `false` are booleans, a number with a leading
zero is text (an AWS account id), and `22:22` is text (a port mapping) and not 1342.
Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import yaml

from ecs_connector.errors import InputError, Violation

#: Values, counted after aliases are followed: a flow has hundreds, a file that explodes by aliases has more.
MAX_VALUES = 50_000

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """The safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the base class declares it so


_INTEGER = r"[-+]?(?:0|[1-9][0-9]*)"
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INTEGER, list("-+0123456789")),
    ("float", _INTEGER + r"(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", list("-+0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


@dataclass(slots=True)
class Problems:
    """Everything that is wrong with a file, each with its place; raised together."""

    #: What the file is called in messages.
    label: str
    #: JSON pointer -> line, counted from 1.
    lines: dict[str, int] = field(default_factory=dict)
    #: Line (0 for none) and problem, as they were met.
    noted: list[tuple[int, Violation]] = field(default_factory=list)

    def add(self, pointer: str, rule: str, text: str, *, line: int | None = None) -> None:
        """Note one problem, with the line of its pointer or of the nearest parent that has one."""
        place = line or self.line_of(pointer)
        where = ", ".join([*([f"line {place}"] if place else []), *([pointer] if pointer else [])])
        self.noted.append((place or 0, Violation(pointer, rule, f"{where}: {text}" if where else text)))

    @property
    def found(self) -> list[Violation]:
        """Everything that was noted, in the order of the file."""
        return [violation for _, violation in sorted(self.noted, key=itemgetter(0))]

    def line_of(self, pointer: str) -> int | None:
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer)

    def raise_any(self) -> None:
        """Raise all that was noted, if anything was.

        Raises:
            InputError: With every problem as a violation.
        """
        found = self.found
        if not found:
            return
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        listed = "".join(f"\n  - {violation.message}" for violation in found)
        raise InputError(f"{self.label} is not a flow that can run: {count}.{listed}", violations=found)


def escape(key: str) -> str:
    """Return a key as a segment of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def read_yaml(text: str, problems: Problems) -> Any:
    """Return the values of a YAML document; their lines go to `problems.lines`.

    Raises:
        InputError: The text is not YAML, or not plain data.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                walk = _Walk(problems)
                walk.visit(node, "")
                if walk.unusable:
                    problems.raise_any()
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        # The text of the error quotes the file, which may hold a secret: only its own words are shown.
        mark = getattr(error, "problem_mark", None)
        words = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        hint = " (inside {...} an expression with brackets or commas needs quotes)" if "',' or" in words else ""
        problems.add("", "yaml", f"not valid YAML: {words}{hint}", line=mark.line + 1 if mark else None)
    except RecursionError:
        problems.add("", "yaml", "nested too deeply")
    except ValueError as error:
        # A number or a binary value that Python cannot hold; the digits are not repeated.
        problems.add("", "yaml", f"a value cannot be read ({type(error).__name__}); write it as quoted text")
    problems.raise_any()
    return None


@dataclass(slots=True)
class _Walk:
    """Notes the line of every value, and what YAML allows but JSON does not have."""

    problems: Problems
    count: int = 0
    #: Whether something was found that leaves no JSON to go on with.
    unusable: bool = False
    _open: set[int] = field(default_factory=set)

    def visit(self, node: yaml.Node, pointer: str) -> None:
        line = node.start_mark.line + 1
        self.problems.lines.setdefault(pointer, line)
        self.count += 1
        if id(node) in self._open:
            self._refuse(pointer, "yaml", "an alias contains itself", line)
            return
        if self.count > MAX_VALUES:
            if self.count == MAX_VALUES + 1:
                self._refuse("", "yaml", f"more than {MAX_VALUES} values once aliases are followed", line)
            return
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, pointer)
        elif isinstance(node, yaml.SequenceNode):
            self._tag(node, "seq", pointer)
            for index, item in enumerate(node.value):
                self.visit(item, f"{pointer}/{index}")
        else:
            self._tag(node, "str null bool int float", pointer)
        self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, pointer: str) -> None:
        self._tag(node, "map", pointer)
        merged = [value for key, value in node.value if key.tag == _TAG + "merge"]
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if value in merged:
                continue
            if key.tag != _TAG + "str":
                self._refuse(pointer, "key", "a key is not text; quote it", line)
                continue
            if key.value in seen:
                text = f"the key {key.value!r} stands here and in line {seen[key.value]}; only one can count"
                self.problems.add(f"{pointer}/{escape(key.value)}", "duplicate", text, line=line)
                continue
            seen[key.value] = line
            child = f"{pointer}/{escape(key.value)}"
            self.problems.lines[child] = line
            self.visit(value, child)
        for value in merged:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                self.visit(source, pointer)

    def _tag(self, node: yaml.Node, allowed: str, pointer: str) -> None:
        if node.tag not in {_TAG + name for name in allowed.split()}:
            tag = node.tag.removeprefix(_TAG)
            text = f"the tag {tag!r} has no place in a flow; write plain text, numbers, lists and mappings"
            self._refuse(pointer, "yaml", text, node.start_mark.line + 1)

    def _refuse(self, pointer: str, rule: str, text: str, line: int) -> None:
        self.unusable = True
        self.problems.add(pointer, rule, text, line=line)
