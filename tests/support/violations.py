"""Plants one mistake of every kind in an otherwise valid input, from botocore's shapes, not from our schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.strategies import limits_of, service


@dataclass(frozen=True)
class Planted:
    """An input with one mistake, and what must be said about it."""

    body: Any
    pointer: str
    rule: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.pointer or 'the body'}"


#: One step of a way into an input: a member's name, "[]" into a list, "*" into a map.
Way = tuple[str, ...]


def planted(operation: str) -> Iterator[Planted]:
    """Yield a mistake for each constraint of an operation's input, each shape's member once."""
    root = service().operation_model(operation).input_shape
    yield Planted([], "", "type")
    yield from _structure(root, root, (), set())


def pointer(way: Way) -> str:
    """Return the RFC 6901 pointer of a way: item 0 of lists, `name` of maps."""
    return "".join("/" + {"[]": "0", "*": "name"}.get(step, step) for step in way)


def minimal(shape: Any, limits: dict[str, Any] | None = None) -> Any:
    """Return the smallest valid value of a shape."""
    traits = {**shape.metadata, **(limits or {})}
    kind = shape.type_name
    if kind == "structure":
        names = list(shape.members)[:1] if getattr(shape, "is_tagged_union", False) else shape.required_members
        made = {name: minimal(shape.members[name], limits_of(shape, name)) for name in names}
        return {**made, **_ASKED.get(shape.name, {})}
    if kind == "list":
        return [minimal(shape.member) for _ in range(int(traits.get("min", 0)))]
    if kind == "map":
        return {}
    if kind == "boolean":
        return True
    if kind in ("integer", "long"):
        return int(traits.get("min", 1))
    if kind in ("float", "double"):
        return traits.get("min", 1.0)
    if kind == "timestamp":
        return "2026-01-01T00:00:00Z"
    return shape.enum[0] if shape.enum else "a" * max(1, int(traits.get("min", 1)))


#: What a shape asks for beyond its required members.
_ASKED: dict[str, dict[str, Any]] = {
    "TaskManagedEBSVolumeConfiguration": {"sizeInGiB": 1},
    "ServiceManagedEBSVolumeConfiguration": {"sizeInGiB": 1},
    "ContainerOverride": {"name": "app"},
    "ResourceRequirement": {"value": "1"},
    "Volume": {"name": "data"},
    "DeploymentEarlySuccessCriteria": {"healthyPercent": 50, "sourceServiceRevisionCleanup": "BLOCKING"},
}


def at(root: Any, way: Way, value: Any, limits: dict[str, Any] | None = None) -> Any:
    """Return a minimal value of a shape with another value put at the end of a way."""
    if not way:
        return value
    step = way[0]
    if step == "[]":
        rest = minimal(root, limits)[1:]
        return [at(root.member, way[1:], value), *rest]
    if step == "*":
        return {"name": at(root.value, way[1:], value)}
    inner = at(root.members[step], way[1:], value, limits_of(root, step))
    if getattr(root, "is_tagged_union", False):
        return {step: inner}
    return {**minimal(root), step: inner}


def _structure(root: Any, shape: Any, way: Way, seen: set[tuple[str, str]]) -> Iterator[Planted]:
    if getattr(shape, "is_document_type", False):
        return
    if (shape.name, "") not in seen:
        seen.add((shape.name, ""))
        whole = minimal(shape)
        yield Planted(at(root, way, {**whole, "Surprise": 1}), pointer((*way, "Surprise")), "unknown")
        for name in shape.required_members:
            yield Planted(
                at(root, way, {key: whole[key] for key in whole if key != name}), pointer((*way, name)), "required"
            )
        if getattr(shape, "is_tagged_union", False):
            yield Planted(at(root, way, {}), pointer(way), "union")
            if len(shape.members) > 1:
                two = {name: minimal(shape.members[name]) for name in list(shape.members)[:2]}
                yield Planted(at(root, way, two), pointer(way), "union")
    for name, member in shape.members.items():
        if (shape.name, name) in seen:
            continue
        seen.add((shape.name, name))
        yield from _value(root, member, (*way, name), limits_of(shape, name), seen)


def _value(root: Any, shape: Any, way: Way, limits: dict[str, Any], seen: set[tuple[str, str]]) -> Iterator[Planted]:
    kind = shape.type_name
    where = pointer(way)
    wrong = {"string": 12, "timestamp": ["2026"], "boolean": "true", "structure": "text", "map": [], "list": {}}.get(
        kind, "12"
    )
    yield Planted(at(root, way, wrong), where, "type")
    yield Planted(at(root, way, None), where, "type")
    yield from (Planted(at(root, way, value), where, rule) for value, rule in _limited(shape, limits))
    if kind == "structure":
        yield from _structure(root, shape, way, seen)
    elif kind == "list":
        yield from _value(root, shape.member, (*way, "[]"), {}, seen)
    elif kind == "map":
        yield from _value(root, shape.value, (*way, "*"), {}, seen)


def _limited(shape: Any, limits: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield values just beyond the limits of a shape, each with the rule that it breaks."""
    traits = {**shape.metadata, **limits}
    low, high, kind = traits.get("min"), traits.get("max"), shape.type_name
    if kind == "string":
        if shape.enum:
            yield "NO_SUCH_VALUE", "enum"
        if low:
            yield "a" * (int(low) - 1), "minLength"
        if high is not None:
            yield "a" * (int(high) + 1), "maxLength"
        if "pattern" in traits:
            yield "a\u0001b", "pattern"
    elif kind == "list":
        item = minimal(shape.member)
        if low:
            yield [item] * (int(low) - 1), "minItems"
        if high is not None:
            yield [item] * (int(high) + 1), "maxItems"
    elif kind in ("integer", "long", "float", "double"):
        if kind in ("integer", "long"):
            yield 1.5, "type"
        if low is not None:
            yield low - 1, "minimum"
        if high is not None:
            yield high + 1, "maximum"


