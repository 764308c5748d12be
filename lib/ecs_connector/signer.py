"""Signs a request with AWS Signature Version 4.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from ecs_connector.errors import CredentialsError
from ecs_connector.values import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
#: Headers that a proxy or the client itself may change on the way.
UNSIGNED_HEADERS = frozenset(
    {"authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"}
)


class Scope(NamedTuple):
    """What a signature is good for."""

    region: str
    service: str


class Signer:
    """Signs requests; keeps the signing key of each credential, day and scope."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str, str, str], bytes] = {}

    def sign(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        credentials: Credentials,
        scope: Scope,
        at: datetime,
    ) -> dict[str, str]:
        """Return the headers with `X-Amz-Date`, `X-Amz-Security-Token` where there is one, and `Authorization`.

        Signs the query and every header except those in `UNSIGNED_HEADERS`. Header names are lower case.

        Args:
            target: Path and query, percent-encoded.
            headers: Must hold `host`.
            at: Time of signing, aware UTC. AWS accepts it within 5 minutes of its own clock.

        Raises:
            CredentialsError: The credentials have expired at that time.
        """
        if credentials.expires_at is not None and credentials.expires_at <= at:
            raise CredentialsError("The credentials have expired: provide new ones.", field="sessionToken")
        utc = at if at.tzinfo is UTC else at.astimezone(UTC)
        # strftime costs several times as much, and pads no year.
        day = f"{utc.year:04}{utc.month:02}{utc.day:02}"
        stamp = f"{day}T{utc.hour:02}{utc.minute:02}{utc.second:02}Z"
        signed = {**headers, "x-amz-date": stamp}
        if credentials.session_token:
            signed["x-amz-security-token"] = credentials.session_token
        names, request = canonical_request(method, target, signed, body)
        credential_scope = f"{day}/{scope.region}/{scope.service}/aws4_request"
        key = self._key(credentials.secret_access_key, day, scope)
        signature = hmac.digest(key, string_to_sign(stamp, credential_scope, request).encode(), "sha256").hex()
        signed["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key_id}/{credential_scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def _key(self, secret: str, day: str, scope: Scope) -> bytes:
        cached = self._keys.get((secret, day, scope.region, scope.service))
        if cached is not None:
            return cached
        if len(self._keys) >= 64:
            self._keys.clear()  # yesterday's keys and rotated credentials
        key = signing_key(secret, day, scope)
        self._keys[(secret, day, scope.region, scope.service)] = key
        return key


def signing_key(secret: str, day: str, scope: Scope) -> bytes:
    """Derive the key of one day and scope."""
    key = b"AWS4" + secret.encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def string_to_sign(stamp: str, credential_scope: str, request: str) -> str:
    """Return what the signature is made over: the time, the scope and the canonical request's digest."""
    return f"{ALGORITHM}\n{stamp}\n{credential_scope}\n{sha256(request.encode()).hexdigest()}"


def canonical_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return the names of the signed headers and the canonical request."""
    path, _, query = target.partition("?")
    names = [name for name in sorted(headers) if name not in UNSIGNED_HEADERS]
    lines = "".join([f"{name}:{' '.join(headers[name].split())}\n" for name in names])
    listed = ";".join(names)
    return listed, (
        f"{method}\n{canonical_path(path)}\n{canonical_query(query)}\n{lines}\n{listed}\n{sha256(body).hexdigest()}"
    )


def canonical_path(path: str) -> str:
    """Return the path without empty and dotted segments, encoded once more, as every service but S3 wants it."""
    if path in ("", "/"):
        return "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{slash}", safe="/~")


def canonical_query(query: str) -> str:
    """Return the parameters in the order of their encoded names and values."""
    if not query:
        return ""
    pairs = sorted([part.partition("=") for part in query.split("&")])
    return "&".join([f"{name}={value}" for name, _, value in pairs])
