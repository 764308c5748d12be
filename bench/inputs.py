"""Realistic inputs of the operations that flows call most."""

from __future__ import annotations

from typing import Any

RUN_TASK: dict[str, Any] = {
    "cluster": "blue", "taskDefinition": "web:3", "count": 2, "launchType": "FARGATE", "platformVersion": "LATEST",
    "startedBy": "flow", "group": "nightly", "enableExecuteCommand": True, "propagateTags": "TASK_DEFINITION",
    "networkConfiguration": {"awsvpcConfiguration": {
        "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"], "securityGroups": ["sg-0a1b2c3d4e5f60718"],
        "assignPublicIp": "ENABLED"}},
    "overrides": {"containerOverrides": [{
        "name": "web", "command": ["sh", "-c", "exec /app/job --date 2026-11-23"], "cpu": 256,
        "environment": [{"name": "STAGE", "value": "prod"}, {"name": "REGION", "value": "eu-central-1"}]}]},
    "tags": [{"key": "team", "value": "billing"}, {"key": "env", "value": "prod"}],
}  # fmt: skip

CREATE_SERVICE: dict[str, Any] = {
    "cluster": "blue", "serviceName": "web", "taskDefinition": "web:3", "desiredCount": 2, "launchType": "FARGATE",
    "loadBalancers": [{
        "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef",
        "containerName": "web", "containerPort": 80}],
    "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100,
                                "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60718"],
                                                     "securityGroups": ["sg-0a1b2c3d4e5f60718"]}},
    "schedulingStrategy": "REPLICA", "healthCheckGracePeriodSeconds": 60, "tags": [{"key": "team", "value": "billing"}],
}  # fmt: skip


def _container(index: int) -> dict[str, Any]:
    return {
        "name": f"web-{index}", "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:2026-11-23", "cpu": 128,
        "memory": 256, "essential": True, "portMappings": [{"containerPort": 8080 + index, "protocol": "tcp"}],
        "environment": [{"name": f"SETTING_{number}", "value": f"value {number}"} for number in range(6)],
        "secrets": [{"name": "PASSWORD", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/web/password"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}},
        "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost/"], "interval": 30, "timeout": 5, "retries": 3},
    }  # fmt: skip


REGISTER_TASK_DEFINITION: dict[str, Any] = {
    "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    "executionRoleArn": "arn:aws:iam::123456789012:role/ecs-execution", "taskRoleArn": "arn:aws:iam::123456789012:role/web",
    "containerDefinitions": [_container(0), _container(1)], "tags": [{"key": "team", "value": "billing"}],
}  # fmt: skip

INPUTS = {"RunTask": RUN_TASK, "CreateService": CREATE_SERVICE, "RegisterTaskDefinition": REGISTER_TASK_DEFINITION}


def config(port: int) -> dict[str, Any]:
    """Return a configuration that points at the stub."""
    return {
        "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wJalrXUtnFEMI", "region": "us-east-1",
        "endpoint": f"http://127.0.0.1:{port}",
    }  # fmt: skip


def boto3_client(port: int, **options: Any) -> Any:
    """Return a boto3 client that points at the stub."""
    import boto3

    return boto3.client(
        "ecs", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI", **options,
    )  # fmt: skip
