"""Big bodies outside the message: the platform's object storage.

Source: https://github.com/elasticio/maester-client
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecs_connector.errors import ConfigError, ConnectorError, TransportError
from ecs_connector.sailor.envelope import Codec
from ecs_connector.sailor.http import Answer, Retry, send
from ecs_connector.sailor.jsontext import dumps
from ecs_connector.sailor.settings import Settings, leading_integer

#: In a message's own headers: its body lies in the storage under this id.
OBJECT_ID = "x-ipaas-object-storage-id"
_UPLOAD_FAILED = "Lightweight message/passthrough body upload error"
_OK_BELOW = 300


class ObjectStorage:
    """Stored bodies, encrypted with the step's cipher."""

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        *,
        environment: Mapping[str, str],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._sleep = sleep
        # Growing pauses with up to a fifth on top.
        self._retry = Retry(
            attempts=1 + _within(environment.get("REQUEST_MAX_RETRY"), 0, 4, 2),
            delay_s=lambda failed: 0.1 * 2 ** (failed - 1) * (1 + 0.2 * random()),
            timeout_s=_within(environment.get("REQUEST_TIMEOUT"), 500, 20_000, 10_000) / 1000,
        )

    def resolve(self, message: dict[str, Any]) -> None:
        """Put the stored body, if the message has one, into the message and into its passthrough entries.

        Raises:
            ConnectorError: An object cannot be had.
        """
        self._resolve_one(message)
        for entry in _entries(message):
            self._resolve_one(entry)

    def inline_passthrough(self, message: dict[str, Any]) -> None:
        """Put stored bodies into those passthrough entries that are empty: the next step may not fetch."""
        for entry in _entries(message):
            if not entry.get("body"):
                self._resolve_one(entry)

    def externalise(self, message: dict[str, Any]) -> None:
        """Move all bodies of a message into the storage if together they pass the threshold.

        Raises:
            ConnectorError: An upload failed.
        """
        passthrough = message.get("passthrough") or {}
        entries = {step: entry for step, entry in passthrough.items() if isinstance(entry, dict)}
        texts = {step: dumps(entry.get("body")) for step, entry in entries.items()}
        text = dumps(message["body"])
        if len(text) + sum(map(len, texts.values())) <= self._settings.object_storage_size_threshold:
            return
        stored = dict(passthrough)
        for step, entry in entries.items():
            known = (entry.get("headers") or {}).get(OBJECT_ID)
            stored[step] = _marked(entry, known or self._upload(texts[step]))
        message.update(_marked(message, self._upload(text)))
        if stored:
            message["passthrough"] = stored

    def _resolve_one(self, message: dict[str, Any]) -> None:
        headers = message.get("headers")
        object_id = headers.get(OBJECT_ID) if isinstance(headers, dict) else None
        if not object_id:
            return
        try:
            answer = self._call("GET", f"/objects/{object_id}")
            message["body"] = self._codec.decode_object(answer.body)
        except ConnectorError as error:
            raise ConnectorError(f"Failed to get message body with id={object_id}", detail=str(error)) from error

    def _upload(self, plaintext: bytes) -> str:
        try:
            answer = self._call("POST", "/objects", self._codec.encode_object(plaintext)).json()
        except ConnectorError as error:
            raise ConnectorError(_UPLOAD_FAILED, detail=str(error)) from error
        if not isinstance(answer, dict) or not answer.get("objectId"):
            raise ConnectorError(_UPLOAD_FAILED, detail="The storage's answer names no objectId.")
        return str(answer["objectId"])

    def _call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        settings = self._settings
        if not settings.object_storage_uri:
            raise ConfigError("ELASTICIO_OBJECT_STORAGE_URI is missing.", field="ELASTICIO_OBJECT_STORAGE_URI")
        headers = {
            "Authorization": f"Bearer {settings.object_storage_token}",
            "x-request-id": f"f:{settings.flow_id};s:{settings.step_id};m:",
        }
        if body is not None:
            headers["content-type"] = "application/json"
        url = settings.object_storage_uri.rstrip("/") + path
        answer = send(method, url, retry=self._retry, sleep=self._sleep, headers=headers, body=body)
        if answer.status >= _OK_BELOW:
            raise TransportError(
                f"The object storage answered {answer.status} to {method} {path}: {answer.text()}",
                operation=f"{method} {path}",
                sent=True,
            )
        return answer


def _within(text: str | None, lowest: int, highest: int, default: int) -> int:
    value = leading_integer(text)
    return value if value is not None and lowest <= value <= highest else default


def _entries(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    passthrough = message.get("passthrough")
    return [entry for entry in passthrough.values() if isinstance(entry, dict)] if isinstance(passthrough, dict) else []


def _marked(message: Mapping[str, Any], object_id: str) -> dict[str, Any]:
    return {**message, "body": {}, "headers": {**(message.get("headers") or {}), OBJECT_ID: object_id}}
