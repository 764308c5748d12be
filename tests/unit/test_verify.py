"""The credential check: who it is, or what is wrong and what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ecs_connector import Component
from ecs_connector.errors import ConfigError, CredentialsError, EndpointError, ServiceError, TransportError
from ecs_connector.harness.local import LocalEcs, Scenario
from ecs_connector.values import HttpRequest, HttpResponse
from ecs_connector.verify_credentials import check, verify
from support.scripted import CONFIG, Bench, answer, failure, refusal

GOOD = {"accessKeyId": "AKIAGOODGOODGOODGOOD", "secretAccessKey": "good-hidden-secret"}
SCENARIO = {
    "credentials": [
        {**GOOD, "arn": "arn:aws:iam::123456789012:user/ok"},
        {"accessKeyId": "AKIADENYDENYDENYDENY", "secretAccessKey": "good-hidden-secret", "deny": ["ecs:ListClusters"]},
        {"accessKeyId": "ASIAOLDOLDOLDOLDOLDO", "secretAccessKey": "good-hidden-secret", "sessionToken": "hidden-token", "expired": True},
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def ecs() -> Iterator[LocalEcs]:
    with LocalEcs(scenario=Scenario.from_mapping(SCENARIO)) as running:
        yield running


@pytest.fixture
def component() -> Iterator[Component]:
    with Component.load() as loaded:
        loaded.random = lambda: 0.0
        yield loaded


def test_good_credentials(ecs: LocalEcs, component: Component) -> None:
    """Good credentials show account, identity and region."""
    config = {**GOOD, "region": "eu-central-1", "endpoint": ecs.url}
    result = verify(config, component.context())
    assert result == {
        "verified": True, "account": "123456789012", "arn": "arn:aws:iam::123456789012:user/ok", "region": "eu-central-1",
        "endpoint": ecs.url,
    }  # fmt: skip
    assert check(config, component.context()).account == "123456789012"


def _dead_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "key": ({"accessKeyId": "AKIANOBODYNOBODYNOBO"}, CredentialsError, "does not know this access key"),
    "secret": ({"secretAccessKey": "wrong-hidden-secret"}, CredentialsError, "does not belong to accessKeyId"),
    "expired": (
        {"accessKeyId": "ASIAOLDOLDOLDOLDOLDO", "sessionToken": "hidden-token"},
        CredentialsError,
        "have expired",
    ),
    "permission": ({"accessKeyId": "AKIADENYDENYDENYDENY"}, ServiceError, "ecs:ListClusters"),
    "region": ({"endpoint": None, "region": "eu-centrall-1"}, EndpointError, "Did you mean eu-central-1"),
    "unreachable": ({"endpoint": "dead"}, TransportError, "cannot be reached"),
    "missing": ({"accessKeyId": ""}, CredentialsError, "access key ID is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(ecs: LocalEcs, component: Component, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each thing that can be wrong has its own text and class; no text has a secret."""
    fields, kind, says = WRONG[name]
    if name == "region":
        monkeypatch.setattr(socket, "getaddrinfo", _unknown)
    config = {**GOOD, "region": "eu-central-1", "endpoint": ecs.url, **fields}
    if config["endpoint"] == "dead":
        config["endpoint"] = _dead_port()
    result = verify(config, component.context())
    assert result["verified"] is False
    assert says in result["reason"]
    assert "hidden" not in json.dumps(result)
    with pytest.raises(kind) as caught:
        check(config, component.context())
    assert "hidden" not in repr(caught.value)


def _unknown(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_all_reasons_differ(ecs: LocalEcs, component: Component, monkeypatch: pytest.MonkeyPatch) -> None:
    """No two things that can be wrong have the same text."""
    reasons = []
    for fields, _, _ in WRONG.values():
        config = {**GOOD, "region": "eu-central-1", "endpoint": ecs.url, **fields}
        if config["endpoint"] is None:
            monkeypatch.setattr(socket, "getaddrinfo", _unknown)
        else:
            monkeypatch.undo()
            config["endpoint"] = _dead_port() if config["endpoint"] == "dead" else config["endpoint"]
        reasons.append(verify(config, component.context())["reason"])
    bench = Bench(refusal("InvalidSignatureException", "Signature expired: 1 is now earlier than 2"))
    reasons.append(verify(CONFIG, _context(bench))["reason"])
    assert len(set(reasons)) == len(WRONG) + 1


def _context(bench: Bench) -> Any:
    class Context:
        clients = bench.clients

    return Context()


def script(sts: HttpResponse | Exception, ecs: HttpResponse | Exception | None = None) -> Bench:
    """Return a bench whose STS and ECS answer so."""

    def serve(request: HttpRequest) -> HttpResponse | Exception:
        return sts if b"GetCallerIdentity" in request.body else ecs or answer({"clusterArns": []})

    return Bench(serve)


IDENTITY = {
    "GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": "123456789012", "Arn": "arn:x", "UserId": "u"}}
}


