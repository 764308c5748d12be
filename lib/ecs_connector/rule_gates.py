"""Turns a rule into a quick yes, for inputs that have passed their schema.

Most rules hold because a member is absent, or because what they ask for is there: that is looked at first.
Whatever is not certain is asked of `rules.find`.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from typing import Any

from ecs_connector.rules import KINDS, Rule, find

Gate = Callable[[Any], bool]


def holds(rule: Rule) -> Gate:
    """Return a function that says whether a rule certainly holds for an object at its place."""
    make = _QUICK.get(rule["kind"])
    quick = make(rule) if make is not None else None
    absent = _absent(rule["when"]) if "when" in rule else None
    if quick is not None and absent is not None:
        return lambda value: quick(value) or absent(value) or not find(rule, value)
    either = quick or absent
    if either is not None:
        return lambda value: either(value) or not find(rule, value)
    return lambda value: not find(rule, value)


def _absent(condition: Mapping[str, Any]) -> Gate:
    """Return a function that says whether a rule's condition certainly does not hold."""
    path, wanted = next(iter(condition.items()))
    name, dot, _ = path.partition(".")
    allowed = frozenset(wanted)
    if dot:
        return lambda value: name not in value

    def absent(value: Any) -> bool:
        found = value.get(name)
        if type(found) is list:
            return allowed.isdisjoint(found)
        return found not in allowed

    return absent


def _exclusive(rule: Rule) -> Gate | None:
    if len(rule["members"]) != 2:
        return None
    first, second = rule["members"]
    return lambda value: first not in value or second not in value


def _without_member(rule: Rule) -> Gate:
    name = rule["member"]
    return lambda value: name not in value


def _all_there(rule: Rule) -> Gate:
    names = frozenset(rule["members"])
    return lambda value: names <= value.keys()


def _missing(name: str) -> Gate:
    return lambda value: name not in value


def _none_there(rule: Rule) -> Gate:
    names = frozenset(rule["members"])
    return lambda value: names.isdisjoint(value)


def _allowed(rule: Rule) -> Gate:
    name, allowed = rule["member"], frozenset(rule["values"])
    return lambda value: value.get(name) in allowed


def _small(rule: Rule) -> Gate:
    name = rule["member"]
    # No text grows more than sixfold by its JSON escapes.
    limit = rule["maximum"] // 6

    def quick(value: Any) -> bool:
        found = value.get(name)
        try:
            return found is None or len(marshal.dumps(found, 2)) <= limit
        except ValueError:
            return False

    return quick


def _different(rule: Rule) -> Gate:
    name, key = rule["member"], rule["key"]

    def quick(value: Any) -> bool:
        items = value.get(name)
        return items is None or len(items) < 2 or len({item.get(key) for item in items}) == len(items)

    return quick


def _unreserved(rule: Rule) -> Gate:
    names, initial = rule["members"], rule["prefix"][0].lower()
    return lambda value: all([value.get(name, "")[:1].lower() != initial for name in names])


def _known_size(rule: Rule) -> Gate:
    #: Pairs that Fargate has, whatever the rule's condition says of this input; there are few.
    known: set[tuple[str, str]] = set()
    findings = KINDS[rule["kind"]]

    def quick(value: Any) -> bool:
        pair = (value.get("cpu"), value.get("memory"))
        if pair in known:
            return True
        if findings(rule, value):
            return False
        if len(known) < 1000 and None not in pair:
            known.add(pair)
        return True

    return quick


_QUICK: dict[str, Callable[[Rule], Gate | None]] = {
    "exclusive": _exclusive,
    "requires": lambda rule: _either(_without_member(rule), _all_there(rule)),
    "requires_any": _all_there,
    "required_if": _all_there,
    "forbidden_if": _none_there,
    "forbidden_with": _without_member,
    "one_of_if": _allowed,
    "json_size": _small,
    "unique": _different,
    "prefix_reserved": _unreserved,
    "some_positive": _without_member,
    "at_most_one_positive": _without_member,
    "fargate_size": _known_size,
    "ordered": lambda rule: _either(_missing(rule["less"]), _missing(rule["more"])),
}


def _either(first: Gate, second: Gate) -> Gate:
    return lambda value: first(value) or second(value)
