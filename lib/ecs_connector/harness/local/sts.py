"""GetCallerIdentity and AssumeRole, in the query protocol, as XML or as JSON."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from ecs_connector.harness.local.identity import Caller, KeyRing
from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.rules import KnownKey, RoleRule
from ecs_connector.harness.local.state import World
from ecs_connector.harness.local.wire import RecordedRequest, Reply

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
#: What STS calls the errors that JSON services end with "Exception".
_CODES = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "ThrottlingException": "Throttling",
}
#: Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_DEFAULT_LIFETIME_S = 3600


def answer_sts(world: World, ring: KeyRing, caller: Caller, request: RecordedRequest) -> dict[str, Any]:
    """Return the result of an STS operation; the caller holds the world's lock.

    Raises:
        Refusal: STS would refuse the request.
    """
    if request.operation == "GetCallerIdentity":
        return {"Arn": caller.arn, "UserId": caller.user_id, "Account": world.scenario.account}
    if request.operation == "AssumeRole":
        return _assume_role(world, ring, caller, request.body)
    raise Refusal("InvalidAction", f"Could not find operation {request.operation} for version 2011-06-15")


def _assume_role(world: World, ring: KeyRing, caller: Caller, form: dict[str, Any]) -> dict[str, Any]:
    role_arn, session = form.get("RoleArn", ""), form.get("RoleSessionName", "")
    if not role_arn.startswith("arn:") or ":role/" not in role_arn:
        raise Refusal("ValidationError", f"{role_arn} is invalid")
    if not session:
        text = "1 validation error detected: Value at 'roleSessionName' must not be null"
        raise Refusal("ValidationError", text)
    rule = next((role for role in world.scenario.roles if role.arn == role_arn), RoleRule(role_arn))
    if rule.denied or (rule.external_id is not None and form.get("ExternalId") != rule.external_id):
        text = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise Refusal("AccessDeniedException", text, status=403)
    asked_s = int(form.get("DurationSeconds") or _DEFAULT_LIFETIME_S)
    expires_s = world.now() + (asked_s if rule.lifetime_s is None else rule.lifetime_s)
    number = world.count("role session")
    digest = hashlib.sha256(f"{world.scenario.seed}/{number}".encode()).hexdigest()
    role_name = role_arn.split(":role/", 1)[1].rsplit("/", 1)[-1]
    arn = f"arn:aws:sts::{world.scenario.account}:assumed-role/{role_name}/{session}"
    key = KnownKey(
        access_key_id=f"ASIA{digest[:16].upper()}",
        secret_access_key=digest[16:56],
        session_token=f"local-session-{digest[32:]}",
        expires_after_s=expires_s - world.started_s,
        arn=arn,
    )
    ring.add(key)
    return {
        "Credentials": {
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret_access_key,
            "SessionToken": key.session_token,
            "Expiration": expires_s,
        },
        "AssumedRoleUser": {"AssumedRoleId": f"AROA{digest[:17].upper()}:{session}", "Arn": arn},
    }


def sts_reply(request: RecordedRequest, result: dict[str, Any], request_id: str) -> Reply:
    """Return a result as the client asked for it: XML, or JSON by its Accept header."""
    name = request.operation
    if _wants_json(request):
        body = {f"{name}Response": {f"{name}Result": result, "ResponseMetadata": {"RequestId": request_id}}}
        return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
    inner = f"<{name}Result>{_xml(result)}</{name}Result>"
    meta = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    text = f'<{name}Response xmlns="{_NAMESPACE}">{inner}{meta}</{name}Response>'
    return Reply(200, text.encode(), {"Content-Type": "text/xml"})


def sts_error(request: RecordedRequest, refusal: Refusal, request_id: str) -> Reply:
    """Return a refusal in STS's form, under STS's name for it."""
    code = _CODES.get(refusal.code, refusal.code)
    status = refusal.status if refusal.status != 400 or code in ("ValidationError", "Throttling") else 403
    fault = {"Type": "Sender" if status < 500 else "Receiver", "Code": code, "Message": refusal.message}
    if _wants_json(request):
        body = json.dumps({"Error": fault, "RequestId": request_id}).encode()
        return Reply(status, body, {"Content-Type": "application/json"})
    text = f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{_xml(fault)}</Error><RequestId>{request_id}</RequestId></ErrorResponse>'
    return Reply(status, text.encode(), {"Content-Type": "text/xml"})


def _wants_json(request: RecordedRequest) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _xml(value: dict[str, Any]) -> str:
    parts = []
    for name, item in value.items():
        if name == "Expiration":
            inner = f"{datetime.fromtimestamp(item, UTC):%Y-%m-%dT%H:%M:%SZ}"
        else:
            inner = _xml(item) if isinstance(item, dict) else escape(str(item))
        parts.append(f"<{name}>{inner}</{name}>")
    return "".join(parts)
