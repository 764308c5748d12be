"""Rows 23 to 29 of the interop table: stopping, lost connections, starts that fail, hooks, keys."""

from __future__ import annotations

import json
import time

import psutil
import pytest

from support.steps import OURS, StepProcess, environment_of

ENVIRONMENT_HEADERS = {
    "execId": "exec-1",
    "taskId": "flow-1",
    "workspaceId": "workspace-1",
    "containerId": "container-1",
    "userId": "user-1",
    "compId": "comp-1",
}


def test_row_23_stop_when_idle(side, start, topology):
    """A step with nothing to do ends at once with exit code 0."""
    step = start(side)
    step.terminate()
    assert step.wait_exit() == 0


def test_row_23_stop_in_work(side, start, topology):
    """The message in work is finished and acknowledged; the next one stays in the queue."""
    step = start(side)
    topology.send({"do": [["sleep", 1.5], ["data", {"n": 1}]]})
    topology.send({"do": [["data", {"n": 2}]]})
    step.wait(lambda: topology.ready() == 1, 10, topology)
    step.terminate()
    assert step.wait_exit() == 0
    assert topology.take_one("data").wire()["body"] == {"n": 1}
    assert topology.ready() == 1
    assert topology.ready("data") == 0


def test_row_23_a_wait_is_handed_back(start, topology):
    """A message that only waits goes back to the queue at once, for another process to go on."""
    step = start(OURS)
    topology.send({"do": [["say", "waiting now"], ["wait", 600]]})
    step.wait(lambda: "waiting now" in step.log(), 10, topology)
    began = time.monotonic()
    step.terminate()
    assert step.wait_exit() == 0
    assert time.monotonic() - began < 5
    assert topology.ready() == 1
    assert topology.empty("error", "dead", "rebound")


def test_row_23_stop_is_bounded(start, topology):
    """A message that does not end goes back to the queue when the time is over."""
    step = start(OURS, ECS_CONNECTOR_SHUTDOWN_SECONDS="4")
    topology.send({"do": [["say", "sleeping now"], ["sleep", 600]]})
    step.wait(lambda: "sleeping now" in step.log(), 10, topology)
    step.terminate()
    assert step.wait_exit(10) == 0
    topology.settle(0.3)
    assert topology.ready() == 1


@pytest.mark.parametrize("prefetch", ["1", "5"])
def test_row_24_connections_cut_in_work(prefetch, start, topology, proxy):
    """A message whose connection is lost is processed once, and its copy is acknowledged; the step still stops."""
    step = start(OURS, AMQP_URI=topology.broker.uri_at(proxy.port), RABBITMQ_PREFETCH_SAILOR=prefetch)
    for number in range(5):
        topology.send({"do": [["say", "working"], ["sleep", 0.6], ["data", {"n": number}]]})
    step.wait(lambda: "working" in step.log(), 10, topology)
    topology.settle(0.2)
    assert proxy.cut() == 2
    taken = topology.take("data", 5)
    assert sorted(message.wire()["body"]["n"] for message in taken) == list(range(5))
    topology.settle(0.5)
    assert topology.empty()
    step.terminate()
    assert step.wait_exit() == 0
    assert topology.empty()


def test_row_24_broker_closes_the_connections(start, topology, broker):
    """A connection that the broker closes is like one that is lost."""
    step = start(OURS)
    topology.send({"do": [["say", "working"], ["sleep", 1.5], ["data", {"n": 1}]]})
    step.wait(lambda: "working" in step.log(), 10, topology)
    ports = {str(end.laddr.port) for end in psutil.Process(step.process.pid).net_connections("tcp")}
    listed = [line.split() for line in broker.control("-q", "list_connections", "pid", "peer_port").splitlines()]
    for pid in [pid for pid, port in listed if port in ports]:
        broker.control("close_connection", pid, "by hand")
    assert topology.take_one("data").wire()["body"] == {"n": 1}
    topology.settle(0.5)
    assert topology.empty()
    step.terminate()
    assert step.wait_exit() == 0
    assert step.log().count("is lost") >= 2


def test_row_25_broker_away(start, topology, proxy):
    """A broker that is away for seconds costs no message, hardly any CPU, and no restart."""
    step = start(OURS, AMQP_URI=topology.broker.uri_at(proxy.port))
    topology.send({"do": [["say", "working"], ["sleep", 2], ["data", {"n": 1}]]})
    step.wait(lambda: "working" in step.log(), 10, topology)
    proxy.down()
    cpu_before = step.cpu_s()
    topology.settle(5)
    assert step.cpu_s() - cpu_before < 0.5
    proxy.up()
    assert topology.take_one("data").wire()["body"] == {"n": 1}
    topology.send({"do": [["data", {"n": 2}]]})
    assert topology.take_one("data").wire()["body"] == {"n": 2}
    topology.settle(0.3)
    assert topology.empty()


def test_row_25_broker_away_for_good(start, topology, proxy):
    """A broker that does not come back ends the process, so that the platform starts another."""
    step = start(OURS, AMQP_URI=topology.broker.uri_at(proxy.port), ECS_CONNECTOR_BROKER_GIVE_UP_SECONDS="1")
    proxy.down()
    assert step.wait_exit(15) == 1


