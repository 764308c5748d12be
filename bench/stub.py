"""A local ECS stand-in that costs as little as it can: canned answers over keep-alive connections.

Run as a process of its own, so that its CPU is not counted with a client's:
`python -m bench.stub [--latency-ms N] [--pages N]` prints its port and serves until it is killed.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from typing import Any

ARN = "arn:aws:ecs:us-east-1:123456789012"
#: Ids on one page of a list.
PAGE = 100


def service(index: int) -> dict[str, Any]:
    """Return a service as DescribeServices answers it: about 2.2 kB, with its timestamps."""
    deployment = {
        "id": f"ecs-svc/{index:019d}", "status": "PRIMARY", "taskDefinition": f"{ARN}:task-definition/web:{index}",
        "desiredCount": 2, "pendingCount": 0, "runningCount": 2, "failedTasks": 0, "createdAt": 1764000000.123,
        "updatedAt": 1764000360.456, "launchType": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"],
                                                          "assignPublicIp": "DISABLED"}},
        "rolloutState": "COMPLETED", "rolloutStateReason": f"ECS deployment ecs-svc/{index:019d} completed.",
    }  # fmt: skip
    events = [
        {"id": f"{index:08d}-0000-0000-0000-{number:012d}", "createdAt": 1764000000.0 + number,
         "message": f"(service web-{index}) has reached a steady state."} for number in range(5)
    ]  # fmt: skip
    return {
        "serviceArn": f"{ARN}:service/blue/web-{index}", "serviceName": f"web-{index}", "clusterArn": f"{ARN}:cluster/blue",
        "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123",
                           "containerName": "web", "containerPort": 80}],
        "serviceRegistries": [], "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "launchType": "FARGATE", "platformVersion": "LATEST", "platformFamily": "Linux",
        "taskDefinition": f"{ARN}:task-definition/web:{index}",
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "maximumPercent": 200,
                                    "minimumHealthyPercent": 100},
        "deployments": [deployment], "roleArn": "arn:aws:iam::123456789012:role/ecs", "events": events,
        "createdAt": 1764000000.123, "placementConstraints": [], "placementStrategy": [],
        "schedulingStrategy": "REPLICA", "enableECSManagedTags": True, "propagateTags": "NONE", "enableExecuteCommand": False,
    }  # fmt: skip


def services(count: int) -> bytes:
    """Return the body of DescribeServices."""
    return json.dumps({"services": [service(index) for index in range(count)], "failures": []}).encode()


def _task() -> bytes:
    task = {
        "taskArn": f"{ARN}:task/blue/0123456789abcdef0123456789abcdef", "clusterArn": f"{ARN}:cluster/blue",
        "lastStatus": "PROVISIONING", "desiredStatus": "RUNNING", "createdAt": 1764000000.123,
        "containers": [{"name": "web", "lastStatus": "PENDING"}],
    }  # fmt: skip
    return json.dumps({"tasks": [task], "failures": []}).encode()


class Stub:
    """Answers by the operation in the target header."""

    def __init__(self, *, latency_s: float = 0.0, pages: int = 1000) -> None:
        self._latency_s = latency_s
        self._pages = pages
        self._canned = {b"RunTask": self._answer(_task()), b"DescribeServices": self._answer(services(100))}
        self._page_items = ",".join(f'"{ARN}:task/blue/%08d-{number:024d}"' for number in range(PAGE))
        self._single = self._answer(json.dumps({"clusterArns": [f"{ARN}:cluster/blue"]}).encode())

    @staticmethod
    def _answer(body: bytes) -> bytes:
        head = (
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-RequestId: "
            f"01234567-89ab-cdef-0123-456789abcdef\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the whole answer to a request."""
        operation = head.partition(b"V20141113.")[2].partition(b"\r\n")[0]
        if operation == b"ListTasks":
            return self._page(body)
        return self._canned.get(operation, self._single)

    def _page(self, body: bytes) -> bytes:
        number = int(json.loads(body).get("nextToken", "0"))
        following = f',"nextToken":"{number + 1}"' if number + 1 < self._pages else ""
        items = self._page_items.replace("%08d", f"{number:08d}")
        return self._answer(f'{{"taskArns":[{items}]{following}}}'.encode())

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until it is closed."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in buffer:
                    part = connection.recv(65536)
                    if not part:
                        return
                    buffer += part
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                while len(buffer) < length:
                    buffer += connection.recv(65536)
                body, buffer = buffer[:length], buffer[length:]
                if self._latency_s:
                    time.sleep(self._latency_s)
                connection.sendall(self.answer(head, body))


def main() -> None:
    """Serve on a free port of loopback until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    stub = Stub(latency_s=arguments.latency_ms / 1000, pages=arguments.pages)
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=256)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=stub.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
