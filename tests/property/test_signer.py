"""The signer against botocore's, on requests nobody wrote down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from ecs_connector.signer import Scope, Signer
from ecs_connector.values import Credentials

_printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
_names = st.from_regex(r"x-[a-z][a-z0-9-]{0,12}[a-z0-9]", fullmatch=True).filter(
    lambda name: name not in ("x-amz-date", "x-amz-security-token", "x-amzn-trace-id")
)
_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
_segments = st.lists(st.one_of(st.sampled_from(["", ".", "..", "%2F", "a b"]), st.text(max_size=8)), max_size=5)
_params = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=5)
_times = st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(
    method=st.sampled_from(["POST", "GET"]),
    segments=_segments,
    params=_params,
    headers=st.dictionaries(_names, _values, max_size=5),
    body=st.binary(max_size=200),
    key=st.tuples(_printable, _printable, st.none() | _printable),
    region=st.sampled_from(["us-east-1", "cn-north-1", "x"]),
    at=_times,
)
def test_equals_botocore(
    method: str,
    segments: list[str],
    params: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    key: tuple[str, str, str | None],
    region: str,
    at: datetime,
) -> None:
    """Authorization equals that of botocore's SigV4Auth for every request, key, region and time."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in params)
    target = f"{path}?{query}" if query else path
    named = {"host": "ecs.example.com", "content-type": "application/x-amz-json-1.1", **headers}
    ours = Signer().sign(method, target, named, body, credentials=Credentials(*key), scope=Scope(region, "ecs"), at=at)
    theirs: Any = AWSRequest(method, f"https://ecs.example.com{target}", headers=dict(named), data=body)
    stamp = f"{at.year:04}" + at.strftime("%m%dT%H%M%SZ")
    theirs.context["timestamp"] = stamp
    theirs.headers["X-Amz-Date"] = stamp
    if key[2]:
        theirs.headers["X-Amz-Security-Token"] = key[2]
    auth = SigV4Auth(BotocoreCredentials(*key), "ecs", region)
    canonical = auth.canonical_request(theirs)
    signature = auth.signature(auth.string_to_sign(theirs, canonical), theirs)
    assert ours["x-amz-date"] == stamp
    assert ours["authorization"].rpartition("Signature=")[2] == signature, canonical
