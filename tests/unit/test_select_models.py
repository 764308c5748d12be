"""The live drop-downs: what they ask, what they depend on, and what they do when ECS is slow or long."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from ecs_connector.errors import ConfigError, DescriptorError, InputError, PagesError, ServiceError, TransportError
from ecs_connector.model import place, placed
from ecs_connector.select_models import LIMIT_S, MAX_OPTIONS, select_model
from support.scripted_ecs import CONFIG, Ecs, Refused, cut, make_task, task_arn
from support.stepped_clock import SteppedClock

ARN = "arn:aws:ecs:eu-central-1:123456789012"


def choose(ecs: Ecs, name: str, **fields: Any) -> dict[str, str]:
    """Return the options of a drop-down of the action RunTask."""
    return select_model(name, {**CONFIG, **fields}, ecs.context(identity="RunTask"))


def clusters(body: Mapping[str, Any], total: int) -> dict[str, Any]:
    """Return a page of clusters, numbered backwards."""
    start = int(body.get("nextToken", 0))
    end = min(start + body["maxResults"], total)
    page: dict[str, Any] = {"clusterArns": [f"{ARN}:cluster/c{total - n:04}" for n in range(start, end)]}
    return {**page, "nextToken": str(end)} if end < total else page


def test_a_list_is_followed_to_its_end_and_sorted(clock: SteppedClock) -> None:
    """Options come from every page, in the order of their labels, names standing for ARNs."""
    ecs = Ecs(lambda _, body: clusters(body, 250), clock)

    options = choose(ecs, "clusters")

    assert list(options) == [f"c{n:04}" for n in range(1, 251)]
    assert options["c0007"] == "c0007"
    assert [body["maxResults"] for body in ecs.script.of("ListClusters")] == [100, 100, 100]


def test_a_list_ends_at_the_cap(clock: SteppedClock, caplog: pytest.LogCaptureFixture) -> None:
    """An endless account gives as many options as a person can use, and the log says that there are more."""
    ecs = Ecs(lambda _, body: clusters(body, 5000), clock)

    assert len(choose(ecs, "clusters")) == MAX_OPTIONS
    assert len(ecs.script.asked) == MAX_OPTIONS / 100
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "there are more" in caplog.text


def test_an_empty_account_has_no_options(clock: SteppedClock) -> None:
    """Nothing to choose from is an answer, not an error."""
    ecs = Ecs(lambda *_: {"clusterArns": []}, clock)

    assert choose(ecs, "clusters") == {}


def test_a_late_page_leaves_what_came_before(clock: SteppedClock, caplog: pytest.LogCaptureFixture) -> None:
    """When the time is over, the drop-down shows what it has, and the log says how much that is."""

    def slow(_: str, body: dict[str, Any]) -> Any:
        clock.sleep(9)
        return clusters(body, 900)

    ecs = Ecs(slow, clock)

    assert len(choose(ecs, "clusters")) == 300
    assert clock.elapsed_s == 27
    assert "only the first 300 are shown" in caplog.text


def test_no_answer_in_time_says_what_to_do(clock: SteppedClock) -> None:
    """When there is nothing to show by the end of the time, the error says so and names the way around."""

    def silent(_: str, body: dict[str, Any]) -> Any:
        clock.sleep(12)
        return cut()

    ecs = Ecs(silent, clock)

    with pytest.raises(TransportError, match="clusters did not come within 20 s.*message's body") as caught:
        choose(ecs, "clusters")
    assert caught.value.operation == "ListClusters"
    assert caught.value.retryable
    assert LIMIT_S == 20


def test_every_call_gets_only_the_time_that_is_left(clock: SteppedClock) -> None:
    """No single call may wait longer than what remains of the drop-down's time."""
    ecs = Ecs(lambda *_: {}, clock)
    granted: list[float] = []
    send = ecs.script.send

    def timed(request: Any, *, connect_timeout_s: float, read_timeout_s: float) -> Any:
        granted.append(read_timeout_s)
        clock.sleep(8)
        return send(request, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)

    ecs.script._answer = lambda _, body: clusters(body, 300)
    ecs.component.clients.transport.send = timed

    choose(ecs, "clusters")

    assert granted == [20, 12, 4]


