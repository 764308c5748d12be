"""The list of steps in a flow file -> `Step`s."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from ecs_connector import errors
from ecs_connector.harness.flow.checks import as_mapping, check_flag, check_keys, check_text, nearest
from ecs_connector.harness.flow.model import Expect, Expression, Input, OnError, Step, Template
from ecs_connector.harness.flow.references import Scope
from ecs_connector.harness.flow.source import Problems
from ecs_connector.harness.flow.templates import Templates

#: What JSONata reads as one name; `-` would be a subtraction.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_KEYS = ("id", "function", "description", "config", "body", "each", "when", "expect", "onError", "always")
_EXPECT_KEYS = ("error", "code", "exitCode", "optional", "emissions", "assert")


def read_steps(
    value: Any,
    inputs: Mapping[str, Input],
    functions: Sequence[str] | None,
    templates: Templates,
) -> list[Step]:
    """Return the steps of a file, as far as they can be read; what is wrong is noted."""
    problems = templates.problems
    if value is not None and (not isinstance(value, list) or not value):
        problems.add("/steps", "type", "must be a list of at least one step")
    entries = value if isinstance(value, list) else []
    ids = [str(as_mapping(entry).get("id")) for entry in entries]
    steps: list[Step] = []
    for index, entry in enumerate(entries):
        pointer = f"/steps/{index}"
        if not isinstance(entry, dict):
            problems.add(pointer, "type", "a step is a mapping with `id` and `function`")
            continue
        check_keys(entry, pointer, _KEYS, problems, required=("id", "function"))
        _check_id(entry, ids[:index], pointer, problems)
        _check_function(entry, functions, pointer, problems)
        steps.append(_Reader(entry, index, ids, inputs, templates).step())
    return steps


def _check_id(entry: Mapping[str, Any], earlier: Sequence[str], pointer: str, problems: Problems) -> None:
    step_id = check_text(entry, "id", pointer, problems)
    if step_id and not IDENTIFIER.fullmatch(step_id):
        text = f"{step_id!r} must be made of letters, digits and _, not starting with a digit, as JSONata reads it"
        problems.add(f"{pointer}/id", "pattern", text)
    elif step_id and step_id in earlier:
        text = f"the id {step_id!r} is taken by step {earlier.index(step_id) + 1}"
        problems.add(f"{pointer}/id", "unique", text)


def _check_function(
    entry: Mapping[str, Any], functions: Sequence[str] | None, pointer: str, problems: Problems
) -> None:
    function = check_text(entry, "function", pointer, problems)
    if function and functions is not None and function not in functions:
        lowered = {known.lower(): known for known in functions}
        same = lowered.get(function.lower())
        hint = f" Did you mean {same}?" if same else nearest(function, functions)
        problems.add(f"{pointer}/function", "function", f"the component has no action {function!r}.{hint}")


class _Reader:
    """Reads one step."""

    def __init__(
        self,
        entry: Mapping[str, Any],
        index: int,
        ids: Sequence[str],
        inputs: Mapping[str, Input],
        templates: Templates,
    ) -> None:
        self._entry = entry
        self._pointer = f"/steps/{index}"
        self._earlier = ids[:index]
        self._ids = ids
        self._inputs = inputs
        self._problems = templates.problems
        self._templates = templates
        self._own = ("item", "index") if "each" in entry else ()

    def step(self) -> Step:
        entry, pointer, scope = self._entry, self._pointer, self._scope(self._earlier, self._own)
        config = entry.get("config", {})
        if not isinstance(config, dict):
            self._problems.add(f"{pointer}/config", "type", "must be a mapping of configuration fields")
        on_error: OnError = entry.get("onError", "stop")
        if on_error not in get_args(OnError):
            self._problems.add(f"{pointer}/onError", "enum", f"must be one of {', '.join(get_args(OnError))}")
        return Step(
            id=str(entry.get("id")),
            function=str(entry.get("function")),
            config=self._templates.read(as_mapping(config), f"{pointer}/config", scope),
            body=self._templates.read(entry.get("body", {}), f"{pointer}/body", scope),
            each=self._each(),
            when=self._templates.condition(entry["when"], f"{pointer}/when", scope) if "when" in entry else None,
            expect=self._expect(),
            on_error=on_error,
            always=check_flag(entry, "always", pointer, self._problems),
            pointer=pointer,
        )

    def _scope(self, earlier: Sequence[str], own: Sequence[str] = ()) -> Scope:
        return self._templates.scope(earlier, self._ids, self._inputs, own)

    def _each(self) -> Template:
        if "each" not in self._entry:
            return None
        return self._templates.items(self._entry["each"], f"{self._pointer}/each", self._scope(self._earlier))

    def _expect(self) -> Expect:
        value, pointer = self._entry.get("expect"), f"{self._pointer}/expect"
        if value is None:
            return Expect()
        if not isinstance(value, dict):
            self._problems.add(pointer, "type", f"must be a mapping of {', '.join(_EXPECT_KEYS)}")
            return Expect()
        check_keys(value, pointer, _EXPECT_KEYS, self._problems)
        expect = Expect(
            error=check_text(value, "error", pointer, self._problems) or None,
            code=check_text(value, "code", pointer, self._problems) or None,
            exit_code=self._count(value, "exitCode", pointer),
            optional=check_flag(value, "optional", pointer, self._problems),
            emissions=self._count(value, "emissions", pointer),
            condition=self._condition(value, pointer),
        )
        self._check_expect(expect, pointer)
        return expect

    def _check_expect(self, expect: Expect, pointer: str) -> None:
        kinds = dict.fromkeys(_error_names())
        if expect.error is not None and expect.error not in kinds:
            hint = nearest(expect.error, kinds) or f" There are: {', '.join(kinds)}."
            self._problems.add(f"{pointer}/error", "enum", f"there is no error {expect.error!r}.{hint}")
        if expect.optional and not expect.names_error:
            text = "`optional` goes with the error that may come: error, code or exitCode"
            self._problems.add(pointer, "dependent", text)
        if expect.names_error and not expect.optional and expect.emissions is not None:
            text = "`emissions` cannot be asked of a step that must fail; add `optional: true` or take one away"
            self._problems.add(pointer, "exclusive", text)

    def _condition(self, value: Mapping[str, Any], pointer: str) -> Expression | None:
        if "assert" not in value:
            return None
        scope = self._scope([*self._earlier, self._ids[len(self._earlier)]], [*self._own, "failure"])
        condition = self._templates.condition(value["assert"], f"{pointer}/assert", scope)
        if isinstance(condition, bool):
            self._problems.add(f"{pointer}/assert", "type", "must be a JSONata expression")
        return condition if isinstance(condition, Expression) else None

    def _count(self, value: Mapping[str, Any], key: str, pointer: str) -> int | None:
        number = value.get(key)
        if number is None:
            return None
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            self._problems.add(f"{pointer}/{key}", "type", "must be a whole number, 0 or more")
            return None
        return number


def _error_names() -> Iterator[str]:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.ConnectorError):
            yield name
    yield errors.Rebound.__name__
