"""A wait: when it ends, how, and what it leaves behind."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ecs_connector.errors import PartialFailure, Rebound, ServiceError, StopRequested, WaitFailed, WaitTimedOut
from ecs_connector.prepare import prepare
from ecs_connector.values import Message
from support.scripted_ecs import Ecs, Refused, cut, make_task, task_arn
from support.stepped_clock import SteppedClock

RUN = {"taskDefinition": "web:7", "cluster": "blue"}


class Life:
    """Tasks that go through states by the clock."""

    def __init__(self, clock: SteppedClock, *states: tuple[float, str], count: int = 1, **more: Any) -> None:
        self.clock = clock
        self.states = states
        self.count = count
        self.more = more
        self.gone_at: float | None = None

    def tasks(self) -> list[dict[str, Any]]:
        status = [state for at, state in self.states if at <= self.clock.elapsed_s][-1]
        return [make_task(f"t{number}", status, **self.more) for number in range(self.count)]

    def __call__(self, operation: str, body: dict[str, Any]) -> Any:
        if operation in ("RunTask", "StartTask"):
            return {"tasks": self.tasks(), "failures": []}
        if operation == "DescribeTasks":
            known = {task["taskArn"]: task for task in self.tasks()}
            gone = self.gone_at is not None and self.clock.elapsed_s >= self.gone_at
            asked = [task_arn(one.rpartition("/")[2]) for one in body["tasks"]]
            return {
                "tasks": [] if gone else [known[arn] for arn in asked if arn in known],
                "failures": [{"arn": arn, "reason": "MISSING"} for arn in asked if gone or arn not in known],
            }
        if operation == "StopTask":
            return {"task": make_task("t0", "RUNNING", desiredStatus="STOPPED")}
        if operation == "ListTasks":
            return {"taskArns": []}
        raise Refused("AccessDeniedException", operation)


def make_ecs(clock: SteppedClock, *states: tuple[float, str], **more: Any) -> tuple[Ecs, Life]:
    life = Life(clock, *(states or ((0, "PROVISIONING"), (3, "PENDING"), (10, "RUNNING"), (40, "STOPPED"))), **more)
    return Ecs(life, clock), life


def test_a_run_is_judged_when_it_has_stopped(clock):
    """RunTask that waits for TasksStopped gives the tasks as they ended, and the verdict on them."""
    ecs, _ = make_ecs(clock)

    emission = ecs.run("RunTask", RUN, waitFor="TasksStopped")

    assert emission.body["tasks"][0]["lastStatus"] == "STOPPED"
    assert emission.body["verdict"]["ok"] is True
    assert emission.body["verdict"]["tasks"][0]["exitCodes"] == {"app": 0}
    assert emission.body["failures"] == []
    assert emission.headers["waits"] == [{"waitFor": "TasksStopped", "looks": 8, "seconds": 42.0}]
    assert emission.headers["attempts"] == len(ecs.script.asked) == 9


def test_the_pace_is_the_steps_own(clock):
    """The interval is six seconds for tasks unless the step says otherwise."""
    ecs, _ = make_ecs(clock)
    ecs.run("RunTask", RUN, waitFor="TasksRunning")
    assert ecs.script.times_of("DescribeTasks") == [0, 6, 12]

    other = SteppedClock()
    ecs, _ = make_ecs(other)
    ecs.run("RunTask", RUN, waitFor="TasksRunning", waitIntervalSeconds="2.5")
    assert ecs.script.times_of("DescribeTasks") == [0, 2.5, 5, 7.5, 10]


def test_a_bad_verdict_is_an_error_that_carries_everything(clock):
    """A task that did not do its work fails the step, with codes, reasons and a diagnosis in the error."""
    ecs, _ = make_ecs(clock, code=137)

    with pytest.raises(WaitFailed) as caught:
        ecs.run("RunTask", RUN, waitFor="TasksStopped")

    verdict = caught.value.last["verdict"]
    assert verdict["ok"] is False
    assert verdict["tasks"][0]["exitCodes"] == {"app": 137}
    assert verdict["tasks"][0]["diagnosis"]["remedy"] in str(caught.value)
    assert caught.value.last["tasks"][0]["taskArn"] == task_arn("t0")
    assert "exit code 137" in caught.value.reason


def test_a_bad_verdict_is_a_message_where_the_step_wants_it(clock):
    """With onBadVerdict emit, the flow goes on with the verdict."""
    ecs, _ = make_ecs(clock, code=3)

    emission = ecs.run("RunTask", RUN, waitFor="TasksStopped", onBadVerdict="emit")

    assert emission.body["verdict"]["ok"] is False


def test_other_exit_codes_can_be_accepted(clock):
    """What counts as success is the step's to say."""
    ecs, _ = make_ecs(clock, code=3)

    assert ecs.run("RunTask", RUN, waitFor="TasksStopped", acceptedExitCodes="0, 3").body["verdict"]["ok"]