def test_a_refusal_is_passed_on(clock: SteppedClock) -> None:
    """What ECS says about the first page is what the person reads."""
    ecs = Ecs(lambda *_: Refused("ClusterNotFoundException", "Cluster not found."), clock)

    with pytest.raises(ServiceError, match="Cluster not found") as caught:
        choose(ecs, "services", cluster="gone")
    assert caught.value.code == "ClusterNotFoundException"


def test_a_token_that_repeats_leaves_what_came_before(clock: SteppedClock) -> None:
    """A list that runs in a circle is cut, not followed; without an entry it is an error."""
    ecs = Ecs(lambda *_: {"clusterArns": [f"{ARN}:cluster/blue"], "nextToken": "again"}, clock)
    assert choose(ecs, "clusters") == {"blue": "blue"}

    empty = Ecs(lambda *_: {"clusterArns": [], "nextToken": "again"}, clock)
    with pytest.raises(PagesError):
        choose(empty, "clusters")


PARENTS = [
    ("services", {}, "cluster"),
    ("tasks", {}, "cluster"),
    ("containerInstances", {}, "cluster"),
    ("taskDefinitions", {"cluster": "blue"}, "taskFamily"),
    ("inactiveTaskDefinitions", {}, "taskFamily"),
    ("containers", {}, "cluster"),
    ("containers", {"cluster": "blue"}, "task"),
]


@pytest.mark.parametrize("name, chosen, missing", PARENTS)
def test_a_missing_parent_is_named(name: str, chosen: dict[str, str], missing: str, clock: SteppedClock) -> None:
    """A list that depends on another field names that field, and nothing is sent."""
    ecs = Ecs(lambda *_: {}, clock)

    with pytest.raises(
        ConfigError, match=f"the field {missing}, which is not set: choose a value there first"
    ) as caught:
        choose(ecs, name, **chosen)
    assert caught.value.field == missing
    assert ecs.script.asked == []


def test_a_parent_that_is_gone_is_named(clock: SteppedClock) -> None:
    """A task that does not exist any more is the fault of the field task, not an empty list."""
    ecs = Ecs(lambda *_: {"tasks": [], "failures": [{"arn": task_arn("t9"), "reason": "MISSING"}]}, clock)

    with pytest.raises(ConfigError, match="ECS says of t9: MISSING") as caught:
        choose(ecs, "containers", cluster="blue", task="t9")
    assert caught.value.field == "task"


def test_an_unknown_drop_down_is_refused(clock: SteppedClock) -> None:
    """A name that is no drop-down is refused in the platform's own words."""
    ecs = Ecs(lambda *_: {}, clock)

    with pytest.raises(DescriptorError) as caught:
        choose(ecs, "colours")
    assert str(caught.value) == 'Method "colours" is not found in "RunTask" action or trigger'


def two_tasks(operation: str, body: dict[str, Any]) -> Any:
    if operation == "ListTasks":
        return {"taskArns": [task_arn("t1"), task_arn("t2")]}
    return {"tasks": [make_task("t2"), make_task("t1", "PENDING")], "failures": []}


def test_a_task_is_labelled_by_what_it_runs(clock: SteppedClock) -> None:
    """The value is the task's id; the label adds task definition and status."""
    ecs = Ecs(two_tasks, clock)

    assert choose(ecs, "tasks", cluster="blue") == {"t1": "web:7 (PENDING, t1)", "t2": "web:7 (RUNNING, t2)"}
    assert ecs.script.of("DescribeTasks") == [{"cluster": "blue", "tasks": [task_arn("t1"), task_arn("t2")]}]


def test_without_a_description_the_name_is_the_label(clock: SteppedClock, caplog: pytest.LogCaptureFixture) -> None:
    """A person who may list but not describe chooses by name."""

    def refusing(operation: str, body: dict[str, Any]) -> Any:
        return two_tasks(operation, body) if operation == "ListTasks" else Refused("AccessDeniedException", "No.")

    ecs = Ecs(refusing, clock)

    assert choose(ecs, "tasks", cluster="blue") == {"t1": "t1", "t2": "t2"}
    assert "only 0 of 2 have a full label" in caplog.text


