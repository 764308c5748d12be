"""Looks at many things with few calls: waits on the same cluster share their Describe calls.

There is no thread of its own. Of the waits that want to look, the first that wakes up looks for all that
are due before the next look would come, with as many ids in a call as ECS takes; the others find the
answer there. A wait that comes while others are being looked at rides on their next look.

An answer is never older than one interval of the wait that reads it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ecs_connector.client import Client, Step
from ecs_connector.clock import Clock
from ecs_connector.config import StepConfig
from ecs_connector.errors import CallError, ConnectorError
from ecs_connector.model import Operation
from ecs_connector.values import Evidence

#: How often one that waits for another's answer asks whether it shall stop, in seconds of real time.
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked at, apart from the ids: waits with equal targets share."""

    operation: Operation
    #: Member of the input that takes the ids.
    ids: str
    #: Member of the output that holds what was found.
    items: str
    #: Member of an item that identifies it.
    key: str
    #: The rest of the input.
    params: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Entry:
    """One wait that takes part."""

    ids: tuple[str, ...]
    interval_s: float
    #: When it wants to look next, on the monotonic clock.
    due_s: float
    #: Whether somebody is looking for it right now.
    in_flight: bool = False
    #: What was seen, or why nothing could be; None once it has been read.
    answer: dict[str, Any] | ConnectorError | None = None
    #: Evidence of the calls that this wait made, for itself and for others.
    calls: list[Evidence] = field(default_factory=list)
    #: Request id of the last call whose answer this wait was given, whoever made it.
    request_id: str | None = None


class Poller:
    """The shared look at one target."""

    def __init__(self, client: Client, target: Target, clock: Clock) -> None:
        self._client = client
        self._target = target
        self._clock = clock
        self._changed = threading.Condition()
        self._entries: list[Entry] = []

    def join(self, ids: Iterable[str], interval_s: float) -> Entry:
        """Take part; the first look is at once, or together with the next look of the others."""
        now = self._clock.monotonic()
        with self._changed:
            others = [entry.due_s for entry in self._entries if not entry.in_flight and entry.due_s > now]
            flying = [now + entry.interval_s for entry in self._entries if entry.in_flight]
            due = min(min(others or flying, default=now), now + interval_s)
            entry = Entry(tuple(dict.fromkeys(ids)), interval_s, due)
            self._entries.append(entry)
        return entry

    def leave(self, entry: Entry) -> bool:
        """Take part no more; say whether nobody is left."""
        with self._changed:
            self._entries.remove(entry)
            return not self._entries

    def look(self, entry: Entry, config: StepConfig) -> dict[str, Any]:
        """Return what the next look sees: the poll's output with this wait's things and failures alone.

        Raises:
            ConnectorError: This look failed; the next may not.
            StopRequested: The process has been asked to stop.
        """
        while True:
            with self._changed:
                if entry.answer is not None:
                    answer, entry.answer = entry.answer, None
                    break
                now = self._clock.monotonic()
                pause_s = entry.due_s - now
                batch = self._gather(now) if pause_s <= 0 and not entry.in_flight else []
                if entry.in_flight and not batch:
                    self._changed.wait(_PATIENCE_S)
                    pause_s = 0.0
            if batch:
                self._lead(batch, entry, config)
            else:
                self._clock.sleep(max(0.0, pause_s))
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def _gather(self, now: float) -> list[Entry]:
        """Return who is looked for now: everybody who would be due before the most eager one is due again."""
        waiting = [entry for entry in self._entries if not entry.in_flight and entry.answer is None]
        horizon = now + min(entry.interval_s for entry in waiting if entry.due_s <= now)
        batch = [entry for entry in waiting if entry.due_s <= now or entry.due_s < horizon]
        for entry in batch:
            entry.in_flight = True
            entry.due_s = now + entry.interval_s
        return batch

    def _lead(self, batch: Sequence[Entry], leader: Entry, config: StepConfig) -> None:
        """Look for a batch and hand out the answers; if it is broken off, the others look for themselves."""
        seen: dict[str, Any] = {}
        answers: list[dict[str, Any] | ConnectorError] = []
        try:
            ids = list(dict.fromkeys(identifier for entry in batch for identifier in entry.ids))
            for chunk in _chunks(ids, self._target.operation):
                self._look_at(chunk, batch, leader, config, seen)
            answers = [self._answer(entry, seen) for entry in batch]
        finally:
            with self._changed:
                for index, entry in enumerate(batch):
                    entry.in_flight = False
                    if answers:
                        entry.answer = answers[index]
                    else:
                        entry.due_s = self._clock.monotonic()
                self._changed.notify_all()

    def _look_at(
        self, ids: Sequence[str], batch: Sequence[Entry], leader: Entry, config: StepConfig, seen: dict[str, Any]
    ) -> None:
        """Put what one call says of each id into `seen`: an item, a failure, or an error."""
        target = self._target
        asked = list(ids) if target.operation.split is not None else ids[0]
        try:
            output = self._client.call(target.operation, {**target.params, target.ids: asked}, config)
        except ConnectorError as error:
            leader.calls.append(Evidence(None, getattr(error, "attempts", 0)))
            shares = [share for entry in batch if (share := [one for one in ids if one in entry.ids])]
            if len(shares) > 1 and len(ids) > 1 and isinstance(error, CallError) and not error.retryable:
                # One bad id must not end the waits of others: each asks for its own.
                for share in shares:
                    if unseen := [one for one in share if one not in seen]:
                        self._look_at(
                            unseen, [entry for entry in batch if unseen[0] in entry.ids][:1], leader, config, seen
                        )
                return
            seen.update(dict.fromkeys(ids, error))
            return
        leader.calls.append(output.evidence)
        for entry in batch:
            entry.request_id = output.evidence.request_id
        seen.update(_by_id(ids, output.body, target))

    def _answer(self, entry: Entry, seen: Mapping[str, Any]) -> dict[str, Any] | ConnectorError:
        answers = [seen[identifier] for identifier in entry.ids]
        broken = next((answer for answer in answers if isinstance(answer, ConnectorError)), None)
        if broken is not None:
            return broken
        target = self._target
        if target.operation.split is None:
            return dict(answers[0])
        items = [answer for kind, answer in answers if kind == "item"]
        return {target.items: items, "failures": [answer for kind, answer in answers if kind == "failure"]}


