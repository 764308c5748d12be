"""Whatever can go wrong with a call goes wrong on the embedded endpoint on request."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from ecs_connector.errors import ConfigError
from ecs_connector.harness.local import LocalEcs, ManualClock, Scenario
from support.local_client import Answer, LocalClient, signed_headers


@pytest.fixture
def ecs() -> Iterator[LocalEcs]:
    """An endpoint on a manual clock with a cluster and a task definition."""
    with LocalEcs(clock=ManualClock()) as opened:
        opened.call("CreateCluster", {"clusterName": "c"})
        definition = {"family": "job", "containerDefinitions": [{"name": "a", "image": "b", "memory": 64}]}
        opened.call("RegisterTaskDefinition", definition)
        yield opened


def _call(ecs: LocalEcs, operation: str = "ListClusters", body: dict[str, Any] | None = None) -> Answer:
    with LocalClient(ecs.port) as client:
        return client.call(operation, body)


def _run(ecs: LocalEcs) -> Answer:
    return _call(ecs, "RunTask", {"cluster": "c", "taskDefinition": "job"})


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "throttle"}, 400, "ThrottlingException"),
        ({"kind": "throttle", "form": "tooMany"}, 429, "TooManyRequestsException"),
        ({"kind": "throttle", "form": "requestLimit"}, 400, "RequestLimitExceeded"),
        ({"kind": "throttle", "form": "slowDown"}, 503, "SlowDown"),
        ({"kind": "throttle", "form": "ec2"}, 400, "InvalidParameterException"),
        ({"kind": "throttle", "form": "registration"}, 400, "ClientException"),
        ({"kind": "http"}, 500, "ServerException"),
        ({"kind": "http", "status": 503}, 503, "ServerException"),
        ({"kind": "expiredToken"}, 400, "ExpiredTokenException"),
        ({"kind": "accessDenied"}, 400, "AccessDeniedException"),
        ({"kind": "error", "code": "BlockedException", "message": "no"}, 400, "BlockedException"),
    ],
)
def test_an_error_takes_the_place_of_the_answer(ecs: LocalEcs, fault: dict[str, Any], status: int, code: str) -> None:
    """Each kind of error comes with its status and code, and the next call is right again."""
    ecs.inject(fault, operation="RunTask", times=1)

    answer = _run(ecs)

    assert (answer.status, answer.code) == (status, code)
    assert ecs.requests[-1].error == code
    assert ecs.call("ListTasks", {"cluster": "c"})["taskArns"] == []
    assert _run(ecs).status == 200


@pytest.mark.parametrize("fault", [{"kind": "http"}, {"kind": "error", "code": "ServerException"}])
def test_an_error_can_come_after_the_effect(ecs: LocalEcs, fault: dict[str, Any]) -> None:
    """With `when: after` the call is refused although it did its work."""
    ecs.inject(fault, operation="RunTask", when="after", times=1)

    assert _run(ecs).code == "ServerException"
    assert len(ecs.call("ListTasks", {"cluster": "c"})["taskArns"]) == 1


@pytest.mark.parametrize(
    ("when", "started", "error"),
    [
        ("before", 0, ConnectionError),
        ("after", 1, ConnectionError),
        ("during", 1, (http.client.IncompleteRead, OSError)),
    ],
)
def test_a_connection_is_cut(ecs: LocalEcs, when: str, started: int, error: Any) -> None:
    """Before, the call has no effect; after and during, it has one that the client does not learn of."""
    ecs.inject(kind="cut", when=when, operation="RunTask", times=1)

    with pytest.raises(error):
        _run(ecs)

    assert len(ecs.call("ListTasks", {"cluster": "c"})["taskArns"]) == started
    assert ecs.requests[-1].status == (200 if when == "during" else 0)
    assert _run(ecs).status == 200


def test_bodies_are_spoiled(ecs: LocalEcs) -> None:
    """An answer can be cut short inside, be a web page, or be empty, all under status 200."""
    for kind in ("truncated", "garbage", "empty"):
        ecs.inject(kind=kind, operation="ListClusters", times=1)
    with LocalClient(ecs.port) as client:
        # All three are due at the first call; the last one wins.
        assert client.call("ListClusters").raw == b""
        ecs.inject(kind="truncated", operation="ListClusters", times=1)
        short = client.call("ListClusters")
        ecs.inject(kind="garbage", operation="ListClusters", times=1, status=502)
        page = client.call("ListClusters")
        whole = client.call("ListClusters")

    assert short.status == 200
    assert whole.raw.startswith(short.raw)
    assert len(short.raw) < len(whole.raw)
    assert page.status == 502
    assert page.headers["content-type"] == "text/html"


def test_a_slow_answer_takes_its_time(ecs: LocalEcs) -> None:
    """A slow call takes real time, whatever the endpoint's clock does."""
    ecs.inject(kind="slow", seconds=0.15, operation="ListClusters", times=1)

    started = time.monotonic()
    assert _call(ecs).status == 200
    assert time.monotonic() - started >= 0.15


def test_stopping_does_not_wait_for_a_slow_answer() -> None:
    """An endpoint that is closed lets go of answers that are being held back."""
    with LocalEcs(clock=ManualClock()) as ecs:
        ecs.inject(kind="slow", seconds=60)
        connection = http.client.HTTPConnection("127.0.0.1", ecs.port, timeout=20)
        connection.request("POST", "/", b"{}", signed_headers("ListClusters"))
        while not len(ecs.requests):
            time.sleep(0.001)
        started = time.monotonic()
    connection.close()

    assert time.monotonic() - started < 5


