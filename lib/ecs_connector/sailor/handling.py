"""One message through the step: process it, publish what it emits, settle it.

An emission is published and confirmed before the next one is asked for. The delivery is settled when
`process` has ended: rejected if anything was an error, acknowledged otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ecs_connector.errors import BrokerError, ConnectorError, EnvelopeError, InputError, StopRequested, outcome_of
from ecs_connector.executor import execute
from ecs_connector.sailor.dedup import Delivery, Settlement
from ecs_connector.sailor.envelope import to_message
from ecs_connector.sailor.error_report import error_report, message_of, reason_of
from ecs_connector.sailor.headers import take_routing_key
from ecs_connector.sailor.log import ERROR
from ecs_connector.sailor.outgoing import Received, as_object, now_ms
from ecs_connector.sailor.passthrough import carried_on, with_own
from ecs_connector.sailor.step import Step, make_id
from ecs_connector.values import Emission

#: Why an emission may fail to get out: too large, refused, or not JSON.
_CANNOT_LEAVE = (ConnectorError, TypeError, ValueError)
_REQUEUE_PAUSE_S = 5.0
REBOUND_LIMIT_EXCEEDED = "Rebound limit exceeded"


def handle(step: Step, delivery: Delivery) -> None:
    """Take a delivery from receipt to settlement."""
    try:
        received = step.receive(delivery)
    except EnvelopeError as error:
        # Nothing can be said about a message that cannot be read: no error is published.
        _refuse(step, delivery, error.user_message)
        return
    except Exception as error:  # noqa: BLE001 - marked place: no message may end the worker that reads it
        _refuse(step, delivery, f"it cannot be read ({type(error).__name__})")
        return
    Handling(step, received).run()


def _refuse(step: Step, delivery: Delivery, reason: str) -> None:
    step.log.error("A delivery was rejected: %s", reason)
    step.counters.rejected += 1
    step.settle(delivery, "reject")


class Handling:
    """The state of one message."""

    def __init__(self, step: Step, received: Received) -> None:
        self._step = step
        self._received = received
        self._incoming = received.incoming
        self._start_ms = now_ms()
        self._shared_id: str | None = None
        self._errors = 0
        self._ended = False
        self._passthrough: dict[str, Any] = {}
        self._log = step.component_log.child(
            threadId=self._incoming.thread_id,
            messageId=self._incoming.message_id or "unknown",
            parentMessageId=self._incoming.parent_message_id or "unknown",
        )
        self._config: dict[str, Any] = {}
        self._emitters: dict[str, Callable[[Emission], None]] = {
            "data": self._emit_data,
            "error": lambda emission: self._fail(emission.body),
            "rebound": lambda emission: self._rebound(reason_of(emission.body)),
            "snapshot": self._emit_snapshot,
            "updateSnapshot": self._emit_snapshot_update,
            "updateKeys": self._emit_keys,
            "httpReply": self._emit_reply,
            "end": lambda _: self._end(),
        }

    def run(self) -> None:
        """Process the message and settle its delivery."""
        settlement: Settlement | None = None
        try:
            self._process()
        except StopRequested:
            settlement = "requeue"
        except BaseException as error:  # noqa: BLE001 - marked place: whatever a component raises ends its message
            settlement = self._settle_error(error)
        self._end(settlement)

    def _process(self) -> None:
        step, wire = self._step, self._received.wire
        process = step.component.process(step.settings.function)
        if step.resolves_objects:
            step.storage.resolve(wire)
        if step.info.is_passthrough:
            earlier = wire.get("passthrough")
            self._passthrough = deepcopy(earlier) if isinstance(earlier, dict) else {}
        self._config = step.config()
        context = step.component.context(
            logger=self._log,
            flow_variables=step.info.variables,
            identity=step.settings.identity,
            max_hold_s=step.settings.max_hold_s,
            redelivered=bool(self._received.delivery.redelivered or self._incoming.rebound_iteration),
        )
        message = to_message(wire, self._incoming.message_id)
        for emission in execute(process, message, self._config, step.snapshot.read(), context):
            emit = self._emitters.get(emission.kind)
            if emit is None:
                self._log.warning("An emission of the unknown kind %r was ignored.", emission.kind)
            else:
                emit(emission)

    def _settle_error(self, error: BaseException) -> Settlement | None:
        settlement = outcome_of(error).settlement
        if settlement == "requeue":
            return settlement
        try:
            if settlement == "rebound":
                self._rebound(message_of(error))
            else:
                self._fail(error)
        except BrokerError as failure:
            # It comes back at once: a pause keeps it from going round and round.
            self._step.log.error("An error could not be published: %s", message_of(failure))
            self._step.pause(_REQUEUE_PAUSE_S)
            return "requeue"
        except ConnectorError as failure:
            # It would fail every time: the message is rejected, and the log has to say why.
            self._step.log.error("An error could not be told: %s", message_of(failure))
            return "reject"
        except Exception as failure:  # noqa: BLE001 - marked place: a worker must outlive any message
            self._step.log.error("An error could not be told: %s", type(failure).__name__)
            return "reject"
        return None

    def _end(self, settlement: Settlement | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        counters = self._step.counters
        if settlement is None:
            settlement = "reject" if self._errors else "ack"
        if settlement == "reject":
            counters.rejected += 1
        else:
            counters.done += 1
        self._step.settle(self._received.delivery, settlement)

    # -- emissions ---------------------------------------------------------------------------------

    def _emit_data(self, emission: Emission) -> None:
        try:
            self._publish_data(emission)
        except _CANNOT_LEAVE as error:
            self._fail(error)

    def _publish_data(self, emission: Emission) -> None:
        step = self._step
        own_headers, routing_key = take_routing_key(emission.headers)
        message_id = emission.id or make_id()
        wire: dict[str, Any] = {
            "id": message_id,
            "attachments": dict(emission.attachments),
            "body": as_object(emission),
            "headers": own_headers,
            "metadata": dict(emission.metadata),
        }
        self._add_passthrough(wire, emission)
        publication = step.outgoing.data(wire, self._headers(message_id, ended=True), routing_key)
        step.throttles["data"].wait()
        step.publish(publication)

    def _add_passthrough(self, wire: dict[str, Any], emission: Emission) -> None:
        step, settings = self._step, self._step.settings
        if step.info.is_passthrough:
            producer = self._incoming.step_id if settings.no_self_passthrough else None
            wire["passthrough"] = carried_on(self._passthrough, producer=producer, received=self._received.wire)
        elif emission.passthrough:
            wire["passthrough"] = deepcopy(dict(emission.passthrough))
        if settings.emit_lightweight_message:
            step.storage.externalise(wire)
        else:
            step.storage.inline_passthrough(wire)
        if step.info.is_passthrough and not settings.no_self_passthrough:
            wire["passthrough"] = with_own(wire["passthrough"], step_id=settings.step_id, emitted=wire)

    def _emit_reply(self, emission: Emission) -> None:
        step, reply_to = self._step, self._incoming.reply_to
        if reply_to is None:
            raise InputError("Component emitted 'httpReply' event but 'reply_to' was not found in AMQP headers")
        reply = dict(emission.body) if isinstance(emission.body, Mapping) else {"body": emission.body}
        reply["headers"], _ = take_routing_key(reply.get("headers") or {})
        headers = self._headers(self._outgoing_id, ended=False)
        step.publish(step.outgoing.reply(reply, headers, reply_to))

    def _emit_snapshot(self, emission: Emission) -> None:
        step = self._step
        step.snapshot.replace(emission.body)
        step.throttles["snapshot"].wait()
        headers = self._headers(self._outgoing_id, ended=False)
        step.publish(step.outgoing.snapshot(emission.body, headers, "snapshot"))

    def _emit_snapshot_update(self, emission: Emission) -> None:
        step, patch = self._step, emission.body
        if not isinstance(patch, Mapping):
            step.log.error("You should pass an object to the `updateSnapshot` event")
            return
        if patch.get("$set"):
            step.log.warning("ERROR: $set is not supported any more in `updateSnapshot` event")
            return
        step.snapshot.update(patch)
        headers = self._headers(self._outgoing_id, ended=False)
        step.publish(step.outgoing.snapshot(patch, headers, "updateSnapshot"))

    def _emit_keys(self, emission: Emission) -> None:
        try:
            self._step.api.update_keys(self._config.get("_account"), emission.body)
        except _CANNOT_LEAVE as error:
            self._fail(error)

    # -- errors and rebounds -----------------------------------------------------------------------

    def _fail(self, error: Any) -> None:
        step = self._step
        self._errors += 1
        step.counters.errors += 1
        report = error_report(error, step.redact)
        self._log.report(ERROR, report, report["message"])
        if isinstance(error, ConnectorError) and error.detail:
            self._log.error("More on that: %s", step.redact(error.detail))
        step.throttles["error"].wait()
        self._publish_error(report, ended=True)

    def _publish_error(self, report: dict[str, str], *, ended: bool) -> None:
        step = self._step
        headers = self._headers(self._outgoing_id, ended=ended)
        error, *copies = step.outgoing.errors(report, headers, self._received)
        step.publish(error)
        for copy in copies:
            try:
                step.publish(copy)
            except BrokerError:
                raise
            except ConnectorError as failure:
                # Whoever waits for a reply gave an address that AMQP has no room for; the error itself is told.
                step.log.error("An error could not be sent to reply_to: %s", failure.user_message)

    def _rebound(self, reason: str) -> None:
        step = self._step
        reason = step.redact(reason)
        iteration = self._incoming.rebound_iteration + 1
        if iteration > step.settings.rebound_limit:
            # Not counted as an error: the platform's rule is to acknowledge.
            step.counters.errors += 1
            report = {
                "name": "Error",
                "message": REBOUND_LIMIT_EXCEEDED,
                "stack": f"Error: {REBOUND_LIMIT_EXCEEDED}\n  last reason: {reason}",
            }
            self._log.report(ERROR, report, f"{REBOUND_LIMIT_EXCEEDED}: {reason}")
            self._publish_error(report, ended=False)
            return
        step.counters.rebounds += 1
        self._log.info("The message goes back and comes again later (%d): %s", iteration, reason)
        step.publish(step.outgoing.rebound(self._received, reason, iteration))

    @property
    def _outgoing_id(self) -> str:
        """The id of errors, replies and snapshots; each data message has its own."""
        if self._shared_id is None:
            self._shared_id = make_id()
        return self._shared_id

    def _headers(self, message_id: str, *, ended: bool) -> dict[str, Any]:
        return self._step.outgoing.headers.outgoing(
            self._incoming, message_id=message_id, start_ms=self._start_ms, end_ms=now_ms() if ended else None
        )
