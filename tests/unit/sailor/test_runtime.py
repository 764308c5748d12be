"""The process around the messages: what a stop leaves alone, how settings end a start."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ecs_connector.sailor.main import main
from ecs_connector.sailor.runtime import Runtime


def test_what_has_not_begun_is_handed_back():
    """A delivery that waits for a worker when the process is stopped goes back to the queue."""
    runtime = Runtime({})
    settled = []
    step = SimpleNamespace(settle=lambda delivery, settlement: settled.append((delivery, settlement)))
    runtime._stop.set()
    for item in ("first", "second", None):
        runtime._work.put(item)
    runtime._work_off(step)
    assert settled == [("first", "requeue"), ("second", "requeue")]


@pytest.mark.parametrize("arguments", [["verifyCredentials", "more"], ["a", "b", "c"]])
def test_usage(arguments, capsys):
    """More than one method is a usage error."""
    assert main(arguments) == 64
    assert "usage:" in capsys.readouterr().err
