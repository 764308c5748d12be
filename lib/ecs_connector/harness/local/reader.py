"""Reads one mapping of a scenario file, and remembers every problem instead of stopping at the first."""

from __future__ import annotations

import difflib
import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: How a state that does not end by itself is written.
FOREVER = math.inf


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which ones of a row of numbered things: `2`, `[1, 4]`, `"2-4"`, `"3-"`, `"every 2"`."""

    ranges: tuple[tuple[int, float], ...] = ()
    every: int = 0

    def __contains__(self, number: int) -> bool:
        if self.every:
            return number % self.every == 0
        return any(first <= number <= last for first, last in self.ranges)

    @classmethod
    def parse(cls, value: Any) -> Numbers:
        """Return the numbers that a scenario names.

        Raises:
            ValueError: the value is none of the forms.
        """
        if isinstance(value, str) and value.startswith("every "):
            every = int(value.removeprefix("every "))
            if every < 1:
                raise ValueError(value)
            return cls(every=every)
        return cls(tuple(_range(item) for item in (value if isinstance(value, list) else [value])))


def _range(value: Any) -> tuple[int, float]:
    head, dash, tail = str(value).partition("-")
    first = int(head)
    last = (float(int(tail)) if tail else FOREVER) if dash else float(first)
    if first < 1 or last < first:
        raise ValueError(value)
    return first, last


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule is for: fields with shell patterns, all of which must fit."""

    patterns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Return whether each named field has a value that one of its patterns fits."""
        return all(self._field_fits(values.get(field), globs) for field, globs in self.patterns)

    @staticmethod
    def _field_fits(value: Any, globs: tuple[str, ...]) -> bool:
        if value is None:
            return False
        candidates = value if isinstance(value, list) else [value]
        return any(fnmatch.fnmatchcase(str(item), glob) for item in candidates for glob in globs)


class Reader:
    """Takes the known fields out of a mapping; `finish` reports what is left over."""

    def __init__(self, value: Any, where: str, problems: list[str]) -> None:
        self._where = where
        self._problems = problems
        self._known: set[str] = set()
        if not isinstance(value, Mapping):
            self.problem("", f"must be a mapping, not {_kind(value)}")
            value = {}
        self._fields: Mapping[Any, Any] = value

    def problem(self, field: str, text: str) -> None:
        """Remember that a field is wrong."""
        place = f"{self._where}.{field}" if self._where and field else self._where or field or "scenario"
        self._problems.append(f"{place}: {text}")

    def has(self, field: str) -> bool:
        self._known.add(field)
        return self._fields.get(field) is not None

    def raw(self, field: str) -> Any:
        """Return the field as it is; None when it is absent."""
        self._known.add(field)
        return self._fields.get(field)

    def text(self, field: str, default: str | None = None) -> str | None:
        value = self.raw(field)
        if value is None:
            return default
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self.problem(field, f"must be text, not {_kind(value)}")
            return default
        return value

    def needed_text(self, field: str) -> str:
        if not self.has(field):
            self.problem(field, "is missing")
        return self.text(field) or ""

    def choice(self, field: str, choices: Sequence[str], default: str) -> str:
        value = self.text(field, default) or default
        if value not in choices:
            self.problem(field, f"'{value}' is not one of {', '.join(choices)}{nearest(value, choices)}")
            return default
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        value = self.raw(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(field, f"must be true or false, not {_kind(value)}")
            return default
        return value

    def number(self, field: str, default: float, *, least: float = -FOREVER, most: float = FOREVER) -> float:
        value = self.raw(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            limits = f" from {least:g} to {most:g}" if most < FOREVER else f" of at least {least:g}"
            self.problem(field, f"must be a number{limits if least > -FOREVER else ''}, not {value!r}")
            return default
        return float(value)

    def integer(self, field: str, *, least: int) -> int | None:
        value = self.raw(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.problem(field, f"must be a whole number of at least {least}, not {value!r}")
            return None
        return value

    def seconds(self, field: str, default: float, *, forever: bool = False) -> float:
        if forever and self.raw(field) == "forever":
            return FOREVER
        return self.number(field, default, least=0)

    def numbers(self, field: str) -> Numbers | None:
        value = self.raw(field)
        if value is None:
            return None
        try:
            return Numbers.parse(value)
        except ValueError:
            self.problem(field, f'{value!r} is none of: 2, [1, 4], "2-4", "3-", "every 2"')
            return None

    def texts(self, field: str) -> tuple[str, ...]:
        """Return a list of texts; one text counts as a list of one."""
        value = self.raw(field)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, (str, int, float)) for item in items):
            self.problem(field, "must be text or a list of texts")
            return ()
        return tuple(str(item) for item in items)

    def items(self, field: str) -> list[Any]:
        value = self.raw(field)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(field, f"must be a list, not {_kind(value)}")
            return []
        return value

    def mapping(self, field: str) -> dict[str, Any]:
        value = self.raw(field)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.problem(field, f"must be a mapping, not {_kind(value)}")
            return {}
        return {str(key): item for key, item in value.items()}

    def match(self, field: str, allowed: Sequence[str] | None = None) -> Match:
        """Return the patterns of a `match` mapping; `allowed` None takes any field name."""
        patterns: list[tuple[str, tuple[str, ...]]] = []
        place = f"{self._where}.{field}" if self._where else field
        inner = Reader(self.mapping(field), place, self._problems)
        for name in self.mapping(field):
            if allowed is not None and name not in allowed:
                inner.problem(name, f"is not one of {', '.join(allowed)}{nearest(name, allowed)}")
                continue
            patterns.append((name, inner.texts(name)))
        return Match(tuple(patterns))

    def finish(self) -> None:
        """Report every field that nobody asked for."""
        for field in self._fields:
            if field not in self._known:
                self.problem(str(field), f"is not a known field{nearest(str(field), sorted(self._known))}")


def nearest(word: str, words: Sequence[str]) -> str:
    """Return a hint at the most similar word, or nothing."""
    close = difflib.get_close_matches(word, words, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