def test_partial_failures_move_items(ecs: LocalEcs) -> None:
    """Some of what was asked for comes back in `failures` instead, by name or by number."""
    for name in ("d", "e"):
        ecs.call("CreateCluster", {"clusterName": name})
    ecs.inject(kind="partial", operation="DescribeClusters", ids=["d"], reason="ACCESS_DENIED", times=1)
    ecs.inject(kind="partial", operation="DescribeClusters", count=2, call=2)

    by_name, by_number = (_call(ecs, "DescribeClusters", {"clusters": ["c", "d", "e"]}).body for _ in range(2))

    assert [item["clusterName"] for item in by_name["clusters"]] == ["c", "e"]
    assert [(item["arn"][-2:], item["reason"]) for item in by_name["failures"]] == [("/d", "ACCESS_DENIED")]
    assert (len(by_number["clusters"]), len(by_number["failures"])) == (1, 2)


def test_redirects_and_waiting_times_are_headers(ecs: LocalEcs) -> None:
    """A redirect names its target; an error can say when to come back."""
    ecs.inject(kind="redirect", status=302, location="http://169.254.169.254/", operation="ListClusters", times=1)
    redirect = _call(ecs)
    ecs.inject(kind="throttle", retryAfterSeconds=2, headers={"x-amz-retry-after": "2000"}, operation="ListClusters")
    throttle = _call(ecs)

    assert (redirect.status, redirect.headers["location"]) == (302, "http://169.254.169.254/")
    assert (throttle.headers["retry-after"], throttle.headers["x-amz-retry-after"]) == ("2", "2000")


@pytest.mark.parametrize("form", ["plain", "prefixed", "header"])
def test_the_error_code_has_three_places(ecs: LocalEcs, form: str) -> None:
    """The code stands in `__type`, there with a prefix, or in a header only."""
    ecs.inject(kind="throttle", errorForm=form, operation="ListClusters")
    answer = _call(ecs)

    where = {
        "plain": answer.body.get("__type"),
        "prefixed": str(answer.body.get("__type", "")).removeprefix("com.amazonaws.ecs#"),
        "header": answer.headers.get("x-amzn-errortype", "").partition(":")[0],
    }
    assert where[form] == "ThrottlingException"
    assert ("__type" in answer.body) == (form != "header")


def test_calls_are_chosen_by_number_match_and_chance() -> None:
    """A fault can be for certain calls, for certain bodies, and by chance that a seed repeats."""
    faults = [
        {"kind": "error", "operation": "ListServices", "call": "2-3", "code": "A"},
        {"kind": "error", "operation": "ListTasks", "match": {"cluster": "d*"}, "code": "B"},
        {"kind": "error", "operation": "ListClusters", "probability": 0.5, "code": "C"},
    ]
    outcomes = []
    for _ in range(2):
        with LocalEcs(scenario=Scenario.from_mapping({"seed": 5, "faults": faults}), clock=ManualClock()) as ecs:
            for name in ("c", "d1"):
                ecs.call("CreateCluster", {"clusterName": name})
            with LocalClient(ecs.port) as client:
                services = [client.call("ListServices", {"cluster": "c"}).status for _ in range(4)]
                tasks = [client.call("ListTasks", {"cluster": name}).status for name in ("c", "d1")]
                clusters = [client.call("ListClusters").status for _ in range(40)]
        outcomes.append((services, tasks, clusters))

    services, tasks, clusters = outcomes[0]
    assert services == [200, 400, 400, 200]
    assert tasks == [200, 400]
    assert 8 < clusters.count(400) < 32
    assert outcomes[0] == outcomes[1]


def test_clock_skew_refuses_and_tells_the_time(ecs: LocalEcs) -> None:
    """With a skew, requests dated more than five minutes away are refused, and `Date` tells the endpoint's time."""
    ecs.clock_skew_s = 3600
    now = ecs.clock.now()
    answers = []
    for ahead_s in (0, 3600 - 290, 3600 + 310):
        headers = signed_headers("ListClusters")
        at = now.timestamp() + ahead_s
        headers["X-Amz-Date"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        with LocalClient(ecs.port) as client:
            answers.append(client.send("POST", "/", b"{}", headers))
    ecs.clock_skew_s = None

    assert [answer.status for answer in answers] == [400, 200, 400]
    assert answers[0].code == "InvalidSignatureException"
    assert "earlier than" in answers[0].body["message"]
    assert "later than" in answers[2].body["message"]
    assert (parsedate_to_datetime(answers[0].headers["date"]) - now).total_seconds() == 3600
    assert _call(ecs).status == 200


def test_an_injected_fault_is_checked(ecs: LocalEcs) -> None:
    """A fault that is wrong is refused with everything that is wrong about it."""
    with pytest.raises(ConfigError) as caught:
        ecs.inject(kind="trottle", operation="RunTasks", sometimes=True)

    text = str(caught.value)
    assert "did you mean 'throttle'" in text
    assert "did you mean 'RunTask'" in text
    assert "sometimes: is not a known field" in text


def test_reset_begins_again(ecs: LocalEcs) -> None:
    """After a reset nothing is left: no cluster, no request, no injected fault."""
    ecs.inject(kind="throttle")
    assert _call(ecs).status == 400
    ecs.reset()

    assert len(ecs.requests) == 0
    assert json.loads(_call(ecs).raw) == {"clusterArns": []}
