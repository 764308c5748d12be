"""Emissions: partial failures by the step's policy, and the evidence of the call."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector import Component, Emission, errors
from ecs_connector.model import Model
from support.ecs_stub import REQUEST_ID, EcsStub, refusal
from support.paged import body_of

MODEL = Model.load()
FAILING = [name for name in MODEL.names if MODEL.operation(name).failures]
FAILURE = {"arn": "arn:aws:ecs:eu-central-1:123456789012:task/1", "reason": "MISSING", "detail": "gone"}


def answer(operation: str, *, good: bool, bad: bool) -> dict[str, Any]:
    succeeded = MODEL.operation(operation).good[0]
    return {succeeded: [{}] if good else [], "failures": [FAILURE] if bad else []}


def run(component: Component, stub: EcsStub, operation: str, played: dict[str, Any], **fields: Any) -> Emission:
    stub.play(played)
    (emission,) = component.run(operation, body=body_of(operation), config=stub.config(**fields))
    return emission


@pytest.mark.parametrize("policy", [None, "fail", "partial", "pass"])
@pytest.mark.parametrize("operation", FAILING)
def test_success_is_emitted_whatever_the_policy(
    operation: str, policy: str | None, component: Component, ecs_stub: EcsStub
) -> None:
    """An answer without failures is never an error, also when it is empty."""
    for good in (True, False):
        played = answer(operation, good=good, bad=False)
        fields = {"onFailures": policy} if policy else {}
        assert run(component, ecs_stub, operation, played, **fields).body == played


@pytest.mark.parametrize("operation", FAILING)
def test_by_default_only_a_complete_failure_is_an_error(
    operation: str, component: Component, ecs_stub: EcsStub
) -> None:
    """Good and failed entries are emitted apart; where nothing succeeded, the error has failures and output."""
    mixed = answer(operation, good=True, bad=True)
    assert run(component, ecs_stub, operation, mixed).body == mixed

    failed = answer(operation, good=False, bad=True)
    with pytest.raises(errors.PartialFailure) as caught:
        run(component, ecs_stub, operation, failed)
    assert caught.value.failures == [FAILURE]
    assert caught.value.output == failed
    assert caught.value.operation == operation
    assert "MISSING (gone)" in caught.value.user_message
    assert FAILURE["arn"] in caught.value.user_message


@pytest.mark.parametrize("operation", FAILING)
def test_fail_makes_any_failure_an_error(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """With onFailures fail one failed entry is enough."""
    with pytest.raises(errors.PartialFailure):
        run(component, ecs_stub, operation, answer(operation, good=True, bad=True), onFailures="fail")


@pytest.mark.parametrize("operation", FAILING)
def test_pass_never_makes_an_error_of_failures(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """With onFailures pass the answer is emitted even when nothing succeeded."""
    failed = answer(operation, good=False, bad=True)

    assert run(component, ecs_stub, operation, failed, onFailures="pass").body == failed


def test_many_failures_are_summed_up(component: Component, ecs_stub: EcsStub) -> None:
    """The text of the error names the first five and counts the rest; the error itself has them all."""
    failures = [{"arn": f"task/{index}", "reason": "MISSING"} for index in range(8)]

    with pytest.raises(errors.PartialFailure) as caught:
        run(component, ecs_stub, "DescribeTasks", {"tasks": [], "failures": failures})

    assert "8 failures" in caught.value.user_message
    assert "task/4" in caught.value.user_message
    assert "task/5" not in caught.value.user_message
    assert "and 3 more" in caught.value.user_message
    assert len(caught.value.failures) == 8


def test_failures_on_a_later_page_count(component: Component, ecs_stub: EcsStub) -> None:
    """In a merged list the failures of every page are judged and emitted."""
    ecs_stub.play(
        {"capacityProviders": [{"name": "a"}], "failures": [FAILURE], "nextToken": "2"},
        {"capacityProviders": [{"name": "b"}], "failures": []},
    )

    (emission,) = component.run("DescribeCapacityProviders", body={}, config=ecs_stub.config())

    assert emission.body == {"capacityProviders": [{"name": "a"}, {"name": "b"}], "failures": [FAILURE]}


BAD_PAGE = {"capacityProviders": [], "failures": [FAILURE]}
GOOD_PAGE = {"capacityProviders": [{"name": "a"}], "failures": [], "nextToken": "2"}


@pytest.mark.parametrize("behaviour", ["fetchAll", "fetchPage", "emitPage", "emitIndividually"])
def test_failures_count_however_a_list_is_emitted(behaviour: str, component: Component, ecs_stub: EcsStub) -> None:
    """The policy holds for one message, for pages and for items: fail and partial raise, pass does not."""
    for policy in ("fail", "partial"):
        ecs_stub.play(BAD_PAGE)
        config = ecs_stub.config(emitBehaviour=behaviour, onFailures=policy)
        with pytest.raises(errors.PartialFailure) as caught:
            list(component.run("DescribeCapacityProviders", body={}, config=config))
        assert caught.value.failures == [FAILURE]

    ecs_stub.play(BAD_PAGE)
    config = ecs_stub.config(emitBehaviour=behaviour, onFailures="pass")
    bodies = [emission.body for emission in component.run("DescribeCapacityProviders", body={}, config=config)]
    assert bodies == ([] if behaviour == "emitIndividually" else [BAD_PAGE])


@pytest.mark.parametrize("behaviour", ["emitPage", "emitIndividually"])
def test_partial_looks_at_the_pages_before(behaviour: str, component: Component, ecs_stub: EcsStub) -> None:
    """A page on which all failed is no error by `partial` when something succeeded before it; by `fail` it is."""
    ecs_stub.play(GOOD_PAGE, BAD_PAGE)
    config = ecs_stub.config(emitBehaviour=behaviour)
    assert len(list(component.run("DescribeCapacityProviders", body={}, config=config))) >= 1

    ecs_stub.play(GOOD_PAGE, BAD_PAGE)
    running = component.run("DescribeCapacityProviders", body={}, config={**config, "onFailures": "fail"})
    next(running)
    with pytest.raises(errors.PartialFailure):
        next(running)


@pytest.mark.parametrize("failures", ["lost", {"reason": "lost"}, ["lost"], [{"reason": "lost"}]])
def test_failures_of_another_form_are_reported_too(failures: Any, component: Component, ecs_stub: EcsStub) -> None:
    """Failures that are not a list of objects are still a PartialFailure, never a crash."""
    with pytest.raises(errors.PartialFailure) as caught:
        run(component, ecs_stub, "DescribeTasks", {"tasks": [], "failures": failures})
    assert caught.value.failures == [{"reason": "lost"}]


@pytest.mark.parametrize("operation", MODEL.names)
def test_every_data_emission_carries_the_evidence(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """Operation, request id, attempts, region, endpoint, API and model version are in the headers of each action."""
    emission = run(component, ecs_stub, operation, {})

    assert dict(emission.headers) == {
        "operation": operation,
        "requestId": REQUEST_ID,
        "attempts": 1,
        "region": "eu-central-1",
        "endpoint": ecs_stub.url,
        "apiVersion": "2014-11-13",
        "modelVersion": MODEL.version,
    }


def test_attempts_are_the_requests_that_were_seen(component: Component, ecs_stub: EcsStub) -> None:
    """What was repeated is counted and named; the sum is what arrived at the endpoint."""
    throttled, broken = refusal("ThrottlingException", "Rate exceeded"), refusal("ServerException", "", 500)
    ecs_stub.play(throttled, broken, {"clusterArns": ["a"], "nextToken": "2"}, throttled, {"clusterArns": ["b"]})

    (emission,) = component.run("ListClusters", body={}, config=ecs_stub.config())

    assert emission.headers["attempts"] == len(ecs_stub.received) == 5
    assert emission.headers["retried"] == ["ThrottlingException", "ServerException", "ThrottlingException"]
