"""What every test may ask for: a component, a clock that needs no time, an endpoint on the loopback.

Tests run from the quickest folder to the slowest; a folder is also a mark, `-m "not broker"` leaves one out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Verbosity, settings

from ecs_connector import Component
from support import ecs_stub as stubs
from support.stepped_clock import SteppedClock

_TESTS = Path(__file__).parent
#: Folder -> seconds that one of its tests may take; in the order in which they run.
_FOLDERS = {"unit": 20, "contract": 60, "property": 120, "e2e": 120, "broker": 180, "wheel": 600, "fuzz": 0}

_ALWAYS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
settings.register_profile("dev", max_examples=25, **_ALWAYS)
settings.register_profile("ci", max_examples=60, derandomize=True, database=None, print_blob=True, **_ALWAYS)
settings.register_profile("fuzz", max_examples=5000, verbosity=Verbosity.normal, **_ALWAYS)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order by folder, mark by folder, and give each folder its time."""
    order = list(_FOLDERS)
    items.sort(key=lambda item: order.index(_folder(item)))
    for item in items:
        folder = _folder(item)
        item.add_marker(folder)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_FOLDERS[folder]))


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS and platform settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "ELASTICIO_", "ECS_CONNECTOR_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def clock() -> SteppedClock:
    """Return a clock that a sleep moves, and nothing else."""
    return SteppedClock()


@pytest.fixture
def component(clock: SteppedClock) -> Iterator[Component]:
    """Return this installation's component; its retries and waits take no time."""
    with Component.load(clock=clock) as loaded:
        loaded.random = lambda: 0.5
        yield loaded


@pytest.fixture(scope="session")
def _stub_server() -> Iterator[stubs.EcsStub]:
    with stubs.serving() as stub:
        yield stub


@pytest.fixture
def ecs_stub(_stub_server: stubs.EcsStub) -> stubs.EcsStub:
    """Return an endpoint that records requests and plays canned answers, empty."""
    _stub_server.reset()
    return _stub_server
