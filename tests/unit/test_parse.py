"""Answers become outputs or errors, whatever they look like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecs_connector.errors import ResponseError
from ecs_connector.model import Model
from ecs_connector.parse import iso, output, request_id, service_error, to_iso
from ecs_connector.values import HttpResponse

MODEL = Model.load()
LIST = MODEL.operation("ListClusters")
TASKS = MODEL.operation("DescribeTasks")


def answer(body: bytes, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def error(body: Any, status: int = 400, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return service_error(MODEL, "ListClusters", answer(content, status, **headers))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1767225600, "2026-01-01T00:00:00.000Z"),
        (1767225600.123, "2026-01-01T00:00:00.123Z"),
        (1767225600.123456, "2026-01-01T00:00:00.123456Z"),
        (-1.5, "1969-12-31T23:59:58.500Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        (1e300, 1e300),
        (float("inf"), float("inf")),
        (True, True),
        (None, None),
    ],
)
def test_timestamps(value: Any, text: Any) -> None:
    """Seconds become ISO-8601 text in UTC; anything else stays as it came."""
    assert iso(value) == text


def test_timestamps_in_lists_and_maps() -> None:
    """Timestamps are found at every depth, and values of another form are left alone."""
    value = {"a": [{"at": 0}, {"at": None}, 7], "m": {"x": {"at": 0}}, "n": "text"}
    to_iso(value, {"a": [{"at": 1}], "m": {"*": {"at": 1}}, "n": [{"at": 1}]}, {})
    assert value["a"][0]["at"] == value["m"]["x"]["at"] == "1970-01-01T00:00:00.000Z"  # type: ignore[index]
    assert value["n"] == "text"


def test_output_of_the_model() -> None:
    """The output is what ECS sent with timestamps as text; with `raw` they stay; unknown members stay."""
    body = json.dumps({"tasks": [{"createdAt": 0, "new": 1}], "failures": []}).encode()
    assert output(TASKS, answer(body))["tasks"] == [{"createdAt": "1970-01-01T00:00:00.000Z", "new": 1}]
    assert output(TASKS, answer(body), raw_timestamps=True)["tasks"] == [{"createdAt": 0, "new": 1}]
    assert output(LIST, answer(b"")) == {}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"7", b'"x"', b"{", b"\xff", b"null"])
def test_not_an_output(body: bytes) -> None:
    """A 200 that is no JSON object is an error that doubts the endpoint."""
    with pytest.raises(ResponseError, match="ECS endpoint"):
        output(LIST, answer(body))


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        ({"__type": "ClusterNotFoundException"}, {}, "ClusterNotFoundException"),
        ({"__type": "com.amazonaws.ecs#ClusterNotFoundException"}, {}, "ClusterNotFoundException"),
        ({"__type": "com.amazonaws.ecs#ClusterNotFoundException:http://x/"}, {}, "ClusterNotFoundException"),
        ({"code": "ClusterNotFoundException"}, {}, "ClusterNotFoundException"),
        ({}, {"x_amzn_errortype": "ClusterNotFoundException:http://x/"}, "ClusterNotFoundException"),
        (b"", {"x_amzn_errortype": "ClusterNotFoundException"}, "ClusterNotFoundException"),
        ({"Error": {"Code": "InvalidClientTokenId", "Message": "no"}}, {}, "InvalidClientTokenId"),
        ({"__type": ""}, {}, "400"),
        ({"__type": 7, "message": ["x"]}, {}, "400"),
        ({"__type": "not a code\n"}, {}, "400"),
        ({"__type": "x" * 500}, {}, "400"),
        (b"<html>Bad Gateway</html>", {}, "400"),
        (b"[]", {}, "400"),
        (b"", {}, "400"),
    ],
)
def test_codes(body: Any, headers: dict[str, str], code: str) -> None:
    """The code is found in every form that AWS writes it in, else it is the status."""
    assert error(body, **headers).code == code


def test_error_has_everything() -> None:
    """Text, status, fault, request id and the error's own members are on the error."""
    body = {"__type": "PlatformUnknownException", "message": "unknown", "resourceIds": ["a"]}
    found = error(body, x_amzn_requestid="r-1")
    assert (found.message, found.status, found.fault, found.request_id) == ("unknown", 400, "client", "r-1")
    assert found.output == {"resourceIds": ["a"]}
    assert "request r-1" in str(found)


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("ServerException", 500, "server"),
        ("ClientException", 400, "client"),
        ("New", 503, "server"),
        ("New", 400, "client"),
    ],
)
def test_faults(code: str, status: int, fault: str) -> None:
    """Whose fault it is comes from the model, else from the status."""
    assert error({"__type": code}, status).fault == fault


def test_texts_are_redacted() -> None:
    """What looks like a secret in AWS's text is masked."""
    assert "hunter2hunter" not in str(error({"__type": "ClientException", "message": "DB_PASSWORD=hunter2hunter"}))


@pytest.mark.parametrize("name", ["x-amzn-requestid", "x-amz-request-id", "x-amz-requestid"])
def test_request_ids(name: str) -> None:
    """The request id is found under every name that AWS has for it."""
    assert request_id(HttpResponse(200, {name: "r"}, b"")) == "r"
    assert request_id(HttpResponse(200, {}, b"")) is None