# -- rules between members ---------------------------------------------------------------------------

_FARGATE = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
_NETWORK = {"awsvpcConfiguration": {"subnets": ["s"]}}
#: Rule -> what is put into the object at its place, and where below it the finding points.
BREAKERS: dict[str, tuple[dict[str, Any], str]] = {
    "launch-type-or-strategy": ({"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "spot"}]}, "/capacityProviderStrategy"),
    "fargate-needs-network": ({"launchType": "FARGATE"}, "/networkConfiguration"),
    "service-needs-definition": ({"deploymentController": {"type": "ECS"}}, "/taskDefinition"),
    "replica-needs-count": ({"schedulingStrategy": "REPLICA"}, "/desiredCount"),
    "role-needs-load-balancer": ({"role": "ecs"}, "/loadBalancers"),
    "overrides-size": ({"overrides": {"containerOverrides": [{"name": "app", "command": ["x" * 8200]}]}}, "/overrides"),
    "container-name-unique": ({"containerDefinitions": [{"name": "app", "image": "i"}, {"name": "app", "image": "i"}]}, "/containerDefinitions/1/name"),
    "override-needs-name": ({"name": None, "command": ["x"]}, "/name"),
    "volume-size-or-snapshot": ({"sizeInGiB": None}, ""),
    "volume-needs-iops": ({"volumeType": "io2"}, "/iops"),
    "value-or-sharing": ({"type": "GPU", "value": "1", "sharingStrategy": {"nvidiaMps": {"memory": 64}}}, "/sharingStrategy"),
    "architecture-or-definition": ({"cpuArchitecture": "ARM64", "taskDefinitionArn": "arn"}, "/taskDefinitionArn"),
    "tag-keys-unique": ({"tags": [{"key": "a", "value": "1"}, {"key": "b"}, {"key": "a"}]}, "/tags/2/key"),
    "tag-prefix-reserved": ({"key": "AWS:team"}, "/key"),
    "strategy-needs-weight": ({"capacityProviderStrategy": [{"capacityProvider": "a", "weight": 0}, {"capacityProvider": "b", "weight": 0}]}, "/capacityProviderStrategy"),
    "one-base": ({"capacityProviderStrategy": [{"capacityProvider": "a", "base": 1, "weight": 1}, {"capacityProvider": "b", "base": 2}]}, "/capacityProviderStrategy"),
    "fargate-needs-awsvpc": ({"requiresCompatibilities": ["FARGATE"], "networkMode": "bridge", "cpu": "256", "memory": "512"}, "/networkMode"),
    "fargate-needs-size": ({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256"}, "/memory"),
    "fargate-size": ({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "4096"}, "/memory"),
    "needs-memory": ({"requiresCompatibilities": ["EC2"], "containerDefinitions": [{"name": "a", "memory": 9}, {"name": "b"}]}, "/containerDefinitions/1/memory"),
    "no-ports-without-network": ({"networkMode": "none", "containerDefinitions": [{"name": "a", "portMappings": [{"containerPort": 80}]}]}, "/containerDefinitions/0/portMappings"),
    "default-strategy-needs-weight": ({"defaultCapacityProviderStrategy": [{"capacityProvider": "a", "weight": 0}, {"capacityProvider": "b"}]}, "/defaultCapacityProviderStrategy"),
    "default-one-base": ({"defaultCapacityProviderStrategy": [{"capacityProvider": "a", "base": 1, "weight": 1}, {"capacityProvider": "b", "base": 2}]}, "/defaultCapacityProviderStrategy"),
    "protection-needs-scaling": ({"managedScaling": {"status": "DISABLED"}, "managedTerminationProtection": "ENABLED"}, "/managedTerminationProtection"),
    "enclaves-or-local-storage": ({"nitroEnclavesEnabled": True, "localStorageConfiguration": {"useLocalStorage": True}}, "/localStorageConfiguration"),
    "own-logging-needs-configuration": ({"logging": "OVERRIDE"}, "/logConfiguration"),
    "daemon-not-here": ({"launchType": "FARGATE", "networkConfiguration": _NETWORK, "schedulingStrategy": "DAEMON"}, "/schedulingStrategy"),
    "controller-needs-replica": ({"deploymentController": {"type": "EXTERNAL"}, "schedulingStrategy": "DAEMON"}, "/schedulingStrategy"),
    "code-deploy-needs-load-balancer": ({"deploymentController": {"type": "CODE_DEPLOY"}, "taskDefinition": "web:1"}, "/loadBalancers"),
    "target-group-or-name": ({"targetGroupArn": "arn", "loadBalancerName": "old"}, "/loadBalancerName"),
    "port-or-container": ({"port": 80, "containerPort": 80}, "/containerPort"),
    "shift-fits-strategy": ({"strategy": "CANARY", "linearConfiguration": {"stepPercent": 10.0}}, "/linearConfiguration"),
    "canary-fits-strategy": ({"strategy": "BLUE_GREEN", "canaryConfiguration": {"canaryPercent": 10.0}}, "/canaryConfiguration"),
    "early-success-needs-criteria": ({"enable": True, "sourceServiceRevisionCleanup": None}, "/sourceServiceRevisionCleanup"),
    "lambda-hook-needs-target": ({"targetType": "AWS_LAMBDA", "lifecycleStages": ["PRE_SCALE_UP"]}, "/hookTargetArn"),
    "hook-needs-stages": ({"targetType": "PAUSE"}, "/lifecycleStages"),
    "pause-not-while-shifting": ({"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP", "TEST_TRAFFIC_SHIFT"]}, "/lifecycleStages"),
    "distinct-has-no-expression": ({"type": "distinctInstance", "expression": "x"}, "/expression"),
    "access-log-needs-log": ({"enabled": True, "accessLogConfiguration": {"format": "JSON"}}, "/logConfiguration"),
    "no-iops-here": ({"volumeType": "st1", "iops": 100}, "/iops"),
    "throughput-is-for-gp3": ({"volumeType": "gp2", "throughput": 125}, "/throughput"),
    "resource-needs-value": ({"type": "GPU", "value": None}, ""),
    "neuron-is-all": ({"type": "NeuronDevice", "value": "2"}, "/value"),
    "definition-says-it": ({"taskDefinitionArn": "arn", "cpu": "256"}, "/cpu"),
    "value-needs-name": ({"value": "enabled"}, "/name"),
    "value-needs-attribute": ({"attributeValue": "blue"}, "/attributeName"),
    "started-by-stands-alone": ({"startedBy": "flow", "family": "web", "desiredStatus": "STOPPED"}, "/family"),
    "only-active-or-draining": ({"status": "DEREGISTERING"}, "/status"),
    "volume-source-once": ({"host": {"sourcePath": "/data"}, "logDriverVolumeConfiguration": {"driver": "json-file"}}, "/logDriverVolumeConfiguration"),
    "volume-needs-name": ({"name": None, "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}, "/name"),
    "launch-volume-needs-name": ({"name": None, "configuredAtLaunch": True}, "/name"),
    "access-point-needs-encryption": ({"authorizationConfig": {"accessPointId": "fsap-1"}}, "/transitEncryption"),
    "iam-needs-encryption": ({"authorizationConfig": {"iam": "ENABLED"}, "transitEncryption": "DISABLED"}, "/transitEncryption"),
    "access-point-has-root": ({"authorizationConfig": {"accessPointId": "fsap-1"}, "transitEncryption": "ENABLED", "rootDirectory": "/data"}, "/rootDirectory"),
    "s3-access-point-has-root": ({"accessPointArn": "arn", "rootDirectory": "/data"}, "/rootDirectory"),
    "sandbox-needs-attestation": ({"isolationMode": "CONFIDENTIAL_SANDBOX"}, "/attestationPolicy"),
    "memory-not-below-reservation": ({"memory": 128, "memoryReservation": 256}, "/memory"),
    "one-essential": ({"containerDefinitions": [{"name": "a", "essential": False}]}, "/containerDefinitions"),
    "host-port-is-container-port": ({"networkMode": "awsvpc", "containerDefinitions": [{"name": "a", "portMappings": [{"containerPort": 80, "hostPort": 8080}]}]}, "/containerDefinitions/0/portMappings/0/hostPort"),
    "essential-never-completes": ({"containerDefinitions": [{"name": "a"}, {"name": "b", "dependsOn": [{"containerName": "a", "condition": "SUCCESS"}]}]}, "/containerDefinitions/1/dependsOn/0/condition"),
    "links-need-bridge": ({"networkMode": "host", "containerDefinitions": [{"name": "a", "links": ["b"]}]}, "/containerDefinitions/0/links"),
    "no-hostname-with-awsvpc": ({"networkMode": "awsvpc", "containerDefinitions": [{"name": "a", "hostname": "b"}]}, "/containerDefinitions/0/hostname"),
    "no-extra-hosts-with-awsvpc": ({"networkMode": "awsvpc", "containerDefinitions": [{"name": "a", "extraHosts": [{"hostname": "b", "ipAddress": "10.0.0.1"}]}]}, "/containerDefinitions/0/extraHosts"),
    "no-privileges-on-fargate": ({**_FARGATE, "containerDefinitions": [{"name": "a", "privileged": True}]}, "/containerDefinitions/0/privileged"),
    "no-security-options-on-fargate": ({**_FARGATE, "containerDefinitions": [{"name": "a", "dockerSecurityOptions": ["no-new-privileges"]}]}, "/containerDefinitions/0/dockerSecurityOptions"),
    "no-ipc-on-fargate": ({**_FARGATE, "ipcMode": "task"}, "/ipcMode"),
    "fargate-pid-is-task": ({**_FARGATE, "pidMode": "host"}, "/pidMode"),
}  # fmt: skip


def broken_rule(operation: str, rule: dict[str, Any]) -> Planted:
    """Return an input of an operation that breaks one rule of its row."""
    root = service().operation_model(operation).input_shape
    shape, way = root, []
    for step in rule["at"]:
        if step == "*":
            way.append("[]" if shape.type_name == "list" else "*")
            shape = shape.member if shape.type_name == "list" else shape.value
        else:
            way.append(step)
            shape = shape.members[step]
    changes, below = BREAKERS[rule["id"]]
    merged = {**minimal(shape), **changes}
    value = {name: item for name, item in merged.items() if item is not None}
    return Planted(at(root, tuple(way), value), pointer(tuple(way)) + below, rule["id"])
