"""The way into moto's ECS backend: an operation and a body in, an output or a refusal out.

The backend is an instance of our own, not one of moto's process-wide ones: two endpoints in a process
share nothing, and nothing has to be reset. moto is imported when the first operation needs it.
"""

from __future__ import annotations

import functools
import io
import json
from typing import Any

from ecs_connector.harness.local.refusal import Refusal


@functools.cache
def _moto() -> tuple[Any, Any, Any]:
    # Importing moto's ECS costs most of a second, nearly all of it EC2's tables.
    from moto.core.request import Request
    from moto.ecs.models import EC2ContainerServiceBackend
    from moto.ecs.responses import EC2ContainerServiceResponse

    return Request, EC2ContainerServiceBackend, EC2ContainerServiceResponse


def load_moto() -> None:
    """Import moto now, for example in a thread that has nothing better to do."""
    _moto()


class MotoEcs:
    """moto's ECS for one account and region."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    @functools.cached_property
    def _backend(self) -> Any:
        return _moto()[1](self._region, self._account)

    @functools.cached_property
    def _response_class(self) -> Any:
        backend = self._backend
        return type("EcsResponse", (_moto()[2],), {"ecs_backend": property(lambda _: backend)})

    def has_cluster(self, name: str) -> bool:
        """Return whether an active cluster of that name exists."""
        cluster = self._backend.clusters.get(name)
        return cluster is not None and cluster.status == "ACTIVE"

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return moto's output.

        Raises:
            Refusal: moto answered with an error.
        """
        data = json.dumps(body).encode()
        host = f"ecs.{self._region}.amazonaws.com"
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "SERVER_NAME": host,
            "SERVER_PORT": "443",
            "HTTP_HOST": host,
            "HTTP_X_AMZ_TARGET": f"AmazonEC2ContainerServiceV20141113.{operation}",
            "HTTP_X_MOTO_ACCOUNT_ID": self._account,
            "CONTENT_TYPE": "application/x-amz-json-1.1",
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(data),
        }
        status, _, text = self._response_class.dispatch(_moto()[0](environ))
        output: dict[str, Any] = json.loads(text) if text else {}
        if status >= 400:
            code = str(output.get("__type", "ServerException")).rsplit("#", 1)[-1]
            raise Refusal(code, str(output.get("message", "")), status=status)
        return output
