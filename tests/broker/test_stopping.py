"""A process that is told to stop ends in time, whatever it is doing; one that cannot log goes on working."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from support.steps import COMPONENTS, OURS, ROOT, StepProcess, environment_of

SOON = {"ECS_CONNECTOR_SHUTDOWN_SECONDS": "1"}
INIT_LONG = """import os, time
def init(config):
    os.write(1, b"init\\n")
    time.sleep(50)
def process(message, config, snapshot, context):
    return {}
"""
OWN_THREAD = """import asyncio, time
async def process(message, config, snapshot, context):
    context.logger.info("working")
    await asyncio.to_thread(time.sleep, 50)
    return {}
"""


@pytest.fixture
def component(tmp_path):
    """Make a component of one action from its source."""

    def make(source):
        (tmp_path / "actions").mkdir()
        action = {"title": "a", "main": "./actions/a.py"}
        (tmp_path / "component.json").write_text(json.dumps({"title": "x", "actions": {"a": action}}))
        (tmp_path / "actions" / "a.py").write_text(source)
        return str(tmp_path)

    return make


def ends_in_time(step) -> None:
    began = time.monotonic()
    step.terminate()
    assert step.wait_exit() == 0
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("mode", ["start", "shutdown hook"])
def test_while_the_platform_does_not_answer(mode, platform, topology):
    """SIGTERM ends a start, and a hook, that waits for the platform."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = environment_of(
            topology, platform, "script",
            API_URI=f"http://127.0.0.1:{silent.getsockname()[1]}",
            HOOK_SHUTDOWN="true" if mode == "shutdown hook" else None,
            **SOON,
        )  # fmt: skip
        step = StepProcess(OURS, environment)
        try:
            silent.settimeout(20)
            connection, _ = silent.accept()
            with connection:
                ends_in_time(step)
        finally:
            step.close()


def test_while_a_component_starts(component, platform, topology):
    """SIGTERM ends a component whose `init` takes too long."""
    platform.steps[topology.name] = {"config": {}}
    step = StepProcess(OURS, environment_of(topology, platform, "a", **SOON), component=component(INIT_LONG))
    try:
        step.wait(lambda: "init" in step.log(), 20, topology)
        ends_in_time(step)
    finally:
        step.close()


def test_while_a_component_has_a_thread_of_its_own(component, platform, topology):
    """A component's own thread does not keep the process; its message stays in the queue."""
    platform.steps[topology.name] = {"config": {}}
    step = StepProcess(OURS, environment_of(topology, platform, "a", **SOON), component=component(OWN_THREAD))
    try:
        topology.send({})
        step.wait(lambda: "working" in step.log(), 20, topology)
        ends_in_time(step)
        topology.settle(0.3)
        assert topology.ready("messages") == 1
    finally:
        step.close()


@pytest.mark.parametrize("reader", ["gone", "slow"])
def test_a_log_that_cannot_be_written(reader, platform, topology):
    """Whoever reads the log may go away or fall behind: messages are processed, and the step stops as it should."""
    platform.steps[topology.name] = {"config": {}}
    read_end, write_end = os.pipe()
    if reader == "slow":
        os.set_blocking(write_end, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "ecs_connector.sailor"],
        cwd=COMPONENTS / "museum",
        env={**environment_of(topology, platform, "script"), "PYTHONPATH": str(ROOT / "lib")},
        stdout=write_end,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(write_end)
        deadline = time.monotonic() + 20
        while topology.consumers() < 1:
            assert time.monotonic() < deadline
            topology.settle(0.05)
        if reader == "gone":
            os.close(read_end)
        topology.send({"do": [["say", "x" * 200_000], ["data", {"n": 0}]]})
        topology.send({"do": [["throw", "boom"]]})
        topology.send({"do": [["data", {"n": 1}]]})
        assert [taken.wire()["body"] for taken in topology.take("data", 2)] == [{"n": 0}, {"n": 1}]
        assert topology.take_one("error").error()["message"] == "boom"
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if reader == "slow":
            os.close(read_end)
