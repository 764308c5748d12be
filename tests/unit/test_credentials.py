"""Credentials from every source: fetched when needed, renewed in time, never mixed, never shown."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from ecs_connector import Component
from ecs_connector.clock import SystemClock
from ecs_connector.config import Fields, StepConfig
from ecs_connector.credential_sources import ChainProvider, RefreshingProvider, source_provider
from ecs_connector.credentials import ALLOW_ENVIRONMENT, StaticProvider, provider
from ecs_connector.errors import CredentialsError
from ecs_connector.harness.local import LocalEcs, Scenario
from ecs_connector.values import Credentials
from support.scripted import CONFIG, Bench, answer
from support.stepped_clock import START, SteppedClock

FIELDS = Fields.load()
ROLE = "arn:aws:iam::123456789012:role/deploy"
KNOWN = {"accessKeyId": "AKIALOCALLOCALLOCAL1", "secretAccessKey": "local-secret-one"}
SCENARIO = {
    "credentials": [KNOWN, {"accessKeyId": "AKIALOCALLOCALLOCAL2", "secretAccessKey": "local-secret-two"}],
    "roles": [
        {"arn": "arn:aws:iam::123456789012:role/outside", "externalId": "partner-7"},
        {"arn": "arn:aws:iam::123456789012:role/closed", "denied": True},
    ],
}


def parse(**fields: Any) -> StepConfig:
    return FIELDS.parse({"region": "eu-central-1", **fields})


@pytest.fixture
def ecs() -> Iterator[LocalEcs]:
    with LocalEcs(scenario=Scenario.from_mapping(SCENARIO)) as running:
        yield running


def role(ecs: LocalEcs, **fields: Any) -> Credentials:
    config = parse(**{**KNOWN, "endpoint": ecs.url, "roleArn": ROLE, **fields})
    return source_provider(config, clock=SystemClock()).credentials()


def assumed(ecs: LocalEcs) -> list[dict[str, Any]]:
    return [request.body for request in ecs.requests if request.operation == "AssumeRole"]


# -- static keys ----------------------------------------------------------------------------------------


def test_static_keys() -> None:
    """Static keys are what the fields say; nothing is renewed."""
    found = provider(parse(accessKeyId="A", secretAccessKey="s", sessionToken="t"), clock=SteppedClock())
    assert found.credentials() == Credentials("A", "s", "t")
    assert not found.refresh(found.credentials())
    assert isinstance(found, StaticProvider)
    assert set(found.secrets()) == {"s", "t"}


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({}, "accessKeyId"),
        ({"accessKeyId": "A"}, "secretAccessKey"),
        ({"accessKeyId": "A\u00a0B", "secretAccessKey": "s"}, "accessKeyId"),
        ({"accessKeyId": "A", "secretAccessKey": "hid den"}, "secretAccessKey"),
        ({"accessKeyId": "A", "secretAccessKey": "s", "sessionToken": "hidden\r\nx: y"}, "sessionToken"),
        ({"accessKeyId": "A", "roleArn": ROLE}, "secretAccessKey"),
        ({"accessKeyId": "A", "secretAccessKey": "s", "roleArn": "deploy"}, "roleArn"),
        ({"accessKeyId": "A", "secretAccessKey": "s", "roleArn": ROLE, "externalId": "hidden one"}, "externalId"),
        ({"accessKeyId": "A", "secretAccessKey": "s", "roleArn": ROLE, "roleSessionName": "a b"}, "roleSessionName"),
    ],
)
def test_damaged_fields_are_named(fields: dict[str, str], blamed: str) -> None:
    """A missing or damaged field is named, and the value of a secret one is not shown."""
    with pytest.raises(CredentialsError) as caught:
        provider(parse(**fields), clock=SteppedClock())
    assert caught.value.field == blamed
    assert "hid" not in str(caught.value)


# -- the environment ------------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [None, "", "false", "1"])
def test_environment_needs_the_hosts_leave(monkeypatch: pytest.MonkeyPatch, allowed: str | None) -> None:
    """The environment's credentials are refused unless whoever hosts the process allows them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHOST")
    if allowed is not None:
        monkeypatch.setenv(ALLOW_ENVIRONMENT, allowed)
    for fields in ({}, {"roleArn": ROLE}):
        with pytest.raises(CredentialsError) as caught:
            provider(parse(credentialSource="environment", **fields), clock=SteppedClock())
        assert caught.value.field == "credentialSource"


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(ALLOW_ENVIRONMENT, "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def environment() -> Credentials:
    return provider(parse(credentialSource="environment"), clock=SystemClock()).credentials()


def test_environment_variables(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and token in the environment are taken."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    assert environment() == Credentials("AKIAENV", "env-secret", "env-token")


def test_profile(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named profile of the AWS configuration is taken."""
    (allowed / "credentials").write_text(
        "[work]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = profile-secret\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert environment() == Credentials("AKIAPROFILE", "profile-secret")


def test_credential_process(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile whose keys come from a program is taken."""
    answer_file = allowed / "answer.json"
    answer_file.write_text(json.dumps({"Version": 1, "AccessKeyId": "AKIAPROC", "SecretAccessKey": "proc-secret"}))
    (allowed / "config").write_text(f"[profile work]\ncredential_process = cat {answer_file}\n")
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert environment() == Credentials("AKIAPROC", "proc-secret")


def test_web_identity(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token file and a role in the environment (Kubernetes) are taken to STS."""
    from support.raw_server import raw_server, read_request

    (allowed / "token").write_text("web-identity-token")
    asked: list[bytes] = []
    reply = (
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>'
        "<Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>web-secret</SecretAccessKey>"
        "<SessionToken>web-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    ).encode()

    def talk(connection: Any, number: int) -> None:
        asked.append(read_request(connection))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply)
        )

    with raw_server(talk) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(allowed / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        assert environment() == Credentials("ASIAWEB", "web-secret", "web-token")
    assert b"WebIdentityToken=web-identity-token" in asked[0]


def test_container(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials endpoint of a container is asked, with its token."""
    from support.raw_server import raw_server, read_request

    asked: list[bytes] = []
    reply = json.dumps(
        {
            "AccessKeyId": "ASIABOX",
            "SecretAccessKey": "box-secret",
            "Token": "box-token",
            "Expiration": "2099-01-01T00:00:00Z",
        }
    ).encode()

    def talk(connection: Any, number: int) -> None:
        asked.append(read_request(connection))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply)
        )

    with raw_server(talk) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/keys")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token")
        assert environment() == Credentials("ASIABOX", "box-secret", "box-token")
    assert b"container-token" in asked[0]


def test_instance(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata service of an instance is asked, by its second version."""
    from support.raw_server import raw_server, read_request

    keys = {"Code": "Success", "AccessKeyId": "ASIAEC2", "SecretAccessKey": "ec2-secret", "Token": "ec2-token",
            "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC"}  # fmt: skip

    def talk(connection: Any, number: int) -> None:
        line = read_request(connection).split(b"\r\n")[0]
        reply = (
            b"imds-token"
            if line.startswith(b"PUT")
            else b"web"
            if line.split()[1].endswith(b"/")
            else json.dumps(keys).encode()
        )
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply)
        )

    with raw_server(talk) as server:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        assert environment() == Credentials("ASIAEC2", "ec2-secret", "ec2-token")


@pytest.mark.parametrize("profile", [None, "nowhere"])
def test_empty_environment_is_explained(allowed: Path, monkeypatch: pytest.MonkeyPatch, profile: str | None) -> None:
    """No credentials in the environment, or a profile that is not there, is an error with what to do."""
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    with pytest.raises(CredentialsError, match="environment"):
        environment()


def test_environment_is_read_anew_on_refusal(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When AWS refuses the environment's credentials, the chain is gone through anew."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOLD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "old-secret")
    chain = ChainProvider()
    old = chain.credentials()
    assert not chain.refresh(old)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANEW")
    assert chain.credentials() is old
    assert chain.refresh(old)
    assert chain.credentials().access_key_id == "AKIANEW"


# -- roles ----------------------------------------------------------------------------------------------


def test_role_from_static_keys(ecs: LocalEcs) -> None:
    """A role is taken on with the static keys, under the given or our own session name."""
    found = role(ecs)
    assert found.access_key_id.startswith("ASIA")
    assert found.session_token
    assert found.expires_at is not None
    role(ecs, roleSessionName="nightly")
    assert [body["RoleSessionName"] for body in assumed(ecs)] == ["ecs-connector", "nightly"]


def test_role_with_external_id(ecs: LocalEcs) -> None:
    """An external id travels with the request; a wrong one is explained and not shown."""
    outside = "arn:aws:iam::123456789012:role/outside"
    assert role(ecs, roleArn=outside, externalId="partner-7").session_token
    with pytest.raises(CredentialsError, match="trust policy") as caught:
        role(ecs, roleArn=outside, externalId="partner-8-hidden")
    assert "hidden" not in str(caught.value)


def test_role_from_the_environment(ecs: LocalEcs, allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role may be taken on with the environment's credentials, at the STS endpoint that the environment names."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KNOWN["accessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KNOWN["secretAccessKey"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", ecs.url)
    config = parse(credentialSource="environment", roleArn=ROLE)
    assert provider(config, clock=SystemClock()).credentials().session_token
    assert len(assumed(ecs)) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"accessKeyId": "AKIANOBODY"}, "Check accessKeyId"),
        ({"secretAccessKey": "wrong-hidden-secret"}, "does not belong to accessKeyId"),
        ({"roleArn": "arn:aws:iam::123456789012:role/closed"}, "trust policy"),
    ],
)
def test_refused_role_is_explained(ecs: LocalEcs, fields: dict[str, str], says: str) -> None:
    """A role that cannot be taken on says why and what to do, without a secret."""
    with pytest.raises(CredentialsError, match=says) as caught:
        role(ecs, **fields)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_unreachable_sts_is_explained() -> None:
    """An STS that cannot be reached is an error about the network."""
    config = parse(**KNOWN, endpoint="http://127.0.0.1:1", roleArn=ROLE, maxAttempts=1)
    with pytest.raises(CredentialsError, match="network"):
        source_provider(config, clock=SystemClock()).credentials()


def test_call_with_a_role(ecs: LocalEcs) -> None:
    """Calls of a step with a role are signed with the role's credentials, which are fetched once."""
    with Component.load() as component:
        config = {**KNOWN, "region": "eu-central-1", "endpoint": ecs.url, "roleArn": ROLE}
        for _ in range(3):
            list(component.run("ListClusters", body={}, config=config))
    keys = {request.access_key_id for request in ecs.requests if request.operation == "ListClusters"}
    assert len(assumed(ecs)) == 1
    assert all(key is not None and key.startswith("ASIA") for key in keys)


def test_different_identities_never_share(ecs: LocalEcs) -> None:
    """Steps with different keys or session names call with their own credentials, even side by side."""
    with Component.load() as component:
        base = {"region": "eu-central-1", "endpoint": ecs.url}
        one, two = ({**base, **keys} for keys in SCENARIO["credentials"])  # type: ignore[dict-item]
        configs = [one, two, {**one, "roleArn": ROLE}, {**one, "roleArn": ROLE, "roleSessionName": "other"}]
        threads = [
            threading.Thread(target=lambda config=config: list(component.run("ListClusters", body={}, config=config)))
            for config in configs * 3
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    keys = [request.access_key_id for request in ecs.requests if request.operation == "ListClusters"]
    assert sorted(map(keys.count, set(keys))) == [3, 3, 3, 3]
    assert len(assumed(ecs)) == 2


# -- renewal --------------------------------------------------------------------------------------------


class Source:
    """Gives numbered credentials that live for a while."""

    def __init__(self, clock: SteppedClock, lifetime_s: float) -> None:
        self.clock = clock
        self.lifetime_s = lifetime_s
        self.fetched = 0
        self.failing: Exception | None = None

    def __call__(self) -> Credentials:
        if self.failing is not None:
            raise self.failing
        self.fetched += 1
        end = self.clock.now() + timedelta(seconds=self.lifetime_s)
        return Credentials(f"ASIA{self.fetched}", f"secret-{self.fetched}", "token", expires_at=end)


def renewing(lifetime_s: float) -> tuple[RefreshingProvider, Source, SteppedClock]:
    clock = SteppedClock()
    source = Source(clock, lifetime_s)
    return RefreshingProvider(source, clock=clock, what="The role"), source, clock


def test_no_expired_credentials_in_a_long_run() -> None:
    """With credentials that live for 60 s, none of 5 minutes of calls carries expired ones, and few are fetched."""
    found, source, clock = renewing(60)
    for _ in range(3000):
        used = found.credentials()
        assert used.expires_at is not None
        assert used.expires_at > clock.now()
        clock.elapsed_s += 0.1
    assert 5 <= source.fetched <= 8


def test_hour_long_credentials_are_renewed_a_quarter_before() -> None:
    """Credentials of an hour are renewed 15 minutes before they expire, not earlier."""
    found, source, clock = renewing(3600)
    found.credentials()
    clock.elapsed_s = 3600 - 901
    found.credentials()
    assert source.fetched == 1
    clock.elapsed_s = 3600 - 899
    found.credentials()
    assert source.fetched == 2


def test_failed_early_renewal_is_no_failure() -> None:
    """While the old credentials are good a failed renewal is not an error; close to their end it is."""
    found, source, clock = renewing(3600)
    held = found.credentials()
    source.failing = ConnectTimeoutError(endpoint_url="https://sts.example")
    clock.elapsed_s = 3600 - 800
    assert found.credentials() is held
    clock.elapsed_s = 3600 - 500
    with pytest.raises(CredentialsError, match="The role"):
        found.credentials()


def test_credentials_that_have_expired_already() -> None:
    """New credentials that have expired by our clock point to the clock."""
    found, _, _ = renewing(-10)
    with pytest.raises(CredentialsError, match="clock"):
        found.credentials()


@pytest.mark.parametrize("start", ["empty", "expired", "refused"])
def test_twenty_threads_fetch_once(start: str) -> None:
    """Twenty calls that need new credentials at once cause one fetch."""
    found, source, clock = renewing(3600)
    slow = source.__call__

    def fetch() -> Credentials:
        time.sleep(0.05)
        return slow()

    found._fetch = fetch
    stale = found.credentials() if start != "empty" else None
    if start == "expired":
        clock.elapsed_s = 3600
    before = source.fetched
    gate = threading.Barrier(20)
    seen: list[Credentials] = []

    def work() -> None:
        gate.wait(5)
        if start == "refused":
            assert stale is not None
            assert found.refresh(stale)
        seen.append(found.credentials())

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.fetched == before + 1
    assert len({one.access_key_id for one in seen}) == 1


def test_secrets_never_show() -> None:
    """Neither the repr of credentials nor that of a configuration shows a secret."""
    text = repr(Credentials("AKIA", "hidden-secret", "hidden-token", START)) + repr(
        parse(accessKeyId="A", secretAccessKey="hidden-secret", externalId="hidden-id")
    )
    assert "hidden" not in text


def test_static_keys_load_no_botocore() -> None:
    """The module that loads botocore is not loaded for static keys."""
    script = (
        "import sys; from ecs_connector.client import Clients; from ecs_connector.clock import SystemClock\n"
        f"Clients(clock=SystemClock(), random=lambda: 0, version='1').step('ListClusters', {CONFIG!r})\n"
        "assert not [name for name in sys.modules if name.startswith(('botocore', 'ecs_connector.credential_sources'))]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)


def test_call_says_that_the_role_is_refused(ecs: LocalEcs) -> None:
    """A call whose role cannot be taken on sends nothing to ECS."""
    bench = Bench(answer())
    with pytest.raises(CredentialsError):
        bench.call(**KNOWN, endpoint=ecs.url, roleArn="arn:aws:iam::123456789012:role/closed")
    assert bench.transport.sent == []
