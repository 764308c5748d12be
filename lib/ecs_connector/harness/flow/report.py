"""How a run of a flow went: as values, as JSON, and as a table for people.

No configuration value and no body of a step is in a report; what a flow wants to show it names as its
`output`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

StepStatus = Literal["passed", "failed", "skipped", "expected-error"]

_HEAD = ("STEP", "FUNCTION", "STATUS", "TIME", "MESSAGES", "ATTEMPTS", "REQUEST ID")


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of one step."""

    id: str
    function: str
    status: StepStatus
    duration_s: float = 0.0
    #: Data messages.
    emissions: int = 0
    #: Times a request was sent, over all calls that left evidence.
    attempts: int = 0
    request_ids: Sequence[str] = ()
    #: Runs of a step with `each`; None for a step without.
    rounds: int | None = None
    #: `ConnectorError.report()` of the first error, expected or not.
    error: Mapping[str, Any] | None = None
    #: Index of the item that the error belongs to.
    error_index: int | None = None
    exit_code: int = 0
    #: Why it was skipped, or what was expected of it instead.
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        report: dict[str, Any] = {
            "id": self.id,
            "function": self.function,
            "status": self.status,
            "seconds": round(self.duration_s, 3),
            "emissions": self.emissions,
            "attempts": self.attempts,
            "requestIds": list(self.request_ids),
        }
        optional = {"rounds": self.rounds, "error": self.error, "errorIndex": self.error_index, "reason": self.reason}
        return report | {key: value for key, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What became of a flow."""

    flow: str
    #: Give it as the input `runId` to run the same flow again as a redelivery.
    run_id: str
    #: ISO-8601, UTC.
    started_at: str
    duration_s: float
    steps: Sequence[StepReport]
    #: Value of the flow's `output`; None when it names none or did not get there.
    output: Any = None
    #: Why there is no output although the flow names one.
    output_error: Mapping[str, Any] | None = None
    #: 0, or that of the first step that failed.
    exit_code: int = 0

    @property
    def status(self) -> str:
        return "failed" if self.exit_code else "passed"

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        report: dict[str, Any] = {
            "flow": self.flow,
            "runId": self.run_id,
            "startedAt": self.started_at,
            "seconds": round(self.duration_s, 3),
            "status": self.status,
            "exitCode": self.exit_code,
            "steps": [step.to_json() for step in self.steps],
            "output": self.output,
        }
        return report | ({"outputError": dict(self.output_error)} if self.output_error else {})


def render_report(report: FlowReport) -> str:
    """Return the report as text: a table of the steps, what went wrong, and the output."""
    rows = [_HEAD, *(_row(step) for step in report.steps)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [f"Flow {report.flow}: {report.status} in {_seconds(report.duration_s)} (run {report.run_id})", ""]
    for row, step in zip(rows, [None, *report.steps], strict=True):
        lines.append("  " + "  ".join(_aligned(cell, widths[i], i) for i, cell in enumerate(row)).rstrip())
        lines.extend(f"      {line}" for line in (_remarks(step) if step else ()))
    if report.output_error is not None:
        lines += ["", f"No output: {report.output_error['message']}"]
    elif report.output is not None:
        lines += ["", "Output:", json.dumps(report.output, indent=2, ensure_ascii=False, default=str)]
    if report.exit_code:
        lines += ["", f"Exit code {report.exit_code}"]
    return "\n".join(lines)


def _row(step: StepReport) -> tuple[str, ...]:
    function = step.function if step.rounds is None else f"{step.function} x{step.rounds}"
    if step.status == "skipped":
        return (step.id, function, step.status, "", "", "", "")
    ids = list(step.request_ids)
    shown = (ids[0] + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")) if ids else ""
    return (
        step.id,
        function,
        step.status,
        _seconds(step.duration_s),
        str(step.emissions),
        str(step.attempts),
        shown,
    )


def _remarks(step: StepReport) -> list[str]:
    remarks = [step.reason] if step.reason else []
    if step.error is not None:
        item = "" if step.error_index is None else f"item {step.error_index}: "
        remarks.append(f"{item}{step.error['error']}: {step.error['message']}")
    return [line for remark in remarks for line in remark.splitlines()]


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if _HEAD[column] in ("TIME", "MESSAGES", "ATTEMPTS") else cell.ljust(width)


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.2f} s"
