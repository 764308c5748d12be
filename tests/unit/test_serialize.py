"""Requests: the target that names the operation twice, and the body as compact JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecs_connector import errors, serialize
from ecs_connector.model import Model

MODEL = Model.load()
SUBMIT = MODEL.operation("SubmitTaskStateChange")
RUN = MODEL.operation("RunTask")


@pytest.mark.parametrize("path", ["/", "/prefix/"])
def test_the_query_names_operation_and_version(path: str) -> None:
    """The target is the endpoint's path with Action and Version, for every operation."""
    for name in MODEL.names:
        assert serialize.target(MODEL, MODEL.operation(name), path) == f"{path}?Action={name}&Version=2014-11-13"


def test_the_body_is_compact_utf8() -> None:
    """No spaces, no escapes beyond what JSON asks for, the order of the input."""
    body = serialize.body(
        RUN, {"taskDefinition": "web", "group": "\u65e5\u672c", "count": 2, "enableExecuteCommand": False}
    )

    assert body == '{"taskDefinition":"web","group":"日本","count":2,"enableExecuteCommand":false}'.encode()


def test_an_empty_input_is_an_empty_object() -> None:
    """JSON 1.1 has a body in any case."""
    assert serialize.body(MODEL.operation("ListClusters"), {}) == b"{}"


@pytest.mark.parametrize(
    "given, sent",
    [
        ("2026-01-15T11:30:00Z", 1768476600),
        ("2026-01-15T11:30:00+00:00", 1768476600),
        ("2026-01-15T12:30:00+01:00", 1768476600),
        ("2026-01-15T11:30:00", 1768476600),
        ("2026-01-15", 1768435200),
        ("2026-01-15T11:30:00.250Z", 1768476600.25),
        (1768476600, 1768476600),
        (1768476600.5, 1768476600.5),
    ],
)
def test_a_timestamp_goes_as_seconds(given: Any, sent: float) -> None:
    """ISO-8601 text, with or without zone (then UTC), and numbers are sent as seconds since 1970."""
    body = json.loads(
        serialize.body(SUBMIT, {"pullStartedAt": given, "task": given if isinstance(given, str) else "t"})
    )

    assert body["pullStartedAt"] == sent
    assert type(body["pullStartedAt"]) is type(sent)
    assert isinstance(body["task"], str)


def test_nested_timestamps_are_found() -> None:
    """A timestamp inside an object is converted; the input itself stays as it was."""
    params = {"service": "web", "createdAt": {"after": "2026-01-15T11:30:00Z"}}

    body = json.loads(serialize.body(MODEL.operation("ListServiceDeployments"), params))

    assert body["createdAt"] == {"after": 1768476600}
    assert params["createdAt"] == {"after": "2026-01-15T11:30:00Z"}


def test_a_whole_number_is_sent_as_one() -> None:
    """A mapping may compute 3.0 where 3 is meant, and ECS takes whole numbers only as such; fractions stay."""
    assert serialize.body(RUN, {"count": 3.0, "x": [1.5, {"y": 2.0}]}) == b'{"count":3,"x":[1.5,{"y":2}]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}], ids=["nan", "inf", "object", "set"])
def test_what_json_has_no_words_for_is_refused(value: Any) -> None:
    """Not-a-number and foreign objects are an input error, not a broken request."""
    with pytest.raises(errors.InputError) as caught:
        serialize.body(RUN, {"x": [value]})

    assert caught.value.violations[0].rule == "json"


def test_nulls_in_free_form_places_are_kept() -> None:
    """Null is a JSON value like any other where it is allowed."""
    assert serialize.body(RUN, {"x": None}) == b'{"x":null}'


@pytest.mark.parametrize("text", ["\ud800", '\x00\x1f"\\', "\u2028", "\U0001f600"])
def test_any_text_makes_valid_json(text: str) -> None:
    """Control characters are escaped; text that is no Unicode is an input error and not half a request."""
    try:
        body = serialize.body(RUN, {"group": text})
    except errors.InputError as error:
        assert text == "\ud800"
        assert error.violations[0].rule == "json"
    else:
        assert json.loads(body.decode())["group"] == text


def test_large_integers_keep_every_digit() -> None:
    """No integer passes through a float."""
    assert serialize.body(RUN, {"x": 2**63 + 1}) == b'{"x":9223372036854775809}'
    assert serialize.body(RUN, {"x": 2**70 + 1}) == b'{"x":1180591620717411303425}'
