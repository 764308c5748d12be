"""Lists: every page once, in order, lazily, with a cap and a token to go on from; ids split and merged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ecs_connector import Component, errors
from ecs_connector.pages import merged, pages, split
from ecs_connector.values import Evidence, Output
from support.ecs_stub import Answer, EcsStub, Received, refusal
from support.paged import MODEL, PAGED, Pages, body_of, items, output

SPLIT = [name for name in MODEL.names if MODEL.operation(name).split is not None]


def run(component: Component, stub: EcsStub, operation: str, **fields: Any) -> list[Any]:
    body = {**body_of(operation), **fields.pop("body", {})}
    return [emission.body for emission in component.run(operation, body=body, config=stub.config(**fields))]


def listed(operation: str, body: Mapping[str, Any]) -> list[Any]:
    """Return the list inside an emission."""
    spec = MODEL.operation(operation).pages
    assert spec is not None
    found: Any = body
    for name in spec.items:
        found = found[name]
    return list(found)


# -- the four behaviours, three pages each -----------------------------------------------------------


@pytest.mark.parametrize("operation", PAGED)
def test_fetch_all_merges_all_pages(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """One message has all items of three pages, in order and without a token; the evidence counts every call."""
    ecs_stub.reply(source := Pages(operation, 7, 3))

    emissions = list(component.run(operation, body=body_of(operation), config=ecs_stub.config()))

    assert [listed(operation, emission.body) for emission in emissions] == [source.items]
    assert "nextToken" not in emissions[0].body
    assert emissions[0].headers["attempts"] == len(ecs_stub.received) == 3
    assert [request.json.get("nextToken") for request in ecs_stub.received] == [None, "from-3", "from-6"]


@pytest.mark.parametrize("operation", PAGED)
def test_fetch_page_is_one_call(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """The response comes as it is, token included; given that token, the next page comes."""
    ecs_stub.reply(source := Pages(operation, 7, 3))

    first = run(component, ecs_stub, operation, emitBehaviour="fetchPage")
    second = run(component, ecs_stub, operation, emitBehaviour="fetchPage", body={"nextToken": first[0]["nextToken"]})

    assert first == [output(operation, source.items[:3], "from-3")]
    assert second == [output(operation, source.items[3:6], "from-6")]
    assert len(ecs_stub.received) == 2


@pytest.mark.parametrize("operation", PAGED)
def test_emit_page_is_one_message_a_page(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """Each page is a message of its own; none but a capped one carries a token."""
    ecs_stub.reply(source := Pages(operation, 7, 3))

    bodies = run(component, ecs_stub, operation, emitBehaviour="emitPage")

    assert [listed(operation, body) for body in bodies] == [source.items[:3], source.items[3:6], source.items[6:]]
    assert not any("nextToken" in body for body in bodies)


@pytest.mark.parametrize("operation", PAGED)
def test_emit_individually_is_one_message_an_item(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """Each item is a message, under the name that the operation has for one."""
    ecs_stub.reply(source := Pages(operation, 7, 3))

    emissions = list(
        component.run(operation, body=body_of(operation), config=ecs_stub.config(emitBehaviour="emitIndividually"))
    )

    spec = MODEL.operation(operation).pages
    assert spec is not None
    assert [emission.body for emission in emissions] == source.items
    assert {emission.item_name for emission in emissions} == {spec.item}


@pytest.mark.parametrize("behaviour", ["fetchAll", "emitPage", "emitIndividually"])
def test_an_empty_list_is_no_error(behaviour: str, component: Component, ecs_stub: EcsStub) -> None:
    """A list without items, or one whose answer lacks the member, ends quietly."""
    for answer in ({"clusterArns": []}, {}):
        ecs_stub.play(answer)
        bodies = run(component, ecs_stub, "ListClusters", emitBehaviour=behaviour)
        assert bodies == ([] if behaviour == "emitIndividually" else [answer])


def test_an_empty_page_in_the_middle_is_passed(component: Component, ecs_stub: EcsStub) -> None:
    """A page without items that has a token is not the end of the list."""
    ecs_stub.play(
        {"clusterArns": ["a"], "nextToken": "1"}, {"clusterArns": [], "nextToken": "2"}, {"clusterArns": ["b"]}
    )

    assert run(component, ecs_stub, "ListClusters") == [{"clusterArns": ["a", "b"]}]


# -- the cap and the token to go on from -----------------------------------------------------------------


@pytest.mark.parametrize("operation", PAGED)
@pytest.mark.parametrize("cap", [1, 3, 4, 6])
def test_a_cap_ends_early_and_its_token_goes_on_exactly(
    operation: str, cap: int, component: Component, ecs_stub: EcsStub
) -> None:
    """Rounds of capped calls give every item once, whether the cap falls inside a page or at its end."""
    ecs_stub.reply(source := Pages(operation, 7, 3))
    seen: list[Any] = []
    body: dict[str, Any] = {}
    rounds = 0
    while True:
        (answer,) = run(component, ecs_stub, operation, maxItems=cap, body=body)
        assert len(listed(operation, answer)) <= cap
        seen += listed(operation, answer)
        rounds += 1
        if "nextToken" not in answer:
            break
        body = {"nextToken": answer["nextToken"]}

    assert seen == source.items
    assert rounds == -(-7 // cap)


@pytest.mark.parametrize("behaviour", ["emitPage", "emitIndividually"])
def test_a_cap_holds_for_every_behaviour(behaviour: str, component: Component, ecs_stub: EcsStub) -> None:
    """Page by page and item by item, too, no more comes out than the cap, and no page more is fetched."""
    ecs_stub.reply(source := Pages("ListTasks", 9, 3))

    bodies = run(component, ecs_stub, "ListTasks", emitBehaviour=behaviour, maxItems="4")

    found = bodies if behaviour == "emitIndividually" else [item for body in bodies for item in body["taskArns"]]
    assert found == source.items[:4]
    assert len(ecs_stub.received) == 2


def test_a_cap_at_the_end_of_the_list_leaves_no_token(component: Component, ecs_stub: EcsStub) -> None:
    """When the cap is exactly what there is, nothing is left to go on with."""
    ecs_stub.reply(Pages("ListTasks", 6, 3))

    (body,) = run(component, ecs_stub, "ListTasks", maxItems=6)

    assert len(body["taskArns"]) == 6
    assert "nextToken" not in body


@pytest.mark.parametrize(
    "token",
    ["ecs-connector-page:", "ecs-connector-page:!!", "ecs-connector-page:WzEsMl0", "ecs-connector-page:W251bGwsLTFd"],
)
def test_a_damaged_token_of_ours_is_refused(token: str, component: Component, ecs_stub: EcsStub) -> None:
    """A resume token that has been cut or changed is an input error that points to it; nothing is sent."""
    with pytest.raises(errors.InputError) as caught:
        run(component, ecs_stub, "ListTasks", body={"nextToken": token})

    assert caught.value.violations[0].pointer == "/nextToken"
    assert ecs_stub.received == []


@pytest.mark.parametrize("operation", PAGED)
def test_a_single_page_goes_on_from_inside_a_page(operation: str, component: Component, ecs_stub: EcsStub) -> None:
    """A token of a cap inside a page serves a single page, too: ECS gets its own, and the rest of that page comes."""
    ecs_stub.reply(source := Pages(operation, 7, 3))
    (capped,) = run(component, ecs_stub, operation, maxItems=4)

    (rest,) = run(component, ecs_stub, operation, emitBehaviour="fetchPage", body={"nextToken": capped["nextToken"]})

    assert ecs_stub.received[-1].json["nextToken"] == "from-3"
    assert rest == output(operation, source.items[4:6], "from-6")


@pytest.mark.parametrize("token", [7, True, {"a": 1}, ["a"]])
def test_a_token_that_is_not_text_is_an_error(token: Any, component: Component, ecs_stub: EcsStub) -> None:
    """A list whose answer has no usable token is not taken for complete."""
    ecs_stub.reply(lambda _: Answer({"taskArns": ["a"], "nextToken": token}))

    with pytest.raises(errors.ResponseError) as caught:
        run(component, ecs_stub, "ListTasks")

    assert (caught.value.operation, caught.value.sent, len(ecs_stub.received)) == ("ListTasks", True, 1)


def test_a_token_of_ecs_is_passed_on_untouched(component: Component, ecs_stub: EcsStub) -> None:
    """Whatever ECS uses as a token goes back as it came."""
    token = "eyJ-\u00fc/+=="

    run(component, ecs_stub, "ListTasks", body={"nextToken": token}, emitBehaviour="fetchPage")
    run(component, ecs_stub, "ListTasks", body={"nextToken": token})

    assert [request.json["nextToken"] for request in ecs_stub.received] == [token, token]


# -- a token that repeats, and laziness --------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]], ids=["at once", "in a circle"])
@pytest.mark.parametrize("operation", PAGED)
def test_a_token_that_repeats_is_an_error(
    operation: str, tokens: list[str], component: Component, ecs_stub: EcsStub
) -> None:
    """A list that leads back to itself ends in an error, not in a loop."""
    ecs_stub.play(*(output(operation, items(operation, 1), token) for token in tokens))

    with pytest.raises(errors.PagesError) as caught:
        run(component, ecs_stub, operation)

    assert caught.value.next_token == "a"
    assert caught.value.operation == operation
    assert len(ecs_stub.received) == len(tokens)


def test_a_token_that_does_not_move_on_is_an_error(component: Component, ecs_stub: EcsStub) -> None:
    """The token that was sent, given back as the next one, is a repetition as well."""
    ecs_stub.play({"taskArns": ["a"], "nextToken": "same"})

    with pytest.raises(errors.PagesError):
        run(component, ecs_stub, "ListTasks", body={"nextToken": "same"})


@pytest.mark.parametrize("behaviour, expected", [("emitPage", [1, 2, 3]), ("emitIndividually", [1, 1, 1, 2, 2, 2, 3])])
def test_a_page_is_fetched_when_it_is_asked_for(
    behaviour: str, expected: list[int], component: Component, ecs_stub: EcsStub
) -> None:
    """Work happens as it is pulled: no call before the first pull, and none ahead of what has been taken."""
    ecs_stub.reply(Pages("ListTasks", 7, 3))
    emissions = component.run("ListTasks", body={}, config=ecs_stub.config(emitBehaviour=behaviour))
    assert ecs_stub.received == []

    calls = [len(ecs_stub.received) for _ in emissions]

    assert calls == expected


def test_whoever_stops_pulling_stops_the_calls(component: Component, ecs_stub: EcsStub) -> None:
    """A consumer that has enough costs no further page."""
    ecs_stub.reply(Pages("ListTasks", 100, 10))
    emissions = component.run("ListTasks", body={}, config=ecs_stub.config(emitBehaviour="emitIndividually"))

    taken = [next(emissions) for _ in range(15)]
    emissions.close()  # type: ignore[attr-defined]  # a generator

    assert len(taken) == 15
    assert len(ecs_stub.received) == 2


def test_streaming_holds_one_page_in_memory() -> None:
    """A page can be forgotten once the next one is asked for: nothing collects them."""
    import weakref

    class Page(dict[str, Any]):
        """A body that can be watched."""

    alive: list[weakref.ref[Page]] = []

    def call(request: Mapping[str, Any]) -> Output:
        page = Page(taskArns=["x"] * 100, nextToken=str(len(alive)))
        alive.append(weakref.ref(page))
        return Output(page, Evidence("r", 1))

    for count, _ in enumerate(pages(MODEL.operation("ListTasks"), {}, call, max_items=5000), 1):
        assert sum(reference() is not None for reference in alive) <= 2
    assert count == 50


# -- merging -------------------------------------------------------------------------------------------------


def test_merging_adds_up_the_evidence() -> None:
    """One output made of many keeps every failure, all attempts and what was repeated, and the last call's request id."""
    spec = MODEL.operation("DescribeCapacityProviders").pages
    assert spec is not None
    outputs = [
        Output({"capacityProviders": [1], "failures": [{"arn": "a"}]}, Evidence("r1", 2, ("throttled",))),
        Output({"capacityProviders": [2], "other": "last"}, Evidence("r2", 1)),
    ]

    whole = merged(spec, outputs)

    assert whole.body == {"capacityProviders": [1, 2], "failures": [{"arn": "a"}], "other": "last"}
    assert (whole.evidence.request_id, whole.evidence.attempts, whole.evidence.retried) == ("r2", 3, ("throttled",))


