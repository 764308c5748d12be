"""Our reading of the model's waiters is botocore's."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from botocore.loaders import Loader
from botocore.waiter import WaiterModel
from hypothesis import given
from hypothesis import strategies as st

from ecs_codegen.expressions import compile_expression
from ecs_codegen.source import CorrectionError, load
from ecs_connector.expressions import find
from ecs_connector.model import Model
from ecs_connector.waits import accepted

WAITERS = WaiterModel(Loader().load_service_model("ecs", "waiters-2"))
TABLE = Model.load().waits
NAMES = sorted(WAITERS.waiter_names)
STATUSES = st.sampled_from([
    "ACTIVE", "DRAINING", "INACTIVE", "PENDING", "RUNNING", "STOPPED", "DELETE_IN_PROGRESS", "DELETED", "SUCCESSFUL",
    "IN_PROGRESS", "ROLLBACK_FAILED", "ROLLBACK_SUCCESSFUL",
])  # fmt: skip
COUNTS = st.integers(0, 2)
FAILURES = st.lists(
    st.fixed_dictionaries({}, optional={"reason": st.sampled_from(["MISSING", "OTHER"]), "arn": st.text()}), max_size=2
)
THINGS = st.fixed_dictionaries({"deployments": st.lists(st.just({}), max_size=2)}, optional={
    "status": STATUSES, "lastStatus": STATUSES, "runningCount": COUNTS, "desiredCount": COUNTS,
})  # fmt: skip
LISTS = st.lists(THINGS, max_size=3)
OUTPUTS = st.fixed_dictionaries({"services": LISTS}, optional={
    "tasks": LISTS, "daemonDeployments": LISTS, "failures": FAILURES, "daemon": THINGS, "daemonTaskDefinition": THINGS,
})  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@given(output=OUTPUTS)
def test_a_look_means_what_it_means_to_botocore(name: str, output: dict[str, Any]) -> None:
    """For every waiter of the model, the same output succeeds, fails or goes on as botocore has it."""
    theirs = next(
        (acceptor.state for acceptor in WAITERS.get_waiter(name).acceptors if acceptor.matcher_func(output)), None
    )

    ours = accepted(TABLE["waits"][name]["acceptors"], output)

    assert (ours["state"] if ours else None) == theirs


def test_every_waiter_of_the_model_is_offered() -> None:
    """No waiter is lost, and each keeps the pace that the model gives it."""
    for name in NAMES:
        assert TABLE["waits"][name]["delay"] == WAITERS.get_waiter(name).delay


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=8,
)
EXPRESSIONS = [
    "a", "a.b", "a[].b", "a[]", "a[].b[]", "[a, b]", "a[?b].a", "a[?b == 'a']", "a[?b != `1`]", "a[?!(b)]", "a || b", "a && b",
    "!a", "a == b", "a[?b == `1` && a == 'a' || b]", "a[0]", "a[-1].b", "a[*].b", "a[?b == 'a'].b",
]  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
@given(value=VALUES)
def test_an_expression_finds_what_jmespath_finds(text: str, value: Any) -> None:
    """The trees mean what the expressions mean."""
    assert find(compile_expression(text), value) == jmespath.search(text, value)


@pytest.mark.parametrize("text", ["sort(a)", "a < b", "{x: a}", "a | b", "@.a", "a[1:2]"])
def test_a_form_that_we_cannot_evaluate_is_refused(text: str) -> None:
    """A new model cannot bring an expression in that we would misread."""
    with pytest.raises(CorrectionError):
        compile_expression(text)


def test_a_waiter_that_no_wait_is_made_of_is_refused() -> None:
    """When the model gets a new waiter, the generator asks for a wait."""
    from ecs_codegen import waits

    source = load()
    source.waiters["SomethingNew"] = source.waiters["TasksRunning"]

    with pytest.raises(CorrectionError, match="SomethingNew"):
        waits.tables(source)
