"""The documentation of flows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecs_connector.harness.flow import load_flow

DOCS = Path(__file__).resolve().parents[3] / "docs" / "flows.md"
FLOWS = re.findall(r"```yaml\n(name: .*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", FLOWS, ids=lambda text: text.splitlines()[0].removeprefix("name: "))
def test_flows_in_the_documentation_load(text: str) -> None:
    """Every whole flow that the documentation shows is a valid one."""
    assert load_flow(text).steps


def test_the_documentation_shows_flows() -> None:
    """The documentation shows at least one whole flow, so that the test above tests something."""
    assert len(FLOWS) >= 4
