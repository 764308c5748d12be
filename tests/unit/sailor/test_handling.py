"""One message through a step: what is published and how the delivery is settled, by the table of outcomes."""

from __future__ import annotations

import base64
import json
import threading
from types import SimpleNamespace

import pytest

from ecs_connector import errors
from ecs_connector.context import Context
from ecs_connector.redact import redact_text
from ecs_connector.sailor.crypto import PayloadCipher
from ecs_connector.sailor.dedup import Delivery
from ecs_connector.sailor.envelope import Codec
from ecs_connector.sailor.fieldtable import encode_properties
from ecs_connector.sailor.handling import handle
from ecs_connector.sailor.log import Log, Output
from ecs_connector.sailor.outgoing import Outgoing
from ecs_connector.sailor.platform_api import StepInfo
from ecs_connector.sailor.step import Step
from ecs_connector.values import Emission
from support.unit_settings import settings

CODEC = Codec(PayloadCipher("message_crypto_password", "0123456789abcdef"))
CALL = {"operation": "RunTask"}
SERVICE = {**CALL, "code": "SomeException", "message": "m", "status": 400}


class Bench:
    """A step without a broker; `publications` and `settlements` say what it did, in order."""

    def __init__(self, process, *, info=None, **changes):
        self.events = []
        self.pauses = []
        self.fail_publish = None
        found = settings(**changes)
        component = SimpleNamespace(
            action=lambda _: SimpleNamespace(entry={}),
            process=lambda _: process,
            context=self._context,
        )
        silent = Log.from_environment("x", {}, Output(lambda line: self.lines.append(line.decode())))
        self.lines = []
        self.step = Step(
            settings=found,
            component=component,
            info=StepInfo(**{"config": {}, "snapshot": {}, "variables": {}, "is_passthrough": False, **(info or {})}),
            codec=CODEC,
            outgoing=Outgoing(found, CODEC),
            api=SimpleNamespace(),
            storage=SimpleNamespace(resolve=lambda _: None, inline_passthrough=lambda _: None),
            log=silent,
            component_log=silent,
            publish=self._publish,
            settle=lambda _, settlement: self.events.append(settlement),
            redact=redact_text,
            pause=self.pauses.append,
        )

    def _context(self, **surroundings):
        return Context(clients=None, clock=None, random=None, **surroundings)

    def _publish(self, publication):
        if self.fail_publish is not None and self.fail_publish(publication):
            raise errors.BrokerError("Failed on publishing m message to MQ: no")
        self.events.append(publication)

    def send(self, body=None, **headers):
        """Handle one message; return the kinds of what happened, in order."""
        table = {"messageId": "in-1", "threadId": "t", **headers}
        payload = CODEC.encode({"id": "in-1", "body": body or {}, "headers": {}}, 1)
        handle(self.step, Delivery(payload, encode_properties({"headers": table}), 1, False, 1))
        return [event if isinstance(event, str) else event.routing_key.partition("_")[0] for event in self.events]

    def wires(self):
        return [
            CODEC.decode(event.body, 1)
            for event in self.events
            if getattr(event, "routing_key", "") == "data_routing_key"
        ]

    def error(self):
        (event,) = [event for event in self.events if getattr(event, "routing_key", "") == "error_routing_key"]
        return CODEC.decode(json.loads(event.body)["error"].encode(), 1)


def raising(error):
    def process(message, config, snapshot, context):
        raise error

    return process


OUTCOMES = [
    (errors.ConfigError("c"), ["error", "reject"]),
    (errors.SettingsError("c"), ["error", "reject"]),
    (errors.CredentialsError("c"), ["error", "reject"]),
    (errors.InputError("i"), ["error", "reject"]),
    (errors.ServiceError("s", **SERVICE), ["error", "reject"]),
    (errors.ServiceError("s", **SERVICE, retryable=True), ["rebound", "ack"]),
    (errors.TransportError("t", **CALL, sent=False), ["error", "reject"]),
    (errors.TransportError("t", **CALL, sent=False, retryable=True), ["rebound", "ack"]),
    (errors.ResponseError("r", **CALL, sent=True), ["error", "reject"]),
    (errors.PartialFailure("p", failures=[], output={}), ["error", "reject"]),
    (errors.PagesError("p", operation="ListTasks"), ["error", "reject"]),
    (errors.WaitFailed("w", **CALL, reason="r"), ["error", "reject"]),
    (errors.WaitTimedOut("w", **CALL, reason="r"), ["rebound", "ack"]),
    (errors.BrokerError("b"), ["requeue"]),
    (errors.ExpectationFailed("e"), ["error", "reject"]),
    (errors.Rebound("later"), ["rebound", "ack"]),
    (errors.StopRequested(), ["requeue"]),
    (ValueError("a bug"), ["error", "reject"]),
    (SystemExit(3), ["error", "reject"]),
    (KeyboardInterrupt(), ["error", "reject"]),
]


