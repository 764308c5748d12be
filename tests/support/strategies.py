"""Generates valid inputs and outputs of any operation from botocore's shapes, independently of our own schemas.

Limits that the documentation adds come from overrides.toml; what a cross-field rule forbids is repaired here
by hand, so that no rule of ours decides what counts as valid.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from hypothesis import strategies as st

_OVERRIDES = Path(__file__).parents[2] / "lib" / "ecs_codegen" / "overrides.toml"
_LIMITS = {
    (entry["shape"], entry["member"]): entry for entry in tomllib.loads(_OVERRIDES.read_text(encoding="utf-8"))["limit"]
}
#: Deeper than this only required members are made.
_DEPTH = 4
_INT32 = 2**31 - 1
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
#: What every pattern of the model takes, as far as it is asked for.
_PATTERN_TEXT = "abcXYZ019.-"


@cache
def service() -> Any:
    """Return botocore's ECS model."""
    return botocore.session.get_session().get_service_model("ecs")


def operations() -> list[str]:
    """Return the names of all operations."""
    return list(service().operation_names)


def _bounds(shape: Any, limits: dict[str, Any]) -> tuple[Any, Any]:
    return limits.get("min", shape.metadata.get("min")), limits.get("max", shape.metadata.get("max"))


def _text(shape: Any, limits: dict[str, Any]) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    least, most = _bounds(shape, limits)
    least, most = int(least or 0), int(most) if most is not None else None
    if "pattern" in shape.metadata or "pattern" in limits:
        longest = min(most if most is not None else 12, least + 12)
        return st.text(_PATTERN_TEXT, min_size=least, max_size=longest)
    if least == 0 and (most is None or most >= 12):
        return _TEXT
    return st.text("ab\u00e9\u65e5 -", min_size=least, max_size=min(most if most is not None else least + 8, least + 8))


def _stamp(*, output: bool) -> st.SearchStrategy[Any]:
    seconds = st.integers(0, 4_102_444_800)
    if output:
        return seconds | st.builds(
            lambda whole, thousandths: round(whole + thousandths / 1000, 3), seconds, st.integers(0, 999)
        )
    return st.builds(
        lambda whole, suffix: datetime.fromtimestamp(whole, UTC).isoformat()[:-6] + suffix,
        seconds,
        st.sampled_from(["Z", "+00:00"]),
    )


@cache
def _scalar(kind: str, least: int | None, most: int | None) -> st.SearchStrategy[Any]:
    if kind in ("integer", "long"):
        return st.integers(int(least) if least is not None else -_INT32, int(most) if most is not None else _INT32)
    return st.floats(
        least if least is not None else -1e9, most if most is not None else 1e9, allow_nan=False, allow_infinity=False
    )


Draw = Callable[[st.SearchStrategy[Any]], Any]


def _value(draw: Draw, shape: Any, depth: int, limits: dict[str, Any], *, output: bool) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _structure(draw, shape, depth, output=output)
    if kind in ("list", "map"):
        least, most = _bounds(shape, limits)
        least = int(least or 0)
        most = least + (1 if depth > 1 else 2) if most is None else min(int(most), least + 2)
        count = draw(st.integers(least, most))
        inner = shape.member if kind == "list" else shape.value
        below = _LIMITS.get((shape.name, "member" if kind == "list" else "value"), {})
        values = [_value(draw, inner, depth + 1, below, output=output) for _ in range(count)]
        return values if kind == "list" else {f"{draw(_TEXT)}{index}": item for index, item in enumerate(values)}
    if kind == "string":
        return draw(_text(shape, limits))
    if kind == "timestamp":
        return draw(_stamp(output=output))
    if kind == "boolean":
        return draw(st.booleans())
    return draw(_scalar(kind, *_bounds(shape, limits)))


def _structure(draw: Draw, shape: Any, depth: int, *, output: bool) -> dict[str, Any]:
    if getattr(shape, "is_document_type", False):
        return dict(
            draw(
                st.dictionaries(
                    _TEXT, st.integers(0, 9) | st.booleans() | _TEXT | st.lists(_TEXT, max_size=2), max_size=2
                )
            )
        )
    names = list(shape.members)
    if getattr(shape, "is_tagged_union", False):
        chosen = [draw(st.sampled_from(names))]
    else:
        mask = draw(st.integers(0, 2 ** len(names) - 1))
        if depth > 0 or len(names) > 12:
            mask &= draw(st.integers(0, 2 ** len(names) - 1))
        if depth > _DEPTH:
            mask = 0
        chosen = [name for bit, name in enumerate(names) if name in shape.required_members or mask >> bit & 1]
    made = {
        name: _value(draw, shape.members[name], depth + 1, _LIMITS.get((shape.name, name), {}), output=output)
        for name in chosen
    }
    return made if output else _repaired(shape.name, made)


