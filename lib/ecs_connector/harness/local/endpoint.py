"""A request in, a reply out: faults, identity, service, faults again.

No sockets here: the server hands over what it read and sends what it gets, so that everything but the
bytes on the wire can be tried without one.
"""

from __future__ import annotations

import json
import logging
import threading
from email.utils import formatdate
from typing import Any

from ecs_connector.clock import Clock, SystemClock
from ecs_connector.harness.local import faults
from ecs_connector.harness.local.dispatch import answer
from ecs_connector.harness.local.faults import FaultBook
from ecs_connector.harness.local.identity import Caller, KeyRing
from ecs_connector.harness.local.logs import answer_logs
from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.rules import FaultRule
from ecs_connector.harness.local.scenario import Scenario
from ecs_connector.harness.local.state import Json, World
from ecs_connector.harness.local.sts import answer_sts, sts_error, sts_reply
from ecs_connector.harness.local.wire import RecordedRequest, Reply, RequestLog

_log = logging.getLogger(__name__)

SYNTHETIC_HEADER = "x-ecs-connector-synthetic"
_JSON_TYPE = "application/x-amz-json-1.1"
_NOBODY = Caller("", "arn:aws:iam::123456789012:user/local", "")
_PREFIX = "com.amazonaws.ecs#"


class Endpoint:
    """One simulated AWS endpoint with its state."""

    def __init__(self, scenario: Scenario, clock: Clock | None = None) -> None:
        self.scenario = scenario
        self.clock = clock if clock is not None else SystemClock()
        self.requests = RequestLog()
        #: Set when the server stops: nobody waits for a slow answer any more.
        self.stopping = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Forget everything, injected faults too, and begin the scenario again."""
        self.world = World(self.scenario, self.clock)
        self.fault_book = FaultBook(self.scenario.faults, self.scenario.seed)
        self.ring = KeyRing(self.scenario.account, self.scenario.keys, self.world.started_s)
        self.clock_skew_s = self.scenario.clock_skew_s
        self.requests.clear()
        for call in self.scenario.setup:
            self.call(call.operation, dict(call.body), region=call.region)

    def call(self, operation: str, body: Json | None = None, *, region: str = "us-east-1") -> Json:
        """Answer an ECS operation without HTTP, identity and faults, for setting a scene.

        Raises:
            Refusal: ECS would refuse it.
        """
        with self.world.lock:
            output, _ = answer(self.world.region(region), operation, json.loads(json.dumps(body or {})))
            return json.loads(json.dumps(output))  # type: ignore[no-any-return]  # a copy of a dict is a dict

    def respond(self, request: RecordedRequest) -> Reply:
        """Return the answer to a request; its record gets the status."""
        self.requests.add(request)
        world = self.world
        with world.lock:
            picked = self.fault_book.pick(request)
            request_id = world.request_id()
        skew_s = self._skew(picked)
        for rule in picked:
            if rule.kind == "slow" and rule.when != "after":
                self.stopping.wait(rule.seconds)
        reply = self._reply(world, request, picked, request_id, skew_s)
        reply.headers.setdefault("x-amzn-RequestId", request_id)
        reply.headers["Date"] = formatdate(world.now() + skew_s, usegmt=True)
        for rule in picked:
            faults.add_headers(rule, reply)
            faults.damage(rule, reply)
            if rule.kind == "slow" and rule.when == "after":
                self.stopping.wait(rule.seconds)
        request.status = 0 if reply.dropped else reply.status
        return reply

    def _skew(self, picked: list[FaultRule]) -> float:
        skewed = [rule.seconds for rule in picked if rule.kind == "clockSkew"]
        return skewed[0] if skewed else self.clock_skew_s or 0.0

    def _reply(
        self, world: World, request: RecordedRequest, picked: list[FaultRule], request_id: str, skew_s: float
    ) -> Reply:
        for rule in picked:
            if rule.kind == "cut" and rule.when == "before":
                return Reply(0, dropped=True)
            in_front = faults.reply_of(rule)
            if in_front is not None and rule.when == "before":
                return in_front
        form = next((rule.error_form for rule in picked if rule.error_form != "plain"), "plain")
        try:
            reply = self._serve(world, request, picked, request_id, skew_s)
        except Refusal as refusal:
            request.error = refusal.code
            return _error_reply(request, refusal, request_id, form)
        except Exception as error:  # noqa: BLE001 - see the next line
            # A bug of the simulation is an answer too: a cut connection would look like a fault that was asked for.
            _log.exception("The embedded endpoint failed on %s", request.operation)
            bug = Refusal("InternalFailure", f"The embedded endpoint failed: {error!r}", status=500)
            request.error = bug.code
            return _error_reply(request, bug, request_id, form)
        return next((late for late in map(faults.reply_of, picked) if late is not None), reply)

    def _serve(
        self, world: World, request: RecordedRequest, picked: list[FaultRule], request_id: str, skew_s: float
    ) -> Reply:
        if request.method != "POST" or not request.service:
            raise Refusal("UnknownOperationException", "", status=404)
        check_date = self.clock_skew_s is not None or any(rule.kind == "clockSkew" for rule in picked)
        action = f"{request.service}:{request.operation}"
        with world.lock:
            now = world.now() + skew_s
            caller = self.ring.identify(request, now, check_date=check_date)
            for rule in picked:
                refusal = faults.refusal_of(rule, action, caller.arn)
                if refusal is not None and rule.when == "before":
                    raise refusal
            output, synthetic = self._answer(world, request, caller)
            for rule in picked:
                refusal = faults.refusal_of(rule, action, caller.arn)
                if refusal is not None:
                    raise refusal
                if rule.kind == "partial":
                    output = faults.fail_partly(rule, output)
            if request.service == "sts":
                return sts_reply(request, output, request_id)
            # Serialized under the lock: what handlers return is part of the state.
            reply = Reply(200, json.dumps(output).encode(), {"Content-Type": _JSON_TYPE})
        if synthetic:
            reply.headers[SYNTHETIC_HEADER] = "true"
        return reply

    def _answer(self, world: World, request: RecordedRequest, caller: Caller) -> tuple[dict[str, Any], bool]:
        if request.service == "sts":
            return answer_sts(world, self.ring, caller, request), False
        region = world.region(request.authorization_region or "us-east-1")
        if request.service == "logs":
            return answer_logs(region, request.operation, request.body), False
        if request.raw_body and not request.body and request.raw_body.strip() != b"{}":
            raise Refusal("SerializationException", "The body is not a JSON object.")
        return answer(region, request.operation, request.body)


def _error_reply(request: RecordedRequest, refusal: Refusal, request_id: str, form: str) -> Reply:
    if request.service == "sts":
        return sts_error(request, refusal, request_id)
    body = refusal.body()
    headers = {"Content-Type": _JSON_TYPE}
    if form == "prefixed":
        body["__type"] = _PREFIX + refusal.code
    elif form == "header":
        del body["__type"]
        headers["x-amzn-ErrorType"] = f"{refusal.code}:http://internal.amazon.com/coral/com.amazon.coral.service/"
    return Reply(refusal.status, json.dumps(body).encode(), headers)