def _chunks(ids: Sequence[str], operation: Operation) -> Iterator[Sequence[str]]:
    size = operation.split.size if operation.split is not None else 1
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _by_id(ids: Sequence[str], body: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Return what an output says of each id; what it says nothing of is missing."""
    if target.operation.split is None:
        return {ids[0]: body}
    found: dict[str, tuple[str, Any]] = {}
    for kind, things, key in (("failure", body.get("failures"), "arn"), ("item", body.get(target.items), target.key)):
        listed = things if isinstance(things, list) else []
        for thing in listed:
            if isinstance(thing, Mapping):
                # One thing that does not say which it is, where one was asked for, is that one.
                name = ids[0] if len(ids) == len(listed) == 1 and thing.get(key) is None else thing.get(key)
                found[_tail(name)] = (kind, thing)
    return {one: found.get(_tail(one)) or ("failure", {"arn": one, "reason": "MISSING"}) for one in ids}


def _tail(name: Any) -> str:
    """Return the last part of an ARN or name: within one cluster it is unique."""
    return str(name).rpartition("/")[2]


class Pollers:
    """The pollers of a process, one for each target that somebody looks at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pollers: dict[Any, Poller] = {}

    @contextmanager
    def joined(
        self, step: Step, target: Target, ids: Iterable[str], interval_s: float, clock: Clock
    ) -> Iterator[tuple[Poller, Entry]]:
        """Take part in the look at a target for the length of a `with` block."""
        # Never shared between clients: an answer belongs to the identity that asked.
        key = (step.client, target.operation.name, _canonical(target.params), step.config.timestamps)
        with self._lock:
            poller = self._pollers.setdefault(key, Poller(step.client, target, clock))
            entry = poller.join(ids, interval_s)
        try:
            yield poller, entry
        finally:
            with self._lock:
                if poller.leave(entry):
                    self._pollers.pop(key, None)

    @property
    def count(self) -> int:
        """How many targets are being looked at."""
        return len(self._pollers)


def _canonical(params: Mapping[str, Any]) -> str:
    """Return the input without ids as text; a cluster by name, by ARN or left out is the same cluster."""
    same = {**params, "cluster": _tail(params.get("cluster") or "default")}
    return json.dumps(same, sort_keys=True, default=str)
