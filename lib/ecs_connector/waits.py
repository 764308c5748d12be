"""The tables of waits: what an operation's wait looks at, and what ends it.

Source: data/waits.json, made by `make generate` from the model's waiters and overrides.toml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ecs_connector.client import Step
from ecs_connector.expressions import find
from ecs_connector.poller import Target
from ecs_connector.values import Evidence


@dataclass(slots=True)
class Seen:
    """What a wait has seen so far."""

    #: The last look: the poll's output, things that are not looked at again included.
    body: dict[str, Any] = field(default_factory=dict)
    #: Id -> a thing that is not looked at again.
    final: dict[str, Any] = field(default_factory=dict)
    looks: int = 0
    missing_looks: int = 0
    states: dict[str, str] = field(default_factory=dict)
    calls: list[Evidence] = field(default_factory=list)
    #: Request id of the last call.
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """What a look means for a wait."""

    #: "success" or "failure"; None goes on.
    state: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait on one operation: the tables put together."""

    name: str
    kind: str
    noun: str
    target: Target
    ids: tuple[str, ...]
    #: The kind's rule for the operation: put, one, starts, judges, gone.
    rule: Mapping[str, Any]
    acceptors: Sequence[Mapping[str, Any]]
    #: Expected value of an acceptor -> what it means for people.
    says: Mapping[str, str]
    #: Member -> values of a thing that is not looked at again.
    final: Mapping[str, Sequence[str]]
    #: How the state of a thing reads.
    shows: str
    has_verdict: bool
    delay_s: float
    #: Whether the operation is itself the one that is polled: then the looks are all there is to it.
    only_looks: bool
    #: When the things began, as ECS says; empty when that does not matter.
    since: tuple[Any, ...]


def plan(step: Step, name: str, params: Mapping[str, Any], output: Mapping[str, Any]) -> Wait:
    """Return a wait for what an operation was given and has answered."""
    model = step.client.clients.model
    table = model.waits
    spec = table["waits"][name]
    kind = table["kinds"][spec["kind"]]
    rule = kind["from"][step.operation.name]
    things = {"in": params, "out": output}
    request = {member: value for member, tree in rule["input"].items() if (value := find(tree, things)) is not None}
    ids = tuple(one for one in request.pop(kind["ids"], None) or () if isinstance(one, str))
    since = find(rule["since"], things) if "since" in rule else None
    return Wait(
        name=name,
        kind=spec["kind"],
        noun=kind["noun"],
        target=Target(model.operation(kind["poll"]), kind["ids"], kind["items"], kind["key"], request),
        ids=ids,
        rule=rule,
        acceptors=spec["acceptors"],
        says=spec.get("says", {}),
        final=spec.get("final", {}),
        shows=kind["shows"],
        has_verdict=bool(spec.get("verdict") and rule.get("judges")),
        delay_s=spec["delay"],
        only_looks=kind["poll"] == step.operation.name and bool(spec["acceptors"]),
        since=tuple(one for one in since or () if one is not None),
    )


def matches(acceptor: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Say whether an acceptor of the model accepts a poll's output."""
    found, expected = find(acceptor["tree"], body), acceptor["expected"]
    if acceptor["matcher"] == "is":
        return bool(found == expected)
    if not isinstance(found, list) or not found:
        return False
    hits = (item == expected for item in found)
    return all(hits) if acceptor["matcher"] == "all" else any(hits)


def accepted(acceptors: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first acceptor that accepts a poll's output."""
    return next((acceptor for acceptor in acceptors if matches(acceptor, body)), None)


def tail(name: Any) -> str:
    """Return the last part of an ARN or a name: within one cluster it is unique."""
    return str(name).rpartition("/")[2]


def epoch_s(moment: Any) -> float | None:
    """Return a timestamp of an output, text or number, as seconds since 1970."""
    if isinstance(moment, (int, float)):
        return float(moment)
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError):
        return None