def test_a_task_that_stops_never_runs(clock):
    """Waiting for TasksRunning ends at once when a task stops, and says why it stopped."""
    ecs, _ = make_ecs(clock, (0, "PENDING"), (5, "STOPPED"), code=1)

    with pytest.raises(WaitFailed, match="stopped before all of them were running") as caught:
        ecs.run("RunTask", RUN, waitFor="TasksRunning")

    assert clock.elapsed_s == 6
    assert caught.value.last["verdict"]["tasks"][0]["kind"] == "exit_code"


def test_a_thing_that_is_gone_ends_the_wait_after_two_looks(clock):
    """Missing once may be ECS catching up; missing twice is gone."""
    ecs, life = make_ecs(clock)
    life.gone_at = 0

    with pytest.raises(WaitFailed, match="is gone") as caught:
        ecs.run("RunTask", RUN, waitFor="TasksStopped")

    assert len(ecs.script.of("DescribeTasks")) == 2
    assert caught.value.last["tasks"][0]["taskArn"] == task_arn("t0")


def test_one_look_without_the_thing_is_forgiven(clock):
    """A task that DescribeTasks does not know yet right after its start is waited for."""
    ecs, life = make_ecs(clock)
    looks = []

    def answer(operation, body):
        if operation == "DescribeTasks" and not looks:
            looks.append(1)
            return {"tasks": [], "failures": [{"arn": body["tasks"][0], "reason": "MISSING"}]}
        return life(operation, body)

    ecs = Ecs(answer, clock)
    assert ecs.run("RunTask", RUN, waitFor="TasksStopped").body["verdict"]["ok"]


def test_a_stopped_task_that_vanishes_has_stopped(clock):
    """What has ended is not looked at again: it may vanish while others run on."""

    def answer(operation, body):
        if operation == "RunTask":
            return {"tasks": [make_task("t0"), make_task("t1")], "failures": []}
        if operation == "DescribeTasks":
            known = {task_arn("t1"): make_task("t1", "STOPPED" if clock.elapsed_s > 20 else "RUNNING")}
            if clock.elapsed_s < 10:
                known[task_arn("t0")] = make_task("t0", "STOPPED")
            return {"tasks": [known[arn] for arn in body["tasks"] if arn in known], "failures": []}
        return {"taskArns": []}

    ecs = Ecs(answer, clock)
    emission = ecs.run("RunTask", {**RUN, "count": 2}, waitFor="TasksStopped")

    assert [task["taskArn"] for task in emission.body["tasks"]] == [task_arn("t0"), task_arn("t1")]
    assert ecs.script.of("DescribeTasks")[-1]["tasks"] == [task_arn("t1")]


@pytest.mark.parametrize(("budget", "looks"), [(0, 1), (5, 2), (6, 2), (20, 5)])
def test_the_budget_is_kept(clock, budget, looks):
    """A wait ends with its budget, after one last look, and says what it saw."""
    ecs, _ = make_ecs(clock, (0, "PENDING"))

    with pytest.raises(WaitTimedOut, match="PENDING") as caught:
        ecs.run("RunTask", RUN, waitFor="TasksRunning", waitTimeoutSeconds=budget)

    assert clock.elapsed_s == budget
    assert len(ecs.script.of("DescribeTasks")) == looks
    assert caught.value.last["tasks"][0]["taskArn"] == task_arn("t0")
    assert caught.value.outcome.settlement == "rebound"


def test_a_task_that_does_not_start_has_a_limit_of_its_own(clock):
    """The start limit ends the wait for tasks that stay in PENDING, long before the budget."""
    ecs, _ = make_ecs(clock, (0, "PENDING"))

    with pytest.raises(WaitTimedOut, match="has not started"):
        ecs.run("RunTask", RUN, waitFor="TasksStopped", waitStartTimeoutSeconds=30)

    assert 30 <= clock.elapsed_s <= 36


def test_the_start_limit_does_not_touch_what_has_started(clock):
    """A task that runs is not held to the start limit."""
    ecs, _ = make_ecs(clock)

    assert ecs.run("RunTask", RUN, waitFor="TasksStopped", waitStartTimeoutSeconds=12).body["verdict"]["ok"]


