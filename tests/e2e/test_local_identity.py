"""The embedded endpoint knows who calls: signatures, STS, and keys that may not."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario
from support.local_client import Answer, LocalClient, signed_headers

_KEYS = [
    {"accessKeyId": "AKIAGOOD", "secretAccessKey": "good-secret"},
    {"accessKeyId": "AKIADENIED", "secretAccessKey": "denied-secret", "deny": ["ecs:*"]},
    {"accessKeyId": "ASIAOLD", "secretAccessKey": "old-secret", "sessionToken": "old-token", "expired": True},
]


def _signed(
    ecs: LocalEcs,
    key: tuple[str, str, str | None],
    service: str = "ecs",
    operation: str = "ListClusters",
    form: str = "",
) -> Answer:
    """Make a call that botocore has signed."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    if service == "ecs":
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        }
    target = f"/?Action={operation}&Version=2014-11-13" if service == "ecs" else "/"
    data = form.encode() if form else b"{}"
    request = AWSRequest("POST", ecs.url + target, headers, data)
    SigV4Auth(Credentials(*key), service, "eu-west-1").add_auth(request)
    with LocalClient(ecs.port) as client:
        return client.send("POST", target, data, dict(request.headers.items()))


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (("AKIANOBODY", "no-secret", None), "UnrecognizedClientException"),
        (("AKIAGOOD", "wrong-secret", None), "InvalidSignatureException"),
        (("AKIAGOOD", "good-secret", "not-mine"), "UnrecognizedClientException"),
        (("ASIAOLD", "old-secret", "old-token"), "ExpiredTokenException"),
        (("AKIADENIED", "denied-secret", None), "AccessDeniedException"),
    ],
)
def test_known_keys_are_verified(key: tuple[str, str, str | None], code: str) -> None:
    """With keys in the scenario, every way to be the wrong caller has its own refusal, without the secret in it."""
    with LocalEcs(scenario=Scenario.from_mapping({"credentials": _KEYS})) as ecs:
        answer = _signed(ecs, key)
        good = _signed(ecs, ("AKIAGOOD", "good-secret", None))

    assert (answer.status, answer.code) == (400, code)
    assert key[1] not in answer.raw.decode()
    assert good.status == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Authorization": None}, "MissingAuthenticationTokenException"),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, "IncompleteSignatureException"),
        ({"X-Amz-Date": None}, "IncompleteSignatureException"),
        ({"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.Nonsense"}, "UnknownOperationException"),
    ],
)
def test_a_request_must_look_signed(change: dict[str, str | None], code: str) -> None:
    """Without keys in the scenario any signature passes, but it has to be one."""
    headers = {**signed_headers("ListClusters"), **change}
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        sent = {name: value for name, value in headers.items() if value is not None}
        answer = client.send("POST", "/", b"{}", sent)

    assert (answer.status, answer.code) == (400, code)


def test_a_signature_for_another_service_is_refused() -> None:
    """A credential scope that names another service is refused as AWS does."""
    with LocalEcs(clock=ManualClock()) as ecs, LocalClient(ecs.port) as client:
        headers = {**signed_headers("ListClusters", service="s3")}
        headers["X-Amz-Target"] = "AmazonEC2ContainerServiceV20141113.ListClusters"
        answer = client.send("POST", "/", b"{}", headers)

    assert answer.code == "InvalidSignatureException"
    assert "scoped to correct service: 'ecs'" in answer.body["message"]


def _sts(ecs: LocalEcs, form: str, accept: str = "*/*") -> Answer:
    headers = {
        **signed_headers("", service="sts"),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": accept,
    }
    with LocalClient(ecs.port) as client:
        return client.send("POST", "/", form, headers)


