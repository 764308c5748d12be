"""The report of a flow, for people and for programs."""

from __future__ import annotations

import json

from ecs_connector.errors import InputError, ServiceError
from ecs_connector.harness.flow import render_report
from support.flows import echo, play

TEXT = """
name: release
steps:
  - {id: look, function: DescribeClusters}
  - {id: fan, function: StopTask, each: [1, 2], body: {n: {$: $item}}}
  - {id: none, function: StopTask, when: false}
  - {id: bad, function: RunTask}
  - {id: late, function: RunTask}
output: {n: 1}
"""

ERROR = ServiceError(
    "ECS refused RunTask:\nno such cluster.",
    operation="RunTask",
    code="ClusterNotFoundException",
    message="no",
    status=400,
    request_id="err-1",
)


def test_the_table_shows_every_step() -> None:
    """The text has one line for each step, and under a failed one its error; columns line up."""
    report, _ = play(
        TEXT, {"DescribeClusters": echo, "StopTask": echo, "RunTask": lambda _: ERROR}, inputs={"runId": "r-1"}
    )
    assert render_report(report).splitlines() == [
        "Flow release: failed in 10.00 s (run r-1)",
        "",
        "  STEP  FUNCTION          STATUS     TIME  MESSAGES  ATTEMPTS  REQUEST ID",
        "  look  DescribeClusters  passed   1.00 s         1         1  request-1",
        "  fan   StopTask x2       passed   1.00 s         2         2  request-2 and 1 more",
        "  none  StopTask          skipped",
        "      its condition is not met",
        "  bad   RunTask           failed   1.00 s         0         1  err-1",
        "      ServiceError: ECS refused RunTask:",
        "      no such cluster.",
        "  late  RunTask           skipped",
        "      an earlier step failed",
        "",
        "Exit code 69",
    ]


def test_the_output_is_shown() -> None:
    """A flow that passed shows its output as JSON under the table."""
    report, _ = play(TEXT, {"DescribeClusters": echo, "StopTask": echo, "RunTask": echo})
    assert render_report(report).endswith('\n\nOutput:\n{\n  "n": 1\n}')
    assert report.status == "passed"


def test_the_json_form_is_complete() -> None:
    """The JSON form can be dumped and holds times, evidence, error reports and the exit code."""
    report, _ = play(
        TEXT, {"DescribeClusters": echo, "StopTask": echo, "RunTask": lambda _: ERROR}, inputs={"runId": "r-1"}
    )
    form = json.loads(json.dumps(report.to_json()))
    assert {key: form[key] for key in ("flow", "runId", "status", "exitCode", "output")} == {
        "flow": "release",
        "runId": "r-1",
        "status": "failed",
        "exitCode": 69,
        "output": None,
    }
    assert form["startedAt"] == "2026-01-02T03:04:07Z"
    assert form["steps"][1] == {
        "id": "fan",
        "function": "StopTask",
        "status": "passed",
        "seconds": 1.0,
        "emissions": 2,
        "attempts": 2,
        "requestIds": ["request-2", "request-3"],
        "rounds": 2,
    }
    assert form["steps"][3]["error"]["code"] == "ClusterNotFoundException"


def test_messages_of_one_call_count_as_one_call() -> None:
    """Attempts are counted once for a call, however many messages it gave."""
    text = "name: x\nsteps:\n  - {id: a, function: A}\n"
    report, _ = play(text, {"A": lambda _: [{"n": 1}, {"n": 2}, {"n": 3}]})
    assert (report.steps[0].emissions, report.steps[0].attempts) == (3, 1)


def test_no_configuration_value_is_ever_shown() -> None:
    """Neither form of the report holds a value of the configuration, even when the configuration is to blame."""
    text = (
        "name: x\nconfig: {secretAccessKey: hush-1}\nsteps:\n  - {id: a, function: A, config: {sessionToken: hush-2}}\n"
    )
    for answer in ({"n": 1}, InputError("refused")):
        report, _ = play(text, {"A": lambda _, answer=answer: answer}, config={"roleArn": "hush-3"})
        assert "hush" not in render_report(report) + json.dumps(report.to_json())
