"""The cases of `make bench`, each beside what people would use instead."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import inputs
from bench.measure import Result, Series, cpu_us, in_turn, process, stub
from bench.stub import services

ROUNDS = 7

_BOTO3_COLD = """
import boto3
client = boto3.client("ecs", region_name="us-east-1", endpoint_url="http://127.0.0.1:{port}",
                      aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="wJalrXUtnFEMI")
print(client.list_clusters()["clusterArns"])
"""


def cold_start() -> list[Result]:
    """Time a process from its start to its first answered ListClusters."""
    with stub() as port:
        ours = [os.path.join(os.path.dirname(sys.executable), "ecs-connector"), "run", "ListClusters"]
        for name, value in inputs.config(port).items():
            ours += ["--set", f"{name}={value}"]
        theirs = [sys.executable, "-c", _BOTO3_COLD.format(port=port)]
        one, other = in_turn(ROUNDS + 4, lambda: process(ours), lambda: process(theirs))
    return [
        Result("cold start, CPU", _pick(one, "cpu_ms", "ms"), _pick(other, "cpu_ms", "ms"), 0.45),
        Result("cold start, wall", _pick(one, "wall_ms", "ms"), _pick(other, "wall_ms", "ms")),
        Result("cold start, peak memory", _pick(one, "peak_mib", "MiB"), _pick(other, "peak_mib", "MiB"), 0.70),
    ]


def _pick(runs: list[Any], name: str, unit: str) -> Series:
    return Series(unit, [getattr(run, name) for run in runs])


def _timed(
    name: str, ours: Callable[[], Any], theirs: Callable[[], Any], count: int, goal: float, **more: Any
) -> Result:
    one, other = in_turn(ROUNDS, lambda: cpu_us(ours, count), lambda: cpu_us(theirs, count))
    return Result(name, Series("us", one), Series("us", other), goal, **more)


def warm_call() -> list[Result]:
    """Time calls of a warm client through the public API: validation, signature, evidence and all."""
    from ecs_connector import Component

    component = Component.load()
    body = inputs.RUN_TASK
    with stub() as port:
        config, client = inputs.config(port), inputs.boto3_client(port)
        return [
            _timed(
                "warm call ListClusters, CPU",
                lambda: list(component.run("ListClusters", body={}, config=config)),
                client.list_clusters, 300, 0.45,
            ),
            _timed(
                "warm call RunTask, CPU",
                lambda: list(component.run("RunTask", body=body, config=config, message_id="m-1")),
                lambda: client.run_task(**body), 300, 0.50,
            ),
        ]  # fmt: skip


def validation() -> list[Result]:
    """Time the check of valid inputs beside botocore's validator, which leaves enums, maxima and rules unchecked."""
    import botocore.session
    from botocore.validate import ParamValidator

    from ecs_connector.model import Model
    from ecs_connector.prepare import input_schema

    model, validator = Model.load(), ParamValidator()
    service = botocore.session.get_session().get_service_model("ecs")
    results = []
    for name, body in inputs.INPUTS.items():
        accepts = input_schema(model.operation(name)).accepts
        shape = service.operation_model(name).input_shape
        assert accepts(body)
        for _ in range(200):
            accepts(body)
        results += [
            _timed(
                f"validation {name}, schema, CPU", lambda a=accepts, b=body: a.schema_accepts(b),
                lambda b=body, s=shape: validator.validate(b, s).has_errors(), 2000, 0.10,
            ),
            _timed(
                f"validation {name}, schema and cross-field rules, CPU", lambda a=accepts, b=body: a(b),
                lambda b=body, s=shape: validator.validate(b, s).has_errors(), 2000, None,
                note="botocore has no such rules",
            ),
        ]  # fmt: skip
    return results


