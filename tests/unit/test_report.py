"""The report of a refused input: where, what was given, what is allowed, and a hint."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector import Component, errors
from ecs_connector.report import pointer, violations


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


WHOLE = {"type": "number", "multipleOf": 1}
#: Schema of the member, what is given, the one sentence about it.
TEXTS: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"type": "string"}, 7, "type", "x: text is expected, 7 was given; write it in quotes"),
    ({"type": "string"}, None, "type", "x: text is expected, null was given"),
    ({"type": "string"}, {"a": 1}, "type", "x: text is expected, an object was given"),
    (WHOLE, "7", "type", 'x: a whole number is expected, "7" was given; write it without quotes'),
    (WHOLE, 7.5, "type", "x: a whole number is expected, 7.5 was given"),
    ({"type": "number"}, [], "type", "x: a number is expected, a list was given"),
    ({"type": "boolean"}, "true", "type", 'x: true or false is expected, "true" was given'),
    ({"type": "array", "items": {"type": "string"}}, "a", "type", 'x: a list is expected, "a" was given'),
    ({"type": "object"}, [1], "type", "x: an object is expected, a list was given"),
    ({"type": "string", "format": "date-time"}, "soon", "type", 'x: ISO-8601 text or seconds since 1970 is expected, "soon" was given'),
    ({"type": "string", "enum": ["EC2", "FARGATE"]}, "FARGTE", "enum", 'x: "FARGTE" is not one of EC2, FARGATE; did you mean FARGATE?'),
    ({"type": "string", "enum": ["EC2", "FARGATE"]}, "fargate", "enum", 'x: "fargate" is not one of EC2, FARGATE; did you mean FARGATE?'),
    ({"type": "string", "enum": ["EC2", "FARGATE"]}, "zzzz", "enum", 'x: "zzzz" is not one of EC2, FARGATE'),
    ({"type": "string", "minLength": 3}, "ab", "minLength", 'x: "ab" has 2 characters, at least 3 are needed'),
    ({"type": "string", "maxLength": 2}, "abc", "maxLength", 'x: "abc" has 3 characters, at most 2 are allowed'),
    ({"type": "string", "pattern": "^[a-z]+$"}, "A", "pattern", 'x: "A" does not match ^[a-z]+$'),
    ({**WHOLE, "minimum": 1}, 0, "minimum", "x: 0 is too small, at least 1 is allowed"),
    ({**WHOLE, "maximum": 10}, 11, "maximum", "x: 11 is too large, at most 10 is allowed"),
    ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [], "minItems", "x: 0 items are given, at least 1 are needed"),
    ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"], "maxItems", "x: 2 items are given, at most 1 are allowed"),
]  # fmt: skip


@pytest.mark.parametrize("inner, given, rule, text", TEXTS)
def test_a_violation_says_what_to_change(inner: dict[str, Any], given: Any, rule: str, text: str) -> None:
    """Each kind of violation has one sentence: the place, what was given, what is allowed."""
    (found,) = violations(schema(x=inner), (), {"x": given})

    assert (found.pointer, found.rule, found.message) == ("/x", rule, text)


def test_a_union_takes_exactly_one() -> None:
    """A union names its members and counts those that are given."""
    union = {**schema(a={"type": "string"}, b={"type": "string"}), "minProperties": 1, "maxProperties": 1}

    for given, count in (({}, 0), ({"a": "", "b": ""}, 2)):
        (found,) = violations(schema(x=union), (), {"x": given})
        assert (found.pointer, found.rule) == ("/x", "union")
        assert found.message == f"x: exactly one of a, b is expected, {count} are given"


def test_a_missing_member_is_named_at_its_place() -> None:
    """The pointer leads to where the member has to stand; several missing ones are several violations."""
    inner = schema(a={"type": "string", "required": True}, b={"type": "string", "required": True})

    found = violations(schema(x={"type": "array", "items": inner}), (), {"x": [{"a": "", "b": ""}, {}]})

    assert [(one.pointer, one.rule, one.message) for one in found] == [
        ("/x/1/a", "required", "x[1].a: is required"),
        ("/x/1/b", "required", "x[1].b: is required"),
    ]


def test_an_unknown_member_is_answered_with_the_nearest() -> None:
    """A typo gets its correction whatever the case; without one, the known members are listed."""
    known = schema(taskDefinition={"type": "string"}, cluster={"type": "string"})

    found = violations(known, (), {"TaskDefintion": 1, "zzz": 1})

    assert [one.message for one in found] == [
        "TaskDefintion: there is no such member; did you mean taskDefinition?",
        "zzz: there is no such member; known here: taskDefinition, cluster",
    ]


def test_one_mistake_is_one_violation() -> None:
    """A wrong type is not reported as a wrong value as well, nor an unknown member of a union as one too many."""
    union = {**schema(a={"type": "string"}), "minProperties": 1, "maxProperties": 1}
    whole = schema(
        e={"type": "string", "enum": ["A"]},
        p={"type": "string", "minLength": 1, "pattern": "^.+$"},
        n={**WHOLE, "minimum": 5},
        u=union,
    )

    found = violations(whole, (), {"e": 7, "p": "", "n": 1.5, "u": {"a": "", "z": 1}})

    assert [(one.pointer, one.rule) for one in found] == [
        ("/e", "type"),
        ("/n", "type"),
        ("/p", "minLength"),
        ("/u/z", "unknown"),
    ]


def test_violations_come_in_the_order_of_their_places() -> None:
    """Whatever found them: schema and rules are in one order."""
    rule = {"at": [], "id": "b-or-c", "kind": "exclusive", "members": ["b", "c"], "text": "Leave one out."}
    whole = schema(a={"type": "string"}, b={"type": "string"}, c={"type": "string"}, d={"type": "string"})

    found = violations(whole, (rule,), {"d": 1, "c": "", "b": "", "a": 1})

    assert [(one.pointer, one.rule) for one in found] == [("/a", "type"), ("/c", "b-or-c"), ("/d", "type")]
    assert found[1].message == "c: b and c are both given. Leave one out."


def test_a_rule_is_looked_for_at_every_place() -> None:
    """A rule below lists and maps is checked for each item."""
    rule = {
        "at": ["groups", "*", "items", "*"],
        "id": "pair",
        "kind": "requires",
        "member": "a",
        "members": ["b"],
        "text": "Both.",
    }
    item = {"type": "object"}
    group = schema(items={"type": "array", "items": item})
    whole = schema(groups={"type": "object", "additionalProperties": group})

    found = violations(
        whole, (rule,), {"groups": {"x/y": {"items": [{}, {"a": 1}]}, "z": {"items": [{"a": 1, "b": 1}]}}}
    )

    assert [one.pointer for one in found] == ["/groups/x~1y/items/1/b"]


@pytest.mark.parametrize("path, text", [([], ""), (["a", 0], "/a/0"), (["a/b", "c~d"], "/a~1b/c~0d"), ([""], "/")])
def test_pointers_are_rfc_6901(path: list[Any], text: str) -> None:
    """Slashes and tildes in names are escaped."""
    assert pointer(path) == text


def test_sensitive_members_are_shown_as_a_fingerprint() -> None:
    """Where the plan says so, what was given is not quoted; equal secrets have equal fingerprints."""
    whole = schema(open={"type": "string", "maxLength": 1}, hidden={"type": "string", "maxLength": 1})
    given = {"open": "visible", "hidden": "hunter2-hunter2"}

    found = violations(whole, (), given, {"hidden": "s"})
    again = violations(whole, (), given, {"hidden": "s"})

    assert "hunter2" not in found[0].message
    assert "visible" in found[1].message
    assert found == again


def test_rule_texts_do_not_show_sensitive_members() -> None:
    """A rule that quotes what it found leaves out what is sensitive."""
    rule = {"at": [], "id": "keys", "kind": "unique", "member": "items", "key": "k", "text": "Once."}
    whole = schema(items={"type": "array", "items": {"type": "object"}})

    found = violations(whole, (rule,), {"items": [{"k": "hunter2"}, {"k": "hunter2"}]}, {"items": "s"})

    assert [one.pointer for one in found] == ["/items/1/k"]
    assert "hunter2" not in found[0].message


def test_names_must_be_text() -> None:
    """An object of Python with a name that is not text is refused where it stands, whatever it may hold."""
    for properties, body, place in (({}, {1: 2}, ""), ({"x": {"type": "object"}}, {"x": {None: "a"}}, "/x")):
        (found,) = violations(schema(**properties), (), body)
        assert (found.pointer, found.rule) == (place, "type")
        assert found.message.endswith("with names that are not text")


def test_a_number_of_any_length_is_a_number() -> None:
    """A whole number beyond every float is judged by its bounds."""
    (found,) = violations(schema(x={**WHOLE, "maximum": 10}), (), {"x": 10**400})
    assert (found.pointer, found.rule) == ("/x", "maximum")


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_an_input_without_a_bottom_is_refused(mode: str, component: Component) -> None:
    """What is nested deeper than it can be looked at, or contains itself, is an InputError."""
    config = {"accessKeyId": "a", "secretAccessKey": "b", "region": "eu-central-1", "validation": mode}
    bottomless: dict[str, Any] = {}
    bottomless["a"] = bottomless
    with pytest.raises(errors.InputError):
        next(component.run("RunTask", body={"taskDefinition": "web", "overrides": bottomless}, config=config))
