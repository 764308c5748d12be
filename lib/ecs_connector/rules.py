"""Interprets the cross-field rules of an operation's row.

A rule stands at a place of the input; its kind is a function from the object at that place to what is
wrong: pairs of a sub-pointer and what was given there. Nothing wrong is the empty tuple, quickly:
these functions run for every message. Values of a wrong type are left to the schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]
#: Sub-pointer below the rule's place, and a word on what was given.
Finding = tuple[tuple[str | int, ...], str]
Findings = Sequence[Finding]


def find(rule: Rule, value: Mapping[str, Any]) -> Findings:
    """Return what is wrong with an object by one rule."""
    if ("when" in rule and not _holds(rule["when"], value)) or ("unless" in rule and _holds(rule["unless"], value)):
        return ()
    if "given" in rule and not all(_inside(path, value) for path in rule["given"]):
        return ()
    return KINDS[rule["kind"]](rule, value)


def _holds(condition: Mapping[str, Sequence[Any]], value: Mapping[str, Any]) -> bool:
    """Say whether every named member (a path with dots) has, or contains, one of its values."""
    for path, wanted in condition.items():
        found = _inside(path, value)
        present = found if isinstance(found, list) else (found,)
        if not any(item in wanted for item in present if isinstance(item, (str, int, bool))):
            return False
    return True


def _inside(path: str, value: Any) -> Any:
    """Return what is at the end of a path of members; None where there is nothing."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _exclusive(rule: Rule, value: Mapping[str, Any]) -> Findings:
    present = [name for name in rule["members"] if name in value]
    return (((present[-1],), f"{' and '.join(present)} are both given"),) if len(present) > 1 else ()


def _at_least_one(rule: Rule, value: Mapping[str, Any]) -> Findings:
    if any(name in value for name in rule["members"]):
        return ()
    return (((), f"none of {', '.join(rule['members'])} is given"),)


def _requires(rule: Rule, value: Mapping[str, Any]) -> Findings:
    return _required(rule, value) if rule["member"] in value else ()


def _requires_any(rule: Rule, value: Mapping[str, Any]) -> Findings:
    return _required(rule, value) if any(name in value for name in rule["any"]) else ()


def _required(rule: Rule, value: Mapping[str, Any]) -> Findings:
    return tuple(((name,), "it is missing") for name in rule["members"] if name not in value)


def _forbidden(rule: Rule, value: Mapping[str, Any]) -> Findings:
    return tuple(((name,), "it is given") for name in rule["members"] if value.get(name))


def _forbidden_with(rule: Rule, value: Mapping[str, Any]) -> Findings:
    if not value.get(rule["member"]):
        return ()
    return tuple(((name,), f"it is given, and so is {rule['member']}") for name in rule["members"] if value.get(name))


def _one_of_if(rule: Rule, value: Mapping[str, Any]) -> Findings:
    given = value.get(rule["member"])
    if not isinstance(given, (str, type(None))):
        return ()
    if given in rule["values"] or (given is None and not rule.get("required")):
        return ()
    allowed = " or ".join(rule["values"])
    return (
        ((rule["member"],), f"it is {given!r}, allowed is {allowed}" if given else f"it is missing; give {allowed}"),
    )


def _json_size(rule: Rule, value: Mapping[str, Any]) -> Findings:
    given = value.get(rule["member"])
    if given is None or not isinstance(given, (dict, list)):
        return ()
    size = len(json.dumps(given, ensure_ascii=False, separators=(",", ":"), default=str))
    return (((rule["member"],), f"it has {size} characters"),) if size > rule["maximum"] else ()


def _unique(rule: Rule, value: Mapping[str, Any]) -> Findings:
    items = value.get(rule["member"])
    if not isinstance(items, list) or len(items) < 2:
        return ()
    seen: dict[Any, int] = {}
    findings: list[Finding] = []
    for index, item in enumerate(items):
        key = item.get(rule["key"]) if isinstance(item, Mapping) else None
        if not isinstance(key, str):
            continue
        if key in seen:
            findings.append(
                ((rule["member"], index, rule["key"]), f"{key!r} is the {rule['key']} of item {seen[key]} too")
            )
        else:
            seen[key] = index
    return findings


def _prefix_reserved(rule: Rule, value: Mapping[str, Any]) -> Findings:
    findings: Findings = ()
    for name in rule["members"]:
        given = value.get(name)
        if isinstance(given, str) and given[: len(rule["prefix"])].lower() == rule["prefix"]:
            findings = (*findings, ((name,), f"it starts with {given[: len(rule['prefix'])]}"))
    return findings