# -- more ids than one call takes ------------------------------------------------------------------------


def describe(failing: set[str]) -> Callable[[Received], Answer]:
    """Return a DescribeTasks that answers in its own order, with failures for some ids."""

    def reply(request: Received) -> Answer:
        asked = request.json["tasks"]
        assert len(asked) <= 100
        found = [
            {"taskArn": f"arn:aws:ecs:eu-central-1:1:task/blue/{name}"}
            for name in sorted(asked, reverse=True)
            if name not in failing
        ]
        missing = [
            {"arn": f"arn:aws:ecs:eu-central-1:1:task/blue/{name}", "reason": "MISSING"}
            for name in sorted(asked)
            if name in failing
        ]
        return Answer({"tasks": found, "failures": missing})

    return reply


def test_a_thousand_ids_come_back_in_order(component: Component, ecs_stub: EcsStub) -> None:
    """1,000 ids, 30 of them missing, one chunk throttled: 970 good, 30 failed with reasons, the order of the ids, the fewest calls."""
    ids = [f"{(index * 7919) % 1000:04d}" for index in range(1000)]
    failing = set(ids[5::34])
    ecs_stub.play(
        *[Answer(describe(failing)(_asking(ids[:100])).body), refusal("ThrottlingException", "Rate exceeded")]
    )
    ecs_stub.reply(describe(failing))

    emissions = list(component.run("DescribeTasks", body={"cluster": "blue", "tasks": ids}, config=ecs_stub.config()))

    assert len(failing) == 30
    (emission,) = emissions
    assert [task["taskArn"].rpartition("/")[2] for task in emission.body["tasks"]] == [
        name for name in ids if name not in failing
    ]
    assert [one["arn"].rpartition("/")[2] for one in emission.body["failures"]] == [
        name for name in ids if name in failing
    ]
    assert {one["reason"] for one in emission.body["failures"]} == {"MISSING"}
    assert len(ecs_stub.received) == 11
    assert emission.headers["attempts"] == 11
    assert emission.headers["retried"] == ["ThrottlingException"]
    sent = [name for request in ecs_stub.received for name in request.json["tasks"]]
    assert sent == ids[:100] + ids[100:200] + ids[100:]
    assert all(request.json["cluster"] == "blue" for request in ecs_stub.received)


