"""The embedded endpoint in the foreground of a terminal."""

from __future__ import annotations

import json
import signal
import sys
import threading
from types import FrameType

from ecs_connector.harness.local.scenario import Scenario
from ecs_connector.harness.local.server import LocalEcs


def serve(host: str = "127.0.0.1", port: int = 0, scenario: Scenario | None = None) -> int:
    """Run the endpoint until Ctrl-C or SIGTERM; return the exit code.

    Writes one JSON line to stdout when it is ready, and how to use it to stderr.

    Raises:
        ConfigError: The port is taken, or may not be used.
    """
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    previous = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with LocalEcs(port, scenario, host=host) as ecs:
            sys.stdout.write(json.dumps({"endpoint": ecs.url}) + "\n")
            sys.stdout.flush()
            sys.stderr.write(_HELP.format(url=ecs.url))
            sys.stderr.flush()
            # A wait without a limit would not be woken by a signal on every platform.
            while not ended.wait(0.5):
                continue
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


_HELP = """\
ECS answers at {url} until Ctrl-C. Any key is accepted. Point something at it:
  ecs-connector run ListClusters --set endpoint={url} --set region=us-east-1 \
--set accessKeyId=test --set secretAccessKey=test
  aws ecs list-clusters --endpoint-url {url}
"""
