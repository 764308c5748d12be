"""Writes the report of a refused input: every violation at once.

The schema's part comes from jsonschema, the rules' part from the same functions that the gate runs.
Imported only when an input is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft7Validator, validators

from ecs_connector.dialect import MOMENT, standard
from ecs_connector.errors import Violation
from ecs_connector.gate import moment
from ecs_connector.redact import fingerprint
from ecs_connector.rules import Rule, find

#: Longest text of a given value that is shown, in characters.
_SHOWN = 60
#: Most allowed values that are listed.
_LISTED = 12
_KINDS = {"object": "an object", "array": "a list", "string": "text", "number": "a number", "integer": "a whole number",
          "boolean": "true or false", "moment": "ISO-8601 text or seconds since 1970"}  # fmt: skip


def violations(schema: Mapping[str, Any], rules: Sequence[Rule], body: Any, secrets: Any = None) -> list[Violation]:
    """Return everything that is wrong with an input, in the order of its pointers.

    Args:
        secrets: The plan of sensitive members: what was given there is shown as a fingerprint.
    """
    found = _one_each(
        violation
        for error in _validator(standard(schema)).iter_errors(body)
        for violation in _translate(error, body, secrets)
    )
    wrong = {violation.pointer for violation in found}
    for rule in rules:
        for place, value in _places(body, tuple(rule["at"])):
            for below, given in find(rule, value):
                path = (*place, *below)
                if pointer(path) in wrong:  # a value that the schema refuses is one mistake
                    continue
                said = rule["text"] if _secret(path, secrets) else f"{given}. {rule['text']}"
                found.append(Violation(pointer(path), rule["id"], f"{_where(path)}: {said}"))
    return sorted(set(found), key=lambda violation: (violation.pointer, violation.rule))


#: Rules of which one mistake may break several at the same place: the first here is the one to name.
_RANKED = ("type", "union", "minLength", "maxLength", "minimum", "maximum", "enum", "pattern")


def _one_each(violations: Iterable[Violation]) -> list[Violation]:
    """Return one violation for each mistake: a number where an enum is expected is of a wrong type, and that is all."""
    found = list(violations)
    crowded = {violation.pointer.rpartition("/")[0] for violation in found if violation.rule == "unknown"}
    ranked = [one for one in found if one.rule in _RANKED and not (one.rule == "union" and one.pointer in crowded)]
    named = {one.pointer: one for one in sorted(ranked, key=lambda one: _RANKED.index(one.rule), reverse=True)}
    return [one for one in found if one.rule not in _RANKED or named.get(one.pointer) == one]


def _validator(schema: Mapping[str, Any]) -> Any:
    checker = Draft7Validator.TYPE_CHECKER.redefine_many(
        {
            "number": lambda _, value: (
                isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0  # finite
            ),
            "object": lambda _, value: isinstance(value, dict) and all(isinstance(name, str) for name in value),
            MOMENT: lambda _, value: moment(value),
        }
    )
    extended: Any = validators.extend(Draft7Validator, type_checker=checker)  # type: ignore[no-untyped-call]  # the library's own signature
    return extended(schema)


def pointer(path: Iterable[str | int]) -> str:
    """Return an RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _where(path: Iterable[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the body"


def _places(
    value: Any, at: tuple[str, ...], path: tuple[str | int, ...] = ()
) -> Iterable[tuple[tuple[str | int, ...], Any]]:
    """Yield every object at a rule's place."""
    if not at:
        if isinstance(value, Mapping):
            yield path, value
    elif at[0] == "*":
        inner: Iterable[tuple[str | int, Any]] = ()
        if isinstance(value, list):
            inner = enumerate(value)
        elif isinstance(value, Mapping):
            inner = value.items()
        for key, item in inner:
            yield from _places(item, at[1:], (*path, key))
    elif isinstance(value, Mapping) and at[0] in value:
        yield from _places(value[at[0]], at[1:], (*path, at[0]))


def _secret(path: Sequence[str | int], plan: Any) -> bool:
    for part in path:
        if plan == "s":
            return True
        if isinstance(plan, list):
            plan = plan[0]
        elif isinstance(plan, Mapping):
            plan = plan.get(part, plan.get("*"))
        else:
            return False
    return bool(plan == "s")


def _translate(error: Any, body: Any, secrets: Any) -> Iterable[Violation]:
    path = list(error.absolute_path)
    where, given, limit = _where(path), _given(error.instance, secret=_secret(path, secrets)), error.validator_value
    keyword = error.validator
    if keyword == "required":
        for name in limit:
            if name not in error.instance:
                yield Violation(pointer([*path, name]), "required", f"{_where([*path, name])}: is required")
        return
    if keyword == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for name in error.instance:
            if name not in known and isinstance(name, str):  # another name is a wrong type of the object
                near = _nearest(name, known)
                hint = f"did you mean {near}?" if near else f"known here: {_list(known)}"
                yield Violation(
                    pointer([*path, name]), "unknown", f"{_where([*path, name])}: there is no such member; {hint}"
                )
        return
    yield Violation(pointer(path), *_TEXTS.get(keyword, _other)(where, given, limit, error))


def _type(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    hint = ""
    if limit in ("number", "integer") and isinstance(error.instance, str):
        hint = "; write it without quotes"
    elif limit == "string" and isinstance(error.instance, (int, float)) and not isinstance(error.instance, bool):
        hint = "; write it in quotes"
    elif limit == "object" and isinstance(error.instance, dict):
        hint = " with names that are not text"
    return "type", f"{where}: {_KINDS.get(limit, limit)} is expected, {given} was given{hint}"


def _enum(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    near = _nearest(str(error.instance), limit)
    hint = f"; did you mean {near}?" if near else ""
    return "enum", f"{where}: {given} is not one of {_list(limit)}{hint}"


def _other(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    return str(error.validator), f"{where}: {given} breaks {error.validator} {limit}"


def _union(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    members = _list(list(error.schema.get("properties", {})))
    return "union", f"{where}: exactly one of {members} is expected, {len(error.instance)} are given"


def _length(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    bound = f"at least {limit} are needed" if error.validator == "minLength" else f"at most {limit} are allowed"
    return str(error.validator), f"{where}: {given} has {len(error.instance)} characters, {bound}"


def _count(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    bound = f"at least {limit} are needed" if error.validator == "minItems" else f"at most {limit} are allowed"
    return str(error.validator), f"{where}: {len(error.instance)} items are given, {bound}"


def _range(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    small = error.validator == "minimum"
    verdict = "too small, at least" if small else "too large, at most"
    return str(error.validator), f"{where}: {given} is {verdict} {limit} is allowed"


def _pattern(where: str, given: str, limit: Any, error: Any) -> tuple[str, str]:
    return "pattern", f"{where}: {given} does not match {limit}"


_TEXTS = {
    "type": _type,
    "enum": _enum,
    "minProperties": _union,
    "maxProperties": _union,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _count,
    "maxItems": _count,
    "minimum": _range,
    "maximum": _range,
    "pattern": _pattern,
}


def _nearest(name: str, known: Sequence[str]) -> str | None:
    lowered = {str(item).lower(): str(item) for item in known}
    near = get_close_matches(str(name).lower(), lowered, n=1)
    return lowered[near[0]] if near else None


def _list(values: Sequence[Any]) -> str:
    shown = [str(value) for value in values[:_LISTED]]
    return ", ".join(shown) + (f" and {len(values) - _LISTED} more" if len(values) > _LISTED else "")


def _given(value: Any, *, secret: bool) -> str:
    if value is None:
        return "null"
    if secret:
        return fingerprint(value if isinstance(value, str) else json.dumps(value, default=str))
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
