"""What a credential's switches forbid is refused here, before anything is sent."""

from __future__ import annotations

import pytest

from ecs_connector.config import Fields
from ecs_connector.errors import ConfigError
from ecs_connector.model import Model
from ecs_connector.prepare import guard

MODEL = Model.load()
FIELDS = Fields.load()
OPERATIONS = [MODEL.operation(name) for name in MODEL.names]
#: Verbs of operations that only look.
READING = ("Describe", "List", "Get")
DESTROYING = ("Delete", "Deregister", "StopTask", "StopServiceDeployment")
#: What these delete can be set again as it was: an attribute, a setting of the account.
SETTINGS = ("DeleteAttributes", "DeleteAccountSetting")


@pytest.mark.parametrize("operation", OPERATIONS, ids=MODEL.names)
def test_read_only_refuses_what_changes(operation) -> None:  # type: ignore[no-untyped-def]
    """With readOnly every operation but the reading ones is refused, as its name says."""
    config = FIELDS.parse({"readOnly": "true"})
    if operation.name.startswith(READING):
        guard(operation, config)
        assert not operation.mutates
    else:
        with pytest.raises(ConfigError, match="read-only") as caught:
            guard(operation, config)
        assert caught.value.field == "readOnly"


@pytest.mark.parametrize("operation", OPERATIONS, ids=MODEL.names)
def test_confirmation_is_asked_for_what_destroys(operation) -> None:  # type: ignore[no-untyped-def]
    """With requireConfirmation an operation that destroys needs confirm, and nothing else does."""
    asked = FIELDS.parse({"requireConfirmation": "on"})
    confirmed = FIELDS.parse({"requireConfirmation": "on", "confirm": "true"})
    guard(operation, confirmed)
    if operation.destroys:
        with pytest.raises(ConfigError, match="confirm") as caught:
            guard(operation, asked)
        assert caught.value.field == "confirm"
    else:
        guard(operation, asked)


@pytest.mark.parametrize("operation", OPERATIONS, ids=MODEL.names)
def test_what_destroys_is_what_its_name_says(operation) -> None:  # type: ignore[no-untyped-def]
    """Deleting, deregistering and stopping destroy; what destroys changes something."""
    if operation.name.startswith(DESTROYING) and operation.name not in SETTINGS:
        assert operation.destroys
    assert operation.mutates or not operation.destroys


def test_without_switches_nothing_is_refused() -> None:
    """The switches are off unless they are set."""
    for operation in OPERATIONS:
        guard(operation, FIELDS.parse({}))
