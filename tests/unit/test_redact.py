"""What looks like a secret is masked, what does not stays."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ecs_connector.redact import Redactor, fingerprint, redact_members, redact_text, secrets_in

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEHcaCXVzLWVhc3QtMSJHMEUCIQDx"
SIGNATURE = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

MASKED = [
    (f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={SIGNATURE}&x=1", SIGNATURE),
    (f"https://b.s3.amazonaws.com/k?X-Amz-Signature={SIGNATURE}: 403 Forbidden", SIGNATURE),
    (f"?X-Amz-Security-Token={TOKEN}%2F%2F&X-Amz-Date=1", TOKEN),
    (f"?X-Amz-Credential={KEY_ID}%2F20240501%2Fus-east-1", KEY_ID),
    (f"?a=b\\u0026X-Amz-Signature={SIGNATURE}\\u0026c=d", SIGNATURE),
    (f"next%3Fa%3Db%26X-Amz-Signature%3D{SIGNATURE}%26c%3Dd", SIGNATURE),
    (f"x-amz-security-token: {TOKEN}", TOKEN),
    (f"POST\n/\n\nhost:ecs\nx-amz-security-token:{TOKEN}\n", TOKEN),
    (f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20240501/us-east-1/ecs/aws4_request, SignedHeaders=host", KEY_ID),
    (f"Authorization: AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature={SIGNATURE}", SIGNATURE),
    ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ('{"Authorization": "Bearer abcdefgh"}', "abcdefgh"),
    ("Authorization: abcdefghijklmnopqrst", "abcdefghijklmnopqrst"),
    ("sent Bearer 0123456789abcdef to the registry", "0123456789abcdef"),
    (f'{{"secretAccessKey": "{SECRET}"}}', SECRET),
    (f"{{'SecretAccessKey': '{SECRET}'}}", SECRET),
    (f"aws_secret_access_key = {SECRET}", SECRET),
    (f"AWS_SESSION_TOKEN={TOKEN}", TOKEN),
    (f"the token {TOKEN} is expired", TOKEN),
    ('{"sessionToken": "with blanks, \\"quotes\\" and more"}', "blanks"),
    ('"{\\"password\\": \\"hunter two\\"}"', "hunter two"),
    ("DB_PASSWORD=hunter2hunter", "hunter2hunter"),
    ("password: hunter2!", "hunter2!"),
    ("mysqldump --password hunter2 --all", "hunter2"),
    ("amqp://guest:p@ss@broker:5672/vhost", "p@ss"),
    ("https://ghp0123456789abcdef@github.com/x", "ghp0123456789abcdef"),
    (f"cookie {JWT};", JWT),
    ("push with ghp_abcdefghijklmnopqrst", "ghp_abcdefghijklmnopqrst"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("cut -----BEGIN PRIVATE KEY-----\nMIIEow", "MIIEow"),
    (f"key {KEY_ID} is not valid", KEY_ID),
    ("GET https://production.cloudflare.docker.com/x?expires=1&verify=1700-AbCdEf%3D", "1700-AbCdEf"),
]

UNTOUCHED = [
    "arn:aws:ecs:eu-central-1:123456789012:task/blue/0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
    '{"nextToken": "eyJuZXh0VG9rZW4iOiBudWxsfQ==", "clientToken": "6f1f6a34-0d5c-4a3b-a1a2-2f7b1e1d0c9b"}',
    "password: must be at least eight characters",
    "Basic authentication is off",
    'WWW-Authenticate: Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
    "https://ecs.eu-central-1.amazonaws.com/?Action=RunTask&Version=2014-11-13",
    "SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target",
    "unable to retrieve secret from asm: service call has been retried 1 time(s)",
    "sha256:2bb501e6429ad5c1b1a2b1ab2e1b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    "http://localhost:4566/path@2x.png",
    "CloudWatch log group /ecs/web, stream ecs/app/0f3c",
]


@pytest.mark.parametrize(("text", "secret"), MASKED)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    """No text shows the secret in it, and masking it twice changes nothing."""
    once = redact_text(text)
    assert secret not in once
    assert redact_text(once) == once


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_no_secret_stays(text: str) -> None:
    """ARNs, tokens of pages, endpoints and sentences are shown as they are."""
    assert redact_text(text) == text


def test_a_text_keeps_what_is_around_its_secrets() -> None:
    """Host, path and the other parameters of a signed URL stay readable."""
    text = redact_text(f"GET https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={SIGNATURE}&z=2: 403")
    assert text == f"GET https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={fingerprint(SIGNATURE)}&z=2: 403"


def test_an_access_key_id_keeps_its_ends() -> None:
    """A person can tell which key it was; the id is not shown."""
    assert redact_text(f"{KEY_ID} and ASIAIOSFODNN7EXAMPLE") == "AKIA***MPLE and ASIA***MPLE"


def test_members_are_masked_by_the_plan() -> None:
    """What the plan marks is masked, with its keys kept; the rest and the argument stay."""
    plan = {
        "overrides": {"containerOverrides": [{"environment": [{"value": "s"}]}]},
        "labels": {"*": "s"},
        "settings": "s",
    }
    body = {
        "cluster": "blue",
        "overrides": {"containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": "hunter2"}]}]},
        "labels": {"team": "hunter2"},
        "settings": {"deep": ["hunter2", 12345, None, ""]},
    }
    before = json.dumps(body)
    mask = fingerprint("hunter2")
    assert redact_members(body, plan) == {
        "cluster": "blue",
        "overrides": {"containerOverrides": [{"name": "app", "environment": [{"name": "A", "value": mask}]}]},
        "labels": {"team": mask},
        "settings": {"deep": [mask, fingerprint("12345"), None, ""]},
    }
    assert json.dumps(body) == before
    assert secrets_in(body, plan) == {"hunter2"}


@pytest.mark.parametrize(
    "body",
    [
        {"environment": "hunter2"},
        {"environment": {"value": "hunter2"}},
        {"environment": ["hunter2"]},
        {"environment": [["hunter2"]]},
        {"environment": [{"Value": "hunter2"}]},
        {"Environment": [{"value": {"x": "hunter2"}}]},
        {"environment": [{"value": ["hunter2"]}]},
        ["hunter2"],
        "hunter2",
    ],
)
def test_a_body_of_the_wrong_shape_shows_no_secret(body: object) -> None:
    """A body that the schema would refuse is masked where it differs from the plan."""
    plan = {"environment": [{"value": "s"}]}
    assert "hunter2" not in json.dumps(redact_members(body, plan))
    assert secrets_in(body, plan) == {"hunter2"}


def test_an_empty_plan_masks_nothing() -> None:
    """An operation without sensitive members keeps its body."""
    body = {"cluster": "blue", "tasks": ["x"]}
    assert redact_members(body, {}) == body
    assert secrets_in(body, {}) == set()


def test_a_masked_body_stays_as_it_is() -> None:
    """Masking by the plan twice gives the same fingerprints as once."""
    once = redact_members({"a": "hunter2"}, {"a": "s"})
    assert redact_members(once, {"a": "s"}) == once


def test_a_known_secret_is_masked_in_each_of_its_forms() -> None:
    """JSON, JSON within JSON, URL and repr of a secret all give its one fingerprint."""
    secret = 'a"b\\c/d \u00e9\n+'
    redactor = Redactor([secret])
    as_json = json.dumps(secret)
    for text in (
        secret,
        as_json[1:-1],
        json.dumps(as_json)[3:-3],
        as_json[1:-1].replace("/", "\\/"),
        repr(secret)[1:-1],
    ):
        assert redactor.text(f"<{text}>") == f"<{fingerprint(secret)}>"
    for text in ("a%22b%5Cc%2Fd%20%C3%A9%0A%2B", "a%22b%5cc%2fd%20%c3%a9%0a%2b", "a%22b%5Cc/d+%C3%A9%0A%2B"):
        assert redactor.text(f"<{text}>") == f"<{fingerprint(secret)}>"


def test_a_value_is_masked_throughout_and_stays_json() -> None:
    """Strings, keys and what stands under a secret's name are masked; numbers and literals stay."""
    value = {"a": ["x hunter2 y", 7, True, None], "hunter2": 1, "dbPassword": "letmein", "list": ("hunter2",)}
    mask = fingerprint("hunter2")
    assert Redactor(["hunter2", "true"]).value(value) == {
        "a": [f"x {mask} y", 7, True, None],
        mask: 1,
        "dbPassword": fingerprint("letmein"),
        "list": [mask],
    }


