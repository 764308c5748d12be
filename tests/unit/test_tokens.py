"""Client tokens, marks, and what is looked up before a thing is done again."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_connector.errors import ServiceError, TransportError
from ecs_connector.tokens import derive_token, identified
from ecs_connector.values import Message
from support.scripted_ecs import CONFIG, Ecs, Refused, cut, make_task, task_arn

RUN = {"taskDefinition": "web:7", "cluster": "blue"}
START = {"taskDefinition": "web:7", "cluster": "blue", "containerInstances": ["i1"]}
SERVICE_ARN = "arn:aws:ecs:eu-central-1:123456789012:service/blue/web"


def nothing(operation: str, body: dict[str, Any]) -> Any:
    return {}


def token_of(
    ecs: Ecs, name: str = "RunTask", body: Any = None, *, id: str | None = "m1", identity: str = "f/s", **fields: Any
) -> str:
    step = ecs.component.clients.step(name, {**CONFIG, **fields})
    return derive_token(step.operation, Message(body or RUN, id=id), step.config, ecs.context(identity=identity))


def test_the_same_message_has_the_same_token(clock):
    """Redelivery, a restart and another order of members change nothing."""
    ecs, other = Ecs(nothing, clock), Ecs(nothing, clock)

    assert token_of(ecs) == token_of(other) == token_of(ecs, body=dict(reversed(RUN.items())))
    assert len(token_of(ecs)) == len(token_of(ecs, "CreateService")) == 36


def test_whatever_makes_it_another_thing_makes_another_token(clock):
    """Another message, input, step, operation, region, and the wish to run anew, each give a token of their own."""
    ecs = Ecs(nothing, clock)
    tokens = [
        token_of(ecs), token_of(ecs, id="m2"), token_of(ecs, body={**RUN, "count": 2}), token_of(ecs, identity="f/other"),
        token_of(ecs, "CreateService"), token_of(ecs, region="us-east-1"), token_of(ecs, rerun=True), token_of(ecs, rerun=True),
        token_of(ecs, id=None), token_of(ecs, id=None),
    ]  # fmt: skip

    assert len(set(tokens)) == len(tokens)


def test_the_users_own_token_and_mark_are_kept(clock):
    """What the body says is sent as it is."""
    ecs = Ecs(nothing, clock)
    step = ecs.component.clients.step("RunTask", CONFIG)
    message = Message({**RUN, "clientToken": "mine", "startedBy": "me"}, id="m1")

    assert identified(step.operation, message, step.config, ecs.context()) == {}


class Account:
    """Tasks that carry a mark, as ListTasks and DescribeTasks show them."""

    def __init__(self, *, forgets: bool = False) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, list[str]] = {}
        self.forgets = forgets

    def __call__(self, operation: str, body: dict[str, Any]) -> Any:
        if operation in ("RunTask", "StartTask"):
            known = self.tokens.get(body.get("clientToken", ""))
            if known is None or self.forgets:
                arn = task_arn(f"t{len(self.tasks)}")
                self.tasks[arn] = make_task(arn.rpartition("/")[2], startedBy=body.get("startedBy"))
                known = self.tokens[body.get("clientToken", arn)] = [arn]
            return {"tasks": [self.tasks[arn] for arn in known], "failures": []}
        if operation == "ListTasks":
            return {"taskArns": [
                arn for arn, task in self.tasks.items()
                if task["startedBy"] == body["startedBy"] and task["desiredStatus"] == body["desiredStatus"]
            ]}  # fmt: skip
        assert operation == "DescribeTasks"
        return {"tasks": [self.tasks[arn] for arn in body["tasks"]], "failures": []}

    def stop(self) -> None:
        self.tasks = {
            arn: {**make_task(arn.rpartition("/")[2], "STOPPED"), "startedBy": task["startedBy"]}
            for arn, task in self.tasks.items()
        }


@pytest.mark.parametrize("has_stopped", [False, True])
@pytest.mark.parametrize(("function", "body"), [("RunTask", RUN), ("StartTask", START)])
def test_a_second_delivery_finds_the_task_of_the_first(clock, function, body, has_stopped):
    """When ECS has forgotten the token, or there never was one, the mark finds the task, running or stopped."""
    account = Account(forgets=True)
    ecs = Ecs(account, clock)
    first = ecs.run(function, body, id="m1", surroundings={"redelivered": False})
    if has_stopped:
        account.stop()

    second = ecs.run(function, body, id="m1", surroundings={"redelivered": True})

    assert len(account.tasks) == 1
    assert second.body["alreadyStarted"] is True
    assert second.body["failures"] == []
    assert second.body["tasks"][0]["taskArn"] == first.body["tasks"][0]["taskArn"]
    assert "alreadyStarted" not in first.body
    assert second.headers["attempts"] == len(ecs.script.asked) - 1


def test_a_first_delivery_costs_no_look(clock):
    """Where the caller knows that a message is new, nothing is looked up."""
    ecs = Ecs(Account(), clock)

    ecs.run("RunTask", RUN, id="m1", surroundings={"redelivered": False})
    ecs.run("RunTask", RUN)

    assert [name for _, name, _ in ecs.script.asked] == ["RunTask", "RunTask"]


def test_another_message_is_another_task(clock):
    """Only the same message finds what it started; rerun starts anew on purpose."""
    account = Account(forgets=True)
    ecs = Ecs(account, clock)

    for id, body, fields in [
        ("m1", RUN, {}),
        ("m2", RUN, {}),
        ("m1", {**RUN, "group": "g"}, {}),
        ("m1", RUN, {"rerun": "true"}),
    ]:
        assert "alreadyStarted" not in ecs.run("RunTask", body, id=id, **fields).body

    assert len(account.tasks) == 4


def test_without_permission_to_look_the_token_has_to_do(clock):
    """RunTask goes on under its token's protection; StartTask, which has none, does not risk a second task."""
    account = Account()

    def answer(operation, body):
        if operation == "ListTasks":
            raise Refused("AccessDeniedException", "not authorized to perform: ecs:ListTasks")
        return account(operation, body)

    ecs = Ecs(answer, clock)
    assert ecs.run("RunTask", RUN, id="m1", surroundings={"redelivered": True}).body["tasks"]
    with pytest.raises(ServiceError, match="ecs:ListTasks"):
        ecs.run("StartTask", START, id="m1", surroundings={"redelivered": True})


