"""Client tokens: the same request twice has one effect.

A token belongs to an operation and a cluster. RunTask's is forgotten after 24 hours, or an hour after
the last of its tasks stopped, whichever is first.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecs_connector.harness.local.model import ecs_model
from ecs_connector.harness.local.refusal import Refusal, invalid

_LONGEST = {"RunTask": 64}
_LONGEST_OTHERWISE = 36


@dataclass(slots=True)
class _Use:
    digest: str
    used_at: float
    resource_ids: list[str]
    #: Makes the answer to a repeated request.
    again: Callable[[], dict[str, Any]]
    #: When what the token made came to its end; None while it lives.
    ended_at: Callable[[], float | None]


class TokenStore:
    """The client tokens of one endpoint; its owner holds the lock."""

    def __init__(self, lifetime_s: float, afterlife_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._afterlife_s = afterlife_s
        self._uses: dict[tuple[str, str, str, str], _Use] = {}

    def repeated(self, operation: str, region: str, cluster: str, body: dict[str, Any], now: float) -> Any:
        """Return the answer to a request that was made before with this token; None for a new one.

        Raises:
            Refusal: the token was used for other parameters, or is no valid token.
        """
        token = body.get("clientToken")
        if token is None:
            return None
        longest = _LONGEST.get(operation, _LONGEST_OTHERWISE)
        if not 1 <= len(token) <= longest or not all(33 <= ord(sign) <= 126 for sign in token):
            raise invalid(f"clientToken must be 1 to {longest} ASCII characters in the range of 33-126.")
        use = self._uses.get((operation, region, cluster, token))
        if use is None or self._forgotten(use, now):
            return None
        if use.digest != _digest(body, cluster):
            raise _conflict(operation, use)
        return use.again()

    def remember(
        self,
        key: tuple[str, str, str],
        body: dict[str, Any],
        now: float,
        *,
        resource_ids: list[str],
        again: Callable[[], dict[str, Any]],
        ended_at: Callable[[], float | None] = lambda: None,
    ) -> None:
        """Keep what a token made; a request without a token is not kept.

        Args:
            key: Operation, region, cluster.
        """
        token = body.get("clientToken")
        if token is not None:
            self._uses[(*key, token)] = _Use(_digest(body, key[2]), now, resource_ids, again, ended_at)

    def _forgotten(self, use: _Use, now: float) -> bool:
        ended_at = use.ended_at()
        return now > use.used_at + self._lifetime_s or (ended_at is not None and now > ended_at + self._afterlife_s)


def _digest(body: dict[str, Any], cluster: str) -> str:
    params = {key: value for key, value in body.items() if key != "clientToken" and value is not None}
    # By name, by ARN, or left out: the same cluster is the same parameter.
    return json.dumps({**params, "cluster": cluster}, sort_keys=True)


def _conflict(operation: str, use: _Use) -> Refusal:
    if ecs_model().declares_error(operation, "ConflictException"):
        return Refusal(
            "ConflictException",
            f"The provided clientToken is already in use with a different {operation} request.",
            resourceIds=use.resource_ids,
        )
    # The model gives these operations no ConflictException; ECS says this of a service that differs.
    thing = operation.removeprefix("Create")
    return invalid(f"Creation of {thing[:1].lower()}{thing[1:]} was not idempotent.")
