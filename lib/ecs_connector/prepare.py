"""Turns a message's body into the input of an operation: checked, and with its client token.

Nothing is sent before this has passed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ecs_connector.config import BodyDefault, StepConfig
from ecs_connector.context import Context
from ecs_connector.errors import ConfigError, DescriptorError, InputError, Violation
from ecs_connector.gate import Acceptor
from ecs_connector.model import Operation
from ecs_connector.values import Message

#: Rules that `validation: lenient` lets pass with a warning: what a newer model may allow.
LENIENT = frozenset({"unknown", "enum"})
#: Violations that the text of an error lists; the error carries all of them.
_LISTED = 20
_HERE = os.path.dirname(os.path.abspath(__file__))
_SCHEMAS = (os.path.join(_HERE, "schemas"), os.path.join(os.path.dirname(os.path.dirname(_HERE)), "schemas"))


class Checked(NamedTuple):
    """An operation's input schema, compiled."""

    schema: dict[str, Any]
    accepts: Acceptor


def input_schema(operation: Operation) -> Checked:
    """Read and compile the input schema of an operation.

    Raises:
        DescriptorError: The file is missing or damaged.
    """
    name = f"{operation.name}.in.json"
    path = next((path for folder in _SCHEMAS if os.path.isfile(path := os.path.join(folder, name))), None)
    if path is None:
        raise DescriptorError(f"The schema {name} is missing in {' and '.join(_SCHEMAS)}.")
    try:
        with open(path, "rb") as file:
            schema = json.loads(file.read())
        return Checked(schema, Acceptor(schema, operation.rules))
    except (OSError, ValueError, KeyError) as error:
        raise DescriptorError(f"{path} cannot be read: {error}") from error


def check(operation: Operation, body: Any, context: Context, *, lenient: bool = False) -> None:
    """Check an input against the schema and the rules of its operation.

    Raises:
        InputError: With every violation at once.
    """
    shared = context.clients.shared
    checked = shared.get(operation.name)
    if checked is None:
        checked = shared[operation.name] = input_schema(operation)
    if checked.accepts(body):
        return
    from ecs_connector.report import violations

    found = violations(checked.schema, operation.rules, body, operation.secrets_in)
    if lenient:
        for violation in found:
            if violation.rule in LENIENT:
                context.logger.warning(
                    "%s: passed although the model does not know it: %s", operation.name, violation.message
                )
        found = [violation for violation in found if violation.rule not in LENIENT]
    if found:
        raise InputError(_text(operation, found), violations=found)


def _text(operation: Operation, found: list[Violation]) -> str:
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    lines = [f"{operation.name}: the input has {count}; nothing was sent."]
    lines += [f"- {violation.message}" for violation in found[:_LISTED]]
    if len(found) > _LISTED:
        lines.append(f"- and {len(found) - _LISTED} more")
    return "\n".join(lines)


def guard(operation: Operation, config: StepConfig) -> None:
    """Refuse what the credential's switches forbid.

    Raises:
        ConfigError: The credential is read-only, or the step has not confirmed that it may destroy.
    """
    if config.readOnly and operation.mutates:
        raise ConfigError(
            f"{operation.name}: this credential is read-only (readOnly), and {operation.name} changes something; nothing was "
            "sent. Use another credential for this step.",
            field="readOnly",
        )
    if config.requireConfirmation and operation.destroys and not config.confirm:
        raise ConfigError(
            f"{operation.name}: this credential asks for confirmation (requireConfirmation) before something is destroyed; "
            "nothing was sent. Set the step's field confirm.",
            field="confirm",
        )


def filled(message: Message, defaults: Sequence[BodyDefault]) -> Message:
    """Return a message whose body has the members that the configuration sets and the body leaves out.

    A value of the body, even null, is stronger. A body that is no object stays as it is, to be refused.
    """
    body = message.body if message.body is not None else {}
    if not isinstance(body, Mapping):
        return message
    added = {one.member: one.value for one in defaults if one.member not in body and one.unless.isdisjoint(body)}
    return message._replace(body={**body, **added}) if added else message


def prepare(operation: Operation, message: Message, config: StepConfig, context: Context) -> dict[str, Any]:
    """Return the input of an operation, checked, with its client token.

    Raises:
        ConfigError: A guard rail of the credential refuses the operation.
        InputError: The body breaks the schema or a rule.
    """
    guard(operation, config)
    body = message.body if message.body is not None else {}
    try:
        check(operation, body, context, lenient=config.validation == "lenient")
        if operation.token is None and operation.effect is None:
            return dict(body)
        from ecs_connector.tokens import identified

        return {**body, **identified(operation, message, config, context)}
    except (RecursionError, ValueError) as error:  # json says ValueError of what contains itself
        text = f"{operation.name}: the input is nested too deeply, or contains itself; nothing was sent."
        raise InputError(text, violations=[Violation("", "depth", text)]) from error