def test_a_look_that_fails_for_a_while_does_not_end_the_wait(clock):
    """Throttles and cut connections are sat out within the budget."""
    ecs, life = make_ecs(clock)

    def answer(operation, body):
        if operation == "DescribeTasks" and 5 < clock.elapsed_s < 25:
            return cut() if clock.elapsed_s < 15 else Refused("ThrottlingException", "Rate exceeded")
        return life(operation, body)

    ecs = Ecs(answer, clock)
    assert ecs.run("RunTask", RUN, waitFor="TasksStopped", maxAttempts=1).body["verdict"]["ok"]


def test_what_was_started_is_told_even_when_looking_is_not_allowed(clock):
    """A missing permission to look never hides the task that was started."""
    ecs, life = make_ecs(clock)

    def answer(operation, body):
        if operation == "DescribeTasks":
            raise Refused("AccessDeniedException", "not authorized to perform: ecs:DescribeTasks")
        return life(operation, body)

    with pytest.raises(WaitFailed, match="AccessDenied") as caught:
        Ecs(answer, clock).run("RunTask", RUN, waitFor="TasksStopped")

    assert caught.value.last["tasks"][0]["taskArn"] == task_arn("t0")


def test_a_step_that_only_looks_gives_its_own_error(clock):
    """Where nothing was started, a refused look is simply that error."""

    def answer(operation, body):
        raise Refused("ClusterNotFoundException", "Cluster not found.")

    with pytest.raises(ServiceError) as caught:
        Ecs(answer, clock).run("DescribeTasks", {"tasks": ["t0"]}, waitFor="TasksStopped")

    assert caught.value.code == "ClusterNotFoundException"


@pytest.mark.parametrize(("policy", "stops"), [("keep", 0), ("stop", 2)])
def test_what_was_started_is_stopped_once_where_the_step_wants_it(clock, policy, stops):
    """A wait that runs out of time stops each task exactly once, with a reason, or none."""
    ecs, _ = make_ecs(clock, (0, "RUNNING"), count=2)

    with pytest.raises(WaitTimedOut) as caught:
        ecs.run("RunTask", {**RUN, "count": 2}, waitFor="TasksStopped", waitTimeoutSeconds=30, onWaitFailure=policy)

    sent = ecs.script.of("StopTask")
    assert [body["task"] for body in sent] == [task_arn("t0"), task_arn("t1")][:stops]
    assert all(body["reason"].startswith("ecs-connector: ") and body["cluster"] == "blue" for body in sent)
    assert caught.value.last.get("stopped", []) == [task_arn("t0"), task_arn("t1")][:stops]


def test_a_cancelled_wait_stops_what_it_started(clock):
    """Ctrl-C stops the task once where the step wants that."""
    ecs, life = make_ecs(clock)

    def answer(operation, body):
        if operation == "DescribeTasks" and clock.elapsed_s > 10:
            raise KeyboardInterrupt
        return life(operation, body)

    ecs = Ecs(answer, clock)
    with pytest.raises(KeyboardInterrupt):
        ecs.run("RunTask", RUN, waitFor="TasksStopped", onWaitFailure="stop")

    assert [body["reason"] for body in ecs.script.of("StopTask")] == ["ecs-connector: the wait was cancelled"]


def test_tasks_that_have_stopped_are_not_stopped_again(clock):
    """Only what still runs is stopped."""
    ecs, _ = make_ecs(clock, (0, "STOPPED"), code=1)

    with pytest.raises(WaitFailed):
        ecs.run("RunTask", RUN, waitFor="TasksStopped", onWaitFailure="stop")

    assert ecs.script.of("StopTask") == []


def test_a_stop_that_fails_is_told(clock):
    """When a started task cannot be stopped, the error says so beside its own reason."""
    ecs, life = make_ecs(clock, (0, "RUNNING"))

    def answer(operation, body):
        if operation == "StopTask":
            raise Refused("AccessDeniedException", "not authorized to perform: ecs:StopTask")
        return life(operation, body)

    with pytest.raises(WaitTimedOut) as caught:
        Ecs(answer, clock).run("RunTask", RUN, waitFor="TasksStopped", onWaitFailure="stop", waitTimeoutSeconds=6)

    assert caught.value.last["stopped"] == []
    assert "ecs:StopTask" in caught.value.last["notStopped"][0]["reason"]