def _items(rule: Rule, value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects in the rule's list; a value of another type has none."""
    found = value.get(rule["member"])
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _numbers(rule: Rule, value: Mapping[str, Any]) -> list[Any]:
    return [item.get(rule["key"], 0) for item in _items(rule, value)]


def _some_positive(rule: Rule, value: Mapping[str, Any]) -> Findings:
    numbers = _numbers(rule, value)
    explicit = any(rule["key"] in item for item in _items(rule, value))
    if len(numbers) < 2 or not explicit or any(isinstance(number, (int, float)) and number > 0 for number in numbers):
        return ()
    return (((rule["member"],), f"every {rule['key']} is 0"),)


def _at_most_one_positive(rule: Rule, value: Mapping[str, Any]) -> Findings:
    positive = [number for number in _numbers(rule, value) if isinstance(number, (int, float)) and number > 0]
    return (((rule["member"],), f"{len(positive)} of them have a {rule['key']}"),) if len(positive) > 1 else ()


def _forbidden_in_items_if(rule: Rule, value: Mapping[str, Any]) -> Findings:
    items = value.get(rule["member"])
    return tuple(
        ((rule["member"], index, rule["key"]), "it is given")
        for index, item in enumerate(items if isinstance(items, list) else ())
        if isinstance(item, Mapping) and item.get(rule["key"])
    )


def _not_all(rule: Rule, value: Mapping[str, Any]) -> Findings:
    items = value.get(rule["member"])
    if not isinstance(items, list) or not items:
        return ()
    if any(not isinstance(item, Mapping) or item.get(rule["key"]) is not rule["value"] for item in items):
        return ()
    return (((rule["member"],), f"{rule['key']} is {json.dumps(rule['value'])} in all of them"),)


def _ordered(rule: Rule, value: Mapping[str, Any]) -> Findings:
    less, more = (_count(value.get(rule[name])) for name in ("less", "more"))
    if less is None or more is None or less <= more:
        return ()
    return (((rule["more"],), f"it is {more}, below {rule['less']} {less}"),)


def _count(given: Any) -> float | None:
    return given if isinstance(given, (int, float)) and not isinstance(given, bool) else None


def _same_ports(rule: Rule, value: Mapping[str, Any]) -> Findings:
    findings: list[Finding] = []
    containers = value.get(rule["member"])
    for index, container in enumerate(containers if isinstance(containers, list) else ()):
        ports = container.get("portMappings") if isinstance(container, Mapping) else None
        for place, port in enumerate(ports if isinstance(ports, list) else ()):
            host, own = (_count(_inside(name, port)) for name in ("hostPort", "containerPort"))
            if host and own is not None and host != own:
                way = (rule["member"], index, "portMappings", place, "hostPort")
                findings.append((way, f"it is {host}, and the container's port {own}"))
    return findings


def _completed_not_essential(rule: Rule, value: Mapping[str, Any]) -> Findings:
    items = _items(rule, value)
    essential = {item.get("name") for item in items if item.get("essential") is not False}
    findings: list[Finding] = []
    for index, item in enumerate(items):
        depends = item.get("dependsOn")
        for place, other in enumerate(depends if isinstance(depends, list) else ()):
            condition, name = _inside("condition", other), _inside("containerName", other)
            if condition in rule["values"] and isinstance(name, str) and name in essential:
                way = (rule["member"], index, "dependsOn", place, "condition")
                findings.append((way, f"it is {condition}, and {name} is essential"))
    return findings


def _memory_somewhere(rule: Rule, value: Mapping[str, Any]) -> Findings:
    if value.get("memory"):
        return ()
    items = value.get(rule["member"])
    return tuple(
        ((rule["member"], index, "memory"), "it is missing")
        for index, item in enumerate(items if isinstance(items, list) else ())
        if isinstance(item, Mapping) and not item.get("memory") and not item.get("memoryReservation")
    )


#: Unit -> factor to CPU units or MiB, as task definitions may write sizes.
_UNITS = {"": 1.0, "vcpu": 1024.0, "gb": 1024.0, "mib": 1.0}


def _size(given: Any) -> int | None:
    """Return a size as a number: `1024`, `1 vCPU`, `.5 vcpu`, `2GB`; None when it is none."""
    if not isinstance(given, str):
        return None
    text = given.strip().lower()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    factor = _UNITS.get(text[len(digits) :].strip())
    try:
        return None if factor is None else round(float(digits) * factor)
    except ValueError:
        return None


def _fargate_size(rule: Rule, value: Mapping[str, Any]) -> Findings:
    cpu, memory = value.get("cpu"), value.get("memory")
    if cpu is None or memory is None:
        return ()
    sizes = rule["sizes"]
    ranges = sizes.get(str(_size(cpu)))
    if ranges is None:
        return ((("cpu",), f"{cpu!r} is not one of {', '.join(sizes)}"),)
    amount = _size(memory)
    if amount is not None and any(low <= amount <= high and (amount - low) % step == 0 for low, high, step in ranges):
        return ()
    allowed = " or ".join(
        f"{low}" if low == high else f"{low} to {high} in steps of {step}" for low, high, step in ranges
    )
    return ((("memory",), f"{memory!r} does not fit cpu {cpu!r}, which allows {allowed} MiB"),)


KINDS: dict[str, Callable[[Rule, Mapping[str, Any]], Findings]] = {
    "exclusive": _exclusive,
    "at_least_one": _at_least_one,
    "requires": _requires,
    "requires_any": _requires_any,
    "required_if": _required,
    "forbidden_if": _forbidden,
    "forbidden_with": _forbidden_with,
    "one_of_if": _one_of_if,
    "json_size": _json_size,
    "unique": _unique,
    "prefix_reserved": _prefix_reserved,
    "some_positive": _some_positive,
    "at_most_one_positive": _at_most_one_positive,
    "forbidden_in_items_if": _forbidden_in_items_if,
    "not_all": _not_all,
    "ordered": _ordered,
    "same_ports": _same_ports,
    "completed_not_essential": _completed_not_essential,
    "memory_somewhere": _memory_somewhere,
    "fargate_size": _fargate_size,
}
