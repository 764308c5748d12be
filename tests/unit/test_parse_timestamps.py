"""Timestamps of outputs: every member of the model, as ISO-8601 text in UTC, to the millisecond."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ecs_connector import errors, parse
from ecs_connector.model import Model
from ecs_connector.values import HttpResponse
from support.strategies import operations, service

MODEL = Model.load()
STAMP, TEXT = 1768476600.123, "2026-01-15T11:30:00.123Z"


def filled(shape: Any, stamp: Any, above: tuple[str, ...] = ()) -> Any:
    """Return a value with every member of a shape, lists and maps with one entry."""
    kind = shape.type_name
    if kind == "structure":
        if shape.name in above or getattr(shape, "is_document_type", False):
            return {"free": 1768476600.5}
        return {name: filled(member, stamp, (*above, shape.name)) for name, member in shape.members.items()}
    if kind == "list":
        return [filled(shape.member, stamp, above)]
    if kind == "map":
        return {"name": filled(shape.value, stamp, above)}
    return stamp if kind == "timestamp" else {"boolean": True, "string": "text"}.get(kind, 1768476600)


def read(operation: str, content: Any, *, raw: bool = False) -> Any:
    response = HttpResponse(200, {}, json.dumps(content).encode())
    return parse.output(MODEL.operation(operation), response, raw_timestamps=raw)


@pytest.mark.parametrize("operation", operations())
def test_every_timestamp_of_the_model_becomes_text(operation: str) -> None:
    """Each timestamp member, nested ones too, is converted; no number beside them is."""
    shape = service().operation_model(operation).output_shape
    if shape is None:
        assert read(operation, {"x": STAMP}) == {"x": STAMP}
        return

    assert read(operation, filled(shape, STAMP)) == filled(shape, TEXT)


@pytest.mark.parametrize("operation", operations())
def test_raw_timestamps_stay_numbers(operation: str) -> None:
    """With raw timestamps the output is what ECS sent."""
    shape = service().operation_model(operation).output_shape
    content = filled(shape, STAMP) if shape is not None else {}

    assert read(operation, content, raw=True) == content


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1768476600, "2026-01-15T11:30:00.000Z"),
        (1768476600.0, "2026-01-15T11:30:00.000Z"),
        (1768476600.001, "2026-01-15T11:30:00.001Z"),
        (1768476600.999, "2026-01-15T11:30:00.999Z"),
        (1768476599.9999, "2026-01-15T11:29:59.999900Z"),
        (1709164800.5, "2024-02-29T00:00:00.500Z"),
        (-1.5, "1969-12-31T23:59:58.500Z"),
        (4102444800, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_a_number_becomes_an_instant(number: float, text: str) -> None:
    """Seconds since 1970 become text that names the same instant, with milliseconds, or as many digits as it takes."""
    assert parse.iso(number) == text
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(number, UTC)


@pytest.mark.parametrize("value", ["2026-01-15T11:30:00Z", "soon", None, True, [], {"a": 1}, 1e300, 10**30], ids=repr)
def test_what_is_no_number_of_seconds_stays(value: Any) -> None:
    """A timestamp in another form, or one that no calendar has, is handed on as it came."""
    assert parse.iso(value) == value
    assert type(parse.iso(value)) is type(value)


def test_stamps_of_one_answer_do_not_mix() -> None:
    """Many timestamps in the same and in other minutes are each converted for themselves."""
    numbers = [1768476600 + offset for offset in (0, 59.999, 60, 60.5, -0.001, 3600, 0)]

    body = read("DescribeTasks", {"tasks": [{"startedAt": number, "stoppedAt": number} for number in numbers]})

    for number, task in zip(numbers, body["tasks"], strict=True):
        assert task["startedAt"] == task["stoppedAt"]
        assert abs(datetime.fromisoformat(task["startedAt"]).timestamp() - number) < 1e-6


def test_malformed_places_are_left_alone() -> None:
    """Where ECS sends something else than the model says, nothing is lost and nothing fails."""
    content = {"tasks": {"startedAt": 1}, "failures": None}

    assert read("DescribeTasks", content) == content
    assert read("DescribeTasks", {"tasks": [None, 7, {"startedAt": None}]}) == {"tasks": [None, 7, {"startedAt": None}]}


# -- the body as a whole ------------------------------------------------------------------------------------


def test_an_empty_body_is_an_empty_output() -> None:
    """TagResource and its like answer with nothing."""
    assert parse.output(MODEL.operation("TagResource"), HttpResponse(200, {}, b"")) == {}


@pytest.mark.parametrize("raw", [b"<html/>", b"[]", b"null", b'"text"', b"{", b"\xff\xfe"])
def test_a_body_that_is_no_object_is_an_error(raw: bytes) -> None:
    """A 200 without a JSON object is no output; the error names what came and asks about the endpoint."""
    response = HttpResponse(200, {"content-type": "text/html", "x-amzn-requestid": "r-1"}, raw)

    with pytest.raises(errors.ResponseError) as caught:
        parse.output(MODEL.operation("ListClusters"), response)

    assert caught.value.sent
    assert caught.value.request_id == "r-1"
    assert "text/html" in caught.value.user_message


def test_numbers_and_texts_stay_exact() -> None:
    """Integers of 64 bits, fractions, text beyond ASCII and free-form documents come out as they went in."""
    content = {
        "tasks": [
            {
                "version": 2**53 + 1,
                "overrides": {"cpu": "\u65e5\u672c \U0001f600"},
                "x": 0.1,
                "doc": {"a": [1, {"b": None}]},
            }
        ]
    }

    assert read("DescribeTasks", content) == content
    assert json.dumps(read("DescribeTasks", content)) == json.dumps(content)
