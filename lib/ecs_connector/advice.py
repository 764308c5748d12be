"""Tells what to do about the errors with which AWS refuses an identity.

Says nothing that depends on the configuration, so that no text of it can hold a secret.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from ecs_connector.hidden_errors import kind_of

#: Problem -> what it is and what to do about it.
ADVICE = {
    "key": "AWS does not know this access key, or the session token does not belong to it. Check accessKeyId; a temporary "
    "key (it begins with ASIA) needs its sessionToken too. The same is said in a region that the account has not enabled.",
    "secret": "The signature is wrong: secretAccessKey does not belong to accessKeyId. Copy both again, from the same key.",
    "expired": "The credentials have expired. Get new temporary keys and set all three: accessKeyId, secretAccessKey and "
    "sessionToken; or let the connector get them by itself with roleArn.",
    "permission": "The credentials are good, but their identity has no permission for this. Have an IAM policy attached "
    "that allows the action that is named here.",
    "region": "The endpoint checks signatures for another region. Set region, or signingRegion beside a custom endpoint, "
    "to the region of the endpoint.",
    "clock": "This machine's clock is wrong by more than five minutes, and AWS refuses signatures of another time. "
    "Set the clock, best by NTP.",
}

_CODES = {
    "UnrecognizedClientException": "key",
    "InvalidClientTokenId": "key",
    "InvalidAccessKeyId": "key",
    "AuthFailure": "key",
    "OptInRequired": "key",
    "SignatureDoesNotMatch": "secret",
    "InvalidSignatureException": "secret",
    "IncompleteSignature": "secret",
    "IncompleteSignatureException": "secret",
    "AccessDenied": "permission",
    "AccessDeniedException": "permission",
    "UnauthorizedOperation": "permission",
}
_KINDS = {"credentials": "expired", "skew": "clock"}


def problem(code: str, message: str, status: int) -> str | None:
    """Return what is wrong with the identity, as a key of `ADVICE`; None when something else is wrong."""
    found = _KINDS.get(kind_of(code, message, status) or "") or _CODES.get(code)
    if found == "secret" and "credential should be scoped to" in message.lower():
        return "region"
    return found
