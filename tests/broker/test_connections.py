"""How a step gets to the broker, and what it says when it does not."""

from __future__ import annotations

import pytest

from support.rabbitmq import free_port
from support.steps import OURS, StepProcess, environment_of


def test_tls(topology, platform, broker):
    """Over amqps, with the broker's authority trusted, messages of any size go both ways."""
    platform.steps[topology.name] = {"config": {}}
    environment = environment_of(
        topology, platform, "script", AMQP_URI=f"amqps://guest:guest@localhost:{broker.secure_port}/"
    )
    step = StepProcess(OURS, {**environment, "SSL_CERT_FILE": str(broker.authority)})
    try:
        step.wait_consuming(topology)
        large = "x" * 1_000_000
        topology.send({"do": [["data", {"n": 1, "large": large}]]})
        topology.send({"do": [["many", 100]]})
        assert topology.take_one("data").wire()["body"] == {"n": 1, "large": large}
        assert [taken.wire()["body"]["number"] for taken in topology.take("data", 100)] == list(range(100))
        step.terminate()
        assert step.wait_exit() == 0
        assert topology.empty()
    finally:
        step.close()


def unreachable(broker):
    """Cause -> address, what the log names, what it advises."""
    guest = "guest:guest@"
    return {
        "password": (f"amqp://guest:n0t-th1s@127.0.0.1:{broker.port}/", "ACCESS_REFUSED", "the password"),
        "virtual host": (f"amqp://{guest}127.0.0.1:{broker.port}/nowhere", "nowhere not found", "virtual host"),
        "port": (f"amqp://{guest}127.0.0.1:{free_port()}/", "Connection refused", "Check host and port"),
        "host": (f"amqp://{guest}no.such.host.invalid/", "not known", "Check the host name"),
        "authority": (f"amqps://{guest}localhost:{broker.secure_port}/", "self-signed certificate", "SSL_CERT_FILE"),
        "scheme": (f"amqps://{guest}localhost:{broker.port}/", "WRONG_VERSION_NUMBER", "amqps for TLS, amqp without"),
    }


@pytest.mark.parametrize("cause", ["password", "virtual host", "port", "host", "authority", "scheme"])
def test_a_broker_that_cannot_be_had(cause, topology, platform, broker):
    """The step ends with 1, says why in the broker's words and what to look at, and shows no password."""
    uri, named, advised = unreachable(broker)[cause]
    platform.steps[topology.name] = {"config": {}}
    environment = environment_of(topology, platform, "script", AMQP_URI=uri, AMQP_RECONNECT_ATTEMPTS="1")
    step = StepProcess(OURS, environment)
    try:
        assert step.wait_exit() == 1
        (fatal,) = (line["msg"] for line in step.lines() if line["level"] == 60)
        assert named in fatal
        assert advised in fatal
        assert "n0t-th1s" not in step.log()
    finally:
        step.close()
