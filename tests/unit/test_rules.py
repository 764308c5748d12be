"""Rules between members: each kind with what it lets pass and what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.model import Model
from ecs_connector.rules import KINDS, find

EXCLUSIVE = {"kind": "exclusive", "members": ["a", "b"]}
AT_LEAST_ONE = {"kind": "at_least_one", "members": ["a", "b"]}
REQUIRES = {"kind": "requires", "member": "a", "members": ["b", "c"]}
REQUIRES_ANY = {"kind": "requires_any", "any": ["a", "b"], "members": ["n"]}
REQUIRED_IF = {"kind": "required_if", "when": {"type": ["X", "Y"]}, "members": ["b"]}
UNLESS = {**REQUIRED_IF, "unless": {"how.mode": ["E"]}}
LISTED = {"kind": "required_if", "when": {"modes": ["X"]}, "members": ["b"]}
ONE_OF = {"kind": "one_of_if", "when": {"type": ["X"]}, "member": "mode", "values": ["v"], "required": True}
ONE_OF_OPTIONAL = {"kind": "one_of_if", "member": "mode", "values": ["v", "w"]}
SIZE = {"kind": "json_size", "member": "a", "maximum": 12}
UNIQUE = {"kind": "unique", "member": "items", "key": "k"}
PREFIX = {"kind": "prefix_reserved", "members": ["key", "value"], "prefix": "aws:"}
POSITIVE = {"kind": "some_positive", "member": "items", "key": "w"}
ONE_POSITIVE = {"kind": "at_most_one_positive", "member": "items", "key": "w"}
FORBIDDEN = {"kind": "forbidden_in_items_if", "when": {"net": ["none"]}, "member": "items", "key": "ports"}
EXCLUDED = {"kind": "forbidden_if", "when": {"type": ["X"], "items": ["i"]}, "members": ["a", "b"]}
ALONE = {"kind": "forbidden_with", "member": "a", "members": ["b", "c"]}
GIVEN = {"kind": "one_of_if", "given": ["how.mode"], "member": "mode", "values": ["v"]}
NOT_ALL = {"kind": "not_all", "member": "items", "key": "k", "value": False}
ORDERED = {"kind": "ordered", "less": "a", "more": "b"}
PORTS = {"kind": "same_ports", "member": "items"}
COMPLETED = {"kind": "completed_not_essential", "member": "items", "values": ["SUCCESS"]}
MEMORY = {"kind": "memory_somewhere", "when": {"on": ["EC2"]}, "member": "items"}

#: Rule, value, where below the rule's place something is found.
TABLE: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (EXCLUSIVE, {}, []), (EXCLUSIVE, {"a": 1}, []), (EXCLUSIVE, {"b": 1}, []), (EXCLUSIVE, {"a": 1, "b": 2}, ["b"]),
    (AT_LEAST_ONE, {"b": 1}, []), (AT_LEAST_ONE, {"c": 1}, [""]),
    (REQUIRES, {}, []), (REQUIRES, {"b": 1}, []), (REQUIRES, {"a": 1, "b": 1, "c": 1}, []), (REQUIRES, {"a": 1}, ["b", "c"]), (REQUIRES, {"a": 1, "c": 1}, ["b"]),
    (REQUIRES_ANY, {}, []), (REQUIRES_ANY, {"n": 1, "a": 1}, []), (REQUIRES_ANY, {"b": 1}, ["n"]),
    (REQUIRED_IF, {"type": "Z"}, []), (REQUIRED_IF, {}, []), (REQUIRED_IF, {"type": "Y", "b": 1}, []), (REQUIRED_IF, {"type": "Y"}, ["b"]),
    (UNLESS, {"type": "X"}, ["b"]), (UNLESS, {"type": "X", "how": {"mode": "F"}}, ["b"]), (UNLESS, {"type": "X", "how": {"mode": "E"}}, []), (UNLESS, {"type": "X", "how": "E"}, ["b"]),
    (LISTED, {"modes": ["Y", "X"]}, ["b"]), (LISTED, {"modes": ["Y"]}, []), (LISTED, {"modes": []}, []), (LISTED, {"modes": [{}]}, []),
    (ONE_OF, {"type": "X", "mode": "v"}, []), (ONE_OF, {"type": "X", "mode": "w"}, ["mode"]), (ONE_OF, {"type": "X"}, ["mode"]), (ONE_OF, {"mode": "w"}, []),
    (ONE_OF_OPTIONAL, {}, []), (ONE_OF_OPTIONAL, {"mode": "w"}, []), (ONE_OF_OPTIONAL, {"mode": "x"}, ["mode"]),
    (SIZE, {}, []), (SIZE, {"a": {"b": "12345"}}, ["a"]), (SIZE, {"a": {"b": "1234"}}, []), (SIZE, {"a": {"b": "\u65e5\u672c\u8a9e\u65e5"}}, []), (SIZE, {"a": "far too long a text"}, []),
    (UNIQUE, {}, []), (UNIQUE, {"items": [{"k": "a"}, {"k": "A"}]}, []), (UNIQUE, {"items": [{"k": "a"}, {"k": "b"}, {"k": "a"}, {"k": "a"}]}, ["items/2/k", "items/3/k"]),
    (UNIQUE, {"items": [{}, {}, 7, None]}, []), (UNIQUE, {"items": "text"}, []),
    (PREFIX, {"key": "team", "value": "my aws:"}, []), (PREFIX, {"key": "aws:x"}, ["key"]), (PREFIX, {"key": "AwS:x", "value": "aws:"}, ["key", "value"]), (PREFIX, {"key": 7}, []),
    (POSITIVE, {}, []), (POSITIVE, {"items": [{"w": 0}]}, []), (POSITIVE, {"items": [{}, {}]}, []), (POSITIVE, {"items": [{"w": 0}, {"w": 0}]}, ["items"]), (POSITIVE, {"items": [{"w": 0}, {"w": 1}]}, []),
    (POSITIVE, {"items": [{"w": 0}, {}]}, ["items"]), (POSITIVE, {"items": True}, []), (POSITIVE, {"items": "text"}, []), (POSITIVE, {"items": [7, None]}, []),
    (ONE_POSITIVE, {"items": [{"w": 1}, {"w": 0}, {}]}, []), (ONE_POSITIVE, {"items": [{"w": 1}, {"w": 2}]}, ["items"]), (ONE_POSITIVE, {"items": 7}, []),
    (FORBIDDEN, {"net": "none", "items": [{}, {"ports": [1]}]}, ["items/1/ports"]), (FORBIDDEN, {"net": "none", "items": [{"ports": []}]}, []), (FORBIDDEN, {"net": "host", "items": [{"ports": [1]}]}, []),
    (EXCLUDED, {"type": "X", "items": ["i"], "a": 1}, ["a"]), (EXCLUDED, {"type": "X", "items": ["j"], "a": 1}, []), (EXCLUDED, {"items": ["i"], "a": 1}, []), (EXCLUDED, {"type": "X", "items": ["i"], "a": [], "b": False}, []),
    (ALONE, {"a": 1}, []), (ALONE, {"b": 1, "c": 1}, []), (ALONE, {"a": 1, "b": 1, "c": 1}, ["b", "c"]), (ALONE, {"a": "", "b": 1}, []),
    (GIVEN, {"mode": "x"}, []), (GIVEN, {"mode": "x", "how": {}}, []), (GIVEN, {"mode": "x", "how": {"mode": "y"}}, ["mode"]), (GIVEN, {"how": {"mode": "y"}}, []), (GIVEN, {"mode": "v", "how": {"mode": "y"}}, []),
    (NOT_ALL, {}, []), (NOT_ALL, {"items": []}, []), (NOT_ALL, {"items": [{"k": False}, {}]}, []), (NOT_ALL, {"items": [{"k": False}, {"k": False}]}, ["items"]), (NOT_ALL, {"items": [{"k": 0}]}, []),
    (ORDERED, {"a": 2}, []), (ORDERED, {"b": 1}, []), (ORDERED, {"a": 2, "b": 2}, []), (ORDERED, {"a": 2, "b": 1}, ["b"]), (ORDERED, {"a": "2", "b": 1}, []),
    (PORTS, {"items": [{"portMappings": [{"containerPort": 80}, {"containerPort": 80, "hostPort": 0}, {"containerPort": 80, "hostPort": 81}, {"hostPort": 81}]}]}, ["items/0/portMappings/2/hostPort"]),
    (COMPLETED, {"items": [{"name": "a"}, {"name": "b", "dependsOn": [{"containerName": "a", "condition": "SUCCESS"}]}]}, ["items/1/dependsOn/0/condition"]),
    (COMPLETED, {"items": [{"name": "a", "essential": False}, {"name": "b", "dependsOn": [{"containerName": "a", "condition": "SUCCESS"}]}]}, []),
    (COMPLETED, {"items": [{"name": "a"}, {"name": "b", "dependsOn": [{"containerName": "a", "condition": "START"}, {"containerName": "c", "condition": "SUCCESS"}, 7]}, {"dependsOn": 7}]}, []),
    (MEMORY, {"on": ["EC2"], "items": [{"memory": 1}, {"memoryReservation": 1}, {}]}, ["items/2/memory"]), (MEMORY, {"on": ["EC2"], "memory": "1", "items": [{}]}, []), (MEMORY, {"on": [], "items": [{}]}, []),
]  # fmt: skip


@pytest.mark.parametrize("rule, value, wanted", TABLE)
def test_a_rule_finds_what_is_wrong(rule: dict[str, Any], value: dict[str, Any], wanted: list[str]) -> None:
    """Each kind points at every member to change, and at nothing else; wrong types are left to the schema."""
    found = find(rule, value)

    assert ["/".join(map(str, below)) for below, _ in found] == wanted
    assert all(isinstance(given, str) and given for _, given in found)


JUNK = [None, True, 0, 1.5, "", "text", [], [None], [7], [[]], {}, {"k": []}]


@pytest.mark.parametrize(
    "rule", [*(rule for rule, _, _ in TABLE), {"kind": "fargate_size", "sizes": {"256": [[512, 512, 512]]}}]
)
def test_no_rule_stumbles_over_a_wrong_type(rule: dict[str, Any]) -> None:
    """Whatever stands where a rule looks, it finds something or nothing, and does not fail."""
    named = {
        *rule.get("members", ()),
        *rule.get("any", ()),
        rule.get("member", "cpu"),
        "memory",
        "items",
        "mode",
        *rule.get("when", {}),
        "a",
        "b",
    }

    for junk in JUNK:
        assert isinstance(list(find(rule, dict.fromkeys(named, junk))), list)
        for name in named:
            assert isinstance(list(find(rule, {name: junk})), list)


def test_every_kind_is_in_the_table() -> None:
    """No kind of rule goes untested."""
    assert {rule["kind"] for rule, _, _ in TABLE} | {"fargate_size"} == set(KINDS)


FARGATE = next(rule for rule in Model.load().operation("RegisterTaskDefinition").rules if rule["id"] == "fargate-size")
#: CPU -> memory in MiB: some that AWS offers, some that it does not.
#: Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
PAIRS: dict[str, tuple[list[int], list[int]]] = {
    "256": ([512, 1024, 2048], [256, 768, 1536, 3072, 4096]),
    "512": ([1024, 2048, 3072, 4096], [512, 1536, 5120]),
    "1024": ([2048, 3072, 8192], [1024, 9216]),
    "2048": ([4096, 5120, 16384], [3072, 17408]),
    "4096": ([8192, 9216, 30720], [7168, 31744]),
    "8192": ([16384, 20480, 61440], [12288, 17408, 65536]),
    "16384": ([32768, 40960, 122880], [24576, 33792, 131072]),
}


@pytest.mark.parametrize("cpu", PAIRS)
def test_fargate_takes_fixed_pairs(cpu: str) -> None:
    """Every documented pair passes and its neighbours do not, in whatever unit they are written."""
    base = {"requiresCompatibilities": ["FARGATE"]}
    good, bad = PAIRS[cpu]
    vcpu = f"{int(cpu) / 1024:g}"
    for memory in good:
        for written in (str(memory), *([f"{memory // 1024}GB", f"{memory // 1024} GB"] if memory % 1024 == 0 else [])):
            assert find(FARGATE, {**base, "cpu": cpu, "memory": written}) == ()
            assert find(FARGATE, {**base, "cpu": f"{vcpu} vCPU", "memory": written}) == ()
    for memory in bad:
        ((below, given),) = find(FARGATE, {**base, "cpu": cpu, "memory": str(memory)})
        assert below == ("memory",)
        assert str(memory) in given


@pytest.mark.parametrize("cpu", ["300", "0.3 vCPU", "lots", "", "1 2"])
def test_fargate_has_no_other_sizes(cpu: str) -> None:
    """A CPU size that does not exist is named as such, with those that do."""
    ((below, given),) = find(FARGATE, {"requiresCompatibilities": ["FARGATE"], "cpu": cpu, "memory": "512"})

    assert below == ("cpu",)
    assert "256, 512, 1024" in given
    assert find(FARGATE, {"requiresCompatibilities": ["EC2"], "cpu": cpu, "memory": "512"}) == ()
