"""The state behind one embedded endpoint: a world of regions, each with what ECS keeps there.

One lock guards all of it; whoever answers a request holds it while state is read or changed, never
while bytes are on the wire.
"""

from __future__ import annotations

import random
import threading
import uuid
from typing import TYPE_CHECKING, Any

from ecs_connector.clock import Clock
from ecs_connector.harness.local.clock import epoch_s
from ecs_connector.harness.local.moto_route import MotoEcs
from ecs_connector.harness.local.refusal import Refusal
from ecs_connector.harness.local.scenario import Scenario
from ecs_connector.harness.local.timeline import Timeline
from ecs_connector.harness.local.tokens import TokenStore

if TYPE_CHECKING:
    from ecs_connector.harness.local.services import ServiceRecord
    from ecs_connector.harness.local.tasks import TaskRecord

Json = dict[str, Any]

_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b", "eusc": "aws-eusc"}


class World:
    """Everything that lives as long as one endpoint, or until it is reset."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self.clock = clock
        self.lock = threading.RLock()
        self.timeline = Timeline()
        self.tokens = TokenStore(scenario.token_lifetime_s, scenario.task_retention_s)
        self.started_s = epoch_s(clock)
        #: The same scenario gives the same identifiers.
        self.random = random.Random(scenario.seed)  # noqa: S311 - names of simulated things
        # Apart, so that identifiers of things do not depend on how often somebody looked.
        self._request_ids = random.Random(scenario.seed)  # noqa: S311 - names of simulated things
        self._regions: dict[str, Region] = {}
        #: Runs of a family, deployments of a service: how many there were.
        self.counts: dict[tuple[str, ...], int] = {}

    def region(self, name: str) -> Region:
        """Return a region; one that was never used is empty."""
        if name not in self._regions:
            self._regions[name] = Region(self, name)
        return self._regions[name]

    def now(self) -> float:
        """Return the time of this endpoint in seconds since 1970."""
        return epoch_s(self.clock)

    def settle(self) -> None:
        """Let everything happen that is due."""
        self.timeline.run_until(self.now())

    def count(self, *key: str) -> int:
        """Count one more of something, and return how many there are now."""
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]

    def hex_id(self) -> str:
        """Return an identifier of 32 hexadecimal digits, as tasks have."""
        return f"{self.random.getrandbits(128):032x}"

    def digits_id(self) -> str:
        """Return an identifier of 19 digits, as deployments have."""
        return str(self.random.randrange(10**18, 10**19))

    def request_id(self) -> str:
        """Return the identifier of the next answer."""
        return str(uuid.UUID(int=self._request_ids.getrandbits(128), version=4))

    def uuid(self) -> str:
        """Return an identifier in the form of a UUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


class Region:
    """What one account has in one region."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.account = world.scenario.account
        prefix = next((key for key in sorted(_PARTITIONS, key=len, reverse=True) if name.startswith(f"{key}-")), "")
        self.partition = _PARTITIONS.get(prefix, "aws")
        self.moto = MotoEcs(self.account, name)
        #: Task definition ARN -> the task definition as it is shown.
        self.definitions: dict[str, Json] = {}
        self.tasks: dict[str, TaskRecord] = {}
        #: (cluster name, service name) -> service; one that is inactive stays for a while.
        self.services: dict[tuple[str, str], ServiceRecord] = {}
        self.instances: dict[str, Json] = {}
        self.tags: dict[str, dict[str, str]] = {}
        #: (target ARN or "", attribute name) of attributes that were put.
        self.extras: dict[str, Json] = {}

    def arn(self, resource: str, service: str = "ecs") -> str:
        """Return the ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.name}:{self.account}:{resource}"

    def cluster(self, reference: str | None) -> str:
        """Return the name of an active cluster.

        Raises:
            Refusal: `ClusterNotFoundException`.
        """
        name = cluster_name(reference)
        if not self.moto.has_cluster(name):
            raise Refusal("ClusterNotFoundException", "Cluster not found.")
        return name

    def cluster_arn(self, name: str) -> str:
        return self.arn(f"cluster/{name}")

    def set_tags(self, arn: str, tags: list[dict[str, str]] | None) -> None:
        """Add tags to a resource; the last of two with one key wins."""
        if tags:
            self.tags.setdefault(arn, {}).update({tag["key"]: tag.get("value", "") for tag in tags})

    def get_tags(self, arn: str) -> list[dict[str, str]]:
        return [{"key": key, "value": value} for key, value in self.tags.get(arn, {}).items()]


def cluster_name(reference: str | None) -> str:
    """Return the name in a cluster's name or ARN; without one it is `default`, as on ECS."""
    return (reference or "default").rsplit("/", 1)[-1]
