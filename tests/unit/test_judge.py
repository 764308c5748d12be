"""The truth table of verdicts: one row a way in which a task can end."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.judge import essential_containers, judge_step, judge_task
from ecs_connector.verdict import KINDS

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/blue/0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c"
EXITED = "Essential container in task exited"
APP = frozenset({"app"})
BOTH = frozenset({"app", "worker"})


def make_task(
    *codes: tuple[str, int | None] | tuple[str, int | None, str],
    stop_code: str | None = "EssentialContainerExited",
    reason: str | None = EXITED,
    started: bool = True,
    **more: Any,
) -> dict[str, Any]:
    containers = []
    for name, code, *said in codes:
        container: dict[str, Any] = {"name": name, "lastStatus": "STOPPED"}
        if code is not None:
            container["exitCode"] = code
        if said:
            container["reason"] = said[0]
        containers.append(container)
    task: dict[str, Any] = {"taskArn": ARN, "lastStatus": "STOPPED", "containers": containers, **more}
    if stop_code is not None:
        task["stopCode"] = stop_code
    if reason is not None:
        task["stoppedReason"] = reason
    if started:
        task["startedAt"] = "2024-05-01T10:00:00Z"
    return task


def failed_start(reason: str, *containers: Any) -> dict[str, Any]:
    return make_task(*(containers or (("app", None),)), stop_code="TaskFailedToStart", reason=reason, started=False)


PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref nginx:no"
INIT = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"
OOM = "OutOfMemoryError: Container killed due to memory usage"
ENI = "Timeout waiting for network interface provisioning to complete."
START = "CannotStartContainerError: ResourceInitializationError"
HOST = "Host EC2 (instance i-0abc) terminated."
ADDED = (("ecs-service-connect-x1", 137), ("aws-guardduty-agent-us", None), ("~internal~ecs~pause", 137))

TABLE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "nothing is told": ({"taskArn": ARN, "lastStatus": "STOPPED"}, {}, "not_told"),
    "one container, code 0": (make_task(("app", 0)), {}, "success"),
    "two containers, both 0": (make_task(("app", 0), ("worker", 0)), {"essential": BOTH}, "success"),
    "code 1": (make_task(("app", 1)), {}, "exit_code"),
    "code 255": (make_task(("app", 255)), {}, "exit_code"),
    "code 137 without a word of memory": (make_task(("app", 137)), {}, "exit_code"),
    "accepted code": (make_task(("app", 3)), {"accepted_exit_codes": frozenset({0, 3})}, "success"),
    "0 is no longer accepted": (make_task(("app", 0)), {"accepted_exit_codes": frozenset({3})}, "exit_code"),
    "sidecar's code is ignored": (make_task(("app", 0), ("log", 137)), {"essential": APP}, "success"),
    "sidecar without code is ignored": (make_task(("app", 0), ("log", None)), {"essential": APP}, "success"),
    "sidecar out of memory is ignored": (make_task(("app", 0), ("log", 137, OOM)), {"essential": APP}, "success"),
    "sidecar is fine, the app is not": (make_task(("app", 2), ("log", 0)), {"essential": APP}, "exit_code"),
    "containers that ECS adds do not count": (make_task(("app", 0), *ADDED), {}, "success"),
    "essential unknown: all count": (make_task(("app", 0), ("log", 1)), {}, "exit_code"),
    "no essential names is unknown": (make_task(("app", 0), ("log", 1)), {"essential": frozenset()}, "exit_code"),
    "missing code": (make_task(("app", None)), {}, "missing_exit_code"),
    "missing code of one of two": (make_task(("app", 0), ("worker", None)), {"essential": BOTH}, "missing_exit_code"),
    "no containers at all": (make_task(), {}, "missing_exit_code"),
    "out of memory": (make_task(("app", 137, OOM)), {}, "out_of_memory"),
    "out of memory in the task's text only": (make_task(("app", 137), reason=OOM), {}, "out_of_memory"),
    "out of memory, but the code is accepted": (
        make_task(("app", 137, OOM)),
        {"accepted_exit_codes": frozenset({137})},
        "success",
    ),
    "essential container absent": (make_task(("app", 0)), {"essential": BOTH}, "essential_container_gone"),
    "one ended, the other was stopped for it": (
        make_task(("app", 0), ("worker", 143)),
        {"essential": BOTH},
        "essential_container_gone",
    ),
    "one failed, the other was stopped for it": (
        make_task(("app", 4), ("worker", 137)),
        {"essential": BOTH},
        "exit_code",
    ),
    "failed start without any code": (failed_start("Task failed to start"), {}, "failed_start"),
    "failed start with code 0 of a sidecar": (failed_start("x", ("app", None), ("init", 0)), {}, "failed_start"),
    "failed start with code 0 everywhere": (failed_start("x", ("app", 0)), {}, "failed_start"),
    "failed start, only said in the text": (
        make_task(("app", None), stop_code=None, reason="Task failed to start", started=False),
        {},
        "failed_start",
    ),
    "no capacity, no containers": (failed_start("TaskFailedToStart: RESOURCE:GPU"), {}, "failed_start"),
    "container cannot be started": (make_task(("app", None, "CannotStartContainerError: x")), {}, "failed_start"),
    "volume cannot be made": (failed_start("CannotCreateVolumeError: x"), {}, "failed_start"),
    "never ran and nothing is known": (
        make_task(("app", None), stop_code=None, reason=None, started=False),
        {},
        "failed_start",
    ),
    "image not pulled": (failed_start(PULL), {}, "image_pull"),
    "image not pulled, said by the container": (
        failed_start("Task failed to start", ("app", None, PULL)),
        {},
        "image_pull",
    ),
    "image not pulled, stop code of an exit": (make_task(("app", None, PULL)), {}, "image_pull"),
    "image of one not pulled, the other ended": (
        make_task(("app", 0), ("worker", None, PULL)),
        {"essential": BOTH},
        "image_pull",
    ),
    "image of a sidecar not pulled": (make_task(("app", 0), ("log", None, PULL)), {"essential": APP}, "success"),
    "secrets not read": (failed_start(INIT), {}, "resource_init"),
    "start error caused by resources": (failed_start(START), {}, "resource_init"),
    "network interface too late": (failed_start(ENI), {}, "timeout"),
    "runtime too slow": (
        make_task(("app", None, "DockerTimeoutError: Could not transition to started")),
        {},
        "timeout",
    ),
    "host terminated": (make_task(("app", None), stop_code="TerminationNotice", reason=HOST), {}, "lost_host"),
    "host terminated, code 0": (make_task(("app", 0), stop_code="TerminationNotice", reason=HOST), {}, "lost_host"),
    "host terminated, no stop code": (make_task(("app", None), stop_code=None, reason=HOST), {}, "lost_host"),
    "host unhealthy": (make_task(("app", 137), stop_code="InfrastructureHealth", reason=None), {}, "lost_host"),
    "maintenance": (
        make_task(
            ("app", 143),
            stop_code="ServiceSchedulerInitiated",
            reason="ECS is performing maintenance on the underlying infrastructure hosting the task",
        ),
        {},
        "lost_host",
    ),
    "spot": (
        make_task(("app", 143), stop_code="SpotInterruption", reason="Your Spot Task was interrupted."),
        {},
        "spot_interruption",
    ),
    "spot, ended cleanly on SIGTERM": (make_task(("app", 0), stop_code="SpotInterruption"), {}, "spot_interruption"),
    "stopped by a user": (
        make_task(("app", 137), stop_code="UserInitiated", reason="Task stopped by user"),
        {},
        "user_stopped",
    ),
    "stopped by a user, code 0": (make_task(("app", 0), stop_code="UserInitiated", reason="done"), {}, "user_stopped"),
    "a user's words are not evidence": (
        make_task(("app", 137), stop_code="UserInitiated", reason="failed ELB health checks, " + HOST),
        {},
        "user_stopped",
    ),
    "scaled in": (
        make_task(
            ("app", 0),
            stop_code="ServiceSchedulerInitiated",
            reason="Scaling activity initiated by (deployment ecs-svc/1)",
        ),
        {},
        "service_scheduler",
    ),
    "load balancer's check": (
        make_task(
            ("app", 137),
            stop_code="ServiceSchedulerInitiated",
            reason="Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:x)",
        ),
        {},
        "health_check",
    ),
    "container's check": (
        make_task(("app", 137), stop_code="ServiceSchedulerInitiated", reason="Task failed container health checks"),
        {},
        "health_check",
    ),
    "still running": (make_task(("app", 0), stop_code=None, reason=None, lastStatus="RUNNING"), {}, "not_stopped"),
    "still stopping": (make_task(("app", 0), lastStatus="STOPPING"), {}, "not_stopped"),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_end_of_a_task_has_its_verdict(name: str) -> None:
    """Each row of the truth table gives its kind, and only success and silence are ok."""
    task, options, kind = TABLE[name]
    verdict = judge_task(task, **options)
    assert verdict.kind == kind
    assert verdict.ok is (kind in ("success", "not_told"))
    assert (verdict.diagnosis is None) or not verdict.ok


def test_the_truth_table_covers_every_kind() -> None:
    """No kind of verdict is without a row."""
    assert {kind for _, _, kind in TABLE.values()} == set(KINDS)
    assert len(TABLE) >= 25


def test_the_verdict_does_not_depend_on_the_order_of_containers() -> None:
    """The same task with its containers the other way round gets the same verdict."""
    for task, options, _ in TABLE.values():
        turned = {**task, "containers": task.get("containers", [])[::-1]}
        first, second = judge_task(task, **options), judge_task(turned, **options)
        assert (first.kind, first.ok, first.diagnosis) == (second.kind, second.ok, second.diagnosis)


def test_the_reason_names_container_code_and_what_ecs_said() -> None:
    """A person reads which container failed, how, and the words of ECS."""
    verdict = judge_task(make_task(("app", 137, OOM), ("log", 0)))
    assert "app: exit code 137" in verdict.reason
    assert "log" not in verdict.reason
    assert "OutOfMemoryError" in verdict.reason
    assert EXITED in verdict.reason
    assert verdict.exit_codes == {"app": 137, "log": 0}
    assert verdict.container_reasons == {"app": OOM}
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.id == "out-of-memory"


def test_the_diagnosis_looks_at_the_container_that_is_to_blame() -> None:
    """The exit code of a good container does not explain the bad one."""
    verdict = judge_task(make_task(("app", 0), ("worker", 127)), essential=BOTH)
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.id == "exit-127"


def test_no_secret_of_a_stopped_reason_is_in_the_report() -> None:
    """A signed URL in what ECS says shows no signature, credential or token."""
    url = "https://b.s3.amazonaws.com/x?X-Amz-Security-Token=tok3n&X-Amz-Credential=ASIA1234567890123456%2Fx&X-Amz-Signature=5ec4e7"
    verdict = judge_task(failed_start(f"CannotPullContainerError: GET {url}: 403", ("app", None, f"got {url}")))
    said = str(verdict.report())
    assert verdict.kind == "image_pull"
    assert "[redacted:" in said
    assert not [secret for secret in ("tok3n", "ASIA1234567890123456", "5ec4e7") if secret in said]


def test_the_report_is_json_with_every_fact() -> None:
    """The report carries the verdict in the names of the AWS API, the diagnosis included."""
    report = judge_task(failed_start(PULL)).report()
    assert {key: report[key] for key in ("taskArn", "ok", "kind", "stopCode", "exitCodes")} == {
        "taskArn": ARN,
        "ok": False,
        "kind": "image_pull",
        "stopCode": "TaskFailedToStart",
        "exitCodes": {"app": None},
    }
    assert report["diagnosis"]["id"] == "image-not-found"


def test_a_task_is_not_changed_by_its_judge() -> None:
    """The task that was judged is the same afterwards."""
    task = make_task(("app", 137, "see https://u:secret@h/"))
    before = repr(task)
    judge_task(task)
    assert repr(task) == before


def test_a_step_is_good_only_if_all_of_it_is() -> None:
    """One bad task, one failure or no task at all makes the step bad; counts say how many of what."""
    good, bad = judge_task(make_task(("app", 0))), judge_task(make_task(("app", 1)))
    failure = {"arn": "arn:x", "reason": "RESOURCE:MEMORY"}
    assert judge_step([good, good]).ok
    assert judge_step([good, good]).counts == {"success": 2}
    mixed = judge_step([good, bad], [failure])
    assert not mixed.ok
    assert mixed.counts == {"success": 1, "exit_code": 1, "not_started": 1}
    assert "1 of 2 tasks failed" in mixed.reason
    assert "RESOURCE:MEMORY" in mixed.reason
    assert mixed.failures[0]["diagnosis"]["id"] == "resource-memory"
    assert not judge_step([good], [failure]).ok
    assert not judge_step([]).ok
    assert mixed.report()["tasks"][1]["kind"] == "exit_code"


def test_a_failure_that_nobody_knows_is_passed_on_untouched() -> None:
    """An unknown failure keeps its words and has no diagnosis."""
    failure = {"arn": "arn:x", "reason": "BRAND_NEW", "detail": "never seen"}
    assert judge_step([], [failure]).failures == ({**failure, "diagnosis": None},)


def test_a_container_is_essential_unless_it_says_no() -> None:
    """The essential containers are read from a task definition as AWS defines the default."""
    definition = {
        "containerDefinitions": [{"name": "a"}, {"name": "b", "essential": True}, {"name": "c", "essential": False}]
    }
    assert essential_containers(definition) == {"a", "b"}
    assert essential_containers({}) == frozenset()
