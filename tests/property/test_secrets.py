"""Secrets planted in every sensitive path show in no error, report or log line."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_connector.component import Component
from ecs_connector.errors import CallError, ConnectorError, InputError
from ecs_connector.model import Model, Operation
from ecs_connector.prepare import check
from ecs_connector.redact import secrets_in
from ecs_connector.values import HttpRequest, HttpResponse
from ecs_connector.verify_credentials import verify
from support.scripted import CONFIG, Bench, answer, failure

MODEL = Model.load()
OPERATIONS = [MODEL.operation(name) for name in MODEL.names]
SENSITIVE = [operation for operation in OPERATIONS if operation.secrets_in]
COMPONENT = Component.load()
_secrets = st.text("abcXYZ0123456789+/=\\\"'&%<\u00e9 ", min_size=14, max_size=30).filter(
    lambda text: len(set(text)) > 5
)
_keys = st.text("abcdefXYZ0123456789+/=", min_size=16, max_size=40).filter(lambda text: len(set(text)) > 7)


def plant(plan: Any, secrets: Iterator[str]) -> Any:
    """Return a body with a secret at every place that a plan marks."""
    if isinstance(plan, list):
        return [plant(plan[0], secrets), plant(plan[0], secrets)]
    if isinstance(plan, dict):
        return {"anyName" if name == "*" else name: plant(inner, secrets) for name, inner in plan.items()}
    return next(secrets)


def numbered(secret: str) -> Iterator[str]:
    return (f"{secret}{number}z" for number in range(10_000))


def shown(error: BaseException) -> str:
    """Return everything that an error shows to whoever looks."""
    parts = [str(error), repr(error), "".join(traceback.format_exception(error)), repr(vars(error))]
    if isinstance(error, ConnectorError):
        parts += [json.dumps(error.report(), ensure_ascii=False, default=str), error.detail or ""]
        parts.append(repr(vars(pickle.loads(pickle.dumps(error)))))  # noqa: S301 - our own
    return "\n".join(parts)


def assert_hidden(text: str, secrets: set[str]) -> None:
    for secret in secrets:
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            repr(secret)[1:-1],
        ):
            assert form not in text, form


def echo(status: int) -> Any:
    """Return an outcome that repeats all that was sent: body, headers and target."""

    def serve(request: HttpRequest) -> HttpResponse:
        sent = request.body.decode()
        body = {
            "__type": "ClientException", "message": f"Bad input: {sent}", "echo": json.loads(sent), "raw": sent,
            "nested": [{"headers": dict(request.headers)}, repr(json.loads(sent))],
        }  # fmt: skip
        return answer(body, status)

    return serve


OUTCOMES: list[Any] = [
    echo(400),
    echo(500),
    failure("cut", sent=True),
    failure("tls", sent=False),
    answer(b"<", 200),
    answer(b"", 302),
]


@pytest.mark.parametrize("operation", SENSITIVE, ids=[operation.name for operation in SENSITIVE])
@given(secret=_secrets, key=_keys, token=_keys, outcome=st.sampled_from(OUTCOMES))
def test_calls_show_no_secret(
    operation: Operation, secret: str, key: str, token: str, outcome: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that repeats the whole request, a broken connection, and the debug log show no secret of it."""
    body = plant(operation.secrets_in, numbered(secret))
    planted = secrets_in(body, operation.secrets_in)
    secrets = planted | {key, token}
    assert planted
    caplog.clear()
    bench = Bench(outcome)
    with caplog.at_level(logging.DEBUG), pytest.raises(CallError) as caught:
        bench.call(operation.name, body, secretAccessKey=key, sessionToken=token, externalId=f"{key}x", maxAttempts=2)
    assert bench.transport.sent[0].body.count(b"z") >= len(planted)
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert operation.name in lines
    assert_hidden(shown(caught.value) + lines, secrets)


@pytest.mark.parametrize("operation", SENSITIVE, ids=[operation.name for operation in SENSITIVE])
@given(secret=_secrets, wrong=st.sampled_from([None, 7, [], {}, True]))
def test_refused_inputs_show_no_secret(operation: Operation, secret: str, wrong: Any) -> None:
    """The report of an input that breaks the schema shows no secret of it, however it breaks it."""
    body = plant(operation.secrets_in, numbered(secret))
    secrets = secrets_in(body, operation.secrets_in)
    body["unknownMember"] = wrong
    for damaged in (
        body,
        {name: [value] for name, value in body.items()},
        {name: {"x": value} for name, value in body.items()},
    ):
        with pytest.raises(InputError) as caught:
            check(operation, damaged, COMPONENT.context())
        assert_hidden(shown(caught.value), secrets)


@given(key=_keys, token=_keys)
def test_verification_shows_no_secret(key: str, token: str) -> None:
    """The credential check shows no secret when STS and ECS repeat what they were sent."""

    def serve(request: HttpRequest) -> HttpResponse:
        text = f"canonical request: {dict(request.headers)} {key} {token}"
        if b"GetCallerIdentity" in request.body:
            return answer({"Error": {"Code": "AccessDenied", "Message": text}}, 403)
        return answer({"__type": "AccessDeniedException", "message": text}, 400)

    class Context:
        clients = Bench(serve).clients

    result = verify({**CONFIG, "secretAccessKey": key, "sessionToken": token}, Context())  # type: ignore[arg-type]
    assert result["verified"] is False
    assert_hidden(json.dumps(result), {key, token})


def test_there_is_something_to_hide() -> None:
    """The plans of the model are not empty."""
    assert len(SENSITIVE) >= 5
