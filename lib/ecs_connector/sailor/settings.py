"""The platform's environment variables, parsed into one frozen value.

The parsing rules are the official runtime's: a number is the leading integer of the text and 0 means
the default; a boolean is false only when it is empty or exactly `false`.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/lib/settings.js
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.errors import SettingsError

PREFIX = "ELASTICIO_"
_OWN_PREFIX = "ECS_CONNECTOR_"

_ALWAYS = (
    "FLOW_ID",
    "EXEC_ID",
    "STEP_ID",
    "CONTAINER_ID",
    "WORKSPACE_ID",
    "USER_ID",
    "COMP_ID",
    "FUNCTION",
    "API_URI",
    "API_USERNAME",
    "API_KEY",
)
_FOR_MESSAGES = (
    "AMQP_URI",
    "LISTEN_MESSAGES_ON",
    "PUBLISH_MESSAGES_TO",
    "DATA_ROUTING_KEY",
    "ERROR_ROUTING_KEY",
    "REBOUND_ROUTING_KEY",
    "SNAPSHOT_ROUTING_KEY",
    "MESSAGE_CRYPTO_IV",
    "MESSAGE_CRYPTO_PASSWORD",
)
_INTEGER = re.compile(r"\s*([+-]?\d+)")
#: More digits than any limit, delay or version has; Python refuses to read thousands.
_DIGITS = 18
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the platform tells a step. Fields are named after their variables."""

    flow_id: str
    exec_id: str
    step_id: str
    container_id: str
    workspace_id: str
    user_id: str
    comp_id: str
    function: str
    api_uri: str
    api_username: str
    api_key: str = field(repr=False)

    amqp_uri: str = field(default="", repr=False)
    listen_messages_on: str = ""
    publish_messages_to: str = ""
    data_routing_key: str = ""
    error_routing_key: str = ""
    rebound_routing_key: str = ""
    snapshot_routing_key: str = ""
    message_crypto_iv: str = field(default="", repr=False)
    message_crypto_password: str = field(default="", repr=False)

    rebound_initial_expiration_ms: int = 15_000
    rebound_limit: int = 20
    component_path: str = ""
    prefetch: int = 1
    startup_required: bool = False
    hook_shutdown: bool = False
    api_request_retry_attempts: int = 3
    api_request_retry_delay_ms: int = 100
    data_rate_limit: int = 10
    error_rate_limit: int = 2
    snapshot_rate_limit: int = 2
    rate_interval_ms: int = 100
    amqp_publish_retry_delay_ms: int = 100
    #: Total tries of one publish; None for as long as it takes.
    amqp_publish_retry_attempts: int | None = None
    amqp_publish_max_retry_delay_ms: int = 300_000
    amqp_persistent_messages: bool = False
    outgoing_message_size_limit: int = 10_485_760
    no_self_passthrough: bool = False
    protocol_version: int = 1
    no_error_replies: bool = False
    input_format: str = "default"
    object_storage_uri: str = ""
    object_storage_token: str = field(default="", repr=False)
    object_storage_size_threshold: int = 1_048_576
    emit_lightweight_message: bool = False
    #: Tries after the first one, at start-up only.
    amqp_reconnect_attempts: int = 3
    amqp_reconnect_timeout_ms: int = 100
    #: Header name -> value, from ADDITIONAL_VARS_FOR_HEADERS.
    additional_headers: Mapping[str, str] = field(default_factory=dict)

    log_level: str = "info"
    #: Time without a working broker after which the process ends, so that the platform starts another.
    broker_give_up_s: int = 300
    #: Longest time that a wait may hold a message: less than RabbitMQ's delivery timeout of 30 minutes.
    max_hold_s: int = 1_500
    #: Time that messages in work get after SIGTERM: the platform kills after 30 seconds.
    shutdown_s: int = 25
    #: Whether a busy step keeps its threads on one processor, see `one_cpu`.
    one_cpu: bool = True
    #: Pace of the health line, which is written at debug level.
    health_interval_s: int = 60

    @property
    def identity(self) -> str:
        """What tells this step's work from another step's."""
        return f"{self.flow_id}:{self.step_id}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: A mandatory variable is missing or empty.
        """
        read = _Reader(environment)
        # Deviates: the official runtime skips the mandatory variables when HOOK_SHUTDOWN is any
        # text, `false` included, and then starts without a broker address.
        hook_shutdown = read.boolean("HOOK_SHUTDOWN", default=False)
        texts: dict[str, Any] = {name.lower(): read.mandatory(name) for name in _ALWAYS}
        for name in _FOR_MESSAGES:
            texts[name.lower()] = read.text(name, "") if hook_shutdown else read.mandatory(name)
        return cls(**texts, hook_shutdown=hook_shutdown, **_optional(read))


def _optional(read: _Reader) -> dict[str, Any]:
    unlimited = -1
    attempts = read.integer("AMQP_PUBLISH_RETRY_ATTEMPTS", unlimited)
    return {
        "rebound_initial_expiration_ms": read.integer("REBOUND_INITIAL_EXPIRATION", 15_000),
        "rebound_limit": read.integer("REBOUND_LIMIT", 20),
        "component_path": read.text("COMPONENT_PATH", ""),
        "prefetch": max(1, read.integer("RABBITMQ_PREFETCH_SAILOR", 1)),
        "startup_required": read.boolean("STARTUP_REQUIRED", default=False),
        "api_request_retry_attempts": max(1, read.integer("API_REQUEST_RETRY_ATTEMPTS", 3)),
        "api_request_retry_delay_ms": max(0, read.integer("API_REQUEST_RETRY_DELAY", 100)),
        "data_rate_limit": read.integer("DATA_RATE_LIMIT", 10),
        "error_rate_limit": read.integer("ERROR_RATE_LIMIT", 2),
        "snapshot_rate_limit": read.integer("SNAPSHOT_RATE_LIMIT", 2),
        "rate_interval_ms": read.integer("RATE_INTERVAL", 100),
        "amqp_publish_retry_delay_ms": max(1, read.integer("AMQP_PUBLISH_RETRY_DELAY", 100)),
        "amqp_publish_retry_attempts": attempts if attempts > 0 else None,
        "amqp_publish_max_retry_delay_ms": max(1, read.integer("AMQP_PUBLISH_MAX_RETRY_DELAY", 300_000)),
        "amqp_persistent_messages": read.boolean("AMQP_PERSISTENT_MESSAGES", default=False),
        "outgoing_message_size_limit": read.integer("OUTGOING_MESSAGE_SIZE_LIMIT", 10_485_760),
        # The misspelling is the variable's real name.
        "no_self_passthrough": read.boolean("NO_SELF_PASSTRHOUGH", default=False),
        "protocol_version": read.integer("PROTOCOL_VERSION", 1),
        "no_error_replies": read.boolean("NO_ERROR_REPLIES", default=False),
        "input_format": read.text("INPUT_FORMAT", "default"),
        "object_storage_uri": read.text("OBJECT_STORAGE_URI", ""),
        "object_storage_token": read.text("OBJECT_STORAGE_TOKEN", ""),
        "object_storage_size_threshold": read.integer("OBJECT_STORAGE_SIZE_THRESHOLD", 1_048_576),
        "emit_lightweight_message": read.boolean("EMIT_LIGHTWEIGHT_MESSAGE", default=False),
        "amqp_reconnect_attempts": max(0, read.integer("AMQP_RECONNECT_ATTEMPTS", 3)),
        "amqp_reconnect_timeout_ms": max(0, read.integer("AMQP_RECONNECT_TIMEOUT", 100)),
        "additional_headers": read.headers("ADDITIONAL_VARS_FOR_HEADERS"),
        "log_level": read.text("LOG_LEVEL", "info", prefix=""),
        "broker_give_up_s": read.integer("BROKER_GIVE_UP_SECONDS", 300, prefix=_OWN_PREFIX),
        "max_hold_s": read.integer("MAX_HOLD_SECONDS", 1_500, prefix=_OWN_PREFIX),
        "shutdown_s": read.integer("SHUTDOWN_SECONDS", 25, prefix=_OWN_PREFIX),
        "one_cpu": read.text("ONE_CPU", "true", prefix=_OWN_PREFIX).lower() not in ("false", "0"),
        "health_interval_s": max(1, read.integer("HEALTH_INTERVAL_SECONDS", 60, prefix=_OWN_PREFIX)),
    }


class _Reader:
    """The parsing rules, one method for each declared type."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def mandatory(self, name: str) -> str:
        value = self._environment.get(PREFIX + name)
        if not value:
            raise SettingsError(f"{PREFIX + name} is missing.", field=PREFIX + name)
        return value

    def text(self, name: str, default: str, *, prefix: str = PREFIX) -> str:
        return self._environment.get(prefix + name) or default

    def integer(self, name: str, default: int, *, prefix: str = PREFIX) -> int:
        return leading_integer(self._environment.get(prefix + name)) or default

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self._environment.get(PREFIX + name)
        return default if value is None else value not in ("", "false")

    def headers(self, name: str) -> dict[str, str]:
        names = [part.strip() for part in self.text(name, "").split(",")]
        return {
            header_name(variable): self._environment[variable]
            for variable in names
            if variable and variable in self._environment
        }


def leading_integer(text: str | None) -> int | None:
    """Return the integer that a text begins with, as JavaScript's parseInt does."""
    match = _INTEGER.match(text) if text else None
    return int(match[1][:_DIGITS]) if match else None


def header_name(variable: str) -> str:
    """Return the header that a variable travels in: `ELASTICIO_CONTRACT_ID` is `contractId`."""
    words = _WORD.findall(variable.removeprefix(PREFIX))
    return "".join(word.lower() if index == 0 else word.capitalize() for index, word in enumerate(words))