def test_sts_of_the_region_is_asked_by_the_same_signer() -> None:
    """Without a custom endpoint STS of the region is asked first, signed for STS, then ECS for one cluster."""
    bench = script(answer(IDENTITY))
    assert verify(CONFIG, _context(bench))["arn"] == "arn:x"
    sts, ecs = bench.transport.sent
    assert sts.endpoint.url == "https://sts.eu-central-1.amazonaws.com"
    assert "/eu-central-1/sts/aws4_request" in sts.headers["authorization"]
    assert json.loads(ecs.body) == {"maxResults": 1}


def test_custom_endpoint_has_aws_sts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a custom endpoint AWS's STS of the signing region is asked, or the one that the environment names."""
    bench = script(answer(IDENTITY))
    config = {**CONFIG, "endpoint": "https://ecs.example.org", "signingRegion": "us-east-1"}
    verify(config, _context(bench))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.example.org")
    verify(config, _context(bench))
    asked = [one.endpoint.url for one in bench.transport.sent if b"GetCallerIdentity" in one.body]
    assert asked == ["https://sts.us-east-1.amazonaws.com", "https://sts.example.org"]


def test_xml_is_understood() -> None:
    """An STS that answers XML is understood all the same."""
    xml = b"<R><Arn>arn:aws:iam::1:user/x</Arn><UserId>u</UserId><Account>123456789012</Account></R>"
    assert verify(CONFIG, _context(script(answer(xml))))["account"] == "123456789012"


@pytest.mark.parametrize(
    "sts",
    [
        failure("connect", sent=False),
        answer(b"<html>", 404),
        answer({"Error": {"Code": "AccessDenied", "Message": "no"}}, 403),
    ],
)
def test_ecs_decides_when_sts_cannot_say(sts: HttpResponse | Exception) -> None:
    """In a closed network, or where STS is forbidden, credentials that ECS takes are good, with a warning."""
    result = verify(CONFIG, _context(script(sts)))
    assert result["verified"] is True
    assert "STS" in result["warning"]


@pytest.mark.parametrize(
    ("code", "message", "says"),
    [
        ("UnrecognizedClientException", "The security token included in the request is invalid.", "access key"),
        ("InvalidSignatureException", "The request signature we calculated does not match", "secretAccessKey"),
        ("InvalidSignatureException", "Credential should be scoped to a valid region, not 'eu-1'.", "signingRegion"),
        ("InvalidSignatureException", "Signature not yet current: 1 is later than 2", "Set the clock"),
        ("ExpiredTokenException", "The security token included in the request is expired", "new temporary keys"),
    ],
)
def test_refusals_of_ecs_are_explained_too(code: str, message: str, says: str) -> None:
    """When only ECS was reached, its refusals are explained as those of STS are."""
    bench = script(failure("connect", sent=False), refusal(code, message))
    with pytest.raises(ConfigError, match=says):
        check(CONFIG, _context(bench))


def test_wrong_clock_is_a_warning_when_it_can_be_corrected(ecs: LocalEcs, component: Component) -> None:
    """A clock that is an hour off is corrected for, and named."""
    ecs.clock_skew_s = 3600
    try:
        result = verify({**GOOD, "region": "eu-central-1", "endpoint": ecs.url}, component.context())
    finally:
        ecs.clock_skew_s = None
    assert result["verified"] is True
    assert "clock" in result["warning"]
    assert "behind" in result["warning"]


def test_echoed_secrets_are_masked() -> None:
    """An STS that quotes what it was sent, as AWS does with the canonical request, gives no secret away."""
    text = "The request signature we calculated does not match. x-amz-security-token:hidden-token-1234 scripted-secret\n hidden"
    sts = answer({"Error": {"Code": "SignatureDoesNotMatch", "Message": text}}, 403)
    reason = verify({**CONFIG, "sessionToken": "hidden-token-1234"}, _context(script(sts)))["reason"]
    assert "hidden" not in reason
    assert "scripted-secret" not in reason


def test_redirect_and_tls_are_explained() -> None:
    """A redirect and a certificate that is not accepted say what to check."""
    for outcome, says in ((answer(b"", 302), "redirect"), (failure("tls", sent=False), "AWS_CA_BUNDLE")):
        assert says in verify(CONFIG, _context(script(outcome, outcome)))["reason"]
