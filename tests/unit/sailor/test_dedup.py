"""Which deliveries are new, which are copies, and what settles which."""

from __future__ import annotations

import itertools

from ecs_connector.sailor.dedup import Delivery, Ledger
from ecs_connector.sailor.fieldtable import encode_properties

_tags = itertools.count(1)


def delivery(epoch, *, message_id="m", body=b"body", redelivered=False, **headers):
    properties = encode_properties({"headers": {"messageId": message_id, **headers}})
    return Delivery(body, properties, next(_tags), redelivered, epoch)


def ledger(prefetch=5, epoch=1):
    found = Ledger(prefetch)
    found.channel_opened(epoch)
    return found


def test_messages_that_share_an_id_are_all_new():
    """Two deliveries of one channel are two messages, whatever their ids, and even when both are redelivered."""
    found = ledger()
    assert found.received(delivery(1)) == "start"
    assert found.received(delivery(1)) == "start"
    assert found.received(delivery(1, redelivered=True)) == "start"
    assert found.in_work == 3


def test_a_copy_replaces_what_its_lost_channel_delivered():
    """The copy of work that goes on is not started; the work settles it."""
    found = ledger()
    work = delivery(1)
    found.received(work)
    found.channel_opened(2)
    copy = delivery(2, redelivered=True, **{"x-delivery-count": 1})
    assert found.received(copy) is None
    assert found.in_work == 1
    assert found.settled(work, "ack") is True
    assert (work.tag, work.epoch) == (copy.tag, 2)


def test_work_that_ends_before_its_copy_comes():
    """Its outcome is kept for the copy."""
    found = ledger()
    work = delivery(1)
    found.received(work)
    found.channel_opened(2)
    assert found.settled(work, "reject") is False
    assert found.in_work == 0
    assert found.received(delivery(2, redelivered=True)) == "reject"
    assert found.received(delivery(2, redelivered=True)) == "start"


def test_a_settlement_that_the_broker_may_not_have_seen():
    """What was settled just before the connection was lost is settled again, not done again."""
    found = ledger()
    work = delivery(1)
    found.received(work)
    assert found.settled(work, "ack") is True
    found.channel_opened(2)
    assert found.received(delivery(2, redelivered=True)) == "ack"


def test_only_as_many_settlements_as_the_prefetch_are_kept():
    """The broker never has more deliveries open than the prefetch: an older settlement has arrived."""
    found = ledger(prefetch=2)
    works = [delivery(1, body=b"%d" % number) for number in range(3)]
    for work in works:
        found.received(work)
        found.settled(work, "ack")
    found.channel_opened(2)
    assert found.received(delivery(2, body=b"0", redelivered=True)) == "start"
    assert found.received(delivery(2, body=b"1", redelivered=True)) == "ack"
    assert found.received(delivery(2, body=b"2", redelivered=True)) == "ack"


def test_another_message_with_the_same_id_is_no_copy():
    """A copy has the same body and the same headers, not just the same id."""
    found = ledger()
    found.received(delivery(1, body=b"one"))
    found.channel_opened(2)
    assert found.received(delivery(2, body=b"two", redelivered=True)) == "start"
    assert found.received(delivery(2, body=b"one", redelivered=True, reboundIteration=1)) == "start"
    assert found.received(delivery(2, body=b"one", redelivered=False)) == "start"
    assert found.received(delivery(2, body=b"one", redelivered=True)) is None


def test_equal_messages_are_counted():
    """Two equal messages in work have two copies; a third one is new."""
    found = ledger()
    for _ in range(2):
        found.received(delivery(1))
    found.channel_opened(2)
    assert [found.received(delivery(2, redelivered=True)) for _ in range(3)] == [None, None, "start"]


def test_a_second_loss():
    """Work outlives any number of channels, and is never waited for twice."""
    found = ledger()
    work = delivery(1)
    found.received(work)
    for epoch in (2, 3):
        found.channel_opened(epoch)
    assert found.received(delivery(3, redelivered=True)) is None
    found.channel_opened(4)
    assert found.received(delivery(4, redelivered=True)) is None
    assert found.settled(work, "ack") is True
    assert found.in_work == 0


def test_work_that_is_handed_back_begins_anew():
    """A message that went back to the queue is new when it comes again."""
    found = ledger()
    work = delivery(1)
    found.received(work)
    assert found.settled(work, "requeue") is True
    found.channel_opened(2)
    assert found.received(delivery(2, redelivered=True)) == "start"


def test_copies_that_never_come_are_forgotten():
    """What another process was given does not pile up here."""
    found = ledger(prefetch=1)
    for epoch in range(1, 50):
        found.channel_opened(epoch)
        work = delivery(epoch, body=b"%d" % epoch)
        found.received(work)
        found.settled(work, "ack")
    assert len(found._orphans) <= 5


def test_messages_without_id_or_readable_headers():
    """Even those are recognized by what they hold."""
    found = ledger()
    broken = Delivery(b"b", b"\xff", 1, False, 1)
    found.received(broken)
    found.channel_opened(2)
    assert found.received(Delivery(b"b", b"\xff", 1, True, 2)) is None
