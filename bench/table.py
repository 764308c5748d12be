"""Writes results as one table, with the machine they were taken on."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version

from bench.measure import Result


def machine() -> str:
    """Return what the figures depend on."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"model name\s*: (.*)", file.read())
    except OSError:
        model = None
    packages = []
    for name in ("boto3", "botocore", "jsonschema-rs", "pika"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    processor = model.group(1) if model else platform.processor()
    return f"{os.cpu_count()} x {processor}, Python {platform.python_version()}, {', '.join(packages)}"


def markdown(results: list[Result], columns: tuple[str, str] = ("connector", "boto3")) -> str:
    """Return the table: medians with their spreads, ratios beside their aims."""
    lines = [f"| work | {columns[0]} | {columns[1]} | ratio | aim | met |", "|---|---|---|---|---|---|"]
    for result in results:
        sign = "at least" if result.higher else "at most"
        aim = f"{sign} {result.goal:g} x" if result.goal is not None else result.note
        met = {True: "yes", False: "no", None: ""}[result.met]
        lines.append(
            f"| {result.name} | {result.ours.text()} | {result.theirs.text()} | {result.ratio:.2f} x | {aim} | {met} |"
        )
    return "\n".join(lines)


def put_section(path: str, title: str, body: str) -> None:
    """Replace one section of a file, or add it."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    if not text.strip():
        text = "# Benchmarks\n\nWritten by `make bench` and `make bench-flow`: medians, in brackets the lowest and the highest.\n"
    section = f"## {title}\n\n{body}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    # The pattern takes what is between two sections with the first one.
    text = (
        pattern.sub(lambda _: section + "\n", text).rstrip() + "\n"
        if pattern.search(text)
        else text.rstrip() + "\n\n" + section
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
