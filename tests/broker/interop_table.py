"""Runs the interop tests and prints the table of the 34 rows: what must hold, which tests, what came out.

Usage: python tests/broker/interop_table.py [further pytest arguments]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"row_(\d\d)")
ROWS = {
    1: ("N->P, P->N", "bodies in versions 1 and 2 survive"),
    2: ("both", "the published ciphertexts, byte for byte"),
    3: ("P->N", "three outputs of one message have ids of their own"),
    4: ("N->P", "three messages that share an id are all processed"),
    5: ("N->P", "no messageId, no threadId, trace id only"),
    6: ("P->N", "header values of every type"),
    7: ("N->P", "header values of every type"),
    8: ("both", "passthrough in all its modes"),
    9: ("both", "passthrough over three steps"),
    10: ("both", "errors: envelope, input, reply copy, reject"),
    11: ("both", "errors of a version 2 input"),
    12: ("both", "custom error handlers"),
    13: ("both", "rebound: expiration, bytes, headers, limit"),
    14: ("both", "a rebound goes on in the other runtime"),
    15: ("both", "snapshot and updateSnapshot"),
    16: ("both", "httpReply"),
    17: ("both", "X-EIO-Routing-Key"),
    18: ("both", "unreadable input is rejected without an error"),
    19: ("both", "a full queue is tried again"),
    20: ("both", "an unroutable message is no error"),
    21: ("both", "rate limit and order"),
    22: ("both", "size limit"),
    23: ("both", "SIGTERM"),
    24: ("both", "connections closed in work (the official runtime fails)"),
    25: ("P", "broker away (the official runtime fails)"),
    26: ("P", "consumer cancelled (the official runtime idles)"),
    27: ("both", "failing starts"),
    28: ("both", "start-up and shutdown hooks"),
    29: ("both", "updateKeys"),
    30: ("both", "lightweight messages"),
    31: ("both", "stored objects are exchanged"),
    32: ("P->J", "output in the shape that Java demands"),
    33: ("services", "service calls: results and exit codes"),
    34: ("both", "additional headers, persistent messages"),
}


def outcomes(report: Path) -> dict[int, list[tuple[str, str]]]:
    """Return (test id, outcome) by row."""
    found: dict[int, list[tuple[str, str]]] = {row: [] for row in ROWS}
    for case in ET.parse(report).iter("testcase"):
        name = case.get("name", "")
        match = ROW.search(name)
        if match is None:
            continue
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        module = case.get("classname", "").rpartition(".")[2]
        found[int(match[1])].append((f"{module}::{name}", outcome))
    return found


def main(arguments: list[str]) -> int:
    """Run the tests, print the table, return pytest's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        files = sorted(str(path) for path in Path(__file__).parent.glob("test_interop_*.py"))
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-o", "addopts=", "--import-mode=importlib"]
        done = subprocess.run([*command, f"--junitxml={report}", *files, *arguments], cwd=ROOT, check=False)
        found = outcomes(report)
    sys.stdout.write("\n| # | direction | what holds | tests | result |\n|---|---|---|---|---|\n")
    for row, (direction, text) in ROWS.items():
        tests = found[row]
        names = sorted({test.partition("[")[0] for test, _ in tests})
        counts = {kind: sum(outcome == kind for _, outcome in tests) for kind in ("passed", "failed", "skipped")}
        result = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no test"
        sys.stdout.write(f"| {row} | {direction} | {text} | {'<br>'.join(names)} | {result} |\n")
    covered = all(tests and all(outcome == "passed" for _, outcome in tests) for tests in found.values())
    return done.returncode if done.returncode or covered else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