def test_trivial_secrets_do_not_tear_texts_apart() -> None:
    """Strings of under four characters and JSON literals are not searched for in texts."""
    assert Redactor(["", "a", "abc", "true", "null"]).text('{"a": true, "b": null, "c": "abc"}') == (
        '{"a": true, "b": null, "c": "abc"}'
    )


def test_a_redactor_shows_no_secret_of_its_own() -> None:
    """The repr of a redactor holds none of the strings that it masks."""
    assert "hunter2" not in repr(Redactor(["hunter2"]))


def test_the_longest_secret_wins() -> None:
    """A secret that contains another one is masked whole."""
    assert Redactor(["hunter2", "hunter2hunter2"]).text("hunter2hunter2!") == fingerprint("hunter2hunter2") + "!"


def test_importing_it_loads_nothing_heavy() -> None:
    """The module itself brings in neither OpenSSL nor JSON nor URL handling."""
    code = (
        "import sys, importlib.util as u;"
        "import re, functools, typing, collections.abc;"
        "before = set(sys.modules);"
        f"spec = u.spec_from_file_location('redact', {sys.modules['ecs_connector.redact'].__file__!r});"
        "module = u.module_from_spec(spec); spec.loader.exec_module(module);"
        "print(sorted((set(sys.modules) - before) & {'hashlib', 'json', 'urllib.parse', 'botocore', 'requests'}))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
