"""An ECS endpoint on this machine, for tests, demos and flows without an AWS account.

moto answers what it answers well; tasks, services, client tokens, faults, STS and logs are simulated
here, on a clock that a test may wind. `docs/local-endpoint.md` describes the scenario file.
"""

from ecs_connector.harness.local.clock import ManualClock
from ecs_connector.harness.local.dispatch import coverage
from ecs_connector.harness.local.foreground import serve
from ecs_connector.harness.local.scenario import Scenario
from ecs_connector.harness.local.server import LocalEcs

__all__ = ["LocalEcs", "ManualClock", "Scenario", "coverage", "serve"]