@pytest.mark.parametrize(
    ("error", "events"), OUTCOMES, ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None
)
def test_outcomes(error, events):
    """Each class of error is published and settled as the table of `errors` says, and nothing ends the worker."""
    assert Bench(raising(error)).send() == events


def test_the_table_is_covered():
    """No class of error is forgotten here."""

    def classes(root):
        return {root}.union(*(classes(child) for child in root.__subclasses__()))

    ours = {
        found
        for found in classes(errors.ConnectorError) | classes(errors.Signal)
        if found.__module__ == "ecs_connector.errors"
    }
    abstract = {errors.ConnectorError, errors.CallError, errors.WaitError, errors.Signal}
    covered_by_parent = {errors.DescriptorError, errors.EndpointError, errors.EnvelopeError}
    assert ours - abstract - covered_by_parent <= {type(error) for error, _ in OUTCOMES}


def test_each_emission_is_confirmed_before_the_next_is_asked_for():
    """The component goes on only when its last message is out."""
    trace = []

    def process(message, config, snapshot, context):
        for number in range(3):
            trace.append(f"ask {number}")
            yield {"number": number}

    bench = Bench(process)
    publish = bench.step.publish
    bench.step.publish = lambda publication: (trace.append("out"), publish(publication))
    assert bench.send() == ["data", "data", "data", "ack"]
    assert trace == ["ask 0", "out", "ask 1", "out", "ask 2", "out"]
    wires = bench.wires()
    assert len({wire["id"] for wire in wires}) == 3
    assert [wire["body"] for wire in wires] == [{"number": number} for number in range(3)]


def test_bodies_are_objects():
    """A list, a text or a number travels under a name; nothing at all is an empty object."""

    def process(message, config, snapshot, context):
        yield Emission("data", "arn:1", item_name="clusterArn")
        yield Emission("data", [1])
        yield Emission("data", None)

    bench = Bench(process)
    bench.send()
    assert [wire["body"] for wire in bench.wires()] == [{"clusterArn": "arn:1"}, {"value": [1]}, {}]


def test_evidence_and_ids_travel():
    """The evidence of the call is the message's own headers; an id that the component sets is kept."""

    def process(message, config, snapshot, context):
        yield Emission("data", {}, {"requestId": "r-1", "attempts": 2}, id="my-id")

    bench = Bench(process)
    bench.send()
    (wire,) = bench.wires()
    assert (wire["id"], wire["headers"]) == ("my-id", {"requestId": "r-1", "attempts": 2})


def test_output_that_is_not_json_is_an_error():
    """NaN, or a value that JSON has no type for, fails the message and not the step."""
    for body in ({"x": float("nan")}, {"x": object()}):
        bench = Bench(lambda *_, body=body: body)
        assert bench.send() == ["error", "reject"]


def test_an_error_does_not_stop_the_component():
    """After an emission that cannot leave, the rest goes out; the input is rejected."""

    def process(message, config, snapshot, context):
        yield {"text": "x" * 1000}
        yield {"n": 1}

    bench = Bench(process, outgoing_message_size_limit=600)
    assert bench.send() == ["error", "data", "reject"]
    assert "exceeds limit of 600" in bench.error()["message"]


def test_an_error_that_cannot_be_published_hands_the_message_back():
    """Neither outcome could be told, so the message comes again, after a pause."""
    bench = Bench(raising(ValueError("x")))
    bench.fail_publish = lambda publication: publication.routing_key == "error_routing_key"
    assert bench.send() == ["requeue"]
    assert bench.pauses == [5.0]


def test_an_error_that_cannot_be_told_ends_only_its_message():
    """Whatever goes wrong on the way out, the delivery is settled and the worker lives."""
    bench = Bench(raising(ValueError("x")))

    def publish(publication):
        raise RuntimeError("a bug of ours")

    bench.step.publish = publish
    assert bench.send() == ["reject"]
    assert "RuntimeError" in "".join(bench.lines)


