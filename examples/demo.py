"""The main job on the embedded ECS endpoint: every command is the one that a person would type.

Run it with `make demo`. It needs no AWS account and no network.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import Any

#: Members of an answer that the demo shows; `ecs-connector` itself prints all of them.
SHOWN = {
    "cluster", "clusterName", "status", "taskDefinition", "family", "revision", "task", "tasks", "taskArn", "taskArns",
    "lastStatus", "stopCode", "stoppedReason", "verdict", "ok", "reason", "exitCodes", "hello",
}  # fmt: skip
TASK_DEFINITION = {
    "family": "hello",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [
        {"name": "hello", "image": "public.ecr.aws/docker/library/busybox:stable", "command": ["echo", "hello"]}
    ],
}
RUN_TASK = {
    "cluster": "demo",
    "taskDefinition": "hello",
    "launchType": "FARGATE",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
}
BOLD, DIM, RED, PLAIN = ("\033[1m", "\033[2m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "", "", "")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(function: str, body: dict[str, Any], *options: str, expect: int = 0) -> list[Any]:
    """Type one command, show what it prints, and return the bodies that it emitted."""
    arguments = ["run", function, "--body", json.dumps(body), *options]
    say(f"{BOLD}$ ecs-connector {shlex.join(arguments)}{PLAIN}")
    command = [sys.executable, "-m", "ecs_connector", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    for line in done.stderr.splitlines()[:8]:
        say(f"  {RED}{line}{PLAIN}")
    bodies = [json.loads(line)["body"] for line in done.stdout.splitlines()]
    for found in bodies:
        say(f"  {DIM}{json.dumps(shown(found), ensure_ascii=False)}{PLAIN}")
    if done.returncode != expect:
        say(f"  exit code {done.returncode}, expected {expect}")
        sys.exit(1)
    if expect:
        say(f"  {DIM}exit code {done.returncode}{PLAIN}")
    return bodies


def shown(value: Any) -> Any:
    """Return the parts of an answer that are worth a line."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items() if key in SHOWN}
    return value


def story() -> None:
    """Create, register, run and judge, list, stop, clean up, and one thing typed wrong."""
    run("CreateCluster", {"clusterName": "demo"})
    run("RegisterTaskDefinition", TASK_DEFINITION)
    say(f"{DIM}# one letter wrong: nothing is sent{PLAIN}")
    run("RunTask", {**RUN_TASK, "launchType": "FARGAT", "cont": 1}, expect=65)
    say(f"{DIM}# run a task, wait for its end, judge its exit codes{PLAIN}")
    run("RunTask", RUN_TASK, "--set", "waitFor=TasksStopped", "--set", "waitIntervalSeconds=0.2")
    say(f"{DIM}# and one that is stopped by hand{PLAIN}")
    (started,) = run("RunTask", RUN_TASK)
    run("ListTasks", {"cluster": "demo"})
    stop = {"cluster": "demo", "task": started["tasks"][0]["taskArn"], "reason": "end of the demo"}
    run("StopTask", stop, "--set", "waitFor=TasksStopped", "--set", "waitIntervalSeconds=0.2")
    run("DeregisterTaskDefinition", {"taskDefinition": "hello:1"})
    run("DeleteCluster", {"cluster": "demo"})


def main() -> None:
    """Start the embedded endpoint, run the story against it, and stop it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "ecs_connector", "local"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        endpoint = json.loads(server.stdout.readline())["endpoint"]
        say(f"{DIM}# an embedded ECS endpoint listens on {endpoint}{PLAIN}")
        os.environ.update(
            AWS_ENDPOINT_URL_ECS=endpoint,
            AWS_ACCESS_KEY_ID="demo",
            AWS_SECRET_ACCESS_KEY="demo",
            AWS_REGION="eu-central-1",
        )
        story()
    finally:
        server.terminate()
        server.wait(10)
    say("The demo ran to its end.")


if __name__ == "__main__":
    main()