@pytest.mark.parametrize("signal", [StopRequested, Rebound("again")])
def test_a_message_that_goes_back_stops_nothing(clock, signal):
    """A message that comes again finds its task running."""
    ecs, life = make_ecs(clock)

    def answer(operation, body):
        if operation == "DescribeTasks" and clock.elapsed_s > 10:
            raise signal
        return life(operation, body)

    ecs = Ecs(answer, clock)
    with pytest.raises((StopRequested, Rebound)):
        ecs.run("RunTask", RUN, waitFor="TasksStopped", onWaitFailure="stop")

    assert ecs.script.of("StopTask") == []


def test_a_message_is_not_held_longer_than_it_may_be(clock):
    """A wait with a longer budget hands its message back in time, and goes on when it comes again."""
    ecs, _ = make_ecs(clock, (0, "RUNNING"), (100, "STOPPED"))
    held = {"max_hold_s": 60.0, "redelivered": False}

    with pytest.raises(Rebound, match="TasksStopped"):
        ecs.run("RunTask", RUN, id="m1", surroundings=held, waitFor="TasksStopped")
    assert clock.elapsed_s == 60

    clock.sleep(15)
    again = {**held, "redelivered": True}
    assert ecs.run("RunTask", RUN, id="m1", surroundings=again, waitFor="TasksStopped").body["verdict"]["ok"]
    tokens = {body["clientToken"] for body in ecs.script.of("RunTask")}
    assert len(tokens) == 1


def test_the_budget_of_a_redelivered_wait_counts_from_the_start_of_its_tasks(clock):
    """Handing a message back does not give its wait a new budget."""
    ecs, _ = make_ecs(clock, (0, "RUNNING"), createdAt=clock.now().timestamp())
    clock.sleep(500)

    with pytest.raises(WaitTimedOut):
        ecs.run("RunTask", RUN, id="m1", surroundings={"redelivered": True}, waitFor="TasksStopped")

    assert clock.elapsed_s == 600


def test_a_wait_that_cannot_be_taken_up_again_is_no_rebound(clock):
    """Where a second delivery would start a second task, a wait that is out of time is an error and does not come back."""
    ecs, _ = make_ecs(clock, (0, "RUNNING"))
    body = {"taskDefinition": "web:7", "containerInstances": ["i1"], "startedBy": "me"}

    with pytest.raises(WaitTimedOut) as caught:
        ecs.run("StartTask", body, id="m1", surroundings={"max_hold_s": 60.0}, waitFor="TasksStopped")

    assert clock.elapsed_s == 60
    assert caught.value.outcome.settlement == "reject"


def test_nothing_was_started(clock):
    """When ECS started nothing, its reasons decide before any wait."""

    def answer(operation, body):
        return {"tasks": [], "failures": [{"arn": "i", "reason": "RESOURCE:MEMORY"}]}

    ecs = Ecs(answer, clock)
    with pytest.raises(PartialFailure, match="RESOURCE:MEMORY"):
        ecs.run("RunTask", RUN, waitFor="TasksStopped")
    with pytest.raises(WaitFailed, match="could not be started"):
        ecs.run("RunTask", RUN, waitFor="TasksStopped", onFailures="pass")
    assert ecs.script.of("DescribeTasks") == []


@pytest.mark.parametrize(("policy", "error"), [("partial", None), ("pass", None), ("fail", PartialFailure)])
def test_tasks_that_were_not_started_are_the_policys_to_judge(clock, policy, error):
    """A run of which some tasks could not be placed succeeds or fails as onFailures says; the verdict names them."""
    ecs, life = make_ecs(clock, (0, "STOPPED"))

    def answer(operation, body):
        output = life(operation, body)
        return {**output, "failures": [{"arn": "i", "reason": "RESOURCE:CPU"}]} if operation == "RunTask" else output

    ecs = Ecs(answer, clock)
    if error is not None:
        with pytest.raises(error):
            ecs.run("RunTask", {**RUN, "count": 2}, waitFor="TasksStopped", onFailures=policy)
        return
    body = ecs.run("RunTask", {**RUN, "count": 2}, waitFor="TasksStopped", onFailures=policy).body
    assert body["verdict"]["ok"] is False
    assert body["verdict"]["failures"][0]["reason"] == "RESOURCE:CPU"
    assert body["failures"] == [{"arn": "i", "reason": "RESOURCE:CPU"}]


