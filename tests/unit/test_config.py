"""Configuration: text of a form becomes values, a bad one is an error that names its field, secrets never show."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector import Component, errors
from ecs_connector.config import Fields, StepConfig
from support.ecs_stub import EcsStub

FIELDS = Fields.load()
#: Field -> its default; those that are absent have none.
DEFAULTS = {
    "emitBehaviour": "fetchAll", "maxItems": 10000, "onFailures": "partial", "validation": "strict", "timestamps": "iso",
    "maxAttempts": 3, "connectTimeoutSeconds": 5, "readTimeoutSeconds": 60, "totalTimeoutSeconds": 300,
    "waitTimeoutSeconds": 600, "credentialSource": "static", "acceptedExitCodes": [0], "logLines": 0,
    "onBadVerdict": "fail", "onWaitFailure": "keep", "waitIntervalSeconds": None, "waitFor": None, "region": None,
    "accessKeyId": None, "useFips": None, "readOnly": None,
}  # fmt: skip


def parsed(**config: Any) -> StepConfig:
    return FIELDS.parse(config)


def refused(**config: Any) -> errors.ConfigError:
    with pytest.raises(errors.ConfigError) as caught:
        FIELDS.parse(config)
    (name,) = config
    assert caught.value.field == name
    assert name in caught.value.user_message
    return caught.value


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_field_that_is_not_set_has_its_default(name: str) -> None:
    """Absent, empty and null are the same: the documented default, or nothing."""
    for config in ({}, {name: ""}, {name: None}):
        assert getattr(FIELDS.parse(config), name) == DEFAULTS[name]
    assert FIELDS.default(name) == DEFAULTS[name]


GOOD: list[tuple[str, Any, Any]] = [
    ("maxAttempts", "6", 6), ("maxAttempts", 6, 6), ("maxAttempts", 6.0, 6), ("maxAttempts", " 6 ", 6), ("maxItems", "1", 1),
    ("readTimeoutSeconds", "0.5", 0.5), ("readTimeoutSeconds", "1e2", 100.0), ("waitTimeoutSeconds", "0", 0.0),
    ("useFips", True, True), ("useFips", "true", True), ("useFips", "on", True), ("useFips", "YES", True), ("useFips", "1", True),
    ("useFips", False, False), ("useFips", "false", False), ("useFips", "off", False), ("useFips", "no", False), ("useFips", 0, False),
    ("emitBehaviour", "emitPage", "emitPage"), ("emitBehaviour", " emitPage ", "emitPage"), ("region", " eu-central-1\n", "eu-central-1"),
    ("acceptedExitCodes", "0, 3;17", [0, 3, 17]), ("acceptedExitCodes", [0, "3"], [0, 3]), ("acceptedExitCodes", 3, [3]),
    ("secretAccessKey", "a/b+c", "a/b+c"),
]  # fmt: skip


@pytest.mark.parametrize("name, given, wanted", GOOD)
def test_the_text_of_a_form_is_understood(name: str, given: Any, wanted: Any) -> None:
    """Numbers, switches, choices and lists are taken as text or as what they are."""
    found = getattr(parsed(**{name: given}), name)

    assert found == wanted
    assert type(found) is type(wanted)


BAD: list[tuple[str, Any]] = [
    ("maxAttempts", "six"), ("maxAttempts", "0"), ("maxAttempts", "101"), ("maxAttempts", "2.5"), ("maxAttempts", True),
    ("maxAttempts", "nan"), ("maxAttempts", "inf"), ("maxAttempts", [3]), ("maxAttempts", 10**400), ("maxItems", "0"), ("maxItems", "-1"), ("readTimeoutSeconds", "0"),
    ("readTimeoutSeconds", "soon"), ("useFips", "maybe"), ("useFips", 2), ("useFips", []), ("emitBehaviour", "fetchNone"), ("emitBehaviour", 1),
    ("onFailures", "ignore"), ("validation", "off"), ("credentialSource", "magic"), ("region", 7), ("secretAccessKey", ["k"]), ("accessKeyId", True),
    ("acceptedExitCodes", "0,x"), ("acceptedExitCodes", "1.5"), ("waitIntervalSeconds", "-1"),
]  # fmt: skip


@pytest.mark.parametrize("name, given", BAD)
def test_a_bad_value_names_its_field(name: str, given: Any) -> None:
    """What cannot be understood is a configuration error that says which field is to blame."""
    refused(**{name: given})


def test_a_choice_is_helped_along() -> None:
    """A choice that does not exist is answered with those that do, and with the nearest."""
    message = refused(emitBehaviour="emitPages").user_message

    assert "fetchAll, fetchPage, emitPage, emitIndividually" in message
    assert "did you mean emitPage?" in message


def test_a_secret_is_never_repeated() -> None:
    """Neither an error about a secret nor the parsed configuration's repr shows what was given."""
    assert "hunter2" not in refused(secretAccessKey=["hunter2"]).user_message
    assert "hunter2" not in repr(parsed(secretAccessKey="hunter2", sessionToken="hunter2"))
    assert "secretAccessKey" in repr(parsed(secretAccessKey="hunter2"))


