"""The entry point: no argument runs the step, one argument is a service method."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_USAGE_EXIT_CODE = 64


def main(argv: Sequence[str]) -> int:
    """Run as a flow step, or one service call; return the exit code."""
    if not argv:
        from ecs_connector.sailor.runtime import run

        return run()
    if len(argv) == 1:
        from ecs_connector.sailor.service import serve

        return serve(argv[0])
    sys.stderr.write("usage: python -m ecs_connector.sailor [verifyCredentials | getMetaModel | selectModel]\n")
    return _USAGE_EXIT_CODE
