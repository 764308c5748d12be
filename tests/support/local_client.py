"""A client of the embedded endpoint that knows nothing but HTTP."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

_SIGNATURE = "0" * 64


def signed_headers(
    operation: str, *, region: str = "us-east-1", service: str = "ecs", key: str = "AKIDEXAMPLE"
) -> dict[str, str]:
    """Return headers that look signed, which is enough for an endpoint that knows no keys."""
    prefix = {"ecs": "AmazonEC2ContainerServiceV20141113", "logs": "Logs_20140328"}.get(service)
    return {
        **({"X-Amz-Target": f"{prefix}.{operation}"} if prefix else {}),
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date, Signature={_SIGNATURE}",
    }


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        return str(self.body["__type"])


class LocalClient:
    """One kept-alive connection."""

    def __init__(self, port: int, *, region: str = "us-east-1") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._region = region

    def call(self, operation: str, body: dict[str, Any] | None = None, **signing: str) -> Answer:
        """Make an ECS call, or one of another service that `signing` names."""
        headers = signed_headers(operation, **{"region": self._region, **signing})
        data = json.dumps(body or {})
        return self.send("POST", f"/?Action={operation}&Version=2014-11-13", data, headers)

    def ok(self, operation: str, body: dict[str, Any] | None = None, **signing: str) -> Any:
        """Make a call that must succeed, and return its output."""
        answer = self.call(operation, body, **signing)
        assert answer.status == 200, (operation, answer.raw)
        return answer.body

    def send(self, method: str, target: str, data: str | bytes, headers: dict[str, str]) -> Answer:
        self._connection.request(method, target, data, headers)
        response = self._connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
