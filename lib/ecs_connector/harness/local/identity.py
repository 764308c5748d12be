"""Who calls, and whether the signature says so.

Without keys in the scenario a signature only has to look like one. With keys, or for keys that
AssumeRole of this endpoint gave out, it is computed anew and compared.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ecs_connector.harness.local.reader import FOREVER
from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.rules import KnownKey
from ecs_connector.harness.local.wire import RecordedRequest

#: AWS accepts a signature made within five minutes of its own clock.
_TOLERANCE_S = 300
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[a-z0-9;\-]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})$"
)
_SIGNING_NAMES = {"ecs": "ecs", "sts": "sts", "logs": "logs"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity behind a request."""

    access_key_id: str
    arn: str
    user_id: str


class KeyRing:
    """The access keys that an endpoint knows; its owner holds the lock."""

    def __init__(self, account: str, keys: tuple[KnownKey, ...], started_s: float) -> None:
        self._account = account
        self._started_s = started_s
        #: Whether keys that are not on the ring are refused.
        self.strict = bool(keys)
        self._keys = {key.access_key_id: key for key in keys}

    def add(self, key: KnownKey) -> None:
        """Put a key on the ring that AssumeRole has given out."""
        self._keys[key.access_key_id] = key

    def identify(self, request: RecordedRequest, now_s: float, *, check_date: bool) -> Caller:
        """Return who made a request.

        Raises:
            Refusal: the signature is missing, malformed, wrong, too old, or by a key that may not.
        """
        authorization = request.headers.get("authorization")
        if authorization is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        found = _AUTHORIZATION.match(authorization.strip())
        date = request.headers.get("x-amz-date", "")
        if found is None or request.access_key_id is None or not re.fullmatch(r"\d{8}T\d{6}Z", date):
            text = "Authorization header requires Credential, SignedHeaders, Signature and an X-Amz-Date header."
            raise Refusal("IncompleteSignatureException", text)
        if request.authorization_service != _SIGNING_NAMES.get(request.service, request.authorization_service):
            expected = _SIGNING_NAMES[request.service]
            raise Refusal("InvalidSignatureException", f"Credential should be scoped to correct service: '{expected}'.")
        key = self._keys.get(request.access_key_id)
        if key is None and self.strict:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        if check_date or self.strict:
            _check_date(date, now_s)
        if key is not None:
            self._check_key(key, request, found["headers"], found["signature"], now_s)
        return self._caller(request.access_key_id, key)

    def _check_key(self, key: KnownKey, request: RecordedRequest, signed: str, signature: str, now_s: float) -> None:
        if (request.headers.get("x-amz-security-token") or None) != key.session_token:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        if not hmac.compare_digest(_signature(key.secret_access_key, request, signed), signature):
            raise Refusal(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS "
                "Secret Access Key and signing method. Consult the service documentation for details.",
            )
        if key.expired or (key.expires_after_s < FOREVER and now_s >= self._started_s + key.expires_after_s):
            raise Refusal("ExpiredTokenException", "The security token included in the request is expired")
        action = f"{request.service}:{request.operation}"
        if any(fnmatch.fnmatchcase(action, glob) or fnmatch.fnmatchcase(request.operation, glob) for glob in key.deny):
            raise denied(self._caller(key.access_key_id, key), action)

    def _caller(self, access_key_id: str, key: KnownKey | None) -> Caller:
        arn = (key.arn if key is not None else None) or f"arn:aws:iam::{self._account}:user/local"
        user_id = f"AIDA{hashlib.sha256(arn.encode()).hexdigest()[:17].upper()}"
        if ":assumed-role/" in arn:
            user_id = f"AROA{user_id[4:]}:{arn.rsplit('/', 1)[-1]}"
        return Caller(access_key_id, arn, user_id)


def denied(caller: Caller, action: str) -> Refusal:
    """Return IAM's refusal of an action."""
    return Refusal(
        "AccessDeniedException",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: * because no identity-based "
        f"policy allows the {action} action",
    )


def _check_date(date: str, now_s: float) -> None:
    signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    now = datetime.fromtimestamp(now_s, UTC)
    late_s = now_s - signed_at.timestamp()
    if abs(late_s) <= _TOLERANCE_S:
        return
    limit = datetime.fromtimestamp(now_s - _TOLERANCE_S if late_s > 0 else now_s + _TOLERANCE_S, UTC)
    what, sign = ("expired", "-") if late_s > 0 else ("not yet current", "+")
    comparison = "earlier" if late_s > 0 else "later"
    raise Refusal(
        "InvalidSignatureException",
        f"Signature {what}: {date} is now {comparison} than {limit:%Y%m%dT%H%M%SZ} ({now:%Y%m%dT%H%M%SZ} {sign} 5 min.)",
    )


def _signature(secret: str, request: RecordedRequest, signed_headers: str) -> str:
    date = request.headers["x-amz-date"]
    scope = f"{request.authorization_date}/{request.authorization_region}/{request.authorization_service}/aws4_request"
    names = signed_headers.split(";")
    canonical = "\n".join(
        [
            request.method,
            request.path,
            "&".join(sorted(item if "=" in item else f"{item}=" for item in request.query.split("&") if item)),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            signed_headers,
            hashlib.sha256(request.raw_body).hexdigest(),
        ]
    )
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
