"""A lost connection is explained by its innermost cause."""

from __future__ import annotations

import socket

import pika.exceptions as broken
import pytest
from pika.adapters.utils import connection_workflow as workflow

from ecs_connector.sailor.lost import why

REFUSED = ConnectionRefusedError(111, "Connection refused")
CAUSES = {
    "wrapped thrice": (
        broken.AMQPConnectionError(
            workflow.AMQPConnectionWorkflowFailed([workflow.AMQPConnectorSocketConnectError(REFUSED)])
        ),
        "Connection refused. Check host and port in ELASTICIO_AMQP_URI, and that the broker runs",
    ),
    "last of several": (
        workflow.AMQPConnectionWorkflowFailed([REFUSED, socket.gaierror(-2, "Name or service not known")]),
        "Name or service not known. Check the host name in ELASTICIO_AMQP_URI",
    ),
    "closed by the broker": (
        broken.ConnectionClosedByBroker(320, "CONNECTION_FORCED - broker forced connection closure"),
        "the broker has closed it: 320 CONNECTION_FORCED - broker forced connection closure",
    ),
    "channel closed by the broker": (
        broken.ChannelClosedByBroker(404, "NOT_FOUND - no queue 'q'"),
        "the broker has closed it: 404 NOT_FOUND - no queue 'q'",
    ),
    "heartbeats": (broken.AMQPHeartbeatTimeout("No activity"), "nothing was heard from the broker for two heartbeats"),
    "stream": (broken.StreamLostError("Stream connection lost"), "Stream connection lost"),
    "not AMQP": (
        broken.IncompatibleProtocolError("the server speaks HTTP"),
        "the server speaks HTTP. Check scheme and port in ELASTICIO_AMQP_URI: amqps for TLS, amqp without",
    ),
    "empty": (workflow.AMQPConnectionWorkflowFailed([]), "AMQPConnectionWorkflowFailed"),
    "text": ("the broker has cancelled the consumer", "the broker has cancelled the consumer"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_innermost_cause_is_told(name: str) -> None:
    """Whatever pika wraps it in, the line says what happened, and what to look at where that is known."""
    reason, text = CAUSES[name]
    assert why(reason) == text


def test_causes_in_a_circle() -> None:
    """An error that names itself as its cause is told all the same."""
    error = workflow.AMQPConnectorSocketConnectError(REFUSED)
    error.exception = error
    assert why(error) == "AMQPConnectorSocketConnectError"
