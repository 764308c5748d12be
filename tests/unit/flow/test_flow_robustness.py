"""Whatever is in a flow file, it is read or refused."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_connector.errors import InputError
from ecs_connector.harness.flow import load_flow, render_report
from support.flows import ScriptedComponent, play

EXPRESSIONS = st.sampled_from(
    [
        "$",
        "$steps.a.body",
        "$item",
        "$index",
        "x[0]",
        "$inputs.i",
        "[1..3]",
        "$sum",
        "null",
        "",
        "(",
        "$a.b",
        "elasticio.a",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    EXPRESSIONS,
    EXPRESSIONS.map(lambda text: {"$": text}),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "$", "a/b", "~"]), inner, max_size=3)
    ),
    max_leaves=6,
)
EXPECT = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            key: TREES | good
            for key, good in {
                "error": st.sampled_from(["ServiceError", "Rebound"]),
                "code": st.just("X"),
                "exitCode": st.just(69),
                "optional": st.booleans(),
                "emissions": st.integers(0, 2),
                "assert": EXPRESSIONS,
            }.items()
        },
    ),
    TREES,
)
STEPS = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c"]), "function": st.sampled_from(["A", "B"])},
    optional={
        "body": TREES,
        "config": st.dictionaries(st.text(max_size=3), TREES, max_size=2),
        "each": TREES,
        "when": LEAVES,
        "expect": EXPECT,
        "onError": st.sampled_from(["stop", "continue"]) | TREES,
        "always": st.booleans() | TREES,
    },
)
FLOWS = st.fixed_dictionaries(
    {"name": st.text(min_size=1) | TREES, "steps": st.lists(STEPS, max_size=4) | TREES},
    optional={
        "inputs": st.dictionaries(st.text(max_size=3), TREES, max_size=2) | st.just({"i": {"default": [1]}}),
        "output": TREES,
        "config": TREES,
        "other": TREES,
    },
)


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than with an InputError that names a problem."""
    try:
        load_flow(text + "\n")
    except InputError as error:
        assert error.violations


@given(FLOWS)
@settings(max_examples=150, deadline=None)
def test_any_flow_is_refused_or_runs_to_a_report(flow: dict[str, Any]) -> None:
    """A flow of any values is refused when it is loaded, or runs to a report that can be shown and dumped."""
    actions = {"A": lambda body: body, "B": lambda _: InputError("no")}
    text = json.dumps(flow)
    try:
        load_flow(text, ScriptedComponent(actions))
    except InputError as error:
        assert error.violations
        return
    report, _ = play(text, actions)
    assert len(report.steps) == len(flow["steps"])
    assert render_report(report)
    assert json.dumps(report.to_json())
