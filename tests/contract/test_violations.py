"""Wrong inputs are refused before anything is sent: every constraint of every operation, broken once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ecs_connector import Component, errors
from ecs_connector.model import Model
from support.ecs_stub import EcsStub
from support.strategies import operations
from support.violations import BREAKERS, Planted, broken_rule, planted

MODEL = Model.load()
OPERATIONS = operations()


@pytest.fixture(scope="module")
def strict() -> Component:
    """Return one component for all: schemas are compiled once."""
    return Component.load()


def refused(component: Component, operation: str, body: Any, config: dict[str, Any]) -> errors.InputError:
    with pytest.raises(errors.InputError) as caught:
        list(component.run(operation, body=body, config=config))
    return caught.value


def check(component: Component, operation: str, mistake: Planted, stub: EcsStub) -> None:
    """Hold what is said about a mistake against what was planted; rules between members may have more to say."""
    error = refused(component, operation, mistake.body, stub.config())
    found = [(violation.pointer, violation.rule) for violation in error.violations]
    between = {rule["id"] for rule in MODEL.operation(operation).rules}

    assert (mistake.pointer, mistake.rule) in found, (mistake, found)
    assert [one for one in found if one != (mistake.pointer, mistake.rule) and one[1] not in between] == [], mistake
    for violation in error.violations:
        assert violation.message
        assert violation.message in error.user_message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_constraint_of_the_model_is_checked(operation: str, strict: Component, ecs_stub: EcsStub) -> None:
    """Type, required, unknown, enum, length, range, pattern, list size and union: the right pointer and rule, and nothing is sent."""
    for mistake in planted(operation):
        check(strict, operation, mistake, ecs_stub)

    assert ecs_stub.received == []


def test_every_kind_of_constraint_has_been_planted() -> None:
    """The mistakes above cover every rule that a schema can break."""
    kinds = {mistake.rule for operation in OPERATIONS for mistake in planted(operation)}

    assert kinds == {
        "type", "required", "unknown", "enum", "minLength", "maxLength", "pattern", "minItems", "maxItems", "minimum", "maximum", "union",
    }  # fmt: skip


RULES = [
    pytest.param(operation, rule, id=f"{operation}-{rule['id']}-{'/'.join(rule['at']) or 'body'}")
    for operation in OPERATIONS
    for rule in MODEL.operation(operation).rules
]


@pytest.mark.parametrize("operation, rule", RULES)
def test_every_rule_between_members_is_checked(
    operation: str, rule: dict[str, Any], strict: Component, ecs_stub: EcsStub
) -> None:
    """A broken rule is the only thing reported, at the member to change, with its advice, and nothing is sent."""
    mistake = broken_rule(operation, rule)

    error = refused(strict, operation, mistake.body, ecs_stub.config())

    assert [(violation.pointer, violation.rule) for violation in error.violations] == [(mistake.pointer, rule["id"])]
    assert rule["text"] in error.user_message
    assert ecs_stub.received == []


def test_every_rule_can_be_broken() -> None:
    """Each rule of the table has an input that breaks it, and no such input is left over."""
    assert {rule["id"] for operation in OPERATIONS for rule in MODEL.operation(operation).rules} == set(BREAKERS)


def test_ten_mistakes_are_ten_violations(strict: Component, ecs_stub: EcsStub) -> None:
    """All mistakes are named at once, each once, in the order of their places."""
    body = {
        "taskDefinition": 7,
        "clutser": "blue",
        "count": 11,
        "launchType": "FARGTE",
        "startedBy": "x" * 129,
        "placementStrategy": [{"field": "cpu"}] * 6,
        "clientToken": "with space",
        "overrides": {"containerOverrides": [{"command": ["ls"]}]},
        "tags": [{"key": "a"}, {"key": "a"}],
        "networkConfiguration": {"awsvpcConfiguration": {"securityGroups": []}},
    }

    error = refused(strict, "RunTask", body, ecs_stub.config())

    assert [(violation.pointer, violation.rule) for violation in error.violations] == [
        ("/clientToken", "pattern"),
        ("/clutser", "unknown"),
        ("/count", "maximum"),
        ("/launchType", "enum"),
        ("/networkConfiguration/awsvpcConfiguration/subnets", "required"),
        ("/overrides/containerOverrides/0/name", "override-needs-name"),
        ("/placementStrategy", "maxItems"),
        ("/startedBy", "maxLength"),
        ("/tags/1/key", "tag-keys-unique"),
        ("/taskDefinition", "type"),
    ]
    assert "10 problems; nothing was sent" in error.user_message
    assert "did you mean cluster?" in error.user_message
    assert "did you mean FARGATE?" in error.user_message
    assert ecs_stub.received == []


@pytest.mark.parametrize("body", [None, [], "text", 7, True], ids=repr)
def test_a_body_is_an_object(body: Any, strict: Component, ecs_stub: EcsStub) -> None:
    """Anything but an object is refused as such; nothing at all counts as an empty object."""
    error = refused(strict, "DeleteCluster", body, ecs_stub.config())

    assert (error.violations[0].pointer, error.violations[0].rule) == (
        ("/cluster", "required") if body is None else ("", "type")
    )
    assert ecs_stub.received == []


SECRET = "s3cr3t-marker-value"
WITH_SECRET: dict[str, tuple[str, dict[str, Any]]] = {
    "environment value": ("RegisterTaskDefinition", {"family": "f", "containerDefinitions": [{"environment": {"a": SECRET}}]}),
    "environment as text": ("RegisterTaskDefinition", {"family": "f", "containerDefinitions": [{"environment": SECRET}]}),
    "secret": ("RegisterTaskDefinition", {"family": "f", "containerDefinitions": [{"secrets": [{"name": "n", "valueFrom": [SECRET]}]}]}),
    "command": ("RunTask", {"taskDefinition": "t", "overrides": {"containerOverrides": [{"name": "n", "command": SECRET}]}}),
    "command item": ("RunTask", {"taskDefinition": "t", "overrides": {"containerOverrides": [{"name": "n", "command": [{"x": SECRET}]}]}}),
    "log option": ("RegisterTaskDefinition", {"family": "f", "containerDefinitions": [{"logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": [SECRET]}}}]}),
}  # fmt: skip


@pytest.mark.parametrize("operation, body", WITH_SECRET.values(), ids=WITH_SECRET)
def test_a_violation_does_not_show_a_secret(
    operation: str, body: dict[str, Any], strict: Component, ecs_stub: EcsStub, caplog: pytest.LogCaptureFixture
) -> None:
    """What was given in a sensitive member is masked in every text of the refusal."""
    caplog.set_level(logging.DEBUG)

    error = refused(strict, operation, body, ecs_stub.config())

    assert error.violations
    assert SECRET not in str(error.report()) + str(error) + str(error.detail) + caplog.text


def test_an_open_value_is_shown(strict: Component, ecs_stub: EcsStub) -> None:
    """What is not a secret is quoted, so that one sees what to change; a long value is cut."""
    error = refused(
        strict, "UpdateClusterSettings", {"cluster": "c", "settings": [{"name": "x" * 500}]}, ecs_stub.config()
    )

    assert '"' + "x" * 59 + "..." in error.user_message
    assert "x" * 100 not in error.user_message


# -- lenient ------------------------------------------------------------------------------------------


def test_lenient_lets_pass_what_a_newer_model_may_know(
    component: Component, ecs_stub: EcsStub, caplog: pytest.LogCaptureFixture
) -> None:
    """Unknown members and enum values are sent as they are, each with a warning."""
    caplog.set_level(logging.WARNING)
    body = {"cluster": "c", "newMember": {"a": [1]}, "launchType": "LUNAR"}

    emissions = list(component.run("ListTasks", body=body, config=ecs_stub.config(validation="lenient")))

    assert len(emissions) == 1
    assert ecs_stub.received[0].json == body
    assert len(caplog.records) == 2
    assert "newMember" in caplog.text
    assert "LUNAR" in caplog.text


def test_lenient_still_refuses_what_is_wrong_in_any_model(component: Component, ecs_stub: EcsStub) -> None:
    """Only unknown members and values pass: the rest of the report stands, without them."""
    body = {"newMember": 1, "maxResults": "5"}

    error = refused(component, "ListTasks", body, ecs_stub.config(validation="lenient"))

    assert [(violation.pointer, violation.rule) for violation in error.violations] == [("/maxResults", "type")]
    assert ecs_stub.received == []