def parsing() -> list[Result]:
    """Time DescribeServices with 100 services from the bytes of the answer to the emission."""
    import botocore.session
    from botocore.parsers import create_parser

    from ecs_connector import Component, emit, parse
    from ecs_connector.values import Evidence, HttpResponse, Output

    clients = Component.load().clients
    step = clients.step("DescribeServices", inputs.config(1))
    body = services(100)
    response = HttpResponse(200, {"x-amzn-requestid": "r"}, body)
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("DescribeServices").output_shape
    parser = create_parser("json")
    raw = {"status_code": 200, "headers": {"x-amzn-RequestId": "r"}, "body": body}

    def ours() -> Any:
        return emit.data(step, Output(parse.output(step.operation, response), Evidence("r", 1)))

    return [
        _timed(
            f"parse DescribeServices, 100 services, {len(body) // 1000} kB, CPU", ours, lambda: parser.parse(raw, shape), 10,
            0.15,
        )
    ]  # fmt: skip


#: Streams 1,000 pages; prints wall seconds, growth of the resident memory in MiB, and seconds to the first emission.
_PAGES = """
import json, resource, sys, time
sys.path.insert(0, ".")
from bench import inputs
port, ours = int(sys.argv[1]), sys.argv[2] == "ours"
if ours:
    from ecs_connector import Component
    component = Component.load()
    config = inputs.config(port) | {{"emitBehaviour": "emitPage", "maxItems": 10**9}}
    list(component.run("ListClusters", body={{}}, config=inputs.config(port)))
    pages = (emission.body for emission in component.run("ListTasks", body={{}}, config=config))
else:
    client = inputs.boto3_client(port)
    client.list_clusters()
    pages = client.get_paginator("list_tasks").paginate()
def resident():
    # What is resident now: the process's peak lies in its imports, and would hide growth below it.
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
before = highest = resident()
started, items, first = time.perf_counter(), 0, None
for number, page in enumerate(pages):
    first = first or time.perf_counter() - started
    items += len(page["taskArns"])
    if number % 50 == 0:
        highest = max(highest, resident())
grown = max(highest, resident()) - before
assert items == {items}, items
print(json.dumps([time.perf_counter() - started, grown, first]))
"""


def pages() -> list[Result]:
    """Stream 1,000 pages of 100 ids."""
    count = 1000
    code = _PAGES.format(items=count * 100)

    def once(port: int, who: str) -> Any:
        return json.loads(process([sys.executable, "-c", code, str(port), who]).output)

    with stub("--pages", str(count)) as port:
        one, other = in_turn(5, lambda: once(port, "ours"), lambda: once(port, "theirs"))
    growth = Result(
        "1,000 pages streamed, memory growth", Series("MiB", [run[1] for run in one]), Series("MiB", [run[1] or 0.1 for run in other]),
        note="aim: at most 2 MiB",
    )  # fmt: skip
    return [
        Result("1,000 pages streamed, wall", Series("s", [run[0] for run in one]), Series("s", [run[0] for run in other]), 0.5),
        growth,
        Result(
            "1,000 pages streamed, first emission after", Series("s", [run[2] for run in one]),
            Series("s", [run[2] for run in other]), note="one page's time",
        ),
    ]  # fmt: skip


def threads() -> list[Result]:
    """Count the calls a second of 32 steps on one client, with a server that takes 20 ms."""
    from botocore.config import Config

    from ecs_connector import Component

    calls, workers = 1600, 32
    component = Component.load()
    with stub("--latency-ms", "20") as port, ThreadPoolExecutor(workers) as pool:
        config = inputs.config(port)
        client = inputs.boto3_client(port, config=Config(max_pool_connections=workers))

        def load(call: Callable[[int], Any]) -> tuple[float, float]:
            started, used = time.perf_counter(), time.process_time()
            list(pool.map(call, range(calls)))
            return calls / (time.perf_counter() - started), (time.process_time() - used) / calls * 1e6

        one, other = in_turn(
            5,
            lambda: load(lambda _: list(component.run("ListClusters", body={}, config=config))),
            lambda: load(lambda _: client.list_clusters()),
        )
    rates, used = (
        [Series(unit, [run[index] for run in runs]) for runs in (one, other)]
        for index, unit in ((0, "calls/s"), (1, "us"))
    )
    return [
        Result("32 threads, 20 ms server (which allows 1,600 calls/s)", *rates, 2.0, higher=True),
        Result("32 threads, CPU a call", *used),
    ]


CASES: dict[str, Callable[[], list[Result]]] = {
    "cold": cold_start, "warm": warm_call, "validation": validation, "parse": parsing, "pages": pages, "threads": threads,
}  # fmt: skip
