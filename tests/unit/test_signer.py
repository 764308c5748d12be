"""Signatures: AWS's published vectors, and what is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

import pytest

from ecs_connector.errors import CredentialsError
from ecs_connector.signer import UNSIGNED_HEADERS, Scope, Signer, canonical_request, string_to_sign
from ecs_connector.values import Credentials

VECTORS = Path(__file__).parent.parent / "data" / "sigv4"
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SCOPE = Scope("us-east-1", "service")
KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def read(case: str, name: str) -> str:
    return (VECTORS / case / f"{name}.txt").read_text(encoding="utf-8")


def request(case: str) -> tuple[str, str, dict[str, str], bytes]:
    """Return method, percent-encoded target, headers and body of a published request."""
    head, _, body = read(case, "request").partition("\n\n")
    first, *lines = head.split("\n")
    method, target = first.removesuffix(" HTTP/1.1").split(" ", 1)
    headers = {name.lower(): value for name, _, value in (line.partition(":") for line in lines)}
    return method, quote(target, safe="/?&=%~"), headers, body.encode()


@pytest.mark.parametrize("case", sorted(folder.name for folder in VECTORS.iterdir() if folder.is_dir()))
def test_published_vectors(case: str) -> None:
    """Canonical request, string to sign and Authorization are those that AWS publishes."""
    method, target, headers, body = request(case)
    _, canonical = canonical_request(method, target, headers, body)
    assert canonical == read(case, "canonical-request").removesuffix("\n")
    text = string_to_sign("20150830T123600Z", "20150830/us-east-1/service/aws4_request", canonical)
    assert text == read(case, "string-to-sign").removesuffix("\n")
    token = headers.pop("x-amz-security-token", None)
    credentials = Credentials(KEY.access_key_id, KEY.secret_access_key, token)
    signed = Signer().sign(method, target, headers, body, credentials=credentials, scope=SCOPE, at=AT)
    assert signed["authorization"] == read(case, "authorization").removesuffix("\n")


def test_all_vectors_are_there() -> None:
    """No published case is lost."""
    assert len([folder for folder in VECTORS.iterdir() if folder.is_dir()]) == 24


def sign(headers: dict[str, str] | None = None, credentials: Credentials = KEY, at: datetime = AT) -> dict[str, str]:
    target = "/?Action=ListClusters&Version=2014-11-13"
    return Signer().sign(
        "POST", target, {"host": "h", **(headers or {})}, b"{}", credentials=credentials, scope=SCOPE, at=at
    )


def test_session_token_is_sent_and_signed() -> None:
    """A session token travels in its header and is part of the signature."""
    signed = sign(credentials=Credentials("A", "s", "token"))
    assert signed["x-amz-security-token"] == "token"
    assert "host;x-amz-date;x-amz-security-token" in signed["authorization"]


@pytest.mark.parametrize("name", sorted(UNSIGNED_HEADERS - {"authorization"}))
def test_headers_that_change_on_the_way_are_not_signed(name: str) -> None:
    """What a proxy or a client may change is not part of the signature."""
    assert sign({name: "a"})["authorization"] == sign({name: "b"})["authorization"]


def test_other_zones_are_converted() -> None:
    """The time of signing may be in any zone; what is signed is UTC."""
    assert sign(at=AT.astimezone(timezone(timedelta(hours=5)))) == sign()


def test_nothing_is_changed_in_place() -> None:
    """The headers that were passed stay as they were."""
    headers = {"host": "h"}
    Signer().sign("POST", "/", headers, b"", credentials=KEY, scope=SCOPE, at=AT)
    assert headers == {"host": "h"}


def test_expired_credentials_sign_nothing() -> None:
    """Credentials that have expired at the time of signing are refused, and the text has no secret."""
    with pytest.raises(CredentialsError) as caught:
        sign(credentials=Credentials("A", "very-secret", "t", expires_at=AT))
    assert "very-secret" not in str(caught.value)


def test_keys_of_many_secrets_do_not_pile_up() -> None:
    """The cache of signing keys is bounded, and never mixes secrets."""
    signer = Signer()
    seen = set()
    for number in range(200):
        key = Credentials("A", f"secret-{number}")
        seen.add(signer.sign("POST", "/", {"host": "h"}, b"", credentials=key, scope=SCOPE, at=AT)["authorization"])
    assert len(seen) == 200
    assert len(signer._keys) <= 64