def test_descriptions_are_asked_for_in_lots(clock: SteppedClock) -> None:
    """More ids than one call takes are described in several, and the labels that came in time are kept."""

    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation == "ListTasks":
            start = int(body.get("nextToken", 0))
            more = {"nextToken": str(start + 100)} if start < 200 else {}
            return {"taskArns": [task_arn(f"{n:03}") for n in range(start, start + 100)], **more}
        clock.sleep(15)
        return {"tasks": [make_task(arn.rpartition("/")[2]) for arn in body["tasks"]]}

    ecs = Ecs(answer, clock)

    options = choose(ecs, "tasks", cluster="blue")

    assert len(options) == 300
    assert [len(body["tasks"]) for body in ecs.script.of("DescribeTasks")] == [100, 100]
    assert (options["199"], options["200"]) == ("web:7 (RUNNING, 199)", "200")


def test_instances_outside_of_ec2_have_a_label_too(clock: SteppedClock) -> None:
    """A container instance is shown by its EC2 id, and by its own where it has none."""

    def answer(operation: str, body: dict[str, Any]) -> Any:
        arns = [f"{ARN}:container-instance/blue/{name}" for name in ("a", "b")]
        if operation == "ListContainerInstances":
            return {"containerInstanceArns": arns}
        first = {"containerInstanceArn": arns[0], "ec2InstanceId": "i-1", "status": "ACTIVE"}
        return {"containerInstances": [first, {"containerInstanceArn": arns[1], "status": "DRAINING"}]}

    options = choose(Ecs(answer, clock), "containerInstances", cluster="blue")

    assert options == {"a": "i-1 (ACTIVE, a)", "b": "b (DRAINING)"}


def test_revisions_keep_the_order_of_ecs(clock: SteppedClock) -> None:
    """Revisions are asked for newest first, and shown as they come: 10 before 9."""
    arns = [f"{ARN}:task-definition/web:{n}" for n in (10, 9, 1)]
    ecs = Ecs(lambda *_: {"taskDefinitionArns": arns}, clock)

    assert list(choose(ecs, "taskDefinitions", taskFamily="web")) == ["web:10", "web:9", "web:1"]
    assert ecs.script.of("ListTaskDefinitions") == [
        {"maxResults": 100, "status": "ACTIVE", "sort": "DESC", "familyPrefix": "web"}
    ]


def test_containers_come_from_the_most_exact_choice(clock: SteppedClock) -> None:
    """A chosen task says which containers there are; else the revision does, else the family."""

    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation == "DescribeTasks":
            return {"tasks": [make_task("t1")]}
        return {"taskDefinition": {"containerDefinitions": [{"name": body["taskDefinition"], "image": "repo/nginx:1"}]}}

    ecs = Ecs(answer, clock)
    definition = {"taskFamily": "web", "taskDefinition": "web:7"}

    assert choose(ecs, "containers", cluster="blue", task="t1", **definition) == {"app": "app (RUNNING)"}
    assert choose(ecs, "containers", **definition) == {"web:7": "web:7 (nginx:1)"}
    assert choose(ecs, "containers", taskFamily="web") == {"web": "web (nginx:1)"}


def test_a_wait_of_the_step_does_not_disturb(clock: SteppedClock) -> None:
    """A half-filled form with a wait that the listing operation does not offer still gets its options."""
    ecs = Ecs(two_tasks, clock)

    assert set(choose(ecs, "tasks", cluster="blue", waitFor="ServicesStable")) == {"t1", "t2"}


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("cluster", {"cluster": "x"}),
        ("tasks[]", {"tasks": ["x"]}),
        ("a[].b", {"a": [{"b": "x"}]}),
        ("a.b", {"a": {"b": "x"}}),
    ],
)
def test_a_place_is_built_around_a_value(path: str, wanted: Any) -> None:
    """A written place says which objects and lists stand around a value."""
    assert placed(place(path), "x") == wanted


