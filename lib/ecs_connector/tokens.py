"""Makes a message that comes twice have one effect.

Three things work together. The client token follows from the message, so ECS itself answers a second
delivery with what the first one made. ECS forgets a token (RunTask's after 24 hours): so tasks and task
sets are marked, and the mark is looked up before a message that may have come before starts anything.
What has a name of its own is looked up when ECS says that the name or the token is in use.

The limit of this: ECS shows a stopped task for about an hour. A message that comes again after its token
was forgotten and its task has vanished starts a new one; nothing in ECS tells that there was another.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from ecs_connector.config import StepConfig
from ecs_connector.context import Context
from ecs_connector.errors import CallError, ServiceError
from ecs_connector.model import Operation
from ecs_connector.values import Evidence, Message, Output

if TYPE_CHECKING:
    from ecs_connector.client import Step

#: The longest token that CreateService takes, and the longest `startedBy` of StartTask, in characters.
_MAX_LENGTH = 36
#: Shows people who started a task.
_MARK = "ecs-connector/"

Call = Callable[[Mapping[str, Any]], Output]


def derive_token(operation: Operation, message: Message, config: StepConfig, context: Context) -> str:
    """Return the client token of a message: the same for its redelivery, another for changed input.

    A message without an id, and one that asks to be run anew, gets a token by chance.
    """
    if message.id is None or config.rerun:
        seed: tuple[Any, ...] = (os.urandom(32).hex(),)
    else:
        seed = (context.identity, message.id, config.region, config.endpoint, canonical(message.body))
    digest = sha256(f"ecs-connector\x00{operation.name}\x00".encode() + repr(seed).encode()).hexdigest()
    return digest[: min(operation.token.length if operation.token else _MAX_LENGTH, _MAX_LENGTH)]


def canonical(body: Mapping[str, Any] | None) -> str:
    """Return the body as text that does not depend on the order of its members."""
    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # numbers beyond 64 bits, names that are no text
        return json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)


def identified(operation: Operation, message: Message, config: StepConfig, context: Context) -> dict[str, Any]:
    """Return the members that identify a message to ECS and that its body leaves out: token and mark."""
    body = message.body if message.body is not None else {}
    token, effect = operation.token, operation.effect
    members = {}
    if token is not None and token.member not in body:
        members[token.member] = derive_token(operation, message, config, context)
    # Who runs steps without knowing of deliveries would never look a mark up: the input goes as it was given.
    marks = context.redelivered is not None and message.id is not None
    if marks and effect is not None and effect.mark is not None and effect.mark not in body:
        members[effect.mark] = _MARK + derive_token(operation, message, config, context)[: _MAX_LENGTH - len(_MARK)]
    return members


def has_mark(operation: Operation, params: Mapping[str, Any]) -> bool:
    """Say whether what this input makes can be found by our mark."""
    mark = operation.effect.mark if operation.effect else None
    return mark is not None and str(params.get(mark) or "").startswith(_MARK)


def once(step: Step, message: Message, params: Mapping[str, Any], context: Context, call: Call) -> Output:
    """Call an operation, unless an earlier delivery of the message has: then return what that one made.

    Such an output says `alreadyStarted: true`.
    """
    operation = step.operation
    lookup = Lookup(step, params)
    if context.redelivered and not step.config.rerun and has_mark(operation, params):
        found = _looked_up_first(lookup, context)
        if found is not None:
            return found
    try:
        output = call(params)
    except CallError as error:
        if not _may_exist(error, step, params):
            raise
        context.logger.info("%s: looking for what may be there already: %s", operation.name, error.user_message)
        found = lookup.find(_resource_ids(error))
        if found is None:
            raise
        return found
    return _with_calls(output, lookup.calls)


def _looked_up_first(lookup: Lookup, context: Context) -> Output | None:
    operation = lookup.step.operation
    try:
        return lookup.find()
    except ServiceError as error:
        safe = operation.token is not None or not context.redelivered
        if error.retryable or not safe:
            raise
        # The client token still protects for as long as ECS remembers it.
        context.logger.warning(
            "%s: cannot look for an earlier delivery's effect: %s", operation.name, error.user_message
        )
        return None


def _may_exist(error: CallError, step: Step, params: Mapping[str, Any]) -> bool:
    """Say whether an error leaves room for an effect that is there already."""
    operation = step.operation
    if isinstance(error, ServiceError):
        conflicts = step.client.clients.model.waits["conflicts"]
        text = error.message.lower()
        if error.code in conflicts["codes"] or any(part in text for part in conflicts["texts"]):
            return True
    # The answer was lost, and asking again would do it again: what was made carries our mark.
    lost = getattr(error, "sent", False) or (isinstance(error, ServiceError) and error.kind == "server")
    return bool(lost) and not operation.retry_safe(params) and has_mark(operation, params)


def _resource_ids(error: CallError) -> list[str]:
    found = error.output.get("resourceIds") if isinstance(error, ServiceError) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


class Lookup:
    """Finds what an input has made. Source: data/waits.json, `lookups`."""

    def __init__(self, step: Step, params: Mapping[str, Any]) -> None:
        self.step = step
        self._params = params
        self._model = step.client.clients.model
        #: Evidence of the calls that this took.
        self.calls: list[Evidence] = []

    def find(self, ids: Sequence[str] = ()) -> Output | None:
        """Return what is there as the operation's output; None when there is nothing that agrees with the input.

        Args:
            ids: What ECS says is there; with them nothing has to be searched.
        """
        from ecs_connector.expressions import find

        effect = self.step.operation.effect
        if effect is None:
            return None
        spec = self._model.waits["lookups"][effect.lookup]
        mark = self._params.get(effect.mark) if effect.mark else None
        known = bool(ids) and "ids" in spec
        outputs: list[Any] = [{spec["ids"]: list(ids)}] if known else []
        for call in spec["calls"][-1:] if known else spec["calls"]:
            things = {"in": self._params, "mark": mark, "out": outputs}
            output = self._call(call["operation"], {name: find(tree, things) for name, tree in call["input"].items()})
            if output is None:
                return None
            outputs.append(output)
        found = find(spec["found"], outputs[-1]) or []
        kept = [thing for thing in found if isinstance(thing, Mapping) and self._counts(thing, spec, mark)]
        return self._output(kept, spec) if kept else None

    def _call(self, name: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Call, unless there is nothing to ask for."""
        if any(value == [] for value in request.values()):
            return None
        given = {key: value for key, value in request.items() if value is not None}
        operation = self._model.operation(name)
        if operation.pages is None:
            output = self.step.client.call(operation, given, self.step.config)
            self.calls.append(output.evidence)
            return output.body
        from ecs_connector.pages import merged, pages

        def call(params: Mapping[str, Any]) -> Output:
            return self.step.client.call(operation, params, self.step.config)

        output = merged(operation.pages, list(pages(operation, given, call, max_items=self.step.config.maxItems)))
        self.calls.append(output.evidence)
        return output.body

    def _counts(self, thing: Mapping[str, Any], spec: Mapping[str, Any], mark: str | None) -> bool:
        """Say whether a thing is what this input has made."""
        from ecs_connector.expressions import find

        if "marked" in spec and thing.get(spec["marked"]) != mark:
            return False
        named = spec.get("named")
        if named is not None and _tail(thing.get(named["member"])) != find(named["input"], {"in": self._params}):
            return False
        alive = spec.get("alive", {})
        if any(thing.get(member) not in values for member, values in alive.items()):
            return False
        return all(
            _agree(self._params.get(member), thing.get(member))
            for member in spec.get("same", ())
            if self._params.get(member) is not None
        )

    def _output(self, kept: Sequence[Mapping[str, Any]], spec: Mapping[str, Any]) -> Output:
        thing: Mapping[str, Any] = kept[0]
        if detail := spec.get("detail"):
            from ecs_connector.expressions import find

            request = {name: find(tree, {"found": thing}) for name, tree in detail["input"].items()}
            thing = find(detail["found"], self._call(detail["operation"], request)) or thing
        members = spec.get("detail", spec).get("members")
        if members:
            thing = {name: thing[name] for name in members if name in thing}
        if not spec["put"]:
            body = dict(thing)
        else:
            body = {spec["put"]: dict(thing) if spec.get("one") else [dict(one) for one in kept]}
        if self.step.operation.failures:
            body["failures"] = []
        evidence = Evidence(self.calls[-1].request_id, 0)
        return _with_calls(Output({**body, "alreadyStarted": True}, evidence), self.calls)


def _agree(wanted: Any, there: Any) -> bool:
    """Say whether a member of the input is what is there; a family stands for each of its revisions."""
    wanted, there = _tail(wanted), _tail(there)
    return wanted in (there, there.partition(":")[0])


def _tail(name: Any) -> str:
    return str(name).rpartition("/")[2]


def _with_calls(output: Output, calls: Sequence[Evidence]) -> Output:
    """Return an output whose evidence counts the calls of a lookup too."""
    if not calls:
        return output
    own = output.evidence
    attempts = own.attempts + sum(call.attempts for call in calls)
    retried = tuple(reason for call in calls for reason in call.retried)
    return Output(output.body, Evidence(own.request_id, attempts, retried + own.retried))
