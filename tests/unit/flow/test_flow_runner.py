"""Running flows on scripted actions: order, mapping, each, when, expectations, clean-up, identity."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.errors import ConfigError, InputError, PartialFailure, Rebound, ServiceError, WaitTimedOut
from ecs_connector.harness.flow import load_flow, run_flow
from ecs_connector.values import Emission
from support.flows import FlowClock, ScriptedComponent, echo, play


def service_error(code: str = "ClusterNotFoundException", *, retryable: bool = False) -> ServiceError:
    return ServiceError(
        f"ECS refused: {code}",
        operation="X",
        code=code,
        message="no",
        status=400,
        attempts=2,
        retryable=retryable,
        request_id="err-1",
    )


def statuses(report: Any) -> dict[str, str]:
    return {step.id: step.status for step in report.steps}


def test_a_step_maps_from_the_message_before_and_from_any_earlier_step() -> None:
    """The context is the last message's body; every earlier step is reached by its id in all notations."""
    report, component = play(
        "name: x\ninputs: {cluster: {default: blue}}\nsteps:\n"
        "  - {id: a, function: A, body: {name: {$: cluster}}}\n"
        "  - {id: b, function: B, body: {arn: {$: taskArn}}}\n"
        "  - id: c\n    function: C\n    body:\n"
        "      context: {$: $}\n"
        "      ours: {$: $steps.a.body.taskArn}\n"
        "      platform: {$: elasticio.a.body.taskArn}\n"
        "      pasted: {$: '$getPassthrough().\"a\".body.taskArn'}\n"
        "      request: {$: $headers.requestId}\n",
        {"A": lambda _: {"taskArn": "arn:a"}, "B": lambda _: {"ok": True}, "C": echo},
    )
    assert component.bodies("A") == [{"name": "blue"}]
    assert component.bodies("B") == [{"arn": "arn:a"}]
    assert component.bodies("C") == [
        {"context": {"ok": True}, "ours": "arn:a", "platform": "arn:a", "pasted": "arn:a", "request": "request-2"}
    ]
    assert report.exit_code == 0
    assert statuses(report) == {"a": "passed", "b": "passed", "c": "passed"}


def test_a_body_may_be_one_expression() -> None:
    """The whole body may be an expression, as in the mapper; one that gives nothing is an error of the step."""
    _, component = play("name: x\nsteps:\n  - {id: a, function: A, body: {$: '{\"n\": 1 + 1}'}}\n", {"A": echo})
    assert component.bodies("A") == [{"n": 2}]
    report, component = play("name: x\nsteps:\n  - {id: a, function: A, body: {$: nowhere}}\n", {"A": echo})
    assert component.calls == []
    assert report.exit_code == 65


def test_all_messages_of_a_step_are_kept_and_the_last_is_the_context() -> None:
    """Later steps run once: they see the last message as context and all of them as `$messages`."""
    text = (
        "name: x\nsteps:\n  - {id: a, function: A}\n"
        "  - id: b\n"
        "    function: B\n"
        "    body: {last: {$: arn}, all: {$: $messages.body.arn}, n: {$: $count($steps.a.messages)}}\n"
    )
    report, component = play(text, {"A": lambda _: [{"arn": "1"}, {"arn": "2"}], "B": echo})
    assert component.bodies("B") == [{"last": "2", "all": ["1", "2"], "n": 2}]
    assert report.steps[0].emissions == 2


def test_a_body_that_is_no_object_is_wrapped_as_on_the_wire() -> None:
    """An item that is not an object is mapped under the name that it has on the wire."""
    text = (
        "name: x\n"
        "steps:\n"
        "  - {id: a, function: A}\n"
        "  - {id: b, function: B, body: {$: $}}\n"
        "  - {id: c, function: B, body: {$: '$steps.a.messages[0].body'}}\n"
    )
    actions = {"A": lambda _: [Emission("data", "arn:1", item_name="clusterArn"), Emission("data", 2)], "B": echo}
    _, component = play(text, actions)
    assert component.bodies("B") == [{"value": 2}, {"clusterArn": "arn:1"}]