def test_sts_says_who_calls_in_xml_and_json() -> None:
    """GetCallerIdentity answers in the form that the client accepts."""
    form = "Action=GetCallerIdentity&Version=2011-06-15"
    with LocalEcs(clock=ManualClock()) as ecs:
        xml, as_json = _sts(ecs, form), _sts(ecs, form, "application/json")
        recorded = ecs.requests[-1]

    assert b"<Account>123456789012</Account>" in xml.raw
    result = as_json.body["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert result["Arn"] == "arn:aws:iam::123456789012:user/local"
    assert (recorded.service, recorded.operation, recorded.status) == ("sts", "GetCallerIdentity", 200)


def test_sts_refuses_in_its_own_words() -> None:
    """STS has other names and a 403 for the refusals that ECS knows."""
    form = "Action=GetCallerIdentity&Version=2011-06-15"
    with LocalEcs(scenario=Scenario.from_mapping({"credentials": _KEYS})) as ecs:
        codes = []
        for key in (("AKIANOBODY", "x", None), ("AKIAGOOD", "wrong", None), ("ASIAOLD", "old-secret", "old-token")):
            answer = _signed(ecs, key, "sts", "GetCallerIdentity", form)
            codes.append((answer.status, re.findall("<Code>(.*)</Code>", answer.raw.decode())[0]))
        ecs.inject(kind="throttle", service="sts", operation="*", times=1)
        throttled = _signed(ecs, ("AKIAGOOD", "good-secret", None), "sts", "GetCallerIdentity", form)

    assert codes == [(403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch"), (403, "ExpiredToken")]
    assert throttled.status == 400
    assert b"<Code>Throttling</Code>" in throttled.raw


def test_a_role_gives_keys_that_work_until_they_expire() -> None:
    """AssumeRole's keys are accepted, with their true secret and token only, until the clock passes their end."""
    role = {"arn": "arn:aws:iam::123456789012:role/deploy", "externalId": "e-1", "lifetimeSeconds": 60}
    clock = ManualClock()
    form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/deploy&RoleSessionName=me"
    with LocalEcs(scenario=Scenario.from_mapping({"roles": [role]}), clock=clock) as ecs:
        refused = _sts(ecs, form)
        result = _sts(ecs, f"{form}&ExternalId=e-1", "application/json").body["AssumeRoleResponse"]["AssumeRoleResult"]
        given = result["Credentials"]
        key = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        fresh = _signed(ecs, key)
        forged = _signed(ecs, (key[0], "forged", key[2]))
        clock.advance(61)
        late = _signed(ecs, key)

    assert refused.status == 403
    assert b"AccessDenied" in refused.raw
    assert given["Expiration"] == pytest.approx(clock.now().astimezone(UTC).timestamp() - 1, abs=0.01)
    assert result["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/deploy/me"
    assert (fresh.status, forged.code, late.code) == (200, "InvalidSignatureException", "ExpiredTokenException")


def test_logs_follow_the_container() -> None:
    """A container's lines are in the stream that awslogs would write, once the task has run."""
    logging = {"logDriver": "awslogs", "options": {"awslogs-group": "/g", "awslogs-stream-prefix": "p"}}
    definition = {
        "family": "job",
        "containerDefinitions": [{"name": "app", "image": "b", "memory": 64, "logConfiguration": logging}],
    }
    lines = [f"line {number}" for number in range(5)]
    scenario = {"tasks": [{"containers": {"app": {"exitCode": 1, "logs": lines}}}]}
    clock = ManualClock()
    with LocalEcs(scenario=Scenario.from_mapping(scenario), clock=clock) as ecs, LocalClient(ecs.port) as client:
        ecs.call("CreateCluster", {"clusterName": "c"})
        ecs.call("RegisterTaskDefinition", definition)
        task = client.ok("RunTask", {"cluster": "c", "taskDefinition": "job"})["tasks"][0]["taskArn"]
        stream = {"logGroupName": "/g", "logStreamName": f"p/app/{task.rsplit('/', 1)[-1]}"}
        early = client.call("GetLogEvents", stream, service="logs")
        clock.advance(10)
        last = client.ok("GetLogEvents", {**stream, "limit": 2}, service="logs")
        first = client.ok("GetLogEvents", {**stream, "limit": 2, "startFromHead": True}, service="logs")
        second = client.ok(
            "GetLogEvents", {**stream, "limit": 2, "nextToken": first["nextForwardToken"]}, service="logs"
        )
        before = client.ok(
            "GetLogEvents", {**stream, "limit": 2, "nextToken": last["nextBackwardToken"]}, service="logs"
        )
        end = client.ok("GetLogEvents", {**stream, "nextToken": last["nextForwardToken"]}, service="logs")
        streams = client.ok("DescribeLogStreams", {"logGroupName": "/g"}, service="logs")["logStreams"]

    def messages(output: Any) -> list[str]:
        return [event["message"] for event in output["events"]]

    assert early.code == "ResourceNotFoundException"
    assert messages(last) == ["line 3", "line 4"]
    assert messages(first) + messages(second) == lines[:4]
    assert messages(before) == ["line 1", "line 2"]
    assert (messages(end), end["nextForwardToken"]) == ([], last["nextForwardToken"])
    assert [item["logStreamName"] for item in streams] == [stream["logStreamName"]]
    assert json.dumps(last["events"][0]["timestamp"]).isdigit()