def test_row_26_queue_comes_back(start, topology):
    """A step whose queue was deleted and made again consumes the new one."""
    step = start(OURS)
    topology.channel.queue_delete(topology.queue("messages"))
    topology.settle(0.3)
    topology.declare_input()
    step.wait_consuming(topology)
    topology.send({"do": [["data", {"n": 1}]]})
    assert topology.take_one("data").wire()["body"] == {"n": 1}


def test_row_26_queue_is_gone(start, topology):
    """A step whose queue is gone for good ends with an exit code that is not 0."""
    step = start(OURS, ECS_CONNECTOR_BROKER_GIVE_UP_SECONDS="1")
    topology.channel.queue_delete(topology.queue("messages"))
    assert step.wait_exit(15) == 1


STARTS = {
    "step API 404": ({"answers": [(404, {"error": "no step"})]}, {}, "no step"),
    "step API 500": ({"answers": [(500, {"error": "sorry"})]}, {}, ""),
    "step API null": ({"answers": [(200, None)]}, {}, ""),
    "failing init": ({"function": "failingInit"}, {}, "init said no"),
    "unknown function": ({"function": "nothing"}, {}, "nothing"),
    "broken module": ({"function": "broken"}, {}, "broken"),
    "missing queue": ({}, {"LISTEN_MESSAGES_ON": "missing-queue"}, "missing-queue"),
}


@pytest.mark.parametrize("case", STARTS)
def test_row_27_failing_starts(case, side, start, topology, platform):
    """A start that fails says why on the error routing key, with the step's headers, and exits with 1."""
    how, variables, text = STARTS[case]
    if "answers" in how:
        platform.answers["GET", "/v1/tasks"] = how["answers"]
    step = start(side, how.get("function", "script"), wait=False, **variables)
    assert step.wait_exit() == 1
    taken = topology.take_one("error")
    assert text in taken.error()["message"]
    assert "errorInput" not in json.loads(taken.body)
    assert ENVIRONMENT_HEADERS.items() <= taken.headers.items()
    assert taken.headers["stepId"] == topology.name
    assert taken.headers["messageId"]
    assert not {"start", "end", "threadId", "parentMessageId"} & set(taken.headers)
    if case == "step API 500":
        assert len(platform.asked("GET", "/v1/tasks")) == 3


def test_row_27_missing_settings(side, platform, topology):
    """A missing variable ends the process before anything else."""
    environment = environment_of(topology, platform, "script", FLOW_ID="")
    step = StepProcess(side, environment)
    try:
        assert step.wait_exit() == 1
        assert "ELASTICIO_FLOW_ID is missing" in step.log()
        assert not platform.calls
    finally:
        step.close()


def test_row_27_no_broker(start):
    """Without a broker the process tries as often as it is told, and exits with 1."""
    step = start(OURS, wait=False, AMQP_URI="amqp://127.0.0.1:9/", AMQP_RECONNECT_ATTEMPTS="1")
    assert step.wait_exit() == 1


def test_row_28_startup_hook(side, start, topology, platform):
    """What the start-up hook returns is stored; an older state is replaced."""
    platform.startup_state = {"old": True}
    start(side, "hooks", STARTUP_REQUIRED="true", info={"config": {"name": "n"}})
    calls = [call.method for call in platform.calls if "startup/data" in call.path]
    assert calls == ["POST", "DELETE", "POST"]
    assert platform.startup_state == {"subscription": "s-1", "seen": "n"}
    assert all("Authorization" in call.headers for call in platform.calls)


def test_row_28_shutdown_hook(side, start, platform):
    """The shutdown hook is given the stored state, which is deleted after it; no broker is needed."""
    platform.startup_state = {"subscription": "s-1"}
    step = start(side, "hooks", wait=False, HOOK_SHUTDOWN="true", AMQP_URI=None, MESSAGE_CRYPTO_IV=None)
    assert step.wait_exit() == 0
    assert [call.method for call in platform.calls if "startup/data" in call.path] == ["GET", "DELETE"]
    assert platform.startup_state is None


def test_row_28_shutdown_hook_fails(side, start, platform):
    """A shutdown hook that fails keeps the state and exits with 1."""
    platform.startup_state = {"subscription": "another"}
    step = start(side, "hooks", wait=False, HOOK_SHUTDOWN="true", AMQP_URI=None)
    assert step.wait_exit() == 1
    assert platform.startup_state == {"subscription": "another"}


def test_row_29_update_keys(side, start, topology, platform):
    """Changed credentials are stored under the account of the configuration."""
    start(side, info={"config": {"_account": "account-9"}})
    topology.send({"do": [["emit", "updateKeys", {"token": "new"}]]})
    while not platform.asked("PUT"):
        topology.settle(0.02)
    (call,) = platform.asked("PUT")
    assert call.path == "/v1/accounts/account-9"
    assert call.json() == {"keys": {"token": "new"}}
    assert call.headers["Authorization"].startswith("Basic ")
    topology.settle()
    assert topology.empty()


def test_row_29_update_keys_fails(side, start, topology, platform):
    """Credentials that cannot be stored are an error of the message."""
    platform.answers["PUT", "/v1/accounts"] = [(400, {"error": "no"})]
    start(side, info={"config": {"_account": "account-9"}})
    topology.send({"do": [["emit", "updateKeys", {"token": "new"}]]})
    topology.take_one("error")
    topology.take_one("dead")