def test_each_runs_a_step_for_every_item_and_gathers() -> None:
    """`each` gives every run its item and index, and later steps find outputs beside their items."""
    text = (
        "name: x\nsteps:\n"
        '  - id: a\n    function: A\n    each: ["p", "q", "r"]\n    when: $item != "q"\n'
        "    body: {name: {$: $item}, at: {$: $index}}\n"
        "  - id: b\n    function: B\n    body:\n"
        '      pairs: {$: \'$steps.a.items.{ "item": item, "name": body.name, "at": index }\'}\n'
    )
    report, component = play(text, {"A": echo, "B": echo})
    assert component.bodies("A") == [{"name": "p", "at": 0}, {"name": "r", "at": 2}]
    assert component.bodies("B")[0]["pairs"] == [
        {"item": "p", "name": "p", "at": 0},
        {"item": "r", "name": "r", "at": 2},
    ]
    assert report.steps[0].rounds == 2


@pytest.mark.parametrize(("each", "count"), [("arns", 1), ("nowhere", 0), ("none", 0), ("[]", 0)])
def test_each_over_one_or_nothing(each: str, count: int) -> None:
    """A single value counts as a list of one, as JSONata gives it; nothing to run for means skipped."""
    text = (
        "name: x\n"
        "steps:\n"
        f"  - {{id: a, function: A}}\n"
        f"  - {{id: b, function: B, each: '{each}', body: {{v: {{$: $item}}}}}}\n"
    )
    report, component = play(text, {"A": lambda _: {"arns": "one", "none": None}, "B": echo})
    assert len(component.bodies("B")) == count
    assert report.steps[1].status == ("passed" if count else "skipped")
    assert report.exit_code == 0


def test_a_literal_list_may_hold_expressions() -> None:
    """The items of `each` may be written out, with expressions among them."""
    text = (
        "name: x\n"
        "inputs: {c: {default: blue}}\n"
        "steps:\n"
        "  - {id: a, function: A, each: [red, {$: $inputs.c}], body: {v: {$: $item}}}\n"
    )
    _, component = play(text, {"A": echo})
    assert component.bodies("A") == [{"v": "red"}, {"v": "blue"}]


def test_when_skips_and_the_context_stays() -> None:
    """A step whose condition is not met does not run, is absent from `$steps`, and leaves the context alone."""
    text = (
        "name: x\nsteps:\n  - {id: a, function: A}\n  - {id: b, function: B, when: $count(arns) > 5}\n"
        "  - {id: c, function: C, body: {seen: {$: arns}, ran: {$: $exists($steps.b)}}}\n"
    )
    report, component = play(text, {"A": lambda _: {"arns": [1, 2]}, "B": echo, "C": echo})
    assert component.bodies("B") == []
    assert component.bodies("C") == [{"seen": [1, 2], "ran": False}]
    assert statuses(report) == {"a": "passed", "b": "skipped", "c": "passed"}
    assert report.steps[1].reason == "its condition is not met"


def test_a_failure_stops_the_flow_but_for_clean_up() -> None:
    """After a failure only `always` steps run; the exit code is that of the first step that failed."""
    text = (
        "name: x\nsteps:\n  - {id: a, function: A}\n  - {id: b, function: B}\n  - {id: c, function: C}\n"
        "  - {id: d, function: D, always: true, body: {why: {$: $steps.b.error.code}}}\n"
        "output: {$: $steps.a.body}\n"
    )
    actions = {"A": lambda _: {}, "B": lambda _: service_error(), "C": echo, "D": lambda body: [ConfigError("x"), body]}
    report, component = play(text, actions)
    assert component.bodies("C") == []
    assert component.bodies("D") == [{"why": "ClusterNotFoundException"}]
    assert statuses(report) == {"a": "passed", "b": "failed", "c": "skipped", "d": "failed"}
    assert report.exit_code == 69
    assert report.output is None
    assert report.steps[1].error is not None
    assert report.steps[1].error["code"] == "ClusterNotFoundException"
    assert report.steps[1].attempts == 2
    assert list(report.steps[1].request_ids) == ["err-1"]


