"""Settings of a step that is never started."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ecs_connector.sailor.settings import Settings

_NAMES = (
    "flow_id exec_id step_id container_id workspace_id user_id comp_id function api_uri api_username api_key amqp_uri"
    " listen_messages_on publish_messages_to data_routing_key error_routing_key rebound_routing_key snapshot_routing_key"
    " message_crypto_password"
).split()


def settings(**changes: Any) -> Settings:
    """Return settings whose texts are their names."""
    found = Settings(**{name: name for name in _NAMES}, message_crypto_iv="0123456789abcdef")
    return replace(found, data_rate_limit=10**6, error_rate_limit=10**6, snapshot_rate_limit=10**6, **changes)
