"""AMQP URIs as the platform writes them; frames that are written together."""

from __future__ import annotations

import pytest

from ecs_connector.errors import SettingsError
from ecs_connector.sailor.amqp import Batch, connection_parameters


@pytest.mark.parametrize(
    ("uri", "host", "port", "vhost"),
    [
        ("amqp://broker", "broker", 5672, "/"),
        ("amqp://broker/", "broker", 5672, "/"),
        ("amqp://u:p%40ss@broker:1234/flows", "broker", 1234, "flows"),
        ("amqp://broker/%2Fdeep", "broker", 5672, "/deep"),
        ("amqps://broker", "broker", 5671, "/"),
    ],
)
def test_uris(uri, host, port, vhost):
    """Host, port and virtual host are read; the defaults are AMQP's."""
    found = connection_parameters(uri, "read")
    assert (found.host, found.port, found.virtual_host) == (host, port, vhost)
    assert (found.ssl_options is not None) == uri.startswith("amqps")
    assert found.client_properties["connection_name"].endswith("-read")


def test_credentials_are_decoded():
    """User and password may be percent-encoded."""
    found = connection_parameters("amqp://us%2Fer:p%40ss@broker", "write").credentials
    assert (found.username, found.password) == ("us/er", "p@ss")


@pytest.mark.parametrize(("query", "heartbeat"), [("", None), ("?heartbeat=0", None), ("?heartbeat=15", 15)])
def test_heartbeat(query, heartbeat):
    """No heartbeat, and zero, mean the server's choice; pika would take zero for none at all."""
    assert connection_parameters("amqp://broker" + query, "read").heartbeat == heartbeat


def test_options():
    """The options that Node.js knows are understood, others are passed over."""
    found = connection_parameters("amqp://broker/v?frameMax=8192&channelMax=7&locale=de_DE", "read")
    assert (found.frame_max, found.channel_max) == (8192, 7)


@pytest.mark.parametrize("uri", ["http://broker", "amqp://broker:port", "amqp://broker?heartbeat=often"])
def test_not_a_uri(uri):
    """Anything else is refused, without showing what may hold a password."""
    with pytest.raises(SettingsError) as caught:
        connection_parameters(uri, "read")
    assert "broker" not in str(caught.value)


class Writer:
    def __init__(self):
        self.flushed = 0

    def flush(self):
        self.flushed += 1


def test_a_batch_flushes_each_writer_once_it_is_over():
    """What was held is written when the batch ends, even when a call in it fails."""
    batch, writer = Batch(), Writer()
    with pytest.raises(ZeroDivisionError), batch:
        batch.writers.append(writer)
        assert writer.flushed == 0
        1 / 0  # noqa: B018 - it is to fail
    assert writer.flushed == 1
    with batch:
        pass
    assert writer.flushed == 1