def test_on_error_continue_goes_on_with_steps_and_items() -> None:
    """With `onError: continue` the other items and the later steps run, and the flow still ends as failed."""
    text = (
        "name: x\nsteps:\n  - {id: a, function: A, each: [1, 2, 3], onError: continue, body: {n: {$: $item}}}\n"
        "  - {id: b, function: B, body: {bad: {$: '$steps.a.items[$exists(error)].item'}}}\n"
    )
    actions = {"A": lambda body: service_error(retryable=True) if body["n"] == 2 else body, "B": echo}
    report, component = play(text, actions)
    assert len(component.bodies("A")) == 3
    assert component.bodies("B") == [{"bad": 2}]
    assert statuses(report) == {"a": "failed", "b": "passed"}
    assert report.steps[0].error_index == 1
    assert report.exit_code == 75


def test_without_continue_the_first_bad_item_ends_the_step() -> None:
    """With `onError: stop` no item runs after the one that failed."""
    text = "name: x\nsteps:\n  - {id: a, function: A, each: [1, 2, 3], body: {n: {$: $item}}}\n"
    _, component = play(text, {"A": lambda body: service_error() if body["n"] == 2 else body})
    assert [body["n"] for body in component.bodies("A")] == [1, 2]


@pytest.mark.parametrize(
    "expect",
    [
        "{error: ServiceError}",
        "{error: CallError, code: ClusterNotFoundException}",
        "{code: ClusterNotFoundException}",
        "{exitCode: 69}",
        "{error: ServiceError, optional: true}",
        "{error: ServiceError, optional: true, assert: $exists($failure)}",
        "{error: ServiceError, assert: $failure.status = 400 and $steps.a.error.attempts = 2}",
    ],
)
def test_an_expected_error_counts_as_passed(expect: str) -> None:
    """A step that meets its expected error does not fail the flow, and its report can be mapped from."""
    text = (
        "name: x\n"
        "steps:\n"
        f"  - {{id: a, function: A, expect: {expect}}}\n"
        f"  - {{id: b, function: B, body: {{code: {{$: $steps.a.error.code}}}}}}\n"
    )
    report, component = play(text, {"A": lambda _: service_error(), "B": echo})
    assert statuses(report) == {"a": "expected-error", "b": "passed"}
    assert component.bodies("B") == [{"code": "ClusterNotFoundException"}]
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("expect", "answer", "exit_code", "words"),
    [
        ("{error: ServiceError}", {}, 69, "was expected to fail with ServiceError, and did not fail"),
        ("{error: WaitFailed}", service_error(), 69, "ECS refused: ClusterNotFoundException"),
        ("{code: AccessDeniedException}", service_error(retryable=True), 75, "ECS refused"),
        ("{code: X, optional: true}", WaitTimedOut("too late", operation="X", reason="t"), 75, "too late"),
        ("{emissions: 2}", {}, 69, "was expected to emit 2 messages, and emitted 1"),
        ("{assert: $count(tasks) = 1}", {"tasks": [1, 2]}, 69, "does not meet its assertion: $count(tasks) = 1"),
        ("{assert: $number(tasks) = 1}", {"tasks": "x"}, 65, "cannot be evaluated"),
        ("{error: ServiceError, assert: $failure.status = 500}", service_error(), 69, "does not meet its assertion"),
    ],
)
def test_an_unmet_expectation_fails_the_step(expect: str, answer: Any, exit_code: int, words: str) -> None:
    """A step that does not do what is expected of it fails, with the error that came or the expectation."""
    report, _ = play(f"name: x\nsteps:\n  - {{id: a, function: A, expect: {expect}}}\n", {"A": lambda _: answer})
    assert report.steps[0].status == "failed"
    assert report.exit_code == exit_code
    assert words in (report.steps[0].error or {})["message"]


