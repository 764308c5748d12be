"""A scenario file is read whole, and refused whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecs_connector.errors import ConfigError
from ecs_connector.harness.local import Scenario
from ecs_connector.harness.local.reader import FOREVER, Match, Numbers

_DOC = Path(__file__).parents[3] / "docs" / "local-endpoint.md"


@pytest.mark.parametrize(
    ("value", "inside"),
    [(2, [2]), ([1, 4], [1, 4]), ("2-4", [2, 3, 4]), ("4-", [4, 5, 6]), ("every 3", [3, 6]), ("5", [5])],
)
def test_numbers_have_five_forms(value: Any, inside: list[int]) -> None:
    """A row of numbers can be written in each documented form."""
    assert [number for number in range(1, 7) if number in Numbers.parse(value)] == inside


@pytest.mark.parametrize("value", [0, "4-2", "x", "every 0", [1, "x"], True, 1.5, {}])
def test_other_numbers_are_refused(value: Any) -> None:
    """What is none of the forms is an error."""
    with pytest.raises(ValueError):
        Numbers.parse(value)


def test_a_match_needs_all_of_its_fields() -> None:
    """Every field must be there and fit one of its patterns."""
    match = Match((("family", ("job-*", "web")), ("cluster", ("c",))))

    assert match.fits({"family": "job-1", "cluster": "c"})
    assert match.fits({"family": "web", "cluster": "c", "other": "x"})
    assert not match.fits({"family": "job-1"})
    assert not match.fits({"family": "other", "cluster": "c"})
    assert Match((("tasks", ("t1",)),)).fits({"tasks": ["t0", "t1"]})


def test_an_empty_file_is_a_scenario(tmp_path: Path) -> None:
    """A scenario needs nothing: an empty file means the defaults."""
    path = tmp_path / "empty.yaml"
    path.write_text("")

    assert Scenario.load(path) == Scenario()


def test_rules_inherit_the_defaults() -> None:
    """A rule that names no duration takes it from `defaults`."""
    scenario = Scenario.from_mapping(
        {
            "defaults": {"runningSeconds": 5, "rollbackSeconds": 7},
            "tasks": [{"pendingSeconds": "forever"}],
            "services": [{}],
        }
    )

    assert (scenario.tasks[0].running_s, scenario.tasks[0].pending_s) == (5, FOREVER)
    assert scenario.services[0].rollback_seconds == 7


def test_every_problem_is_named_at_once() -> None:
    """A scenario with eleven mistakes is refused with eleven lines that say where and what."""
    wrong = {
        "sead": 1,
        "account": "12",
        "clockSkewSeconds": "late",
        "defaults": {"runningSeconds": -1},
        "tasks": [{"match": {"famly": "x"}, "run": "x", "containers": {"a": {"exitcode": 1}}}],
        "services": [{"outcome": "fails"}],
        "faults": [{"kind": "throtle", "operation": "RunTasks"}],
        "setup": {"operation": "ListClusters"},
    }
    with pytest.raises(ConfigError) as caught:
        Scenario.from_mapping(wrong)
    text = str(caught.value)

    assert "has 11 problems" in text
    for place in (
        "sead: is not a known field (did you mean 'seed'?)",
        "account: must be 12 digits",
        "clockSkewSeconds: must be a number",
        "defaults.runningSeconds: must be a number of at least 0",
        "tasks[0].match.famly: is not one of family",
        "tasks[0].run: 'x' is none of",
        "tasks[0].containers.a.exitcode: is not a known field (did you mean 'exitCode'?)",
        "services[0].outcome: 'fails' is not one of completed, failed, stuck (did you mean 'failed'?)",
        "faults[0].kind: 'throtle' is not one of throttle",
        "faults[0].operation: 'RunTasks' is not an ECS operation (did you mean 'RunTask'?)",
        "setup: must be a list, not a mapping",
    ):
        assert place in text


@pytest.mark.parametrize("content", ["a: [", "- just\n- a list", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    """Broken YAML and YAML of another shape give an error that names the file."""
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"wrong\.yaml"):
        Scenario.load(path)


def test_a_missing_file_is_refused() -> None:
    """A file that is not there gives an error that names it."""
    with pytest.raises(ConfigError, match="nowhere.yaml cannot be read"):
        Scenario.load("nowhere.yaml")


def test_secrets_do_not_show() -> None:
    """Neither a key's secret nor its token is in the scenario's text."""
    key = {"accessKeyId": "AKIA1", "secretAccessKey": "sesame", "sessionToken": "open"}
    text = repr(Scenario.from_mapping({"credentials": [key]}))

    assert "AKIA1" in text
    assert "sesame" not in text
    assert "open" not in text


def test_the_documented_scenarios_are_valid() -> None:
    """Every YAML example in the documentation is a scenario."""
    examples = re.findall(r"```yaml\n(.*?)```", _DOC.read_text(encoding="utf-8"), re.DOTALL)

    assert len(examples) >= 2
    for example in examples:
        Scenario.from_mapping(yaml.safe_load(example))