def test_every_change_of_a_state_is_told(clock, caplog):
    """A person who watches sees each state of a task once."""
    ecs, _ = make_ecs(clock)

    with caplog.at_level(logging.INFO, logger="test"):
        ecs.run("RunTask", RUN, waitFor="TasksStopped")

    assert caplog.messages == [
        "task t0: PROVISIONING",
        "task t0: PROVISIONING -> PENDING",
        "task t0: PENDING -> RUNNING",
        "task t0: RUNNING -> STOPPED",
    ]


def test_raw_timestamps_stay_raw(clock):
    """What a wait shows at the end follows the step's choice of timestamps."""
    ecs, _ = make_ecs(clock)

    emission = ecs.run("RunTask", RUN, waitFor="TasksStopped", timestamps="raw")

    assert emission.body["tasks"][0]["createdAt"] == 1768478400.0


def test_secrets_of_overrides_are_not_in_an_error(clock):
    """The output that an error carries is masked by the model's marks."""
    overrides = {"containerOverrides": [{"name": "app", "environment": [{"name": "KEY", "value": "hunter2-secret"}]}]}
    ecs, _ = make_ecs(clock, code=1, overrides=overrides)

    with pytest.raises(WaitFailed) as caught:
        ecs.run("RunTask", RUN, waitFor="TasksStopped")

    assert "hunter2-secret" not in str(caught.value.report())
    assert caught.value.last["tasks"][0]["overrides"]["containerOverrides"][0]["name"] == "app"


def test_stopping_a_task_can_be_waited_for(clock):
    """StopTask waits until the task has stopped, and passes no verdict."""
    ecs, _ = make_ecs(clock, (0, "RUNNING"), (9, "STOPPED"), code=143)

    emission = ecs.run("StopTask", {"cluster": "blue", "task": "t0"}, waitFor="TasksStopped")

    assert emission.body["task"]["lastStatus"] == "STOPPED"
    assert "verdict" not in emission.body


def test_instances_are_drained_when_nothing_runs_on_them(clock):
    """The wait for drained instances ends when their last task has gone, and fails for one that is active."""

    def answer(operation, body):
        tasks = 0 if clock.elapsed_s > 40 else 3
        state = "ACTIVE" if body.get("status") == "ACTIVE" or "active" in body["containerInstances"][0] else "DRAINING"
        arn = f"arn:aws:ecs:eu-central-1:123456789012:container-instance/blue/{'active' if state == 'ACTIVE' else 'i1'}"
        item = {"containerInstanceArn": arn, "status": state, "runningTasksCount": tasks, "pendingTasksCount": 0}
        return {"containerInstances": [item], "failures": []}

    ecs = Ecs(answer, clock)
    body = {"cluster": "blue", "containerInstances": ["i1"], "status": "DRAINING"}
    emission = ecs.run("UpdateContainerInstancesState", body, waitFor="ContainerInstancesDrained")
    assert emission.body["containerInstances"][0]["runningTasksCount"] == 0
    assert ecs.script.times_of("DescribeContainerInstances") == [0, 15, 30, 45]
    with pytest.raises(WaitFailed, match="nothing drains it"):
        ecs.run("UpdateContainerInstancesState", {**body, "status": "ACTIVE"}, waitFor="ContainerInstancesDrained")


def test_daemons_can_be_waited_for(clock):
    """CreateDaemon waits for the daemon, or for its deployment, and shows what it saw last."""
    daemon = "arn:aws:ecs:eu-central-1:123456789012:daemon/blue/agent"
    deployment = "arn:aws:ecs:eu-central-1:123456789012:daemon-deployment/blue/agent/d1"

    def answer(operation, body):
        late = clock.elapsed_s >= 30
        if operation == "CreateDaemon":
            return {"daemonArn": daemon, "status": "ACTIVE", "deploymentArn": deployment}
        if operation == "DescribeDaemon":
            assert body["daemonArn"] == daemon
            return {"daemon": {"daemonArn": daemon, "status": "ACTIVE" if late else "CREATING"}}
        assert body["daemonDeploymentArns"] == [deployment]
        return {
            "daemonDeployments": [
                {"daemonDeploymentArn": deployment, "status": "SUCCESSFUL" if late else "IN_PROGRESS"}
            ]
        }

    ecs = Ecs(answer, clock)
    body = {
        "daemonName": "agent",
        "daemonTaskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:daemon-task-definition/a:1",
        "capacityProviderArns": ["arn:aws:ecs:eu-central-1:123456789012:capacity-provider/c"],
    }
    emission = ecs.run("CreateDaemon", body, waitFor="DaemonDeploymentSuccessful")
    assert emission.body["daemonDeployment"]["status"] == "SUCCESSFUL"
    assert clock.elapsed_s == 30
    assert ecs.run("CreateDaemon", body, waitFor="DaemonActive").body["daemon"]["status"] == "ACTIVE"


