"""Errors as the platform shows them: with AWS facts, without values."""

from __future__ import annotations

import pytest

from ecs_connector.errors import InputError, ServiceError, WaitTimedOut
from ecs_connector.redact import redact_text
from ecs_connector.sailor.error_report import error_report, reason_of


def raised(error):
    secret_local = "hunter2-in-a-local"
    try:
        raise error
    except type(error) as caught:
        assert secret_local
        return caught


def report(error):
    return error_report(error, redact_text)


def test_aws_facts_are_added_once():
    """The code and the request id stand in the message, added only where it has them not."""
    facts = {"operation": "RunTask", "code": "AccessDenied", "message": "m", "status": 400, "request_id": "r-1"}
    assert report(ServiceError("RunTask was refused.", **facts))["message"] == (
        "RunTask was refused. (code AccessDenied, request id r-1)"
    )
    full = "RunTask was refused: AccessDenied (r-1)."
    assert report(ServiceError(full, **facts))["message"] == full


def test_the_name_is_the_class():
    """An error is named after its class, ours and others."""
    assert report(InputError("bad"))["name"] == "InputError"
    assert report(KeyError("k"))["name"] == "KeyError"


def test_the_stack_names_places_and_no_values():
    """Neither locals nor the text of a cause are in the stack."""
    try:
        try:
            raise ValueError("cause with a value 4711")
        except ValueError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError as error:
        stack = report(error)["stack"]
    assert stack.startswith("RuntimeError: outer\n    at test_the_stack_names_places_and_no_values (")
    assert "caused by ValueError" in stack
    assert "4711" not in stack
    assert "hunter2" not in report(raised(RuntimeError("x")))["stack"]


def test_secrets_are_masked():
    """What looks like a secret is masked wherever it stands."""
    key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    for error in (RuntimeError(f"secretAccessKey={key}"), {"message": f"secretAccessKey={key}"}, f"password={key}"):
        assert key not in str(report(error))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", {"name": "Error", "message": "text", "stack": "Not Available"}),
        (None, {"name": "Error", "message": "Not Available", "stack": "Not Available"}),
        ("", {"name": "Error", "message": "Not Available", "stack": "Not Available"}),
        ({"a": 1}, {"name": "Error", "message": '{"a":1}', "stack": "Not Available"}),
        ({"message": "m", "name": "N", "stack": "s"}, {"name": "N", "message": "m", "stack": "s"}),
        ({"message": "m"}, {"name": "Error", "message": "m", "stack": "Not Available"}),
        (7, {"name": "Error", "message": "7", "stack": "Not Available"}),
    ],
)
def test_what_components_emit(value, expected):
    """Objects with a message give theirs; any other value is the message."""
    assert report(value) == expected


def test_reasons():
    """A rebound's reason is a text, an error's message or an object's."""
    assert reason_of("later") == "later"
    assert reason_of({"message": "busy"}) == "busy"
    assert reason_of(WaitTimedOut("still pending", operation="RunTask", reason="budget")) == "still pending"
    assert reason_of(None) == "Not Available"
