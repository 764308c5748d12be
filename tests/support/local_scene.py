"""The embedded endpoint with one of everything, and an input of each operation that finds something to work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecs_connector.harness.local import LocalEcs
from ecs_connector.harness.local.model import ecs_model
from support.model_check import minimal

_CONTAINER = {"name": "app", "image": "busybox", "memory": 64}


class Scene:
    """An endpoint with one of everything, so that each operation has something to work on."""

    def __init__(self, ecs: LocalEcs) -> None:
        call = ecs.call
        call("CreateCluster", {"clusterName": "empty"})
        call("CreateCluster", {"clusterName": "c", "tags": [{"key": "team", "value": "blue"}]})
        for _ in range(3):
            definition = {"family": "job", "containerDefinitions": [_CONTAINER]}
            arn = call("RegisterTaskDefinition", definition)["taskDefinition"]["taskDefinitionArn"]
        call("DeregisterTaskDefinition", {"taskDefinition": "job:1"})
        instance = call("RegisterContainerInstance", {"cluster": "c"})["containerInstance"]
        running = call("RunTask", {"cluster": "c", "taskDefinition": "job", "enableExecuteCommand": True})["tasks"][0]
        service = call(
            "CreateService", {"cluster": "c", "serviceName": "web", "taskDefinition": "job", "desiredCount": 1}
        )
        external = {"cluster": "c", "serviceName": "ext", "deploymentController": {"type": "EXTERNAL"}}
        call("CreateService", external)
        task_set = call("CreateTaskSet", {"cluster": "c", "service": "ext", "taskDefinition": "job"})["taskSet"]
        group = {"autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:x"}
        call("CreateCapacityProvider", {"name": "cp", "autoScalingGroupProvider": group})
        rollout = call("ListServiceDeployments", {"cluster": "c", "service": "web"})["serviceDeployments"][0]
        hooks = [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]
        paused = {"cluster": "c", "serviceName": "paused", "taskDefinition": "job", "desiredCount": 1}
        call("CreateService", {**paused, "deploymentConfiguration": {"lifecycleHooks": hooks}})
        ecs.clock.advance(0.7)
        waiting = call("ListServiceDeployments", {"cluster": "c", "service": "paused"})["serviceDeployments"][0]
        full = call("DescribeServiceDeployments", {"serviceDeploymentArns": [waiting["serviceDeploymentArn"]]})
        hook = full["serviceDeployments"][0]["lifecycleHookDetails"][0]["hookId"]
        protected = {"cluster": "c", "tasks": call("ListTasks", {"cluster": "c", "serviceName": "web"})["taskArns"]}
        self.bodies = _new_bodies(call)
        self.bodies |= _bodies(
            arn, instance["containerInstanceArn"], running["taskArn"], task_set["id"],
            service["service"]["serviceArn"], rollout, (waiting["serviceDeploymentArn"], hook),
        )  # fmt: skip
        self.bodies |= {
            "GetTaskProtection": protected,
            "UpdateTaskProtection": {**protected, "protectionEnabled": True},
        }

    def body(self, operation: str) -> dict[str, Any]:
        if operation in self.bodies:
            return self.bodies[operation]
        made = minimal(ecs_model().input_shape(operation))
        if "cluster" in ecs_model().input_shape(operation).members:
            made["cluster"] = "c"
        return dict(made)


def _new_bodies(call: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """Return the bodies for daemons and gateways, which moto does not know."""
    agent = {"family": "agent", "containerDefinitions": [{"name": "agent", "image": "busybox"}]}
    definition = call("RegisterDaemonTaskDefinition", agent)["daemonTaskDefinitionArn"]
    provider = "arn:aws:ecs:us-east-1:123456789012:capacity-provider/cp"
    new = {"daemonTaskDefinitionArn": definition, "capacityProviderArns": [provider], "clusterArn": "c"}
    made = call("CreateDaemon", {**new, "daemonName": "agent"})
    described = call("DescribeDaemonDeployments", {"daemonDeploymentArns": [made["deploymentArn"]]})
    revision = described["daemonDeployments"][0]["targetDaemonRevision"]["arn"]
    daemon, gateway = {"daemonArn": made["daemonArn"]}, {"gateway": "g"}
    configuration = {"hostSharedAlb": {}}
    call("CreateGateway", {"name": "g", "infrastructureRoleArn": "r", "configuration": configuration})
    call("CreateGateway", {"name": "linked", "infrastructureRoleArn": "r", "configuration": configuration})
    call("AssociateGatewayWithCluster", {"gateway": "linked", "cluster": "c"})
    return {
        "RegisterDaemonTaskDefinition": agent,
        "DescribeDaemonTaskDefinition": {"daemonTaskDefinition": "agent"},
        "DeleteDaemonTaskDefinition": {"daemonTaskDefinition": "agent:1"},
        "CreateDaemon": {**new, "daemonName": "second", "clientToken": "d-1"},
        "UpdateDaemon": {**daemon, **{key: new[key] for key in new if key != "clusterArn"}},
        "DeleteDaemon": daemon,
        "DescribeDaemon": daemon,
        "ListDaemonDeployments": daemon,
        "DescribeDaemonDeployments": {"daemonDeploymentArns": [made["deploymentArn"]]},
        "DescribeDaemonRevisions": {"daemonRevisionArns": [revision]},
        "CreateGateway": {
            "name": "h",
            "infrastructureRoleArn": "r",
            "configuration": configuration,
            "clientToken": "g",
        },
        "UpdateGateway": {**gateway, "deletionProtection": True},
        "DeleteGateway": gateway,
        "DescribeGateway": gateway,
        "AssociateGatewayWithCluster": {**gateway, "cluster": "c"},
        "DisassociateGatewayFromCluster": {"gateway": "linked", "cluster": "c"},
        "ListGatewayClusterAssociations": {"cluster": "c"},
    }


def _bodies(
    definition: str, instance: str, task: str, task_set: str, service: str, rollout: Any, waiting: tuple[str, str]
) -> dict[str, dict[str, Any]]:
    in_c = {"cluster": "c"}
    of_web, of_ext = {**in_c, "service": "web"}, {**in_c, "service": "ext"}
    rollout_arn, revision = rollout["serviceDeploymentArn"], rollout["targetServiceRevisionArn"]
    scale = {"value": 50.0, "unit": "PERCENT"}
    attribute = {"name": "stack", "value": "prod", "targetId": instance}
    return {
        "CreateService": {**in_c, "serviceName": "new", "taskDefinition": "job", "desiredCount": 1},
        "UpdateService": {**of_web, "desiredCount": 2},
        "DeleteService": {**of_web, "force": True},
        "DescribeServices": {**in_c, "services": ["web"]},
        "ContinueServiceDeployment": {"serviceDeploymentArn": waiting[0], "hookId": waiting[1]},
        "DescribeServiceDeployments": {"serviceDeploymentArns": [rollout_arn]},
        "ListServiceDeployments": of_web,
        "DescribeServiceRevisions": {"serviceRevisionArns": [revision]},
        "StopServiceDeployment": {"serviceDeploymentArn": rollout_arn, "stopType": "ABORT"},
        "CreateTaskSet": {**of_ext, "taskDefinition": "job", "scale": scale},
        "DescribeTaskSets": of_ext,
        "UpdateTaskSet": {**of_ext, "taskSet": task_set, "scale": scale},
        "UpdateServicePrimaryTaskSet": {**of_ext, "primaryTaskSet": task_set},
        "DeleteTaskSet": {**of_ext, "taskSet": task_set, "force": True},
        "RunTask": {**in_c, "taskDefinition": "job"},
        "StartTask": {**in_c, "taskDefinition": "job", "containerInstances": [instance]},
        "StopTask": {**in_c, "task": task},
        "DescribeTasks": {**in_c, "tasks": [task]},
        "ListTasks": in_c,
        "ExecuteCommand": {**in_c, "task": task, "command": "sh", "interactive": True},
        "DeleteCluster": {"cluster": "empty"},
        "DescribeClusters": {"clusters": ["c"], "include": ["TAGS", "SETTINGS"]},
        "UpdateCluster": in_c,
        "RegisterTaskDefinition": {"family": "job", "containerDefinitions": [_CONTAINER]},
        "DescribeTaskDefinition": {"taskDefinition": "job", "include": ["TAGS"]},
        "DeregisterTaskDefinition": {"taskDefinition": definition},
        "DeleteTaskDefinitions": {"taskDefinitions": ["job:1"]},
        "UpdateCapacityProvider": {"name": "cp", "autoScalingGroupProvider": {"managedDraining": "ENABLED"}},
        "DescribeCapacityProviders": {"capacityProviders": ["cp", "FARGATE"], "include": ["TAGS"]},
        "DeleteCapacityProvider": {"capacityProvider": "cp"},
        "DescribeContainerInstances": {**in_c, "containerInstances": [instance]},
        "UpdateContainerInstancesState": {**in_c, "containerInstances": [instance], "status": "DRAINING"},
        "UpdateContainerAgent": {**in_c, "containerInstance": instance},
        "DeregisterContainerInstance": {**in_c, "containerInstance": instance, "force": True},
        "PutAttributes": {**in_c, "attributes": [attribute]},
        "DeleteAttributes": {**in_c, "attributes": [attribute]},
        "ListAttributes": {**in_c, "targetType": "container-instance"},
        "PutAccountSetting": {"name": "containerInsights", "value": "enabled"},
        "TagResource": {"resourceArn": service, "tags": [{"key": "k", "value": "v"}]},
        "UntagResource": {"resourceArn": service, "tagKeys": ["k"]},
        "ListTagsForResource": {"resourceArn": service},
        "ListServicesByNamespace": {"namespace": "n"},
    }
