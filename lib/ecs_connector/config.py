"""Parses one flat configuration mapping into a `StepConfig`.

Values that come from a form arrive as text: they are parsed, and a bad one is a `ConfigError`. Keys
that are no field of this component pass unread: the platform adds its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ecs_connector.errors import ConfigError
from ecs_connector.model import Fill, placed, read_data
from ecs_connector.values import Json

_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"false", "off", "no", "0"})


class StepConfig:
    """The parsed fields of one step; a field that is not set has its default, or None.

    Read as attributes by the names of the configuration: `config.waitFor`, `config.maxAttempts`.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return self._values.get(name)

    def __repr__(self) -> str:
        # The values hold credentials.
        return f"StepConfig({', '.join(sorted(self._values))})"

    def changed(self, **values: Any) -> StepConfig:
        """Return a copy in which these fields have other values."""
        return StepConfig({**self._values, **values})


class BodyDefault(NamedTuple):
    """A member of the body that the configuration sets where the body leaves it out."""

    member: str
    value: Json
    #: Members of the body that leave no room for it.
    unless: frozenset[str]


def body_defaults(fills: Sequence[Fill], config: StepConfig) -> tuple[BodyDefault, ...]:
    """Return what the fields of a step set in the body of its messages."""
    found: dict[str, BodyDefault] = {}
    for fill in fills:
        value = getattr(config, fill.field)
        member = fill.path[0]
        if value and member is not None and member not in found:
            found[member] = BodyDefault(member, placed(fill.path[1:], value), fill.unless)
    return tuple(found.values())


class Fields:
    """The table of configuration fields. Source: data/fields.json, made by `make generate`."""

    def __init__(self, table: Mapping[str, Mapping[str, Any]]) -> None:
        self._fields: dict[str, Any] = {**table["credentials"], **table["step"]}
        self.credentials = frozenset(table["credentials"])
        self._defaults = {name: spec["default"] for name, spec in self._fields.items() if "default" in spec}

    @classmethod
    def load(cls) -> Fields:
        """Read the table that ships with the package."""
        return cls(read_data("fields.json"))

    @property
    def names(self) -> list[str]:
        return list(self._fields)

    def default(self, name: str) -> Any:
        """Return the default of a field; None when it has none."""
        return self._defaults.get(name)

    def parse(self, config: Mapping[str, Any], waits: tuple[str, ...] | None = None) -> StepConfig:
        """Return the fields that the mapping sets, parsed, over their defaults.

        Args:
            waits: The waits that the operation offers; None when it is not about one operation.

        Raises:
            ConfigError: A value is not one that its field takes.
        """
        values = dict(self._defaults)
        for name, value in config.items():
            spec = self._fields.get(name)
            if spec is None or value is None or value == "":
                continue
            values[name] = _PARSERS[spec["kind"]](name, value, spec)
        wanted = values.get("waitFor")
        if wanted is not None and waits is not None and wanted not in waits:
            offered = f"it offers {', '.join(waits)}" if waits else "it offers none, so leave the field out"
            raise ConfigError(f"waitFor: there is no wait {wanted!r} for this operation; {offered}.", field="waitFor")
        return StepConfig(values)


def _text(name: str, value: Any, spec: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name}: text is expected, {_kind(value)} was given.", field=name)
    return value.strip()


def _secret(name: str, value: Any, spec: Mapping[str, Any]) -> str:
    return _text(name, value, spec)


def _choice(name: str, value: Any, spec: Mapping[str, Any]) -> str:
    text = _text(name, value, spec)
    choices = spec.get("choices")
    if isinstance(choices, list) and text not in choices:
        from difflib import get_close_matches

        near = get_close_matches(text, choices, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise ConfigError(f"{name}: {text!r} is not one of {', '.join(choices)}{hint}", field=name)
    return text


def _flag(name: str, value: Any, spec: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ConfigError(f"{name}: true or false is expected, {value!r} was given.", field=name)


def _number(name: str, value: Any, spec: Mapping[str, Any]) -> float:
    if isinstance(value, bool):
        raise ConfigError(f"{name}: a number is expected, true or false was given.", field=name)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise ConfigError(f"{name}: a number is expected, {value!r} was given.", field=name) from None
    minimum, maximum = spec.get("minimum"), spec.get("maximum")
    if not math.isfinite(number):
        raise ConfigError(f"{name}: a finite number is expected, {value!r} was given.", field=name)
    if minimum is not None and number < minimum:
        raise ConfigError(f"{name}: {value} is less than {minimum}.", field=name)
    if maximum is not None and number > maximum:
        raise ConfigError(f"{name}: {value} is more than {maximum}.", field=name)
    return number


def _integer(name: str, value: Any, spec: Mapping[str, Any]) -> int:
    number = _number(name, value, spec)
    if number != int(number):
        raise ConfigError(f"{name}: a whole number is expected, {value!r} was given.", field=name)
    return int(number)


def _integers(name: str, value: Any, spec: Mapping[str, Any]) -> list[int]:
    parts = value if isinstance(value, (list, tuple)) else str(value).replace(";", ",").split(",")
    return [_integer(name, part.strip() if isinstance(part, str) else part, spec) for part in parts if part != ""]


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__
    )


_PARSERS: dict[str, Callable[[str, Any, Mapping[str, Any]], Any]] = {
    "text": _text,
    "secret": _secret,
    "choice": _choice,
    "flag": _flag,
    "number": _number,
    "integer": _integer,
    "integers": _integers,
}
