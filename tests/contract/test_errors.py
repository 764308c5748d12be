"""The error hierarchy: its table is true, its classes travel, and every answer of ECS has its error."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from ecs_connector import errors
from ecs_connector.errors import ConnectorError, Outcome, Rebound, ServiceError, StopRequested, Violation, outcome_of
from ecs_connector.model import Model
from ecs_connector.values import HttpResponse
from support.scripted import Bench

CORPUS = sorted((Path(__file__).parent.parent / "data" / "errors").glob("*.json"))
MODEL = Model.load()


def classes(base: type[ConnectorError] = ConnectorError) -> list[type[ConnectorError]]:
    return [
        base,
        *(found for child in base.__subclasses__() if child.__module__ == errors.__name__ for found in classes(child)),
    ]


CLASSES = [found for found in classes() if found.__name__ not in ("ConnectorError", "CallError", "WaitError")]
CALL = {"operation": "RunTask", "attempts": 2, "request_id": "r-1"}
FACTS: dict[str, dict[str, Any]] = {
    "InputError": {"violations": [Violation("/a", "required", "a: is required")]},
    "ServiceError": {
        **CALL,
        "code": "X",
        "message": "m",
        "status": 400,
        "fault": "client",
        "kind": "throttle",
        "output": {"a": 1},
    },
    "TransportError": {**CALL, "sent": True},
    "ResponseError": {**CALL, "sent": True},
    "PagesError": {"operation": "ListTasks", "next_token": "t"},
    "PartialFailure": {"operation": "RunTask", "failures": [{"reason": "x"}], "output": {"tasks": []}},
    "WaitFailed": {"operation": "RunTask", "reason": "gone", "last": {"a": 1}},
    "WaitTimedOut": {"operation": "RunTask", "reason": "time", "last": {"a": 1}},
}


def make(cls: type[ConnectorError], **more: Any) -> ConnectorError:
    facts = FACTS.get(cls.__name__)
    if facts is None:
        facts = FACTS["InputError"] if issubclass(cls, errors.InputError) else {}
        facts = {**facts, "field": "region"} if issubclass(cls, errors.ConfigError) else facts
    return cls(f"{cls.__name__}: something is wrong.", **facts, **more)


# -- the table ------------------------------------------------------------------------------------------

ROWS = [
    [cell.strip() for cell in line.strip("| ").split("|")]
    for line in (errors.__doc__ or "").splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| class"))
]


def named(cell: str) -> tuple[list[type[ConnectorError]], dict[str, bool]]:
    """Return the classes of a row, and what sets them apart from others of their class."""
    names = re.findall(r"[A-Z]\w+", re.sub(r"\(.*?\)", "", cell))
    found = [getattr(errors, name) for name in names]
    if "kinds" in cell:
        found = [child for base in found for child in classes(base)]
    return found, {"retryable": True} if "retryable" in cell else {}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_table_is_true(row: list[str]) -> None:
    """Exit code and settlement of every class are those of the table in the module's docstring."""
    found, more = named(row[0])
    assert found
    for cls in found:
        assert outcome_of(make(cls, **more)) == Outcome(int(row[1]), row[2]), cls  # type: ignore[arg-type]


def test_table_covers_every_class() -> None:
    """No class is missing from the table."""
    covered = {cls for row in ROWS for cls in named(row[0])[0]}
    assert covered >= set(CLASSES)


def test_wait_that_must_not_come_again() -> None:
    """A wait whose message would do its work twice is rejected, with the exit code of the others."""
    error = errors.WaitTimedOut("late", operation="StartTask", reason="time", resumable=False)
    assert outcome_of(error) == Outcome(75, "reject")


def test_signals_and_bugs() -> None:
    """A rebound and a stop request go back, and a bug is exit code 1."""
    assert outcome_of(Rebound("later")) == Outcome(75, "rebound")
    assert outcome_of(StopRequested()) == Outcome(75, "requeue")
    assert outcome_of(KeyError("x")) == Outcome(1, "reject")
    assert not issubclass(Rebound, Exception)


# -- travelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_can_be_pickled(cls: type[ConnectorError]) -> None:
    """An error keeps its class, text and facts on the way to another process."""
    error = make(cls)
    error.detail = "more"
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(copy) is cls
    assert (str(copy), copy.report(), copy.detail, copy.outcome) == (str(error), error.report(), "more", error.outcome)


@pytest.mark.parametrize("cls", CLASSES)
def test_reports_are_json(cls: type[ConnectorError]) -> None:
    """The report of an error is JSON and has its class, its text and its facts."""
    error = make(cls)
    report = json.loads(json.dumps(error.report()))
    assert (report["error"], report["message"]) == (cls.__name__, error.user_message)
    assert set(cls.facts) <= {*report, "message"} | {name for name in cls.facts if getattr(error, name) is None}


# -- answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_every_answer_has_its_error(path: Path) -> None:
    """Each answer of the corpus becomes the error that it says: code, fault, kind, and whether later may help."""
    case = json.loads(path.read_text(encoding="utf-8"))
    body = case["body"].encode() if isinstance(case["body"], str) else json.dumps(case["body"]).encode()
    with pytest.raises(ServiceError) as caught:
        Bench(HttpResponse(case["status"], case["headers"], body)).call(maxAttempts=1)
    error, expected = caught.value, case["expect"]
    assert (error.code, error.fault, error.kind) == (expected["code"], expected["fault"], expected["kind"])
    assert error.retryable is (expected["kind"] in ("throttle", "capacity", "server"))
    assert error.status == case["status"]
    assert error.request_id == case["headers"].get("x-amzn-requestid")
    assert error.user_message.startswith(f"ListClusters: {expected['code']}: ")


def test_corpus_has_every_modelled_error() -> None:
    """There is an answer for each error of the model."""
    assert {path.stem for path in CORPUS} >= set(MODEL.faults)