def test_what_the_platform_adds_passes_unread() -> None:
    """Keys that are no field of this component are not looked at."""
    config = parsed(_account="5d8", nodeSettings={"storeRequestId": True}, maxItems="3")

    assert config.maxItems == 3
    assert config._account is None


def test_a_wait_must_fit_the_operation() -> None:
    """An operation's waits are offered, others are refused by name."""
    assert FIELDS.parse({"waitFor": "TasksStopped"}, ("TasksRunning", "TasksStopped")).waitFor == "TasksStopped"
    with pytest.raises(errors.ConfigError) as caught:
        FIELDS.parse({"waitFor": "Deployed"}, ("TasksRunning", "TasksStopped"))

    assert caught.value.field == "waitFor"
    assert "TasksRunning, TasksStopped" in caught.value.user_message


def test_every_field_of_the_interface_is_known() -> None:
    """The names that people write are the documented ones."""
    documented = {
        "accessKeyId", "secretAccessKey", "sessionToken", "roleArn", "externalId", "roleSessionName", "region", "endpoint", "useFips",
        "useDualStack", "credentialSource", "emitBehaviour", "maxItems", "onFailures", "waitFor", "waitTimeoutSeconds",
        "waitIntervalSeconds", "validation", "maxAttempts", "connectTimeoutSeconds", "readTimeoutSeconds",
    }  # fmt: skip

    assert documented <= set(FIELDS.names)


@pytest.mark.parametrize("missing", ["accessKeyId", "secretAccessKey", "region"])
def test_what_a_call_cannot_do_without_is_asked_for(missing: str, component: Component) -> None:
    """Without keys or region nothing is sent, and the error names the field to fill in."""
    config = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "s", "region": "eu-central-1"}
    del config[missing]

    with pytest.raises(errors.ConfigError) as caught:
        list(component.run("ListClusters", body={}, config=config))

    assert caught.value.field == missing


@pytest.mark.parametrize(
    "operation, field",
    [("DeleteCluster", "readOnly"), ("RunTask", "readOnly"), ("DeleteCluster", "requireConfirmation")],
)
def test_guard_rails_of_the_credential_hold(operation: str, field: str, component: Component) -> None:
    """A read-only credential changes nothing; one that asks for confirmation destroys nothing without it."""
    config = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "s", "region": "eu-central-1", field: "true"}

    with pytest.raises(errors.ConfigError, match="nothing was sent") as caught:
        list(component.run(operation, body={}, config=config))

    assert caught.value.field == ("readOnly" if field == "readOnly" else "confirm")


@pytest.mark.parametrize("config", [None, [], "region", 5])
def test_a_configuration_is_a_mapping(config: Any, component: Component) -> None:
    """Whatever else is given as the configuration is a ConfigError."""
    with pytest.raises(errors.ConfigError):
        next(component.run("ListClusters", body={}, config=config))


def test_a_time_of_any_length_is_taken(component: Component, ecs_stub: EcsStub) -> None:
    """Times beyond what a socket takes are as long as a socket waits."""
    config = ecs_stub.config(readTimeoutSeconds="1e300", connectTimeoutSeconds=1e300, totalTimeoutSeconds=1e300)
    assert len(list(component.run("ListClusters", body={}, config=config))) == 1
