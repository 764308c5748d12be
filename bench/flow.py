"""`make bench-flow`: the flow step beside the official Node.js runtime, on one broker and one stub.

Three steps do the same HTTP call for each message: ours (checked, signed, with evidence), the official runtime
with a component of the shape of 2019, and with as little as a signed call takes. Rate limits are lifted by
their environment variables. A step's cold start runs from the process's start to its first message out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import psutil  # noqa: E402

from bench import inputs, node_steps, table  # noqa: E402
from bench.measure import Result, Series, stub  # noqa: E402
from support.platform_stub import PlatformStub, serving  # noqa: E402
from support.rabbitmq import RabbitMq, running  # noqa: E402
from support.steps import Topology, environment_of, payload_of  # noqa: E402

#: Messages of one round, and rounds of each step at each prefetch.
MESSAGES, ROUNDS = 3000, 3
OURS, LEGACY, MINIMAL = "connector", "Node.js runtime, component of 2019", "Node.js runtime, minimal aws4 action"
PREFETCHES = (1, 20)


@dataclass
class Figures:
    """What one step showed over its rounds."""

    rate: Series = field(default_factory=lambda: Series("messages/s"))
    cpu: Series = field(default_factory=lambda: Series("ms"))
    cold: Series = field(default_factory=lambda: Series("s"))
    cold_cpu: Series = field(default_factory=lambda: Series("s"))
    memory: Series = field(default_factory=lambda: Series("MiB"))


def command(who: str, cache: Path) -> tuple[list[str], Path]:
    """Return how a step is started, and where."""
    if who == OURS:
        return [sys.executable, "-m", "ecs_connector.sailor"], ROOT
    folder = cache / ("legacy" if who == LEGACY else "minimal")
    return [node_steps.node(), str(cache / "node_modules" / "elasticio-sailor-nodejs" / "run.js")], folder


def once(who: str, prefetch: int, broker: RabbitMq, platform: PlatformStub, port: int, figures: Figures) -> None:
    """Run one step over one load and note what it took."""
    topology = Topology(broker)
    platform.steps[topology.name] = {"config": inputs.config(port), "is_passthrough": False}
    environment = environment_of(
        topology, platform, "ListClusters", RABBITMQ_PREFETCH_SAILOR=str(prefetch), DATA_RATE_LIMIT="1000000"
    )
    arguments, folder = command(who, node_steps.CACHE)
    wire = {"id": "1", "attachments": {}, "body": {}, "headers": {}, "metadata": {}}
    payload = payload_of(wire)
    topology.send({}, payload=payload)
    started = time.perf_counter()
    with subprocess.Popen(
        arguments, cwd=folder, env={**environment, "PYTHONPATH": str(ROOT / "lib"), "LOG_LEVEL": "error"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        try:
            process = psutil.Process(child.pid)
            _reach(topology, 1, child)
            figures.cold.samples.append(time.perf_counter() - started)
            figures.cold_cpu.samples.append(_cpu_s(process))
            for _ in range(200):  # warm up
                topology.send({}, payload=payload)
            _reach(topology, 201, child)
            # The load lies in the queue before the clock starts: sending it would take its share of the processors.
            process.suspend()
            for _ in range(MESSAGES):
                topology.send({}, payload=payload)
            cpu, begun = _cpu_s(process), time.perf_counter()
            process.resume()
            _reach(topology, 201 + MESSAGES, child)
            wall = time.perf_counter() - begun
            figures.rate.samples.append(MESSAGES / wall)
            figures.cpu.samples.append((_cpu_s(process) - cpu) / MESSAGES * 1000)
            figures.memory.samples.append(_peak_mib(child.pid))
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
    topology.close()


def _reach(topology: Topology, count: int, child: subprocess.Popen[bytes], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while topology.ready("data") < count:
        if child.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{child.args}: ended with {child.returncode} at {topology.ready('data')} of {count}")
        topology.connection.sleep(0.005)


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _peak_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def compare(figures: dict[tuple[str, int], Figures]) -> list[tuple[str, list[Result]]]:
    """Return the tables: ours beside each of the two others."""
    tables = []
    for other in (LEGACY, MINIMAL):
        former = other == LEGACY
        results = []
        for prefetch in PREFETCHES:
            ours, theirs = figures[OURS, prefetch], figures[other, prefetch]
            rate_goal = (2.5 if former else 1.0) if prefetch > 1 else None
            cpu_goal = 0.6 if former and prefetch == 1 else None
            results += [
                Result(f"prefetch {prefetch}, throughput", ours.rate, theirs.rate, rate_goal, higher=True),
                Result(f"prefetch {prefetch}, CPU a message", ours.cpu, theirs.cpu, cpu_goal),
            ]
        ours, theirs = figures[OURS, 1], figures[other, 1]
        results += [
            Result("cold start to the first message out, wall", ours.cold, theirs.cold, 0.25 if former else None),
            Result("cold start, CPU", ours.cold_cpu, theirs.cold_cpu),
            Result("peak memory", ours.memory, theirs.memory, 0.25 if former else None),
        ]
        tables.append((other, results))
    return tables


def main(_: list[str], json_file: str | None) -> int:
    """Measure, print two tables, write BENCHMARKS.md."""
    node_steps.installed()
    figures: dict[tuple[str, int], Figures] = {
        (who, prefetch): Figures() for who in (OURS, LEGACY, MINIMAL) for prefetch in PREFETCHES
    }
    with running() as broker, serving() as platform, stub() as port:
        for round_number in range(ROUNDS):
            for (who, prefetch), found in figures.items():
                sys.stderr.write(f"round {round_number + 1}: {who}, prefetch {prefetch} ...\n")
                once(who, prefetch, broker, platform, port, found)
    parts = [table.machine()]
    for other, results in compare(figures):
        parts.append(table.markdown(results, (OURS, other)))
    text = "\n\n".join(parts)
    sys.stdout.write(text + "\n")
    if json_file:
        content: dict[str, Any] = {
            f"{who}, prefetch {prefetch}": {name: getattr(found, name).samples for name in vars(found)}
            for (who, prefetch), found in figures.items()
        }
        Path(json_file).write_text(json.dumps({"machine": table.machine(), **content}, indent=1))
    table.put_section(os.path.join(ROOT, "BENCHMARKS.md"), "The flow step beside the official runtime", text)
    return 0
