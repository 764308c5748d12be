"""The process around the messages: what a stop leaves alone, how settings end a start."""

from __future__ import annotations

import subprocess
import sys
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


def modules_after(script):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{script}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_a_service_call_loads_no_broker_and_no_cipher():
    """Neither the service calls nor the settings of a step wait for what only messages need."""
    loaded = modules_after(
        "import ecs_connector.sailor.main, ecs_connector.sailor.service, ecs_connector.sailor.runtime"
    )
    assert not loaded & {"pika", "cryptography", "requests", "botocore", "jsonschema", "yaml", "moto", "asyncio"}


def test_a_step_loads_only_what_it_needs():
    """A running step costs neither requests nor botocore."""
    names = ("broker", "handling", "step", "lightweight")
    loaded = modules_after("\n".join(f"import ecs_connector.sailor.{name}" for name in names))
    assert {"pika", "cryptography"} <= loaded
    assert not loaded & {"requests", "urllib3", "botocore", "jsonschema", "yaml", "moto"}
