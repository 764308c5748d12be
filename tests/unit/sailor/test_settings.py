"""Settings from the platform's variables, by the official runtime's parsing rules."""

from __future__ import annotations

import pytest

from ecs_connector.errors import SettingsError
from ecs_connector.sailor.settings import Settings, header_name, leading_integer

ALWAYS = (
    "FLOW_ID EXEC_ID STEP_ID CONTAINER_ID WORKSPACE_ID USER_ID COMP_ID FUNCTION API_URI API_USERNAME API_KEY".split()
)
FOR_MESSAGES = (
    "AMQP_URI LISTEN_MESSAGES_ON PUBLISH_MESSAGES_TO DATA_ROUTING_KEY ERROR_ROUTING_KEY REBOUND_ROUTING_KEY"
    " SNAPSHOT_ROUTING_KEY MESSAGE_CRYPTO_IV MESSAGE_CRYPTO_PASSWORD"
).split()


def environment(**changes: str) -> dict[str, str]:
    values = {f"ELASTICIO_{name}": name.lower() for name in (*ALWAYS, *FOR_MESSAGES)}
    values.update(
        {
            name if name.isupper() and name.startswith(("ECS_", "LOG_")) else f"ELASTICIO_{name}": value
            for name, value in changes.items()
        }
    )
    return values


def settings(**changes: str) -> Settings:
    return Settings.from_environment(environment(**changes))


@pytest.mark.parametrize("name", [*ALWAYS, *FOR_MESSAGES])
def test_mandatory(name):
    """A mandatory variable that is missing or empty is named."""
    with pytest.raises(SettingsError, match=f"ELASTICIO_{name} is missing"):
        settings(**{name: ""})
    without = environment()
    del without[f"ELASTICIO_{name}"]
    with pytest.raises(SettingsError, match=f"ELASTICIO_{name} is missing"):
        Settings.from_environment(without)


def test_shutdown_hook_needs_no_broker():
    """The shutdown hook runs without the broker's variables, but only when it is really asked for."""
    bare = {name: value for name, value in environment().items() if name.removeprefix("ELASTICIO_") in ALWAYS}
    assert Settings.from_environment({**bare, "ELASTICIO_HOOK_SHUTDOWN": "1"}).hook_shutdown
    with pytest.raises(SettingsError):
        Settings.from_environment({**bare, "ELASTICIO_HOOK_SHUTDOWN": "false"})


@pytest.mark.parametrize(
    ("text", "expected"), [("7x", 7), ("0", 20), ("-1", -1), ("x", 20), ("", 20), (" 12 ", 12), ("1.9", 1)]
)
def test_numbers(text, expected):
    """A number is the leading integer; what has none, and zero, is the default."""
    assert settings(REBOUND_LIMIT=text).rebound_limit == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), ("false", False), ("0", True), ("no", True), ("FALSE", True), ("true", True)]
)
def test_booleans(text, expected):
    """Only the empty text and exactly `false` are false."""
    assert settings(NO_ERROR_REPLIES=text).no_error_replies is expected


def test_defaults():
    """Without the optional variables the platform's defaults hold."""
    found = settings()
    assert (found.rebound_initial_expiration_ms, found.rebound_limit, found.prefetch) == (15_000, 20, 1)
    assert (found.data_rate_limit, found.error_rate_limit, found.snapshot_rate_limit) == (10, 2, 2)
    assert found.rate_interval_ms == 100
    assert found.amqp_publish_retry_attempts is None
    assert (found.amqp_publish_retry_delay_ms, found.amqp_publish_max_retry_delay_ms) == (100, 300_000)
    assert found.outgoing_message_size_limit == 10_485_760
    assert found.object_storage_size_threshold == 1_048_576
    assert (found.protocol_version, found.input_format, found.log_level) == (1, "default", "info")
    assert found.max_hold_s < 30 * 60
    assert found.shutdown_s <= 25


def test_the_misspelled_name_is_the_real_one():
    """The variable is read under the platform's spelling."""
    assert settings(NO_SELF_PASSTRHOUGH="1").no_self_passthrough
    assert not settings(NO_SELF_PASSTHROUGH="1").no_self_passthrough


def test_prefetch_is_at_least_one():
    """A prefetch that means nothing is one."""
    assert settings(RABBITMQ_PREFETCH_SAILOR="-3").prefetch == 1


@pytest.mark.parametrize(
    ("variable", "header"),
    [
        ("ELASTICIO_CONTRACT_ID", "contractId"),
        ("FOO_BAR", "fooBar"),
        ("ELASTICIO_A", "a"),
        ("API2_KEY", "api2Key"),
        ("__X__Y", "xY"),
    ],
)
def test_header_names(variable, header):
    """A variable travels under its name in camel case."""
    assert header_name(variable) == header


def test_additional_headers():
    """Named variables become headers; undefined ones are dropped."""
    found = settings(ADDITIONAL_VARS_FOR_HEADERS="ELASTICIO_CONTRACT_ID, ELASTICIO_NOT_THERE,", CONTRACT_ID="c")
    assert found.additional_headers == {"contractId": "c"}


def test_secrets_do_not_show():
    """No secret is in the settings' text."""
    text = repr(settings(AMQP_URI="amqp://u:hidden@h", API_KEY="hidden", MESSAGE_CRYPTO_PASSWORD="hidden"))
    assert "hidden" not in text


@pytest.mark.parametrize(("text", "expected"), [(None, None), ("", None), ("+5", 5), ("0x1f", 0)])
def test_leading_integer(text, expected):
    """A text without a leading integer has none."""
    assert leading_integer(text) == expected
