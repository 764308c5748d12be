"""The platform's REST API: step info, start-up state, credential updates, service results.

Source: https://github.com/elasticio/elasticio-rest-node
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_connector.errors import ConfigError, TransportError
from ecs_connector.sailor.http import Answer, Retry, basic, send, split_userinfo
from ecs_connector.sailor.jsontext import dumps

#: Step info and credential updates: fixed, whatever the environment says.
_API_RETRY = Retry(attempts=3, delay_s=lambda _: 1.0, timeout_s=15.0)
_TIMEOUT_S = 60.0
_BAD_REQUEST, _CONFLICT, _SERVER_ERROR = 400, 409, 500


@dataclass(frozen=True, slots=True)
class StepInfo:
    """What the platform knows of this step."""

    config: dict[str, Any]
    snapshot: dict[str, Any]
    variables: dict[str, Any]
    is_passthrough: bool


class PlatformApi:
    """Calls to the platform, with the retry rules of each."""

    def __init__(
        self,
        uri: str,
        username: str,
        key: str,
        *,
        retry_attempts: int,
        retry_delay_ms: int,
        sleep: Callable[[float], None],
    ) -> None:
        self._uri = uri
        self._authorization = basic(username, key)
        self._retry = Retry(retry_attempts, lambda _: retry_delay_ms / 1000, _TIMEOUT_S)
        self._sleep = sleep

    def step_info(self, flow_id: str, step_id: str) -> StepInfo:
        """Return the step's configuration, snapshot and variables.

        Raises:
            ConnectorError: The platform refuses, or cannot be reached.
        """
        url = f"{self._uri.rstrip('/')}/v1/tasks/{flow_id}/steps/{step_id}"
        found = self._accept("GET", url, self._call("GET", url, _API_RETRY)).json()
        if not isinstance(found, dict) or not found:
            raise ConfigError(f"The platform has no information on step {step_id} of flow {flow_id}.")
        for name in ("config", "variables"):
            if found.get(name) and not isinstance(found[name], dict):
                raise ConfigError(
                    f"The platform's information on step {step_id} of flow {flow_id} cannot be used: "
                    f"its {name} is not an object."
                )
        return StepInfo(
            config=found.get("config") or {},
            snapshot=found.get("snapshot") or {},
            variables=found.get("variables") or {},
            # The text "true" does not count.
            is_passthrough=found.get("is_passthrough") is True,
        )

    def update_keys(self, account: str | None, keys: Any) -> None:
        """Store changed credentials.

        Raises:
            ConnectorError: The platform refuses, or cannot be reached.
        """
        url = f"{self._uri.rstrip('/')}/v1/accounts/{account}"
        self._accept("PUT", url, self._call("PUT", url, _API_RETRY, {"keys": keys}))

    def store_startup_state(self, flow_id: str, state: Any) -> bool:
        """Store what the start-up hook returned; an older state is replaced.

        Returns:
            Whether there was an older state.

        Raises:
            ConnectorError: The platform refuses, or cannot be reached.
        """
        url = self._state_url(flow_id)
        answer = self._call("POST", url, self._retry, state or {})
        replaced = answer.status == _CONFLICT
        if replaced:
            self.delete_startup_state(flow_id)
            answer = self._call("POST", url, self._retry, state or {})
        self._accept("POST", url, answer)
        return replaced

    def startup_state(self, flow_id: str) -> Any:
        """Return what the start-up hook returned."""
        url = self._state_url(flow_id)
        return self._accept("GET", url, self._call("GET", url, self._retry)).json()

    def delete_startup_state(self, flow_id: str) -> None:
        """Forget what the start-up hook returned."""
        url = self._state_url(flow_id)
        self._accept("DELETE", url, self._call("DELETE", url, self._retry))

    def _state_url(self, flow_id: str) -> str:
        # The official runtime does not strip slashes here; a doubled one reaches no route anywhere.
        return f"{self._uri.rstrip('/')}/sailor-support/hooks/task/{flow_id}/startup/data"

    def _call(self, method: str, url: str, retry: Retry, value: Any = None) -> Answer:
        headers = {"Authorization": self._authorization, "Connection": "Keep-Alive", "Accept": "application/json"}
        body = None
        if value is not None:
            headers["Content-Type"] = "application/json"
            body = dumps(value)
        return send(method, url, retry=retry, sleep=self._sleep, headers=headers, body=body)

    def _accept(self, method: str, url: str, answer: Answer) -> Answer:
        if answer.status < _BAD_REQUEST:
            return answer
        text = f"The platform answered {answer.status} to {method} {url.partition('://')[2]}: {answer.text()}"
        if answer.status < _SERVER_ERROR:
            raise ConfigError(text)
        raise TransportError(text, operation=f"{method} {url}", sent=True)


def post_result(url: str, result: Mapping[str, Any], *, retry: Retry, sleep: Callable[[float], None]) -> Answer:
    """Hand the result of a service call to the platform; only a 200 means that it was taken.

    Raises:
        TransportError: There was no answer.
        TypeError: The result is not JSON.
        ValueError: The result is not JSON.
    """
    address, authorization = split_userinfo(url)
    headers = {"Content-Type": "application/json", "Connection": "Keep-Alive"}
    if authorization:
        headers["Authorization"] = authorization
    return send("POST", address, retry=retry, sleep=sleep, headers=headers, body=dumps(result))