def test_a_token_conflict_gives_the_existing_tasks(clock):
    """What ECS says is in conflict is described and passed on as already started."""

    def answer(operation, body):
        if operation == "RunTask":
            raise Refused("ConflictException", "token in use", resourceIds=[task_arn("t1")])
        assert operation == "DescribeTasks"
        assert body == {"cluster": "blue", "tasks": [task_arn("t1")]}
        return {"tasks": [make_task("t1")], "failures": []}

    emission = Ecs(answer, clock).run("RunTask", RUN)

    assert emission.body["alreadyStarted"] is True
    assert emission.body["tasks"][0]["taskArn"] == task_arn("t1")


def test_a_lost_answer_of_start_task_is_looked_up(clock):
    """StartTask is not sent again when its answer is lost: what it started is found by its mark."""
    account = Account()

    def answer(operation, body):
        output = account(operation, body)
        return cut() if operation == "StartTask" else output

    ecs = Ecs(answer, clock)
    emission = ecs.run("StartTask", START, id="m1", surroundings={"redelivered": False})

    assert emission.body["alreadyStarted"] is True
    assert len(account.tasks) == len(ecs.script.of("StartTask")) == 1


def test_a_lost_answer_of_which_nothing_is_found_stays_an_error(clock):
    """When nothing carries the mark, nobody claims that something was started."""

    def answer(operation, body):
        return cut() if operation == "StartTask" else {"taskArns": []}

    with pytest.raises(TransportError):
        Ecs(answer, clock).run("StartTask", START, id="m1", surroundings={"redelivered": False})


SERVICE = {
    "serviceName": "web",
    "cluster": "blue",
    "taskDefinition": "web",
    "desiredCount": 1,
    "schedulingStrategy": "REPLICA",
}


