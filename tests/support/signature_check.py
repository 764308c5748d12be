"""Says with botocore's signer whether a received request is signed as AWS asks."""

from __future__ import annotations

import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.ecs_stub import Received

_PARTS = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
#: What must not be changed by anybody on the way.
MUST_BE_SIGNED = {"content-type", "host", "x-amz-date", "x-amz-target"}


def signature_problems(
    received: Received, base_url: str, *, key: str, secret: str, token: str | None = None
) -> list[str]:
    """Return what is wrong with the signature of a request."""
    match = _PARTS.fullmatch(received.headers.get("authorization", ""))
    if match is None:
        return [f"no signature: {received.headers.get('authorization')!r}"]
    signed = set(match["signed"].split(";"))
    must = MUST_BE_SIGNED | ({"x-amz-security-token"} if token else set())
    problems = [f"{name} is not signed" for name in sorted(must - signed)]
    request = AWSRequest(received.method, base_url + received.target, data=received.raw)
    for name in signed:
        request.headers[name] = received.headers[name]
    request.context["timestamp"] = received.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key, secret, token), match["service"], match["region"])
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if signer.signature(text, request) != match["signature"]:
        problems.append("the signature is not the one that botocore computes")
    if match["key"] != key:
        problems.append(f"signed by {match['key']}")
    if received.headers.get("x-amz-security-token") != token:
        problems.append("the session token is not the configured one")
    return problems
