"""YAML values -> templates: marked expressions are compiled and their names checked, all else stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ecs_connector.errors import InputError
from ecs_connector.harness.flow import references
from ecs_connector.harness.flow.mapping import MARK, compile_expression
from ecs_connector.harness.flow.model import Expression, Template
from ecs_connector.harness.flow.references import Scope
from ecs_connector.harness.flow.source import Problems, escape

#: Text that nobody writes but to have it evaluated.
_UNMARKED = re.compile(r"\$(?:steps|inputs|item|headers|messages|getPassthrough\(\))[.\[]|elasticio\.\w+\.body\b")

_HINTS = {
    "item": " It exists where the step has `each`.",
    "index": " It exists where the step has `each`.",
    "failure": " It exists in `expect.assert`; later steps find it under $steps.<id>.error.",
}


class Templates:
    """Reads the templates of one file, noting what is wrong with them."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    @staticmethod
    def scope(
        earlier: Iterable[str], steps: Iterable[str], inputs: Mapping[str, Any], own: Iterable[str] = ()
    ) -> Scope:
        """Return what an expression may name."""
        return Scope(tuple(earlier), tuple(steps), inputs, frozenset(own), _HINTS)

    def read(self, value: Any, pointer: str, scope: Scope) -> Template:
        """Return a template: the value with each `{$: text}` in it compiled."""
        if isinstance(value, dict):
            if MARK in value:
                return self._marked(value, pointer, scope)
            return {key: self.read(member, f"{pointer}/{escape(key)}", scope) for key, member in value.items()}
        if isinstance(value, list):
            return [self.read(item, f"{pointer}/{index}", scope) for index, item in enumerate(value)]
        if isinstance(value, str) and _UNMARKED.match(value):
            text = f"this is plain text; to have it evaluated write it as {{{MARK}: ...}}"
            self.problems.add(pointer, "expression", text)
        return value

    def condition(self, value: Any, pointer: str, scope: Scope) -> Template:
        """Return the template of a field that is an expression by itself: text, marked or not, or true or false."""
        if isinstance(value, str):
            return self.expression(value, pointer, scope)
        if isinstance(value, dict) and MARK in value:
            return self._marked(value, pointer, scope)
        if not isinstance(value, bool):
            self.problems.add(pointer, "type", "must be a JSONata expression, or true or false")
        return value

    def items(self, value: Any, pointer: str, scope: Scope) -> Template:
        """Return the template of a list: text is the expression that gives it."""
        if isinstance(value, str):
            return self.expression(value, pointer, scope)
        if isinstance(value, list) or (isinstance(value, dict) and MARK in value):
            return self.read(value, pointer, scope)
        self.problems.add(pointer, "type", "must be a list, or a JSONata expression that gives one")
        return None

    def expression(self, text: str, pointer: str, scope: Scope) -> Expression | None:
        """Return a compiled expression, or None after noting why it is none."""
        try:
            expression = compile_expression(text, pointer)
        except InputError as error:
            for violation in error.violations:
                self.problems.add(pointer, violation.rule, violation.message.rstrip("."))
            return None
        references.check(expression, scope, self.problems)
        return expression

    def _marked(self, value: Mapping[str, Any], pointer: str, scope: Scope) -> Expression | None:
        inner = f"{pointer}/{MARK}"
        text = value[MARK]
        if len(value) > 1:
            others = ", ".join(repr(key) for key in value if key != MARK)
            told = f"{MARK!r} stands alone in its mapping; here it has {others} beside"
            self.problems.add(pointer, "expression", told)
        if not isinstance(text, str):
            self.problems.add(inner, "type", "an expression is text; quote it")
            return None
        return self.expression(text, inner, scope)
