"""Makes the README's pictures of a terminal from real runs on the embedded endpoint: `make pictures`.

docs/demo.svg, docs/failing-task.svg, and the text of the failing task in README.md.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from html import escape

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WIDTH = 104
_LINE, _CHAR, _MARGIN = 19, 8.43, 16
_COLOURS = {"command": "#f0f6fc", "output": "#9da7b3", "error": "#ff9b8e", "comment": "#6e7681"}

TASK = {"cluster": "demo", "taskDefinition": "nightly-report"}

Line = tuple[str, str]


def ecs(arguments: list[str], *, shown: str | None = None) -> tuple[list[Line], int]:
    """Run a command and return what it printed, a line of text with its kind at a time, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "ecs_connector", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )  # fmt: skip
    lines: list[Line] = [("command", "$ " + (shown or f"ecs-connector {shlex.join(arguments)}"))]
    # Progress comes before the emission that it leads to.
    lines += [("comment" if line.startswith("task ") else "error", line) for line in done.stderr.splitlines()]
    lines += [("output", _short(line)) for line in done.stdout.splitlines()]
    return lines, done.returncode


def _short(line: str) -> str:
    """Return an emission with its long lists cut, so that a picture can hold it."""
    body = json.loads(line)
    return json.dumps(_cut(body), ensure_ascii=False)


#: What an emission of the picture keeps of an answer.
_KEPT = {
    "kind", "body", "headers", "tasks", "task", "taskArn", "lastStatus", "verdict", "ok", "reason", "cluster", "clusterName",
    "status", "operation", "attempts", "requestId", "taskDefinition", "family", "revision", "exitCodes", "waits",
    "taskDefinitionArn", "stopCode", "clusterArns",
}  # fmt: skip


def _cut(value: object) -> object:
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items() if key in _KEPT or key in ("report", "sidecar")}
    return [_cut(item) for item in value] if isinstance(value, list) else value


def svg(lines: list[Line], title: str) -> str:
    """Return a terminal window with the lines in it."""
    wrapped: list[Line] = []
    for kind, text in lines:
        parts = textwrap.wrap(text, WIDTH, break_long_words=True, subsequent_indent="  ", replace_whitespace=False,
                              drop_whitespace=False) or [""]  # fmt: skip
        wrapped += [(kind, part) for part in parts]
    width = int(WIDTH * _CHAR) + 2 * _MARGIN
    height = len(wrapped) * _LINE + 56
    rows = "\n".join(
        f'<text x="{_MARGIN}" y="{52 + index * _LINE}" fill="{_COLOURS[kind]}">{escape(text)}</text>'
        for index, (kind, text) in enumerate(wrapped)
    )
    dots = "".join(
        f'<circle cx="{20 + 20 * index}" cy="18" r="6" fill="{colour}"/>'
        for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(title)}">\n<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n{dots}\n'
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="14" xml:space="preserve">\n'
        f"{rows}\n</g>\n</svg>\n"
    )


def story(endpoint: str) -> tuple[list[Line], list[Line]]:
    """Return the demo's lines and the failing task's lines."""
    os.environ.update(
        AWS_ENDPOINT_URL_ECS=endpoint, AWS_ACCESS_KEY_ID="demo", AWS_SECRET_ACCESS_KEY="demo", AWS_REGION="us-east-1"
    )  # fmt: skip
    demo: list[Line] = [("comment", "# one letter wrong, one member that does not exist: nothing is sent")]
    wrong, _ = ecs(
        [
            "run",
            "RunTask",
            "--body",
            '{"cluster": "demo", "taskDefinition": "nightly-report", "launchType": "FARGAT", "cont": 1}',
        ]
    )
    demo += [*wrong, ("output", ""), ("comment", "# run a task, wait for its end, and know whether it did its work")]
    body = json.dumps(TASK)
    options = ["--set", "waitFor=TasksStopped", "--set", "waitIntervalSeconds=0.2"]
    right, _ = ecs(
        ["run", "RunTask", "--body", body, *options],
        shown="ecs-connector run RunTask --body @nightly.json " + shlex.join(options),
    )
    demo += right
    options += ["--set", "logLines=3"]
    failing, code = ecs(
        ["run", "RunTask", "--body", body, *options],
        shown="ecs-connector run RunTask --body @nightly.json " + shlex.join(options),
    )
    return demo, [*failing, ("command", "$ echo $?"), ("output", str(code))]


def main() -> None:
    """Run the commands against an embedded endpoint and write the pictures."""
    scenario = os.path.join(ROOT, "examples", "scenarios", "failing-task.yaml")
    with subprocess.Popen(
        [sys.executable, "-m", "ecs_connector", "local", "--scenario", scenario],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            demo, failing = story(json.loads(server.stdout.readline())["endpoint"])
        finally:
            server.terminate()
    for name, lines, title in (("demo", demo, "A run in a terminal"), ("failing-task", failing, "A task that fails")):
        with open(os.path.join(ROOT, "docs", f"{name}.svg"), "w", encoding="utf-8") as file:
            file.write(svg(lines, title))
    text = "\n".join(line for _, line in failing)
    path = os.path.join(ROOT, "README.md")
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    readme = re.sub(
        r"(<!-- failing-task: [^\n]*-->\n).*?(<!-- /failing-task -->)",
        lambda match: f"{match.group(1)}```\n{text}\n```\n{match.group(2)}",
        readme,
        flags=re.DOTALL,
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(readme)


if __name__ == "__main__":
    main()
