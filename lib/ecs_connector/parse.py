"""Turns an HTTP answer into an output or a `ServiceError`.

Timestamps become ISO-8601 UTC text; everything else stays as ECS sent it, members that the model does
not know included.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from ecs_connector.errors import ResponseError, ServiceError
from ecs_connector.model import Model, Operation
from ecs_connector.values import HttpResponse

#: What a code looks like; anything else is not repeated in texts and logs.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}\Z")
_REQUEST_IDS = ("x-amzn-requestid", "x-amz-request-id", "x-amz-requestid")


def request_id(response: HttpResponse) -> str | None:
    """Return AWS's id of the request."""
    for name in _REQUEST_IDS:
        found = response.headers.get(name)
        if found:
            return found
    return None


def output(operation: Operation, response: HttpResponse, *, raw_timestamps: bool = False) -> dict[str, Any]:
    """Return the output of an answer with status 200.

    Raises:
        ResponseError: The body is not a JSON object.
    """
    if not response.body:
        return {}
    try:
        content = orjson.loads(response.body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ResponseError(
            f"{operation.name}: the answer has status {response.status} but is not a JSON object "
            f"({response.headers.get('content-type', 'no content type')}, {len(response.body)} bytes): "
            "is the endpoint an Amazon ECS endpoint?",
            operation=operation.name,
            sent=True,
            request_id=request_id(response),
        )
    if operation.times_out and not raw_timestamps:
        to_iso(content, operation.times_out, {})
    return content


def to_iso(value: Any, plan: Any, minutes: dict[int, str]) -> None:
    """Replace every timestamp of the plan by text, in place: the value was made by this module alone."""
    if type(plan) is list:
        if isinstance(value, list):
            inner = plan[0]
            for item in value:
                to_iso(item, inner, minutes)
        return
    if not isinstance(value, dict):
        return
    if "*" in plan:
        plan = dict.fromkeys(value, plan["*"])
    for key in plan.keys() & value.keys():
        inner = plan[key]
        if inner == 1:
            value[key] = iso(value[key], minutes)
        else:
            to_iso(value[key], inner, minutes)


#: Minute since 1970 -> its text. Timestamps of one answer crowd into few minutes.
_Minutes = dict[int, str]


def iso(value: Any, minutes: _Minutes | None = None) -> Any:
    """Return seconds since 1970 as `2026-11-23T14:00:00.000Z`; text and anything else unchanged."""
    if type(value) is not float and type(value) is not int:
        return value
    try:
        seconds, micros = divmod(round(value * 1_000_000), 1_000_000)
        minute, second = divmod(seconds, 60)
        text = minutes.get(minute) if minutes is not None else None
        if text is None:
            text = datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M")
            if minutes is not None:
                minutes[minute] = text
    except (OverflowError, ValueError, OSError):
        return value
    if micros % 1000:
        return f"{text}:{second:02d}.{micros:06d}Z"
    return f"{text}:{second:02d}.{micros // 1000:03d}Z"


def service_error(model: Model, operation: str, response: HttpResponse, *, attempts: int = 1) -> ServiceError:
    """Return the error that an answer with another status than 200 stands for.

    The code comes from the body's `__type` or `code`, with or without a prefix, from the header
    `x-amzn-errortype`, or from the status when the body is not JSON.
    """
    try:
        content = orjson.loads(response.body)
    except ValueError:
        content = None
    members = content if isinstance(content, dict) else {}
    if isinstance(members.get("Error"), dict):  # the query protocol's form, which STS has
        members = members["Error"]
    code = _code(members.get("__type") or members.get("code") or members.get("Code"))
    code = code or _code(response.headers.get("x-amzn-errortype"))
    text = members.get("message") or members.get("Message") or members.get("errorMessage")
    if not isinstance(text, str):
        text = ""
    status = response.status
    fault: Literal["client", "server"] | None = None
    known = model.faults.get(code or "")
    if known in ("client", "server"):
        fault = "server" if known == "server" else "client"
    elif status >= 400:
        fault = "server" if status >= 500 else "client"
    identifier = request_id(response)
    named = code or str(status)
    from ecs_connector.redact import redact_text

    text = redact_text(text) or (
        _CUT_OFF if is_cut_off(response.body) else _REASONS.get(status // 100, "no error text")
    )
    return ServiceError(
        f"{operation}: {named}: {text} (HTTP {status}{f', request {identifier}' if identifier else ''})",
        operation=operation,
        code=named,
        message=text,
        status=status,
        fault=fault,
        attempts=attempts,
        request_id=identifier,
        output={key: value for key, value in members.items() if key not in _SAID},
    )


def is_cut_off(body: bytes) -> bool:
    """Say whether a body begins as a JSON object and is none."""
    if not body.lstrip().startswith(b"{"):
        return False
    try:
        orjson.loads(body)
    except ValueError:
        return True
    return False


#: Members of an error that have an attribute of their own.
_SAID = frozenset({"__type", "code", "Code", "message", "Message", "errorMessage"})
_CUT_OFF = "the error is cut off, so what it says is unknown"
_REASONS = {
    3: "the endpoint redirects, and a signed request is never sent elsewhere",
    5: "the service could not answer",
}


def _code(text: Any) -> str | None:
    """Return the bare code: `com.amazonaws.ecs#ClusterNotFoundException:http://...` -> the name."""
    if not isinstance(text, str):
        return None
    bare = text.partition(":")[0].rpartition("#")[2].strip()
    return bare if _CODE.match(bare) else None