def test_aws_facts_reach_the_error_message():
    """The published error carries the AWS code and the request id."""
    error = errors.ServiceError("RunTask was refused.", **{**SERVICE, "code": "ClientException"}, request_id="6f9c")
    bench = Bench(raising(error))
    bench.send()
    found = bench.error()
    assert found["name"] == "ServiceError"
    assert "ClientException" in found["message"]
    assert "6f9c" in found["message"]


def test_secrets_reach_neither_the_error_nor_the_log():
    """A secret in an exception's text is masked on every way out."""
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    bench = Bench(raising(RuntimeError(f"secretAccessKey={secret}")))
    bench.send()
    assert secret not in str(bench.error())
    assert secret not in "".join(bench.lines)
    assert bench.lines


def test_after_the_end():
    """`end` settles at once; data after it still goes out; a second `end` does nothing."""

    def process(message, config, snapshot, context):
        yield Emission("end")
        yield {"n": 1}
        yield Emission("end")

    assert Bench(process).send() == ["ack", "data"]


def test_unknown_emissions_are_ignored():
    """A kind that the platform does not know is logged."""
    bench = Bench(lambda *_: Emission("nonsense"))
    assert bench.send() == ["ack"]
    assert "nonsense" in "".join(bench.lines)


def test_every_message_has_its_own_configuration_and_snapshot():
    """What one message changes in them, the next one does not see."""
    seen = []

    def process(message, config, snapshot, context):
        seen.append((dict(config), dict(snapshot)))
        config["changed"] = snapshot["changed"] = True

    bench = Bench(process, info={"config": {"a": 1}, "snapshot": {"b": 2}})
    bench.send()
    bench.send()
    assert seen == [({"a": 1}, {"b": 2})] * 2


def test_the_context():
    """A step knows its identity, its flow variables and how long it may hold a message."""
    seen = []
    bench = Bench(lambda message, config, snapshot, context: seen.append(context), info={"variables": {"v": 1}})
    bench.send()
    (context,) = seen
    assert context.identity == "flow_id:step_id"
    assert context.flow_variables == {"v": 1}
    assert context.max_hold_s < 30 * 60


def test_rebounds_stop_at_the_limit():
    """A retryable failure that never passes ends as an error that names its last reason, acknowledged."""
    error = errors.ServiceError("throttled", **SERVICE, retryable=True)
    bench = Bench(raising(error), rebound_limit=3)
    assert bench.send(reboundIteration=3) == ["error", "ack"]
    assert bench.error()["message"] == "Rebound limit exceeded"
    assert "throttled" in bench.error()["stack"]


def test_a_rebound_after_an_error_is_rejected():
    """An error counts, whatever follows it."""

    def process(message, config, snapshot, context):
        yield Emission("error", "half")
        raise errors.Rebound("later")

    assert Bench(process).send() == ["error", "rebound", "reject"]


def test_rebound_reasons_are_bounded():
    """A long reason must not make headers that a neighbour cannot read."""
    bench = Bench(raising(errors.Rebound("x" * 100_000)))
    bench.send()
    (publication,) = [event for event in bench.events if not isinstance(event, str)]
    assert len(publication.properties["headers"]["reboundReason"]) == 1000


def test_bad_input_is_rejected_in_silence():
    """What cannot be read is rejected; nothing is published."""
    bench = Bench(lambda *_: {"n": 1})
    for payload, properties in ((b"garbage", {"headers": {}}), (CODEC.encode({}, 1), {})):
        handle(bench.step, Delivery(payload, encode_properties(properties), 1, False, 1))
    handle(bench.step, Delivery(CODEC.encode({}, 1), b"\xff", 1, False, 1))
    assert bench.events == ["reject"] * 3


def test_snapshots_are_shared_safely():
    """Updates from several workers are all kept."""
    bench = Bench(lambda *_: None)
    snapshot = bench.step.snapshot
    threads = [
        threading.Thread(target=lambda n=n: [snapshot.update({f"{n}-{i}": i}) for i in range(50)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(snapshot.read()) == 200


def test_error_input_equals_the_input():
    """The platform can send the rejected message again: it is in the error."""
    bench = Bench(raising(ValueError("x")))
    bench.send({"cluster": "blue"})
    (event,) = [event for event in bench.events if not isinstance(event, str)]
    envelope = json.loads(event.body)
    assert CODEC.decode(envelope["errorInput"].encode(), 1)["body"] == {"cluster": "blue"}
    base64.b64decode(envelope["error"], validate=True)