def test_met_expectations_pass() -> None:
    """Counts and assertions see the step's own messages; without an error there is no `$failure`."""
    text = (
        "name: x\nsteps:\n  - {id: a, function: A, expect: {error: ServiceError, optional: true, "
        "assert: $not($exists($failure))}}\n"
    )
    assert play(text, {"A": echo})[0].steps[0].status == "passed"
    text = (
        "name: x\n"
        "steps:\n"
        "  - {id: a, function: A, expect: {emissions: 2, assert: '$sum($messages.body.n) = 3 and n = 2'}}\n"
    )
    report, _ = play(text, {"A": lambda _: [{"n": 1}, {"n": 2}]})
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("answer", "exit_code", "name"),
    [
        (Rebound("capacity"), 75, "Rebound"),
        (Emission("rebound", "later"), 75, "Rebound"),
        (Emission("error", {"message": "bad"}), 69, "ConnectorError"),
        (RuntimeError("token=hush"), 1, "RuntimeError"),
        (PartialFailure("none", failures=[{"reason": "MISSING"}], output={}), 69, "PartialFailure"),
    ],
)
def test_every_way_to_fail_is_reported(answer: Any, exit_code: int, name: str) -> None:
    """A step never raises out of the run: signals, error emissions and defects are in the report, without secrets."""
    text = "name: x\nsteps:\n  - {id: a, function: A}\n  - {id: z, function: Z, always: true}\n"
    report, component = play(text, {"A": lambda _: answer, "Z": echo})
    assert report.exit_code == exit_code
    assert (report.steps[0].error or {})["error"] == name
    assert len(component.bodies("Z")) == 1
    assert "hush" not in str(report.to_json())


def test_a_defect_is_located_without_its_text() -> None:
    """Of an error that nobody raised on purpose the report names class, file and line, and not its text."""
    report, _ = play("name: x\nsteps:\n  - {id: a, function: A}\n", {"A": lambda _: KeyError("hush")})
    assert report.exit_code == 1
    told = (report.steps[0].error or {})["message"]
    assert told.startswith("A defect of the component: KeyError in flows.py, line ")
    assert "hush" not in told


def test_other_events_are_no_messages() -> None:
    """Snapshots and other events of an action are not counted and not mapped from."""
    text = "name: x\nsteps:\n  - {id: a, function: A}\n  - {id: b, function: B, body: {$: $}}\n"
    actions = {"A": lambda _: [Emission("snapshot", {"s": 1}), {"n": 1}, Emission("updateKeys", {})], "B": echo}
    report, component = play(text, actions)
    assert report.steps[0].emissions == 1
    assert component.bodies("B") == [{"n": 1}]


def test_configuration_layers() -> None:
    """The step's configuration is stronger than the caller's, and that stronger than the flow's."""
    text = (
        "name: x\n"
        "inputs: {r: {default: eu-west-1}}\n"
        "config: {region: {$: $inputs.r}, maxAttempts: 1, emitBehaviour: fetchAll}\n"
        "steps:\n  - {id: a, function: A, each: [9], config: {emitBehaviour: emitPage, maxItems: {$: $item}}}\n"
    )
    _, component = play(text, {"A": echo}, config={"maxAttempts": 2, "accessKeyId": "k"})
    assert component.calls[0].config == {
        "region": "eu-west-1",
        "maxAttempts": 2,
        "accessKeyId": "k",
        "emitBehaviour": "emitPage",
        "maxItems": 9,
    }


def test_a_bad_expression_fails_its_step_only() -> None:
    """An expression that cannot be evaluated is an input error of its step, which names it."""
    text = (
        "name: x\n"
        "steps:\n"
        "  - {id: a, function: A, onError: continue, body: {n: {$: $number('x')}}}\n"
        "  - {id: b, function: B}\n"
    )
    report, component = play(text, {"A": echo, "B": echo})
    assert component.bodies("A") == []
    assert len(component.bodies("B")) == 1
    assert "Step a, /steps/0/body/n/$" in (report.steps[0].error or {})["message"]
    assert report.exit_code == 65


