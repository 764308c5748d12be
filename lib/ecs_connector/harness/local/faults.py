"""What goes wrong, and when: picks the faults of a request, and turns each into what the client meets."""

from __future__ import annotations

import fnmatch
import random
from dataclasses import dataclass

from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.rules import FaultRule
from ecs_connector.harness.local.state import Json
from ecs_connector.harness.local.wire import RecordedRequest, Reply

#: Forms in which ECS says "too fast": status, code, text. The last ones hide it in other errors.
_THROTTLES: dict[str, tuple[int, str, str]] = {
    "plain": (400, "ThrottlingException", "Rate exceeded"),
    "requestLimit": (400, "RequestLimitExceeded", "Request limit exceeded."),
    "tooMany": (429, "TooManyRequestsException", "Too Many Requests"),
    "slowDown": (503, "SlowDown", "Please reduce your request rate."),
    "ec2": (
        400,
        "InvalidParameterException",
        "Error retrieving network interface information: Request limit exceeded. (Service: AmazonEC2)",
    ),
    "registration": (
        400,
        "ClientException",
        "Too many concurrent attempts to create a new revision of the specified family.",
    ),
}
_GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    seen: int = 0
    fired: int = 0


class FaultBook:
    """The faults of one endpoint with their counts; its owner holds the lock."""

    def __init__(self, rules: tuple[FaultRule, ...], seed: int) -> None:
        self._entries = [_Counted(rule) for rule in rules]
        self._random = random.Random(seed)  # noqa: S311 - chance of a simulated fault

    def add(self, rule: FaultRule) -> None:
        self._entries.append(_Counted(rule))

    def pick(self, request: RecordedRequest) -> list[FaultRule]:
        """Return the faults that this request meets, and count it."""
        picked = []
        for entry in self._entries:
            rule = entry.rule
            if rule.service != request.service or not rule.match.fits(request.body):
                continue
            if not any(fnmatch.fnmatchcase(request.operation, glob) for glob in rule.operations):
                continue
            entry.seen += 1
            if rule.call is not None and entry.seen not in rule.call:
                continue
            if rule.times is not None and entry.fired >= rule.times:
                continue
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            entry.fired += 1
            picked.append(rule)
        return picked


def refusal_of(rule: FaultRule, action: str, caller_arn: str) -> Refusal | None:
    """Return the AWS error that a fault is; None for faults of another nature."""
    if rule.kind == "throttle":
        status, code, text = _THROTTLES[rule.form]
    elif rule.kind == "error":
        status, code, text = 400, "ServerException", "The service had an error."
    elif rule.kind == "expiredToken":
        status, code, text = 400, "ExpiredTokenException", "The security token included in the request is expired"
    elif rule.kind == "accessDenied":
        text = f"User: {caller_arn} is not authorized to perform: {action} on resource: *"
        status, code = 400, "AccessDeniedException"
    elif rule.kind == "http" and rule.text is None:
        status, code, text = 500, "ServerException", "Service Unavailable. Please try again later."
    else:
        return None
    return Refusal(rule.code or code, rule.message or text, status=rule.status or status, **rule.members)


def reply_of(rule: FaultRule) -> Reply | None:
    """Return the answer that a front end would give instead of the service; None for other faults."""
    if rule.kind == "http" and rule.text is not None:
        return Reply(rule.status or 500, rule.text.encode(), {"Content-Type": "text/html"})
    if rule.kind == "redirect":
        return Reply(rule.status or 307, b"", {"Location": rule.location})
    return None


def damage(rule: FaultRule, reply: Reply) -> None:
    """Spoil an answer."""
    if rule.kind == "garbage":
        reply.body = (rule.text if rule.text is not None else _GARBAGE).encode()
        reply.headers["Content-Type"] = "text/html"
        reply.status = rule.status or reply.status
    elif rule.kind == "empty":
        reply.body = b""
        reply.status = rule.status or reply.status
    elif rule.kind == "truncated":
        reply.body = reply.body[: len(reply.body) // 2]
    elif rule.kind == "cut":
        if rule.when == "during":
            reply.cut_after = len(reply.body) // 2
        else:
            reply.dropped = True


def add_headers(rule: FaultRule, reply: Reply) -> None:
    """Give an answer the headers that a fault names."""
    if rule.retry_after_s is not None:
        reply.headers["Retry-After"] = f"{rule.retry_after_s:g}"
    reply.headers.update(rule.headers)


def fail_partly(rule: FaultRule, output: Json) -> Json:
    """Move some of an output's items to its `failures`: by identifier, or the first ones."""
    member = next((name for name, value in output.items() if isinstance(value, list) and name != "failures"), None)
    if member is None:
        return output
    kept, failures = [], list(output.get("failures") or [])
    moved = 0
    for item in output[member]:
        arn = _arn_of(item, member)
        if _named(arn, rule.ids) if rule.ids else moved < (rule.count or 1):
            moved += 1
            failures.append({"arn": arn, "reason": rule.reason, **({"detail": rule.detail} if rule.detail else {})})
        else:
            kept.append(item)
    return {**output, member: kept, "failures": failures}


def _named(arn: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for name in (arn, arn.rsplit("/", 1)[-1]) for glob in globs)


def _arn_of(item: object, member: str) -> str:
    if not isinstance(item, dict):
        return str(item)
    own = item.get(f"{member.removesuffix('s')}Arn")
    return str(own or next((value for name, value in item.items() if name.endswith("Arn")), member))