def test_a_deleted_service_that_is_gone_is_inactive(clock):
    """DeleteService reaches its goal also when ECS has forgotten the service already."""
    arn = "arn:aws:ecs:eu-central-1:123456789012:service/blue/web"

    def answer(operation, body):
        if operation == "DeleteService":
            return {"service": {"serviceArn": arn, "status": "DRAINING"}}
        return {"services": [], "failures": [{"arn": arn, "reason": "MISSING"}]}

    ecs = Ecs(answer, clock)
    emission = ecs.run("DeleteService", {"cluster": "blue", "service": "web"}, waitFor="ServicesInactive")
    assert emission.body["service"]["serviceArn"] == arn
    with pytest.raises(WaitFailed, match="is gone"):
        ecs.run("DescribeServices", {"cluster": "blue", "services": ["web"]}, waitFor="ServicesInactive")


def test_a_step_without_a_wait_makes_its_one_call(clock):
    """The wait costs nothing where it is not asked for: one message, one request."""
    ecs, _ = make_ecs(clock)

    ecs.run("RunTask", RUN)

    assert [name for _, name, _ in ecs.script.asked] == ["RunTask"]


def test_the_input_reaches_the_look_unchanged(clock):
    """DescribeTasks asks for what its body says, also when it waits."""
    ecs, _ = make_ecs(clock, (0, "STOPPED"))

    ecs.run("DescribeTasks", {"cluster": "blue", "tasks": ["t0"], "include": ["TAGS"]}, waitFor="TasksStopped")

    assert ecs.script.of("DescribeTasks") == [{"cluster": "blue", "include": ["TAGS"], "tasks": ["t0"]}]


def test_a_message_without_an_id_gets_no_mark(clock):
    """Only a message that may come again is marked; the input of others goes through as it is."""
    ecs, _ = make_ecs(clock)
    step = ecs.component.clients.step(
        "RunTask", {"region": "eu-central-1", "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "s"}
    )

    plain = prepare(step.operation, Message(dict(RUN)), step.config, ecs.context())
    unknowing = prepare(step.operation, Message(dict(RUN), id="m1"), step.config, ecs.context())
    marked = prepare(step.operation, Message(dict(RUN), id="m1"), step.config, ecs.context(redelivered=False))

    assert set(plain) == set(unknowing) == {*RUN, "clientToken"}
    assert marked["startedBy"].startswith("ecs-connector/")
    assert len(marked["startedBy"]) == 36


@pytest.mark.parametrize("answer", [{}, {"service": {"serviceName": "web"}}, {"service": None}])
def test_a_wait_for_nothing_is_not_a_success(clock, answer):
    """Where the answer does not name what to wait for, the input does: the wait looks, and fails when there is nothing."""
    ecs = Ecs(lambda operation, body: answer, clock)

    with pytest.raises(WaitFailed, match="is gone"):
        ecs.run("UpdateService", {"service": "web"}, waitFor="ServicesStable")


def test_one_thing_without_a_name_is_the_one_that_was_asked_for(clock):
    """Where one thing was asked for and one came that does not say which it is, it is taken for that one."""
    ecs = Ecs(lambda operation, body: {"tasks": [{"lastStatus": "RUNNING"}]}, clock)

    emission = ecs.run("DescribeTasks", {"tasks": ["t0"]}, waitFor="TasksRunning")

    assert emission.body["tasks"] == [{"lastStatus": "RUNNING"}]


def test_a_deployment_that_the_answer_does_not_show_is_looked_for(clock):
    """UpdateService whose answer has no deployments is followed by what DescribeServices shows."""
    arn = "arn:aws:ecs:eu-central-1:123456789012:service/blue/web"
    states = iter(["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"])

    def answer(operation, body):
        if operation == "UpdateService":
            return {"service": {"serviceArn": arn, "status": "ACTIVE"}}
        deployment = {"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": next(states)}
        return {"services": [{"serviceArn": arn, "status": "ACTIVE", "deployments": [deployment]}], "failures": []}

    emission = Ecs(answer, clock).run("UpdateService", {"cluster": "blue", "service": "web"}, waitFor="Deployed")

    assert emission.body["deployment"]["outcome"] == "succeeded"
