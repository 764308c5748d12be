"""A checked flow as frozen values. Expressions are compiled; nothing in here can be malformed any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ecs_connector.values import EMPTY

#: A JSON tree in which any value may be an `Expression`.
Template = Any

OnError = Literal["stop", "continue"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A JSONata expression and where it stands in the file."""

    text: str
    pointer: str
    #: The compiled form, of the library's own type.
    program: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Expect:
    """What a step is expected to do; None means that nothing is asked."""

    #: Class name of the error that the step must end with.
    error: str | None = None
    #: AWS error code that it must carry.
    code: str | None = None
    exit_code: int | None = None
    #: The error may come, and need not.
    optional: bool = False
    #: Messages that the step must emit.
    emissions: int | None = None
    condition: Expression | None = None

    @property
    def names_error(self) -> bool:
        return self.error is not None or self.code is not None or self.exit_code is not None

    def describe_error(self) -> str:
        """Return the expected error in words: `ServiceError ClusterNotFoundException`."""
        status = None if self.exit_code is None else f"exit code {self.exit_code}"
        return " ".join(part for part in (self.error, self.code, status) if part)


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a flow."""

    id: str
    function: str
    config: Template = field(default=EMPTY, repr=False)
    body: Template = None
    #: Expression, or list of templates; None for a step that runs once.
    each: Template = None
    #: Expression or boolean; None for always.
    when: Template = None
    expect: Expect = Expect()
    on_error: OnError = "stop"
    #: Runs after a failure too.
    always: bool = False
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """A value that whoever starts the flow may give."""

    name: str
    type: str = "string"
    default: Any = None
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that can run."""

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    config: Mapping[str, Any] = field(default=EMPTY, repr=False)
    inputs: Mapping[str, Input] = EMPTY
    #: What the report shows at the end; None for nothing.
    output: Template = None
    has_output: bool = False