FILLED = [
    ("RunTask", {}, {"taskFamily": "web"}, {"taskDefinition": "web"}),
    ("RunTask", {}, {"taskFamily": "web", "taskDefinition": "web:7"}, {"taskDefinition": "web:7"}),
    ("RunTask", {"taskDefinition": "api:1"}, {"taskDefinition": "web:7", "cluster": "blue"}, {"taskDefinition": "api:1", "cluster": "blue"}),
    ("RunTask", {"taskDefinition": "a"}, {"capacityProvider": "S"}, {"taskDefinition": "a", "capacityProviderStrategy": [{"capacityProvider": "S"}]}),
    ("RunTask", {"taskDefinition": "a", "launchType": "EC2"}, {"capacityProvider": "S"}, {"taskDefinition": "a", "launchType": "EC2"}),
    ("DescribeServices", {}, {"cluster": "blue", "service": "web"}, {"cluster": "blue", "services": ["web"]}),
    ("DescribeServices", {"services": ["api"]}, {"service": "web"}, {"services": ["api"]}),
    ("DescribeTasks", {}, {"task": "t1"}, {"tasks": ["t1"]}),
    ("DescribeClusters", {}, {"cluster": "blue"}, {"clusters": ["blue"]}),
    ("DescribeContainerInstances", {}, {"containerInstance": "i1"}, {"containerInstances": ["i1"]}),
    ("ListTasks", {}, {"service": "web", "taskFamily": "api"}, {"serviceName": "web", "family": "api"}),
    ("ListTaskDefinitions", {}, {"taskFamily": "api"}, {"familyPrefix": "api"}),
    ("UpdateCapacityProvider", {"cluster": "green"}, {"cluster": "blue", "capacityProvider": "S"}, {"cluster": "green", "name": "S"}),
    ("DeleteCapacityProvider", {}, {"capacityProvider": "S"}, {"capacityProvider": "S"}),
    ("ListClusters", {}, {"cluster": "blue", "service": "web"}, {}),
    ("ListTasks", {}, {"cluster": ""}, {}),
]  # fmt: skip


@pytest.mark.parametrize("operation, body, chosen, wanted", FILLED)
def test_what_is_chosen_is_the_default_of_the_body(
    operation: str, body: dict[str, Any], chosen: dict[str, str], wanted: dict[str, Any], clock: SteppedClock
) -> None:
    """A chosen value is sent where the body leaves its member out, as text or as a list of one; the body is stronger."""
    ecs = Ecs(lambda *_: {}, clock)

    ecs.run(operation, body, onFailures="pass", **chosen)

    sent = ecs.script.of(operation)[0]
    assert {key: value for key, value in sent.items() if key not in ("clientToken", "startedBy")} == wanted


def test_a_choice_satisfies_what_is_required(clock: SteppedClock) -> None:
    """A required member may come from the form; without either, the input is refused."""
    ecs = Ecs(lambda *_: {"services": []}, clock)

    ecs.run("DescribeServices", {}, service="web")
    with pytest.raises(InputError, match="services: is required"):
        ecs.run("DescribeServices", {})


@pytest.mark.parametrize("body", [["a"], "text"])
def test_a_body_that_is_no_object_is_still_refused(body: Any, clock: SteppedClock) -> None:
    """What cannot be filled is refused as it is."""
    ecs = Ecs(lambda *_: {}, clock)

    with pytest.raises(InputError, match="an object is expected"):
        ecs.run("ListTasks", body, cluster="blue")


def test_null_in_the_body_is_not_filled(clock: SteppedClock) -> None:
    """A mapping that came out as null is refused, not silently replaced by the form's choice."""
    ecs = Ecs(lambda *_: {}, clock)

    with pytest.raises(InputError, match="cluster: text is expected"):
        ecs.run("ListTasks", {"cluster": None}, cluster="blue")


def test_another_choice_is_another_effect(clock: SteppedClock) -> None:
    """The client token follows from what is sent: the same message with another choice gets another token."""
    ecs = Ecs(lambda *_: {"tasks": [make_task()]}, clock)
    for family in ("web", "web", "api"):
        ecs.run("RunTask", {}, id="m1", taskFamily=family, surroundings={"redelivered": False})

    first, same, other = (body["clientToken"] for body in ecs.script.of("RunTask"))

    assert first == same != other


def test_the_message_itself_is_not_changed(clock: SteppedClock) -> None:
    """Filling makes a new body; the one that was handed in stays as it was."""
    ecs = Ecs(lambda *_: {"taskArns": []}, clock)
    body: dict[str, Any] = {"startedBy": "me"}

    ecs.run("ListTasks", body, cluster="blue")

    assert body == {"startedBy": "me"}
    assert ecs.script.of("ListTasks") == [{"startedBy": "me", "cluster": "blue"}]


def test_a_step_without_choices_costs_nothing() -> None:
    """An operation whose form sets no default has none to look through."""
    from ecs_connector.component import Component

    with Component.load() as component:
        assert component.clients.step("RunTask", CONFIG).defaults == ()
        assert component.clients.step("ListClusters", {**CONFIG, "cluster": "blue"}).defaults == ()
        assert len(component.clients.step("RunTask", {**CONFIG, "cluster": "blue"}).defaults) == 1
