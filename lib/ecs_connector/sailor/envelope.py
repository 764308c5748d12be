"""Payload bytes to wire messages and back: protocol versions 1 and 2, error envelopes.

Version 1 is base64 text, version 2 the raw ciphertext. Errors are always base64.

Source: https://github.com/elasticio/sailor-nodejs/blob/master/lib/encryptor.js
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from ecs_connector.errors import EnvelopeError
from ecs_connector.sailor.crypto import PayloadCipher
from ecs_connector.sailor.jsontext import dumps, loads
from ecs_connector.values import EMPTY, Message

#: From this version on, payloads travel as raw bytes.
RAW_VERSION = 2

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
#: Keys of a wire message that `Message` has a field for.
_NAMED = frozenset({"id", "body", "headers", "attachments", "metadata", "passthrough"})


def from_base64(text: bytes) -> bytes:
    """Decode base64 as leniently as Node.js: unpadded, URL-safe and broken into lines."""
    compact = b"".join(text.translate(_URL_SAFE).split()).rstrip(b"=")
    try:
        return b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error as error:
        raise EnvelopeError("The payload is not base64.") from error


class Codec:
    """Turns JSON into encrypted payloads and back."""

    def __init__(self, cipher: PayloadCipher) -> None:
        self._cipher = cipher

    def encode(self, value: Any, version: int) -> bytes:
        """Return the encrypted payload of a JSON value."""
        ciphertext = self._cipher.encrypt(dumps(value))
        return ciphertext if version >= RAW_VERSION else b64encode(ciphertext)

    def decode(self, payload: bytes, version: int) -> Any:
        """Return the JSON value of a payload.

        Raises:
            EnvelopeError: It cannot be decoded, decrypted or parsed.
        """
        ciphertext = payload if version >= RAW_VERSION else from_base64(payload)
        return loads(self._cipher.decrypt(ciphertext))

    def decode_message(self, payload: bytes, version: int) -> dict[str, Any]:
        """Return the wire message of a payload, with `body` and `headers` present.

        Raises:
            EnvelopeError: It is no message.
        """
        value = self.decode(payload, version)
        if not isinstance(value, dict):
            raise EnvelopeError("The payload holds no message: it is not a JSON object.")
        value["headers"] = value.get("headers") or {}
        if not isinstance(value["headers"], dict):
            raise EnvelopeError("The payload holds no message: its headers are not a JSON object.")
        return value

    def encode_error(self, report: Mapping[str, str]) -> str:
        """Return the base64 text of an error, which is also what goes to `reply_to`."""
        return self.encode(report, 1).decode("ascii")

    def error_input(self, payload: bytes, version: int) -> str:
        """Return an incoming payload as it travels inside an error envelope: always base64."""
        if version < RAW_VERSION:
            return payload.decode("ascii", "replace")
        return b64encode(payload).decode("ascii")

    def decode_error_envelope(self, payload: bytes, headers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the message that a custom error handler is given.

        Raises:
            EnvelopeError: It is no error envelope.
        """
        envelope = loads(payload)
        if not isinstance(envelope, dict):
            raise EnvelopeError("The payload holds no error envelope: it is not a JSON object.")
        for key in ("error", "errorInput"):
            if envelope.get(key):
                envelope[key] = self.decode(str(envelope[key]).encode("utf-8", "replace"), 1)
        return {"body": envelope, "headers": dict(headers)}

    # The object storage holds raw ciphertext whatever the protocol version.

    def encode_object(self, plaintext: bytes) -> bytes:
        """Return an object's bytes as the storage holds them."""
        return self._cipher.encrypt(plaintext)

    def decode_object(self, stored: bytes) -> Any:
        """Return the JSON value of a stored object."""
        return loads(self._cipher.decrypt(stored))


def to_message(wire: Mapping[str, Any], message_id: str | None) -> Message:
    """Return the value that `process` is given."""
    return Message(
        body=wire.get("body"),
        # The header is the message's identity; the id in the payload need not be unique.
        id=message_id or (wire["id"] if isinstance(wire.get("id"), str) else None),
        headers=wire["headers"],
        attachments=_mapping(wire.get("attachments")),
        metadata=_mapping(wire.get("metadata")),
        passthrough=_mapping(wire.get("passthrough")),
        extra={key: value for key, value in wire.items() if key not in _NAMED} or EMPTY,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else EMPTY