@st.composite
def inputs(draw: Draw, operation: str) -> dict[str, Any]:
    """Generate a valid input of an operation."""
    return _structure(draw, service().operation_model(operation).input_shape, 0, output=False)


@st.composite
def outputs(draw: Draw, operation: str) -> dict[str, Any]:
    """Generate an output as ECS would send it, timestamps as numbers."""
    shape = service().operation_model(operation).output_shape
    return _structure(draw, shape, 0, output=True) if shape is not None else {}


# -- what members ask of each other -------------------------------------------------------------------


def _repaired(shape: str, made: dict[str, Any]) -> dict[str, Any]:
    """Return an object with what the documentation forbids in combination taken out or put right."""
    if "tags" in made:
        made["tags"] = _unique(made["tags"], "key")
    for name in _REPAIRS.get(shape, ()):
        name(made)
    return made


def _unique(items: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return list({item[key]: item for item in reversed(items) if key in item}.values()) + [
        item for item in items if key not in item
    ]


def _plain_tag(made: dict[str, Any]) -> None:
    for key in made:
        if made[key].lower().startswith("aws:"):
            made[key] = "x"


def _placement(made: dict[str, Any]) -> None:
    if "launchType" in made:
        made.pop("capacityProviderStrategy", None)
    if made.get("launchType") == "FARGATE" and "networkConfiguration" not in made:
        del made["launchType"]


def _strategy(made: dict[str, Any]) -> None:
    strategy = [*made.get("capacityProviderStrategy", ()), *made.get("defaultCapacityProviderStrategy", ())]
    for index, item in enumerate(strategy):
        item["weight"] = max(1, item.get("weight", 1))
        if index:
            item.pop("base", None)


def _service(made: dict[str, Any]) -> None:
    if "taskDefinition" not in made:
        made.pop("deploymentController", None)
    if "desiredCount" not in made:
        made.pop("schedulingStrategy", None)
    if "loadBalancers" not in made:
        made.pop("role", None)
        made.pop("deploymentController", None)
    if made.get("launchType") == "FARGATE" or "deploymentController" in made:
        made.pop("schedulingStrategy", None)


def _overrides(made: dict[str, Any]) -> None:
    if len(json.dumps(made.get("overrides"))) > 4000:
        del made["overrides"]


def _named(made: dict[str, Any]) -> None:
    made.setdefault("name", "app")


def _volume(made: dict[str, Any]) -> None:
    made.setdefault("sizeInGiB", 1)
    if made.get("volumeType") in ("io1", "io2"):
        made.setdefault("iops", 100)
    elif made.get("volumeType") in ("st1", "sc1", "standard"):
        made.pop("iops", None)
    if made.get("volumeType", "gp3") != "gp3":
        made.pop("throughput", None)


def _requirement(made: dict[str, Any]) -> None:
    if made["type"] == "NeuronDevice":
        made["value"] = "ALL"
    if "sharingStrategy" not in made:
        made.setdefault("value", "1")
    if "value" in made:
        made.pop("sharingStrategy", None)


def _express(made: dict[str, Any]) -> None:
    if "taskDefinitionArn" in made:
        _without(made, "cpuArchitecture", "primaryContainer", "executionRoleArn", "taskRoleArn", "cpu", "memory")


def _without(made: dict[str, Any], *names: str) -> None:
    for name in names:
        made.pop(name, None)


def _definition(made: dict[str, Any]) -> None:
    made["containerDefinitions"] = _unique(made["containerDefinitions"], "name")
    wanted = made.get("requiresCompatibilities", ())
    if "FARGATE" in wanted:
        made.update(networkMode="awsvpc", cpu="1 vCPU", memory="3GB")
        _without(made, "ipcMode", "pidMode")
    elif "EC2" in wanted:
        made["memory"] = "512"
    mode = made.get("networkMode", "bridge")
    for container in made["containerDefinitions"]:
        _without(container, "essential", "dependsOn")
        if mode != "bridge":
            _without(container, "links", "portMappings", "hostname", "extraHosts")
        if "FARGATE" in wanted:
            _without(container, "privileged", "dockerSecurityOptions")


def _container(made: dict[str, Any]) -> None:
    if "memory" in made:
        made.pop("memoryReservation", None)


def _scaling_group(made: dict[str, Any]) -> None:
    made.pop("managedTerminationProtection", None)


def _instances(made: dict[str, Any]) -> None:
    made.pop("nitroEnclavesEnabled", None)


def _logging(made: dict[str, Any]) -> None:
    made.setdefault("logConfiguration", {})


def _balancer(made: dict[str, Any]) -> None:
    if "targetGroupArn" in made:
        made.pop("loadBalancerName", None)


def _registry(made: dict[str, Any]) -> None:
    if "port" in made:
        _without(made, "containerName", "containerPort")


def _shifting(made: dict[str, Any]) -> None:
    if made.get("strategy") != "LINEAR":
        made.pop("linearConfiguration", None)
    if made.get("strategy") != "CANARY":
        made.pop("canaryConfiguration", None)


def _early(made: dict[str, Any]) -> None:
    if made["enable"]:
        made.setdefault("healthyPercent", 50)
        made.setdefault("sourceServiceRevisionCleanup", "BLOCKING")


def _hook(made: dict[str, Any]) -> None:
    if "targetType" in made:
        made.update(hookTargetArn="arn", lifecycleStages=["PRE_SCALE_UP"])


def _constraint(made: dict[str, Any]) -> None:
    if made.get("type") == "distinctInstance":
        made.pop("expression", None)


def _connect(made: dict[str, Any]) -> None:
    if "logConfiguration" not in made:
        made.pop("accessLogConfiguration", None)


def _setting(made: dict[str, Any]) -> None:
    if "name" not in made:
        made.pop("value", None)


def _attributes(made: dict[str, Any]) -> None:
    if "attributeName" not in made:
        made.pop("attributeValue", None)


def _tasks(made: dict[str, Any]) -> None:
    if "startedBy" in made:
        _without(made, "containerInstance", "family", "serviceName")


def _state(made: dict[str, Any]) -> None:
    made["status"] = "DRAINING"


def _one_source(made: dict[str, Any]) -> None:
    if "host" in made:
        made.pop("logDriverVolumeConfiguration", None)


def _efs(made: dict[str, Any]) -> None:
    if "authorizationConfig" in made:
        made.update(transitEncryption="ENABLED", rootDirectory="/")


def _s3(made: dict[str, Any]) -> None:
    if "accessPointArn" in made:
        made.pop("rootDirectory", None)


def _sandbox(made: dict[str, Any]) -> None:
    made.setdefault("attestationPolicy", "policy")


_REPAIRS: dict[str, tuple[Callable[[dict[str, Any]], None], ...]] = {
    "Tag": (_plain_tag,),
    "RunTaskRequest": (_placement, _strategy, _overrides),
    "StartTaskRequest": (_overrides,),
    "CreateServiceRequest": (_placement, _strategy, _service),
    "CreateTaskSetRequest": (_placement, _strategy),
    "UpdateServiceRequest": (_strategy,),
    "ContainerOverride": (_named,),
    "TaskManagedEBSVolumeConfiguration": (_volume,),
    "ServiceManagedEBSVolumeConfiguration": (_volume,),
    "ResourceRequirement": (_requirement,),
    "CreateClusterRequest": (_strategy,),
    "PutClusterCapacityProvidersRequest": (_strategy,),
    "AutoScalingGroupProvider": (_scaling_group,),
    "AutoScalingGroupProviderUpdate": (_scaling_group,),
    "InstanceLaunchTemplate": (_instances,),
    "ExecuteCommandConfiguration": (_logging,),
    "LoadBalancer": (_balancer,),
    "ServiceRegistry": (_registry,),
    "DeploymentConfiguration": (_shifting,),
    "DeploymentEarlySuccessCriteria": (_early,),
    "DeploymentLifecycleHook": (_hook,),
    "PlacementConstraint": (_constraint,),
    "ServiceConnectConfiguration": (_connect,),
    "ListAccountSettingsRequest": (_setting,),
    "ListAttributesRequest": (_attributes,),
    "ListTasksRequest": (_tasks,),
    "UpdateContainerInstancesStateRequest": (_state,),
    "DaemonVolume": (_one_source,),
    "Volume": (_named,),
    "EFSVolumeConfiguration": (_efs,),
    "S3FilesVolumeConfiguration": (_s3,),
    "TrustedExecutionConfiguration": (_sandbox,),
    "ContainerDefinition": (_container,),
    "CreateExpressGatewayServiceRequest": (_express,),
    "UpdateExpressGatewayServiceRequest": (_express,),
    "RegisterTaskDefinitionRequest": (_definition,),
    "RegisterDaemonTaskDefinitionRequest": (_definition,),
}


def limits_of(shape: Any, member: str) -> dict[str, Any]:
    """Return the limits that the documentation adds to a member."""
    return _LIMITS.get((shape.name, member), {})
