"""The error answers of the embedded endpoint, as values that its handlers raise.

A refusal never leaves the server: it becomes an AWS error body. It is therefore no `ConnectorError`.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An AWS error to answer with.

    Attributes:
        code: AWS error code, without prefix.
        status: HTTP status.
        members: Further members of the error's shape, for example `resourceIds`.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def body(self) -> dict[str, Any]:
        """Return the JSON 1.1 error body."""
        return {"__type": self.code, "message": self.message, **self.members}


def invalid(message: str) -> Refusal:
    """Return the `InvalidParameterException` with this text."""
    return Refusal("InvalidParameterException", message)


def client(message: str) -> Refusal:
    """Return the `ClientException` with this text."""
    return Refusal("ClientException", message)
