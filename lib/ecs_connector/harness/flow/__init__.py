"""YAML flows: steps in order, each one action, with JSONata mapping between them as on the platform.

The way of a flow: `file` reads and checks it, `runner` runs it, `report` says how it went.
The format is described in docs/flows.md.
"""

from __future__ import annotations

from ecs_connector.harness.flow.file import load_flow
from ecs_connector.harness.flow.model import Flow
from ecs_connector.harness.flow.report import FlowReport, StepReport, render_report
from ecs_connector.harness.flow.runner import run_flow

__all__ = ["Flow", "FlowReport", "StepReport", "load_flow", "render_report", "run_flow"]
