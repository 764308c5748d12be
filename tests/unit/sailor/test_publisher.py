"""Publishing: confirms, refusals, lost channels; without a broker."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from ecs_connector.errors import BrokerError, ConnectorError
from ecs_connector.sailor.fieldtable import decode_properties
from ecs_connector.sailor.publisher import Publication, Publisher, RetryPolicy


class Io:
    """An I/O thread that runs on the caller's."""

    def __init__(self):
        self.timers = []

    def call(self, function, *args):
        function(*args)

    def later(self, delay_s, function):
        self.timers.append((delay_s, function))

    def fire(self):
        timers, self.timers = self.timers, []
        for _, function in timers:
            function()


class Channel:
    is_open = True

    def __init__(self, body_limit=131_064):
        self.connection = SimpleNamespace(body_limit=body_limit)
        self.sent = []
        self.confirm = None

    def add_on_return_callback(self, callback):
        self.returned = callback

    def select_confirms(self, on_confirm, then):
        self.confirm = on_confirm
        then()

    def publish(self, exchange, routing_key, body, properties, mandatory):
        headers = decode_properties(properties)["headers"]
        self.sent.append((body, headers.get("retry"), mandatory))

    def answer(self, name, tag, *, multiple=False):
        self.confirm(tag, multiple, name == "Basic.Ack")


@pytest.fixture
def io():
    return Io()


def publisher(io, attempts=None):
    found = Publisher(io, RetryPolicy(0.1, 300.0, attempts), on_ready=lambda: None)
    found.link = SimpleNamespace(healthy=lambda: None)
    return found


def message(body=b"x"):
    return Publication("e", "k", body, {"headers": {"messageId": "m"}})


def send(found, publication):
    """Publish without waiting."""
    publication.prepare()
    found._send(publication)
    return publication


def done(publication):
    return not publication._done.locked()


def test_a_publish_ends_with_its_confirm(io):
    """Only the broker's confirm lets the publisher go on; a multiple one confirms all before it."""
    found, channel = publisher(io), Channel()
    found.channel_opened(channel)
    first, second, third = (send(found, message()) for _ in range(3))
    assert not done(first)
    channel.answer("Basic.Ack", 2, multiple=True)
    assert done(first)
    assert done(second)
    assert not done(third)
    channel.answer("Basic.Ack", 3)
    assert done(third)
    assert (found.published, found.pending) == (3, 0)


def test_a_full_queue_is_tried_again_for_ever(io):
    """A refusal is repeated after growing pauses, marked with the number of the try."""
    found, channel = publisher(io), Channel()
    found.channel_opened(channel)
    publication = send(found, message())
    delays = []
    for tag in range(1, 16):
        channel.answer("Basic.Nack", tag)
        delays.append(io.timers[0][0])
        io.fire()
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == 300.0
    assert [retry for _, retry, _ in channel.sent[:4]] == [None, 1, 2, 3]
    channel.answer("Basic.Ack", 16)
    assert done(publication)
    publication.wait()


def test_attempts_may_be_limited(io):
    """After the last try the publish fails with the message's id."""
    found, channel = publisher(io, attempts=2), Channel()
    found.channel_opened(channel)
    publication = send(found, message())
    channel.answer("Basic.Nack", 1)
    io.fire()
    channel.answer("Basic.Nack", 2)
    with pytest.raises(BrokerError, match="Failed on publishing m message to MQ"):
        publication.wait()


def test_a_lost_channel(io):
    """What the broker has not confirmed is sent again on the next channel; what waits is sent in order."""
    found, channel = publisher(io), Channel()
    found.channel_opened(channel)
    lost = send(found, message(b"lost"))
    found.channel_lost("cut", False)
    io.fire()
    waiting = send(found, message(b"waiting"))
    assert found.pending == 2
    again = Channel()
    found.channel_opened(again)
    assert again.sent == [(b"lost", 1, True), (b"waiting", None, True)]
    again.answer("Basic.Ack", 2, multiple=True)
    assert done(lost)
    assert done(waiting)


def test_an_unroutable_message_is_published(io):
    """A message that comes back is confirmed all the same."""
    found, channel = publisher(io), Channel()
    found.channel_opened(channel)
    publication = send(found, message())
    channel.returned(channel, None, None, None)
    channel.answer("Basic.Ack", 1)
    assert done(publication)
    assert found.returned == 1


@pytest.mark.parametrize(
    ("key", "headers"), [("k" * 256, {}), ("k", {"x": "y" * 140_000})], ids=["routing key", "headers"]
)
def test_what_amqp_cannot_carry(io, key, headers):
    """Headers that no frame can hold fail here: the broker would close the connection, again and again."""
    with pytest.raises(ConnectorError, match="too long for AMQP"):
        publisher(io).publish(Publication("e", key, b"", {"headers": headers}))


def test_the_caller_waits(io):
    """`publish` blocks its thread until the confirm comes."""
    found, channel = publisher(io), Channel()
    found.channel_opened(channel)
    thread = threading.Thread(target=found.publish, args=(message(),), daemon=True)
    thread.start()
    while not channel.sent:
        thread.join(0.001)
    assert thread.is_alive()
    channel.answer("Basic.Ack", 1)
    thread.join(5)
    assert not thread.is_alive()


def test_headers_beyond_the_frame_of_the_connection(io):
    """Headers that this connection has no frame for end their publication, and no other."""
    found, channel = publisher(io), Channel(body_limit=4088)
    found.channel_opened(channel)
    with pytest.raises(ConnectorError, match="one frame of this connection"):
        found.publish(Publication("e", "k", b"", {"headers": {"x": "y" * 4080}}))
    assert channel.sent == []
