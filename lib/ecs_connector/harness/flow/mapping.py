"""JSONata: text -> expression, and template plus environment -> JSON.

An expression that gives nothing ("undefined" in JSONata) leaves its key or list item out; null stays
null. That is how a JSONata object or array constructor behaves, and so the platform's mapper.
Source: https://docs.jsonata.org/processing, https://docs.elastic.io/guides/mapping-data
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.clock import Clock
from ecs_connector.errors import ConfigError, InputError, Violation
from ecs_connector.harness.flow.model import Expression, Template
from ecs_connector.values import EMPTY

#: The key of the mapping `{$: expression}`, by which a template marks a value as an expression.
MARK = "$"

#: The member under which the platform shows earlier steps to an expression.
PASSTHROUGH = "elasticio"

#: Long enough for a large inventory, short enough for a person who wrote an endless recursion.
EVALUATION_LIMIT_MS = 60_000

#: Python frames: what the library asks for, which is some 500 nested calls of a JSONata function.
STACK_LIMIT = 10_000


class _Undefined:
    """The result of an expression that gives nothing."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED = _Undefined()


class _NotJsonError(Exception):
    """An expression gave something that no JSON can hold; becomes an InputError before it leaves the module."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What an expression can see."""

    clock: Clock
    #: The context: body of the previous message.
    body: Any = field(default_factory=dict)
    #: step id -> message, as the platform passes it through.
    passthrough: Mapping[str, Any] = EMPTY
    #: Name without the dollar sign -> value.
    variables: Mapping[str, Any] = EMPTY
    #: The platform's constants of a flow; here its inputs.
    flow_variables: Mapping[str, Any] = EMPTY


def compile_expression(text: str, pointer: str) -> Expression:
    """Return an expression, ready to be evaluated.

    Raises:
        InputError: The text is not JSONata.
        ConfigError: The library that reads JSONata is not installed.
    """
    try:
        with _deep_stack():
            return Expression(text, pointer, _library().Jsonata(text))
    except Exception as error:  # the parser meets bad text with whatever Python raises, not only its own class
        raise _refusal(pointer, text, error, "is not JSONata") from error


def builtin_names() -> frozenset[str]:
    """Return the names of JSONata's own functions, without the dollar sign."""
    return frozenset(_library().Jsonata.static_frame.bindings)


def evaluate(expression: Expression, environment: Environment, *, step: str = "") -> Any:
    """Return the value of an expression as plain JSON, or `UNDEFINED`.

    Raises:
        InputError: It cannot be evaluated, or gives a function.
    """
    library = _library()
    program = expression.program
    program.set_output_convert_nulls(False)
    frame = program.create_frame()
    for name, value in environment.variables.items():
        # None is the library's "undefined".
        frame.bind(name, library.Utils.NULL_VALUE if value is None else value)
    for name, function in _functions(environment).items():
        frame.bind(name, library.Jsonata.JLambda(function))
    frame.set_runtime_bounds(EVALUATION_LIMIT_MS, None)
    try:
        # The library prints a line of its own when something that is no function is called, and stdout is
        # for results only.
        with contextlib.redirect_stdout(io.StringIO()), _deep_stack():
            result = program.evaluate(_context(expression, environment), frame)
        return _plain(result)
    except Exception as error:  # the interpreter meets bad data with whatever Python raises
        raise _refusal(expression.pointer, expression.text, error, "cannot be evaluated", step=step) from error


def render(template: Template, environment: Environment, *, step: str = "") -> Any:
    """Return a template with every expression replaced by its value; `UNDEFINED` when it is one that gives nothing.

    Raises:
        InputError: An expression cannot be evaluated.
    """
    if isinstance(template, Expression):
        return evaluate(template, environment, step=step)
    if isinstance(template, Mapping):
        members = {key: render(value, environment, step=step) for key, value in template.items()}
        return {key: value for key, value in members.items() if value is not UNDEFINED}
    if isinstance(template, (list, tuple)):
        items = [render(item, environment, step=step) for item in template]
        return [item for item in items if item is not UNDEFINED]
    return template


def is_true(value: Any) -> bool:
    """Return whether a value counts as true, by the rules of JSONata's `$boolean`."""
    if isinstance(value, list):
        return any(is_true(item) for item in value)
    return value is not UNDEFINED and bool(value)


def _library() -> Any:
    limit = sys.getrecursionlimit()
    try:
        import jsonata
    except ImportError as error:
        text = "Flows need the package jsonata-python: install ecs-connector with its extra `flow`."
        raise ConfigError(text) from error
    finally:
        # The library raises the limit of the whole process when it is imported.
        sys.setrecursionlimit(limit)
    return jsonata


@contextlib.contextmanager
def _deep_stack() -> Iterator[None]:
    """Let the library recurse as deep as it is made for, for the length of a block only."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, STACK_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _context(expression: Expression, environment: Environment) -> Any:
    # Only where it is asked for: `$` is to be the body and nothing else.
    if PASSTHROUGH in expression.text and isinstance(environment.body, Mapping):
        return {**environment.body, PASSTHROUGH: dict(environment.passthrough)}
    return environment.body


def _functions(environment: Environment) -> dict[str, Callable[..., Any]]:
    # The library's own $now and $millis show the time at which the last expression was compiled.
    def millis() -> int:
        return int(environment.clock.now().timestamp() * 1000)

    def now(picture: str | None = None, timezone: str | None = None) -> Any:
        return _library().Functions.datetime_from_millis(millis(), picture, timezone)

    return {
        "getPassthrough": lambda: dict(environment.passthrough),
        "getFlowVariables": lambda: dict(environment.flow_variables),
        "millis": millis,
        "now": now,
    }


def _plain(value: Any) -> Any:
    """Return a result without the library's own list, null and undefined types, sharing nothing with the input."""
    if value is None:
        return UNDEFINED
    if value is _library().Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {key: _none(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_none(item) for item in value]
    if isinstance(value, (str, int, float, bool)):
        return value
    raise _NotJsonError("it gives a function, and JSON has none")


def _none(value: Any) -> Any:
    # Inside a container the input's own nulls are None.
    return None if value is None else _plain(value)


def _refusal(pointer: str, text: str, error: Exception, what: str, *, step: str = "") -> InputError:
    if isinstance(error, ConfigError):
        raise error
    known = type(error).__name__ in ("JException", "_NotJsonError")
    reason = str(error) if known else "it is too deep" if isinstance(error, RecursionError) else type(error).__name__
    location = getattr(error, "location", -1)
    at = f" at character {location}" if isinstance(location, int) and location > 0 else ""
    shown = " ".join(text.split())
    message = f"the expression `{shown}` {what}{at}: {reason.rstrip('.')}."
    where = f"Step {step}, {pointer}: " if step else ""
    return InputError(where + message, violations=[Violation(pointer, "jsonata", message)])