def _asking(ids: list[str]) -> Received:
    return Received("POST", "/", {}, json.dumps({"tasks": ids}).encode())


@pytest.mark.parametrize("operation", SPLIT)
def test_every_describe_is_split_at_its_limit(operation: str) -> None:
    """As many ids as ECS takes are one call; one more is two; the rest of the input goes with each."""
    row = MODEL.operation(operation)
    assert row.split is not None
    calls: list[dict[str, Any]] = []

    def call(request: Mapping[str, Any]) -> Output:
        calls.append(dict(request))
        return Output({row.good[0]: list(request[row.split.member]), "failures": []}, Evidence("r", 1))  # type: ignore[union-attr]

    ids = [f"id-{index}" for index in range(row.split.size + 1)]
    one = split(row, {row.split.member: ids[:-1], "cluster": "c"}, call)
    two = split(row, {row.split.member: ids, "cluster": "c"}, call)

    assert [len(request[row.split.member]) for request in calls] == [row.split.size, row.split.size, 1]
    assert {request["cluster"] for request in calls} == {"c"}
    assert one.body[row.good[0]] == ids[:-1]
    assert two.body[row.good[0]] == ids
    assert (one.evidence.attempts, two.evidence.attempts) == (1, 2)


@pytest.mark.parametrize(
    "asked",
    ["{name}", "cluster/{name}", "arn:aws:ecs:eu-central-1:1:service/cluster/{name}"],
    ids=["names", "with cluster", "ARNs"],
)
def test_the_order_is_kept_for_names_and_arns(asked: str) -> None:
    """Answers are matched with the ids whatever form these have."""
    row = MODEL.operation("DescribeServices")
    names = [f"s{(index * 7) % 25}" for index in range(25)]

    def call(request: Mapping[str, Any]) -> Output:
        found = sorted(name.rpartition("/")[2] for name in request["services"])
        services = [
            {"serviceArn": f"arn:aws:ecs:eu-central-1:1:service/cluster/{name}", "clusterArn": "c"} for name in found
        ]
        return Output({"services": services, "failures": []}, Evidence("r", 1))

    whole = split(row, {"services": [asked.format(name=name) for name in names]}, call)

    assert [service["serviceArn"].rpartition("/")[2] for service in whole.body["services"]] == names


def test_an_error_in_one_chunk_is_the_error_of_all(component: Component, ecs_stub: EcsStub) -> None:
    """What ECS refuses for a part is reported, not left out of the answer."""
    ecs_stub.play({"tasks": [], "failures": []}, refusal("ClusterNotFoundException", "Cluster not found."))

    with pytest.raises(errors.ServiceError, match="ClusterNotFoundException"):
        list(
            component.run(
                "DescribeTasks", body={"tasks": [str(index) for index in range(150)]}, config=ecs_stub.config()
            )
        )

    assert len(ecs_stub.received) == 2
