"""Golden cases: an input, the exact requests that it becomes, canned answers, the exact emissions.

One file a case, under tests/data/wire/<Operation>/. See `support.wire_draft` for how a draft is made.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecs_connector import Component, errors
from support.ecs_stub import Answer, EcsStub, Received
from support.signature_check import signature_problems

WIRE = Path(__file__).parents[1] / "data" / "wire"
CASES = sorted(WIRE.glob("*/*.yaml"))
OPERATIONS = Component.load().clients.model.names
#: Every header that a call carries, and no other.
HEADERS = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host", "user-agent",
    "x-amz-date", "x-amz-security-token", "x-amz-target",
}  # fmt: skip


def load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        case: dict[str, Any] = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return case


def exchanges(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the case's requests with their answers; most cases have one."""
    return case.get(
        "exchanges", [{"request": case["request"], "response": case["response"]}] if "request" in case else []
    )


def answer(response: dict[str, Any]) -> Answer:
    raw = response["text"].encode() if "text" in response else json.dumps(response.get("json", {})).encode()
    return Answer(status=response["status"], headers=response.get("headers", {}), raw=raw)


def check_request(received: Received, wanted: dict[str, Any], stub: EcsStub, config: dict[str, Any]) -> None:
    assert received.method == "POST"
    assert received.query == wanted["query"]
    assert json.loads(received.raw, parse_float=str) == json.loads(json.dumps(wanted["json"]), parse_float=str)
    for name, value in wanted["headers"].items():
        assert received.headers[name.lower()] == value
    assert set(received.headers) <= HEADERS
    assert received.headers["host"] == stub.url.removeprefix("http://")
    problems = signature_problems(
        received,
        stub.url,
        key=config["accessKeyId"],
        secret=config["secretAccessKey"],
        token=config.get("sessionToken"),
    )
    assert problems == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_case_goes_over_the_wire_as_written(path: Path, component: Component, ecs_stub: EcsStub) -> None:
    """Body to request, answer to emission or error: byte for byte in meaning, as the case says."""
    case = load(path)
    wanted = exchanges(case)
    ecs_stub.play(*(answer(exchange["response"]) for exchange in wanted))
    config = ecs_stub.config(**case["config"])

    emitted, raised = [], None
    try:
        for emission in component.run(path.parent.name, body=case["body"], config=config):
            emitted.append(emission)
    except errors.ConnectorError as error:
        raised = error

    assert len(ecs_stub.received) == len(wanted)
    for received, exchange in zip(ecs_stub.received, wanted, strict=True):
        check_request(received, exchange["request"], ecs_stub, config)
    assert [emission.body for emission in emitted] == [one["body"] for one in case.get("emits", [])], raised
    for emission, one in zip(emitted, case.get("emits", []), strict=True):
        assert emission.kind == "data"
        always = {"endpoint": ecs_stub.url, "modelVersion": component.clients.model.version}
        assert dict(emission.headers) == {**one["headers"], **always}
    check_error(raised, case.get("raises"))


def check_error(raised: errors.ConnectorError | None, wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        assert raised is None, raised
        return
    assert type(raised).__name__ == wanted["error"], raised
    report = raised.report() if raised is not None else {}
    for name, value in wanted.items():
        assert report.get(name) == value, name


def test_every_operation_has_a_case() -> None:
    """A new operation starts with a wire case; a case without an operation is a leftover."""
    assert sorted({path.parent.name for path in CASES}) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_case_says_what_it_promises(operation: str) -> None:
    """Each case has a promise in words, and at least one of an operation's cases ends in an emission."""
    cases = [load(path) for path in sorted((WIRE / operation).glob("*.yaml"))]

    assert all(isinstance(case["promise"], str) and case["promise"].endswith(".") for case in cases)
    assert any(case.get("emits") for case in cases)
