"""Drafts a wire case for each operation that has none, from botocore's model, serializer and parser.

Run by hand, `PYTHONPATH=tests python -m support.wire_draft`; what it writes is read and then kept: a
golden case is never computed by the code that it tests. `--again` rewrites the drafts.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

WIRE = Path(__file__).parents[1] / "data" / "wire"
DRAFT = "input-and-output.yaml"
REGION, ACCOUNT = "eu-central-1", "123456789012"
REQUEST_ID = "8d2f3c1e-0f6b-4c7a-9a55-6b1f2d3e4a5b"
MOMENT = datetime(2026, 1, 15, 11, 30, 0, 250000, tzinfo=UTC)
ID = "0f3c5d7e9b1a4c6d8e0f1a2b3c4d5e6f"

_ARNS = {
    "cluster": "cluster/blue", "service": "service/blue/web", "task": f"task/blue/{ID}", "taskDefinition": "task-definition/web:7",
    "containerInstance": f"container-instance/blue/{ID}", "container": f"container/blue/{ID}/5a1c", "taskSet": "task-set/blue/web/ecs-svc/1",
    "serviceDeployment": "service-deployment/blue/web/dep-1", "serviceRevision": "service-revision/blue/web/1",
    "daemon": "daemon/blue/agent", "daemonTaskDefinition": "daemon-task-definition/agent:3", "gateway": "gateway/edge",
    "daemonDeployment": "daemon-deployment/blue/agent/1", "daemonRevision": "daemon-revision/blue/agent/1",
    "capacityProvider": "capacity-provider/spot", "gatewayRoute": "gateway-route/edge/1", "resource": "service/blue/web",
}  # fmt: skip
_TEXTS = {
    "cluster": "blue", "clusterName": "blue", "service": "web", "serviceName": "web", "task": ID, "family": "web", "familyPrefix": "web",
    "taskDefinition": "web:7", "containerInstance": ID, "containerName": "app", "container": "app", "name": "app", "key": "team",
    "value": "shop", "tagKeys": "team", "reason": "nightly", "image": "public.ecr.aws/nginx/nginx:stable", "clientToken": ID,
    "capacityProvider": "spot", "command": "uptime", "cpu": "256", "memory": "512", "hookId": "hook-1", "gateway": "edge",
    "namespace": "shop.local", "taskSet": "ecs-svc/1", "primaryTaskSet": "ecs-svc/1", "daemonTaskDefinition": "agent:3", "revision": "3",
    "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "status": "ACTIVE", "acknowledgment": "ok", "version": "1.4.0",
    "streamUrl": "wss://ssmmessages.eu-central-1.amazonaws.com/v1/data-channel/s", "tokenValue": "stream-token", "sessionId": "s-1",
    "endpoint": "https://ecs-a-1.eu-central-1.amazonaws.com/", "telemetryEndpoint": "https://ecs-t-1.eu-central-1.amazonaws.com/",
    "serviceConnectEndpoint": "https://ecs-sc.eu-central-1.api.aws", "startedBy": "flow", "runtimeId": "c0ffee", "expression": "attribute:stack == prod",
}  # fmt: skip
#: Inputs whose members depend on each other.
BODIES: dict[str, dict[str, Any]] = {
    "CreateService": {
        "cluster": "blue", "serviceName": "web", "taskDefinition": "web:7", "desiredCount": 2, "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}},
        "deploymentConfiguration": {"minimumHealthyPercent": 100}, "clientToken": ID, "tags": [{"key": "team", "value": "shop"}],
    },
    "CreateTaskSet": {
        "service": "web", "cluster": "blue", "taskDefinition": "web:7", "scale": {"value": 50.5, "unit": "PERCENT"}, "clientToken": ID,
        "capacityProviderStrategy": [{"capacityProvider": "spot", "weight": 1, "base": 0}],
    },
    "RegisterTaskDefinition": {
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{
            "name": "app", "image": "public.ecr.aws/nginx/nginx:stable", "essential": True,
            "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
            "environment": [{"name": "GREETING", "value": "Gr\u00fc\u00dfe \u2014 \u65e5\u672c\u8a9e"}],
            "dockerLabels": {"com.example/tier": "front end"},
        }],
    },
    "RegisterDaemonTaskDefinition": {
        "family": "agent", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "agent", "image": "example/agent:3", "essential": True}],
    },
    "RunTask": {
        "cluster": "blue", "taskDefinition": "web:7", "count": 2, "launchType": "FARGATE", "clientToken": ID, "startedBy": "flow",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"]}},
        "overrides": {"containerOverrides": [{"name": "app", "environment": [{"name": "MODE", "value": "nightly"}]}]},
    },
    "CreateDaemon": {
        "daemonName": "agent", "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/blue", "clientToken": ID,
        "daemonTaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:daemon-task-definition/agent:3",
        "capacityProviderArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:capacity-provider/spot"],
    },
    "CreateExpressGatewayService": {
        "infrastructureRoleArn": f"arn:aws:iam::{ACCOUNT}:role/infrastructure", "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/execution",
        "serviceName": "web", "healthCheckPath": "/health",
        "primaryContainer": {"image": "example/web:1", "containerPort": 8080, "environment": [{"name": "MODE", "value": "live"}]},
        "scalingTarget": {"minTaskCount": 1, "maxTaskCount": 4},
    },
    "UpdateExpressGatewayService": {
        "serviceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/blue/web", "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/execution",
        "healthCheckPath": "healthCheckPath-1", "primaryContainer": {"image": "public.ecr.aws/nginx/nginx:stable", "containerPort": 1},
    },
    "UpdateService": {"cluster": "blue", "service": "web", "taskDefinition": "web:8", "desiredCount": 0, "forceNewDeployment": False},
    "SubmitTaskStateChange": {
        "cluster": "blue", "task": ID, "status": "STOPPED", "pullStartedAt": "2026-01-15T11:29:00Z", "pullStoppedAt": "2026-01-15T12:29:30+01:00",
        "containers": [{"containerName": "app", "exitCode": 0, "status": "STOPPED"}],
    },
    "SubmitAttachmentStateChanges": {"cluster": "blue", "attachments": [{"attachmentArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:attachment/1", "status": "ATTACHED"}]},
    "ListServiceDeployments": {
        "service": "web", "cluster": "blue", "status": ["SUCCESSFUL", "ROLLBACK_FAILED"],
        "createdAt": {"after": "2026-01-01T00:00:00Z", "before": "2026-01-15T00:00:00Z"},
    },
    "ListDaemonDeployments": {
        "daemonArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:daemon/blue/agent", "createdAt": {"after": "2026-01-01T00:00:00.000Z"},
    },
}  # fmt: skip
_PREFERRED = (
    "cluster", "clusters", "name", "tags", "include", "reason", "taskArn", "serviceArn", "clusterArn", "clusterName", "status",
    "lastStatus", "desiredStatus", "stopCode", "taskDefinitionArn", "containers", "containerInstanceArn", "family", "revision",
)  # fmt: skip


def value(name: str, shape: Any, depth: int, *, output: bool) -> Any:
    """Return an example of a shape."""
    kind = shape.type_name
    if kind == "structure":
        return structure(shape, depth, output=output)
    if kind == "list":
        return [value(singular(name), shape.member, depth, output=output)]
    if kind == "map":
        return {"name": value("value", shape.value, depth, output=output)}
    if kind == "timestamp":
        # ECS sends whole seconds and fractions alike.
        moment = MOMENT.replace(microsecond=0) if name == "createdAt" else MOMENT
        return moment.timestamp() if output else moment.isoformat()
    if kind == "boolean":
        return True
    if kind in ("integer", "long"):
        return max(1, int(shape.metadata.get("min", 1)))
    if kind in ("float", "double"):
        return 12.5
    if shape.enum:
        return shape.enum[0]
    if name.lower().endswith("rolearn"):
        return f"arn:aws:iam::{ACCOUNT}:role/{name[:-7] or 'flow'}"
    if name.endswith("Arn"):
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:{_ARNS.get(name[:-3], name[:-3].lower() + '/1')}"
    return _TEXTS.get(name, f"{name}-1")


def singular(name: str) -> str:
    """Return the name of one item of a list."""
    return name if name in _TEXTS else re.sub(r"(?<!s)s$", "", name)


def structure(shape: Any, depth: int, *, output: bool) -> dict[str, Any]:
    """Return an example with what is required, and some of the rest."""
    chosen = list(shape.required_members)
    if getattr(shape, "is_tagged_union", False):
        chosen = list(shape.members)[:1]
    elif not getattr(shape, "is_document_type", False):
        limit = (4, 3, 2, 0)[min(depth, 3)] + (3 if output else 0)
        rest = sorted(shape.members, key=lambda name: name not in _PREFERRED)
        for name in rest:
            member = shape.members[name]
            nested = member.type_name in ("structure", "list", "map")
            if name in chosen or name in ("nextToken", "maxResults", "failures", "capacityProviderStrategy", "role"):
                continue
            if member.metadata.get("deprecated") or (nested and depth >= (2 if output else 1)):
                continue
            if limit > 0 or (output and member.type_name == "timestamp" and depth < 3):
                chosen.append(name)
                limit -= 1
    return {
        name: value(name, shape.members[name], depth + 1, output=output) for name in shape.members if name in chosen
    }


def case(name: str, operation: Any, service: Any) -> dict[str, Any]:
    """Return the draft of an operation's case."""
    body = BODIES.get(name) or structure(operation.input_shape, 0, output=False)
    sent = create_serializer("json", include_validation=True).serialize_to_request(body, operation)
    answer = structure(operation.output_shape, 0, output=True) if operation.output_shape else {}
    raw = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
    parsed = create_parser("json").parse(raw, operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    sentence = re.split(
        r"(?<=\.)\s", re.sub(r"<[^>]+>", "", re.sub(r"<note>.*?</note>", "", operation.documentation)).strip()
    )[0]
    return {
        "promise": " ".join(sentence.split()),
        "config": {"region": REGION},
        "body": body,
        "request": {
            "query": {"Action": name, "Version": service.api_version},
            "headers": {key: text for key, text in sent["headers"].items() if key in ("X-Amz-Target", "Content-Type")},
            "json": json.loads(sent["body"]),
        },
        "response": {"status": 200, "headers": {"x-amzn-RequestId": REQUEST_ID}, "json": answer},
        "emits": [{"body": plain(parsed), "headers": {"operation": name, "requestId": REQUEST_ID, "attempts": 1, "region": REGION, "apiVersion": service.api_version}}],
    }  # fmt: skip


def plain(parsed: Any) -> Any:
    """Return botocore's output with its datetimes as text."""
    if isinstance(parsed, dict):
        return {key: plain(item) for key, item in parsed.items()}
    if isinstance(parsed, list):
        return [plain(item) for item in parsed]
    if isinstance(parsed, datetime):
        return parsed.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return parsed


class _Dumper(yaml.SafeDumper):
    """Writes every value out: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main() -> None:
    """Write the drafts."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--again", action="store_true", help="rewrite the drafts that are there")
    again = arguments.parse_args().again
    service = botocore.session.get_session().get_service_model("ecs")
    for name in service.operation_names:
        path = WIRE / name / DRAFT
        if path.exists() and not again:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.dump(
            case(name, service.operation_model(name), service),
            Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None,
        )  # fmt: skip
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
