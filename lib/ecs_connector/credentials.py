"""Gives the credentials of a step: static keys here, everything else through botocore.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

import os
from typing import Protocol

from ecs_connector.clock import Clock
from ecs_connector.config import StepConfig
from ecs_connector.errors import CredentialsError
from ecs_connector.values import Credentials

ALLOW_ENVIRONMENT = "ECS_CONNECTOR_ALLOW_ENVIRONMENT_CREDENTIALS"


#: Field, what it is, and the variable that sets it on a terminal.
_KEYS = (
    ("accessKeyId", "access key ID", "AWS_ACCESS_KEY_ID"),
    ("secretAccessKey", "secret access key", "AWS_SECRET_ACCESS_KEY"),
)


class CredentialsProvider(Protocol):
    """Where credentials come from."""

    def credentials(self) -> Credentials:
        """Return credentials that are good for some minutes yet."""

    def refresh(self, stale: Credentials) -> bool:
        """Get new ones because AWS refused these; say whether there are other ones now."""

    def secrets(self) -> tuple[str, ...]:
        """Return what must not show anywhere; fetches nothing."""


class StaticProvider:
    """The keys of the configuration."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def credentials(self) -> Credentials:
        return self._credentials

    def refresh(self, stale: Credentials) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return secrets_of(self._credentials)


def provider(config: StepConfig, *, clock: Clock) -> CredentialsProvider:
    """Return the provider that a configuration asks for.

    Raises:
        CredentialsError: A field is missing, or the source is not allowed here.
    """
    if config.credentialSource == "environment" and os.environ.get(ALLOW_ENVIRONMENT, "").lower() != "true":
        raise CredentialsError(
            "credentialSource: the environment's credentials belong to whoever hosts this process, who has not allowed "
            f"their use. Set the keys, or have the host set {ALLOW_ENVIRONMENT}=true.",
            field="credentialSource",
        )
    if config.credentialSource == "environment" or config.roleArn:
        from ecs_connector.credential_sources import source_provider

        return source_provider(config, clock=clock)
    return StaticProvider(static_credentials(config))


def secrets_of(credentials: Credentials | None) -> tuple[str, ...]:
    """Return the parts of credentials that must not show anywhere."""
    if credentials is None:
        return ()
    return tuple(part for part in (credentials.secret_access_key, credentials.session_token) if part)


def static_credentials(config: StepConfig) -> Credentials:
    """Return the keys of the configuration.

    Raises:
        CredentialsError: One of the two keys is missing, or cannot be one.
    """
    for name, label, variable in _KEYS:
        value = getattr(config, name)
        if not value:
            raise CredentialsError(
                f"{name}: the {label} is missing; set it in the credentials (on a terminal: {variable}).", field=name
            )
    for name in ("accessKeyId", "secretAccessKey", "sessionToken"):
        value = getattr(config, name)
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            raise CredentialsError(
                f"{name}: has characters that no key has (spaces, line breaks or others); copy it again.", field=name
            )
    return Credentials(config.accessKeyId, config.secretAccessKey, config.sessionToken)
