"""What came of the messages of a RunTask step, on the side of the flow and on the side of ECS."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ecs_connector.harness.local import LocalEcs
from support.platform_stub import PlatformStub
from support.steps import OURS, ROOT, StepProcess, Taken, Topology, environment_of

REGION = "eu-central-1"
Outcome = tuple[str, str]


@contextmanager
def ecs_with_a_job() -> Iterator[LocalEcs]:
    """Run an embedded endpoint with the cluster `blue` and the task definition `job`."""
    with LocalEcs() as endpoint:
        endpoint.call("CreateCluster", {"clusterName": "blue"}, region=REGION)
        container = {"name": "main", "image": "busybox", "memory": 64}
        endpoint.call("RegisterTaskDefinition", {"family": "job", "containerDefinitions": [container]}, region=REGION)
        yield endpoint


def run_task_step(
    topology: Topology, platform: PlatformStub, *, broker: str, ecs_port: int, prefetch: int
) -> Callable[[], StepProcess]:
    """Return what starts a process of a RunTask step; its rebounds come back soon."""
    platform.steps[topology.name] = {
        "config": {
            "region": REGION,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "endpoint": f"http://127.0.0.1:{ecs_port}",
        }
    }
    environment = environment_of(
        topology, platform, "RunTask",
        AMQP_URI=broker,
        RABBITMQ_PREFETCH_SAILOR=str(prefetch),
        REBOUND_INITIAL_EXPIRATION="200",
        COMPONENT_PATH=str(ROOT),
    )  # fmt: skip
    return lambda: StepProcess(OURS, environment)


class Outcomes:
    """What came of each message, and how often that was told."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.told: dict[str, Counter[Outcome]] = defaultdict(Counter)

    def read(self) -> bool:
        """Take in what has come out; return whether there was anything."""
        found = False
        for kind in ("data", "error"):
            method, properties, body = self._topology.channel.basic_get(self._topology.queue(kind), auto_ack=True)
            if method is not None:
                taken = Taken(body, properties, method.routing_key)
                self.told[taken.headers["parentMessageId"]][self._read(kind, taken)] += 1
                found = True
        return found

    @staticmethod
    def _read(kind: str, taken: Taken) -> Outcome:
        if kind == "data":
            (task,) = taken.wire()["body"]["tasks"]
            return kind, task["taskArn"]
        name, text = taken.error()["name"], taken.error()["message"]
        code = re.search(r"\w+Exception", text)
        # An unexpected error is kept whole: it is what the failed test has to show.
        return kind, code[0] if code else name if name == "InputError" else text

    @property
    def copies(self) -> int:
        return sum(told.total() - 1 for told in self.told.values())

    def of(self, message_id: str) -> Outcome:
        """Return the one outcome of a message."""
        (outcome,) = self.told[message_id]
        return outcome


def tasks_in(ecs: LocalEcs) -> set[str]:
    """Return the ARNs of all tasks that ECS has ever started."""
    found: set[str] = set()
    for status in ("RUNNING", "STOPPED"):
        token: dict[str, str] = {}
        while True:
            page = ecs.call("ListTasks", {"cluster": "blue", "desiredStatus": status, **token}, region=REGION)
            found.update(page["taskArns"])
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
    return found
