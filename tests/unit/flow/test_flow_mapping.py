"""Expressions and templates: what they can see, and what their values become."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.errors import InputError
from ecs_connector.harness.flow.mapping import UNDEFINED, Environment, compile_expression, evaluate, is_true, render
from support.flows import FlowClock

FIRST = {"id": "1", "body": {"taskArn": "arn:one"}, "headers": {"requestId": "r"}}


def value_of(text: str, body: Any = None, **variables: Any) -> Any:
    environment = Environment(FlowClock(), body or {}, {"first": FIRST}, variables, {"cluster": "blue"})
    return evaluate(compile_expression(text, "/x"), environment)


@pytest.mark.parametrize(
    "text",
    [
        "elasticio.first.body.taskArn",
        '$getPassthrough()."first".body.taskArn',
        "$getPassthrough().first.body.taskArn",
        "$steps.first.body.taskArn",
    ],
)
def test_earlier_steps_are_reached_as_on_the_platform(text: str) -> None:
    """The platform's two notations for passthrough and ours give the same value."""
    assert value_of(text, steps={"first": FIRST}) == "arn:one"


def test_the_context_is_the_body_and_nothing_else() -> None:
    """`$` is the body as it was emitted: passthrough is added only to an expression that asks for it."""
    assert value_of("$", {"a": 1}) == {"a": 1}
    assert value_of("$keys($)", {"a": 1, "b": 2}) == ["a", "b"]


def test_undefined_and_null_are_told_apart() -> None:
    """A path that leads nowhere gives nothing; a null in the data stays null."""
    body = {"empty": None, "list": [None, 1]}
    assert value_of("nowhere.at.all", body) is UNDEFINED
    assert value_of("empty", body) is None
    assert value_of("$x", body, x=None) is None
    assert value_of("list", body) == [None, 1]
    assert value_of("{'a': nowhere, 'b': empty}", body) == {"b": None}


def test_results_are_plain_and_shared_with_nothing() -> None:
    """A result consists of the plain JSON types only, and changing it does not change the data."""
    body = {"tasks": [{"arn": "a", "tags": ["x"]}, {"arn": "b", "tags": []}]}
    result = value_of("{'arns': tasks.arn, 'range': [1..3], 'first': tasks[0]}", body)
    assert result == {"arns": ["a", "b"], "range": [1, 2, 3], "first": {"arn": "a", "tags": ["x"]}}
    assert {type(member) for member in result.values()} == {list, dict}
    result["first"]["tags"].append("changed")
    assert body["tasks"][0]["tags"] == ["x"]


def test_integers_keep_their_value() -> None:
    """An integer beyond the range of a double passes through exactly, and division gives a whole number."""
    assert value_of("revision", {"revision": 2**60 + 1}) == 2**60 + 1
    assert value_of("4 / 2") == 2


def test_time_comes_from_the_clock() -> None:
    """`$now` and `$millis` show the clock of the run at the moment of evaluation."""
    assert value_of("$now()") == "2026-01-02T03:04:06.000Z"
    assert value_of("$now('[Y]')") == "2026"
    assert value_of("$millis()") == 1767323046000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$number(name)", "cannot be evaluated"),
        ("$error('no task left')", "no task left"),
        ("function($x) { $x }", "it gives a function"),
        ("[$sum]", "it gives a function"),
        ("$inputs(1)", "non-function"),
        ("( $f := function($n) { 1 + $f($n + 1) }; $f(0) )", "too deep"),
        ("name + 1", "cannot be evaluated"),
    ],
)
def test_what_cannot_be_evaluated_is_an_input_error(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every failure of an expression is an InputError that quotes it; nothing is printed to stdout."""
    with pytest.raises(InputError, match=words) as caught:
        value_of(text, {"name": "x"}, inputs={})
    assert caught.value.violations[0].pointer == "/x"
    assert " ".join(text.split()) in str(caught.value)
    assert capsys.readouterr().out == ""


def test_a_template_leaves_out_what_is_undefined() -> None:
    """Keys and list items whose expression gives nothing are left out; all else of a template stays."""

    def expression(text: str) -> Any:
        return compile_expression(text, "/x")

    template = {
        "plain": "${HOME}",
        "gone": expression("nowhere"),
        "kept": [expression("a"), expression("nowhere"), None, {"deep": expression("a + 1")}],
        "null": expression("null"),
    }
    rendered = render(template, Environment(FlowClock(), {"a": 1}))
    assert rendered == {"plain": "${HOME}", "kept": [1, None, {"deep": 2}], "null": None}
    assert render(expression("nowhere"), Environment(FlowClock(), {})) is UNDEFINED


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (UNDEFINED, False),
        (None, False),
        ("", False),
        (0, False),
        ({}, False),
        ([], False),
        ([0, ""], False),
        ([0, 1], True),
        ("false", True),
        ({"a": None}, True),
    ],
)
def test_truth_is_that_of_jsonata(value: Any, truth: bool) -> None:
    """A condition counts as JSONata's $boolean counts: an empty list, or one of empty things, is false."""
    assert is_true(value) is truth
