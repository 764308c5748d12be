"""Makes an example input of an operation from its schema: filled, and accepted by the validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_connector.model import Operation
from ecs_connector.report import violations

#: Example of a member by its name, most particular first; the schema's own limits win.
_EXAMPLES: Mapping[str, Any] = {
    "cluster": "default", "clusterName": "default", "clusters": "default", "service": "web", "serviceName": "web",
    "services": "web", "task": "0123456789abcdef0123456789abcdef", "tasks": "0123456789abcdef0123456789abcdef",
    "taskDefinition": "web:1", "taskDefinitions": "web:1", "family": "web", "familyPrefix": "web",
    "image": "public.ecr.aws/nginx/nginx:stable", "subnets": "subnet-0123456789abcdef0",
    "securityGroups": "sg-0123456789abcdef0", "containerInstance": "0123456789abcdef0123456789abcdef",
    "containerInstances": "0123456789abcdef0123456789abcdef", "containerName": "web", "container": "web",
    "roleArn": "arn:aws:iam::123456789012:role/ecs", "executionRoleArn": "arn:aws:iam::123456789012:role/ecs-execution",
    "taskRoleArn": "arn:aws:iam::123456789012:role/ecs-task", "cpu": "256", "memory": "512", "key": "team",
    "tagKeys": "team", "resourceArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default", "command": "echo",
    "targetType": "container-instance", "startedBy": "flow", "targetId": "0123456789abcdef0123456789abcdef",
    "clientToken": "0123456789abcdef", "expiresInMinutes": 60, "containerPort": 80, "desiredCount": 1, "count": 1,
    "essential": True,
}  # fmt: skip
#: What tells an item from another where the model requires nothing of it.
_SPEAKING = ("key", "name", "value", "image", "memory")
_STAMP = "2026-01-01T00:00:00.000Z"
#: A member's example is made smaller by what the rules say, at most this often.
_ROUNDS = 40


def skeleton(operation: Operation, schema: Mapping[str, Any], *, minimal: bool = False) -> dict[str, Any]:
    """Return an input of the operation that passes its validation.

    Args:
        minimal: Only what is required.
    """
    definitions = schema.get("definitions", {})
    body: dict[str, Any] = _value(operation.name, schema, definitions, minimal=minimal)
    if operation.token is not None:
        body.pop(operation.token.member, None)  # derived from the message
    if operation.pages is not None:
        body.pop(operation.pages.token_in, None)
    for _ in range(_ROUNDS):
        found = violations(schema, operation.rules, body)
        if not found:
            break
        for violation in found:
            _remove(body, violation.pointer)
    return body


def _value(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], *, minimal: bool) -> Any:
    if "$ref" in schema:
        return _value(name, definitions[schema["$ref"].rpartition("/")[2]], definitions, minimal=minimal)
    kind = schema["type"]
    if kind == "object":
        return _object(name, schema, definitions, minimal=minimal)
    if kind == "array":
        if schema.get("maxItems") == 0:
            return []
        count = max(1, schema.get("minItems", 0))
        item = _value(name, schema["items"], definitions, minimal=minimal)
        return [item or _speaking(schema["items"], definitions) for _ in range(count)]
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "boolean":
        return _EXAMPLES.get(name) is True
    if kind == "number":
        example = str(_EXAMPLES.get(name, ""))
        number = int(example) if example.isdigit() else 1
        return min(max(number, schema.get("minimum", number)), schema.get("maximum", number))
    return _STAMP if schema.get("format") == "date-time" else _text(name, schema)


def _speaking(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """Return an item of which the model requires nothing, and that would mean nothing empty."""
    properties = schema.get("properties", {})
    return {
        member: _value(member, properties[member], definitions, minimal=True)
        for member in _SPEAKING
        if member in properties
    }


def _object(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], *, minimal: bool) -> Any:
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        return {"name": _value(name, extra, definitions, minimal=minimal)}
    properties = schema.get("properties", {})
    union = "maxProperties" in schema
    chosen = {
        member: inner
        for member, inner in properties.items()
        if inner.get("required")
        or union
        or (not minimal and not str(inner.get("help", {}).get("description", "")).startswith("Deprecated"))
    }
    result = {member: _value(member, inner, definitions, minimal=minimal) for member, inner in chosen.items()}
    return dict(list(result.items())[:1]) if union else result


def _text(name: str, schema: Mapping[str, Any]) -> str:
    example = _EXAMPLES.get(name)
    text = example if isinstance(example, str) else None
    if text is None:
        text = f"arn:aws:ecs:us-east-1:123456789012:{name[:-3].lower()}/example" if name.endswith("Arn") else "example"
    text = text[: schema.get("maxLength", len(text))]
    return text.ljust(schema.get("minLength", 0), "x")


def _remove(body: Any, pointer: str) -> None:
    """Take away the member that a violation points to, or the nearest there is around it."""
    path = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    parents: list[tuple[Any, Any]] = []
    value = body
    for part in path:
        key: Any = int(part) if isinstance(value, list) else part
        parents.append((value, key))
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            break
    for parent, key in reversed(parents):
        if isinstance(parent, dict) and key in parent:
            del parent[key]
            return
