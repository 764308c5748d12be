"""What the interop rows do not ask for: a network that goes silent, a broker that restarts, replicas, long lists."""

from __future__ import annotations

import time
from collections import Counter

from support import rabbitmq
from support.steps import OURS, Topology


def test_a_silent_network(start, topology, proxy):
    """Connections that carry nothing any more are given up by their heartbeats, and made again."""
    uri = topology.broker.uri_at(proxy.port) + "?heartbeat=2"
    step = start(OURS, AMQP_URI=uri)
    topology.send({"do": [["say", "working"], ["sleep", 1], ["data", {"n": 1}]]})
    step.wait(lambda: "working" in step.log(), 10, topology)
    proxy.hold()
    step.wait(lambda: step.log().count("is lost") >= 2, 30, topology)
    proxy.release()
    assert topology.take_one("data").wire()["body"] == {"n": 1}
    topology.send({"do": [["data", {"n": 2}]]})
    # What was held may have come through as well: then the first one is there twice.
    while topology.take_one("data").wire()["body"] != {"n": 2}:
        pass
    step.terminate()
    assert step.wait_exit() == 0
    assert topology.empty("messages", "dead", "error")


def test_a_broker_restart(start, platform):
    """A restarted broker is found again; what it kept is processed, and what was in work is done once."""
    with rabbitmq.running() as node:
        topology = Topology(node, durable=True)
        step = start(OURS, topology=topology)
        topology.send({"do": [["say", "working"], ["sleep", 2], ["data", {"n": 1}]]}, properties={"delivery_mode": 2})
        topology.send({"do": [["data", {"n": 2}]]}, properties={"delivery_mode": 2})
        step.wait(lambda: "working" in step.log(), 10, topology)
        topology.connection.close()
        node.control("stop_app")
        node.control("start_app")
        topology.reconnect()
        taken = topology.take("data", 2, 40)
        assert sorted(message.wire()["body"]["n"] for message in taken) == [1, 2]
        topology.settle(0.5)
        assert topology.empty()
        step.terminate()
        assert step.wait_exit() == 0
        topology.close()


def test_replicas_share_the_work(start, topology):
    """Two processes on one queue each do a part, and nothing is done twice."""
    steps = [start(OURS, RABBITMQ_PREFETCH_SAILOR="2") for _ in range(2)]
    steps[1].wait_consuming(topology, 2)
    for number in range(20):
        topology.send({"do": [["say", f"message {number}"], ["sleep", 0.05], ["data", {"n": number}]]})
    taken = topology.take("data", 20)
    assert sorted(message.wire()["body"]["n"] for message in taken) == list(range(20))
    shares = Counter()
    for index, step in enumerate(steps):
        shares[index] = sum(line["msg"].startswith("message ") for line in step.lines())
    assert sum(shares.values()) == 20
    assert min(shares.values()) >= 5


def test_prefetch_messages_are_in_work_at_once(start, topology):
    """As many messages as the prefetch are processed side by side."""
    start(OURS, RABBITMQ_PREFETCH_SAILOR="8")
    began = time.monotonic()
    for number in range(8):
        topology.send({"do": [["sleep", 0.5], ["data", {"n": number}]]})
    topology.take("data", 8)
    assert time.monotonic() - began < 2


def test_long_lists_stream(start, topology):
    """A thousand outputs of one message arrive in order, each with an id of its own."""
    start(OURS)
    topology.send({"do": [["many", 1000]]})
    taken = topology.take("data", 1000, 30)
    assert [message.wire()["body"]["number"] for message in taken] == list(range(1000))
    assert len({message.headers["messageId"] for message in taken}) == 1000


def test_health_and_secrets_in_the_log(start, topology):
    """At debug level the process says how it is; at no level does it say a secret."""
    secret = "s3cr3t-value-of-the-step"
    step = start(
        OURS,
        info={"config": {"secret": secret}},
        LOG_LEVEL="trace",
        ECS_CONNECTOR_HEALTH_INTERVAL_SECONDS="1",
    )
    topology.send({"do": [["say", f"it is {secret}"], ["throw", f"because of {secret}"]]})
    assert secret not in str(topology.take_one("error").error())
    step.wait(lambda: "Health: " in step.log(), 10, topology)
    assert "1 rejected" in next(line["msg"] for line in step.lines() if line["msg"].startswith("Health: "))
    for hidden in (secret, "api-key-secret", "testCryptoPassword", "storage-token"):
        assert hidden not in step.log()
    component = next(line for line in step.lines() if line["msg"].startswith("it is "))
    assert component["name"] == "component"
    assert component["threadId"] == "thread-1"
    assert component["ELASTICIO_STEP_ID"] == topology.name


def test_a_component_that_exits_ends_only_its_message(start, topology):
    """`sys.exit` in a component is an error of the message; the next one is processed."""
    start(OURS)
    topology.send({"do": [["leave"]]})
    topology.take_one("error")
    topology.take_one("dead")
    topology.send({"do": [["data", {"n": 1}]]})
    assert topology.take_one("data").wire()["body"] == {"n": 1}


def test_ecs_errors_reach_the_platform(start, topology):
    """A refused call is an error with AWS code and request id; a throttled one comes again."""
    start(OURS)
    topology.send({"do": [["refuse", "ClientException", "no such thing"]]})
    message = topology.take_one("error").error()["message"]
    assert "ClientException" in message
    assert "6f9c1e8a-0000" in message
    topology.take_one("dead")
    topology.send({"do": [["refuse", "ThrottlingException", "Rate exceeded", True]]})
    assert "Rate exceeded" in topology.take_one("rebound").headers["reboundReason"]
    topology.settle()
    assert topology.empty()