@pytest.mark.parametrize(
    ("there", "is_ours"),
    [
        ({}, True),
        ({"desiredCount": 7}, True),
        ({"status": "INACTIVE"}, False),
        ({"taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/other:3"}, False),
        ({"schedulingStrategy": "DAEMON"}, False),
    ],
)
def test_a_service_that_is_there_already_must_agree(clock, there, is_ours):
    """A taken name is our service when it agrees with the input in what does not change, else it stays an error."""
    found = {"serviceArn": SERVICE_ARN, "serviceName": "web", "status": "ACTIVE", "schedulingStrategy": "REPLICA",
             "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7", **there}  # fmt: skip

    def answer(operation, body):
        if operation == "CreateService":
            raise Refused("InvalidParameterException", "Creation of service was not idempotent.")
        assert body == {"cluster": "blue", "services": ["web"]}
        return {"services": [found], "failures": []}

    ecs = Ecs(answer, clock)
    if not is_ours:
        with pytest.raises(ServiceError, match="not idempotent"):
            ecs.run("CreateService", SERVICE)
        return
    emission = ecs.run("CreateService", SERVICE)
    assert emission.body["service"]["serviceArn"] == SERVICE_ARN
    assert emission.body["alreadyStarted"] is True


def test_a_task_set_is_found_by_its_external_id(clock):
    """A second delivery finds its own task set among others of the same service."""
    sets: list[dict[str, Any]] = [{"taskSetArn": "other", "externalId": "x", "status": "ACTIVE"}]

    def answer(operation, body):
        if operation == "DescribeTaskSets":
            return {"taskSets": sets, "failures": []}
        made = {"taskSetArn": f"set{len(sets)}", "externalId": body["externalId"], "status": "ACTIVE"}
        sets.append(made)
        return {"taskSet": made}

    ecs = Ecs(answer, clock)
    body = {"service": "web", "cluster": "blue", "taskDefinition": "web:7"}
    first = ecs.run("CreateTaskSet", body, id="m1", surroundings={"redelivered": False})
    second = ecs.run("CreateTaskSet", body, id="m1", surroundings={"redelivered": True})

    assert len(sets) == 2
    assert second.body == {**first.body, "alreadyStarted": True}


def test_a_daemon_and_a_gateway_are_found_by_their_names(clock):
    """What ECS says exists is given as the operation would have given it."""
    arn = "arn:aws:ecs:eu-central-1:123456789012:daemon/blue/agent"

    def answer(operation, body):
        if operation.startswith("Create"):
            raise Refused("ClientException", "It already exists.")
        if operation == "ListDaemons":
            return {
                "daemonSummariesList": [
                    {"daemonArn": arn + "2", "status": "ACTIVE"},
                    {"daemonArn": arn, "status": "ACTIVE"},
                ]
            }
        if operation == "DescribeDaemon":
            assert body == {"daemonArn": arn}
            return {"daemon": {"daemonArn": arn, "status": "ACTIVE", "deploymentArn": "d", "currentRevisions": []}}
        assert body == {"gateway": "edge"}
        return {"gateway": {"gatewayArn": "g", "name": "edge", "status": "ACTIVE", "tags": []}}

    ecs = Ecs(answer, clock)
    daemon = {
        "daemonName": "agent",
        "daemonTaskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:daemon-task-definition/a:1",
        "capacityProviderArns": ["c"],
    }
    gateway = {
        "name": "edge",
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/r",
        "configuration": {"hostSharedAlb": {"scheme": "internal"}},
    }

    assert ecs.run("CreateDaemon", daemon, validation="lenient").body == {
        "daemonArn": arn,
        "status": "ACTIVE",
        "deploymentArn": "d",
        "alreadyStarted": True,
    }
    assert ecs.run("CreateGateway", gateway).body == {
        "gatewayArn": "g",
        "name": "edge",
        "status": "ACTIVE",
        "alreadyStarted": True,
    }


def test_an_error_that_says_nothing_of_what_exists_is_left_alone(clock):
    """Only conflicts lead to a look."""

    def answer(operation, body):
        raise Refused("InvalidParameterException", "TaskDefinition not found.")

    ecs = Ecs(answer, clock)
    with pytest.raises(ServiceError, match="TaskDefinition not found"):
        ecs.run("RunTask", RUN)
    assert [name for _, name, _ in ecs.script.asked] == ["RunTask"]
