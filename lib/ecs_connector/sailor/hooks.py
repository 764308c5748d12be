"""The component of this process, its hooks, and the secrets that no log may show.

Source: https://docs.elastic.io/developers/sailor-hooks
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ecs_connector.clock import SystemClock
from ecs_connector.context import Logger
from ecs_connector.redact import Redactor
from ecs_connector.sailor.settings import Settings

if TYPE_CHECKING:
    from ecs_connector.component import Component


def load_component(path: str, stop: threading.Event) -> Component:
    """Return the component of the platform's COMPONENT_PATH, or else of the working directory, or our own."""
    from ecs_connector.component import DESCRIPTOR, Component

    folder = os.path.join(os.getcwd(), path) if path or os.path.isfile(DESCRIPTOR) else None
    return Component.load(folder, clock=SystemClock(stop))


def call_hook(
    component: Component, function: str, name: str, log: Logger, config: Mapping[str, Any], *more: Any
) -> Any:
    """Call a hook of an action's module with a copy of the configuration; None where there is no such hook."""
    hook = getattr(component.module(function), name, None)
    if not callable(hook):
        log.debug("The module of %s has no %s hook.", function, name)
        return None
    return hook(deepcopy(dict(config)), *more)


def secrets_of(settings: Settings | None, descriptor: Mapping[str, Any], config: Mapping[str, Any]) -> Redactor:
    """Return a redactor for the platform's secrets and those of the step's configuration."""
    secrets = set()
    if settings is not None:
        password = urlsplit(settings.amqp_uri).password
        secrets = {
            settings.api_key,
            settings.message_crypto_password,
            settings.object_storage_token,
            unquote(password) if password else "",
        }
    return Redactor({secret for secret in secrets | credential_secrets(descriptor, config) if secret})


def credential_secrets(descriptor: Mapping[str, Any], config: Mapping[str, Any]) -> set[str]:
    """Return the values of the configuration that the descriptor shows as passwords."""
    entries = [descriptor.get("credentials") or {}]
    for key in ("actions", "triggers"):
        entries += (descriptor.get(key) or {}).values()
    names = {
        name
        for entry in entries
        for name, spec in (entry.get("fields") or {}).items()
        if isinstance(spec, Mapping) and spec.get("viewClass") == "PasswordFieldView"
    }
    return {value for name in names if isinstance(value := config.get(name), str) and value}