def test_the_same_run_id_is_a_redelivery() -> None:
    """With the same run id every step and item has the message id it had before; with another it has not."""
    text = "name: x\nsteps:\n  - {id: a, function: A, each: [1, 2]}\n  - {id: b, function: A}\n"

    def ids(**inputs: str) -> list[str | None]:
        return [call.message_id for call in play(text, {"A": echo}, inputs=inputs)[1].calls]

    first = ids(runId="run-7")
    assert len(set(first)) == 3
    assert ids(runId="run-7") == first
    assert set(ids(runId="run-8")).isdisjoint(first)
    assert set(ids()).isdisjoint(ids())


def test_output_is_made_at_the_end() -> None:
    """The flow's output may use every step; when it cannot be made the flow ends with the code for bad input."""
    text = (
        "name: x\n"
        "steps:\n"
        "  - {id: a, function: A}\n"
        "output: {id: {$: $runId}, n: {$: $steps.a.body.n}, none: {$: nowhere}}\n"
    )
    report, _ = play(text, {"A": lambda _: {"n": 1}}, inputs={"runId": "r1"})
    assert report.output == {"id": "r1", "n": 1}
    report, _ = play("name: x\nsteps:\n  - {id: a, function: A}\noutput: {$: $number('x')}\n", {"A": echo})
    assert report.exit_code == 65
    assert report.output_error is not None


def test_inputs_are_read_by_their_type() -> None:
    """Text from a command line becomes the type that an input declares or its default implies."""
    text = (
        "name: x\n"
        "inputs: {s: {}, n: {default: 1}, f: {type: number}, b: {default: false}, l: {type: array}, j: {default: [a]}, "
        "o: {type: object}, d: {default: kept}}\nsteps:\n  - {id: a, function: A, body: {$: $inputs}}\n"
    )
    given = {"s": "007", "n": "3", "f": "1.5", "b": "on", "l": "x, y", "j": '["z"]', "o": '{"k": 1}'}
    _, component = play(text, {"A": echo}, inputs=given)
    assert component.bodies("A") == [
        {"s": "007", "n": 3, "f": 1.5, "b": True, "l": ["x", "y"], "j": ["z"], "o": {"k": 1}, "d": "kept"}
    ]
    _, component = play(text, {"A": echo}, inputs={"n": 4, "l": ("p",), "b": True})
    assert component.bodies("A")[0] == {"n": 4, "l": ["p"], "b": True, "j": ["a"], "d": "kept"}


def test_wrong_inputs_are_refused_before_anything_runs() -> None:
    """Unknown, missing and malformed inputs are reported together, and no step runs."""
    text = (
        "name: x\n"
        "inputs: {cluster: {required: true, description: its name}, n: {type: number}, o: {type: object}, "
        "b: {type: boolean}, l: {type: array}}\n"
        "steps:\n"
        "  - {id: a, function: A}\n"
    )
    component = ScriptedComponent({"A": echo})
    given = {"clustr": "x", "n": "nan", "o": "[]", "b": "maybe", "l": "[1"}
    with pytest.raises(InputError) as caught:
        run_flow(load_flow(text), component, {}, clock=FlowClock(), on_progress=lambda _line: None, inputs=given)
    found = {(violation.pointer, violation.rule) for violation in caught.value.violations}
    assert found == {
        ("/clustr", "unknown"),
        ("/cluster", "required"),
        ("/n", "type"),
        ("/o", "type"),
        ("/b", "type"),
        ("/l", "type"),
    }
    assert "Did you mean cluster?" in str(caught.value)
    assert component.calls == []


def test_progress_tells_what_runs() -> None:
    """A person who waits sees each step begin and end, and the items of a long one."""
    text = "name: x\nsteps:\n  - {id: a, function: A, each: [1, 2]}\n  - {id: b, function: A, when: false}\n"
    lines: list[str] = []
    component = ScriptedComponent({"A": echo})
    run_flow(load_flow(text), component, {}, clock=FlowClock(), on_progress=lines.append)
    assert lines == [
        "[1/2] a: A",
        "[1/2] a: item 1 of 2",
        "[1/2] a: item 2 of 2",
        "[1/2] a: passed",
        "[2/2] b: A",
        "[2/2] b: skipped, its condition is not met",
    ]
