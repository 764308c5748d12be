"""The generator: what is checked in is what it writes, and it refuses corrections that correct nothing."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader

from ecs_codegen import __main__ as command
from ecs_codegen import report, table, write
from ecs_codegen.source import CorrectionError, Source, correct, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source() -> Source:
    return load()


@pytest.fixture(scope="module")
def generated(source: Source) -> dict[str, str]:
    return write.files(source)


def test_what_is_checked_in_is_what_is_generated(generated: dict[str, str]) -> None:
    """No generated file has been edited, forgotten or left behind."""
    assert write.differences(str(ROOT), generated) == []


def test_the_check_command_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m ecs_codegen check` ends with 0 and says how many files it looked at."""
    assert command.main(["check"]) == 0
    assert "up to date" in capsys.readouterr().out


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def test_generation_is_reproducible(generated: dict[str, str]) -> None:
    """Another process with another hash seed writes the same bytes."""
    code = (
        "import hashlib, json; from ecs_codegen import source, write;"
        "print(hashlib.sha256(json.dumps(write.files(source.load()), sort_keys=True).encode()).hexdigest())"
    )
    environment = {"PYTHONPATH": str(ROOT / "lib"), "PYTHONHASHSEED": "4711", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == _digest(generated)


def test_provenance_names_the_model(source: Source) -> None:
    """The provenance has the pinned model's version and the number of its operations; none has been lost."""
    provenance = json.loads((ROOT / "lib/ecs_connector/data/PROVENANCE.json").read_text(encoding="utf-8"))

    assert provenance["botocore"] == botocore.__version__
    assert provenance["operations"] == len(Loader().load_service_model("ecs", "service-2")["operations"])
    assert provenance == source.provenance


def test_writing_changes_only_what_differs(tmp_path: Path) -> None:
    """A second run writes nothing; an edited file is put right; what is no longer generated is removed."""
    wanted = {"component.json": "{}\n", "actions/run_task.py": '"""x"""\n', "schemas/RunTask.in.json": "{}\n"}
    root = str(tmp_path)

    assert sorted(write.write(root, wanted)) == sorted(wanted)
    assert write.write(root, wanted) == []
    (tmp_path / "actions/run_task.py").write_text("edited\n", encoding="utf-8")
    (tmp_path / "actions/left_over.py").write_text("", encoding="utf-8")
    (tmp_path / "schemas/RunTask.in.json").unlink()
    found = "\n".join(write.differences(root, wanted))
    assert "-edited" in found
    assert "actions/left_over.py: is not generated any more" in found
    assert "schemas/RunTask.in.json: is missing" in found
    assert sorted(write.write(root, wanted)) == [
        "actions/left_over.py",
        "actions/run_task.py",
        "schemas/RunTask.in.json",
    ]
    assert write.differences(root, wanted) == []


# -- corrections ----------------------------------------------------------------------------------

MODEL = {
    "shapes": {
        "Input": {"type": "structure", "members": {"count": {"shape": "Count"}, "secret": {"shape": "Hidden"}, "names": {"shape": "Names"}}},
        "Count": {"type": "integer", "max": 10},
        "Hidden": {"type": "string", "sensitive": True},
        "Names": {"type": "list", "member": {"shape": "Name"}},
        "Name": {"type": "string"},
    },
    "operations": {},
}  # fmt: skip
AT = {"shape": "Input", "member": "count"}
REFUSED = {
    "no reason": ({"limit": [{**AT, "max": 5}]}, "needs a reason"),
    "empty reason": ({"limit": [{**AT, "max": 5, "reason": ""}]}, "needs a reason"),
    "no effect": ({"limit": [{**AT, "max": 10, "reason": "r"}]}, "changes nothing"),
    "no trait": ({"limit": [{**AT, "reason": "r"}]}, "changes nothing"),
    "no such shape": ({"limit": [{"shape": "Gone", "member": "count", "max": 1, "reason": "r"}]}, "no such shape"),
    "no such member": ({"limit": [{"shape": "Input", "member": "gone", "max": 1, "reason": "r"}]}, "no such member"),
    "sensitive without reason": ({"sensitive": [{"shape": "Input", "member": "names"}]}, "needs a reason"),
    "sensitive already": (
        {"sensitive": [{"shape": "Input", "member": "secret", "reason": "r"}]},
        "sensitive by the model already",
    ),
}


@pytest.mark.parametrize("overrides, wanted", REFUSED.values(), ids=REFUSED)
def test_a_correction_that_is_none_is_refused(overrides: dict[str, Any], wanted: str) -> None:
    """A correction needs a reason, a place and an effect."""
    with pytest.raises(CorrectionError, match=wanted):
        correct(MODEL, overrides)


def test_a_correction_leaves_the_model_alone() -> None:
    """Corrections are applied to a copy, at the one reference that they name."""
    before = copy.deepcopy(MODEL)

    corrected = correct(
        MODEL,
        {
            "limit": [{**AT, "max": 5, "reason": "r"}],
            "sensitive": [{"shape": "Names", "member": "member", "reason": "r"}],
        },
    )

    assert before == MODEL
    assert corrected["shapes"]["Input"]["members"]["count"]["limits"] == {"max": 5}
    assert corrected["shapes"]["Count"]["max"] == 10
    assert corrected["shapes"]["Names"]["member"]["sensitive"] is True


Edit = Callable[[dict[str, Any]], None]
TABLE_REFUSED: dict[str, tuple[Edit, str]] = {
    "paginator without reason": (lambda o: o["paginators"]["ListDaemons"].pop("reason"), "needs a reason"),
    "paginator of nothing": (lambda o: o["paginators"].update(ListNothing={"result_key": "x", "reason": "r"}), "no such operation"),
    "paginator that the model has": (lambda o: o["paginators"].update(ListTasks={"result_key": "taskArns", "reason": "r"}), "has this paginator now"),
    "paginator to nowhere": (lambda o: o["paginators"]["ListDaemons"].update(result_key="daemons"), "the output has no daemons"),
    "split of nothing": (lambda o: o["split"]["DescribeTasks"].update(member="taskIds"), "the input has no taskIds"),
    "unsafe but idempotent": (lambda o: o["unsafe"].update(ListTasks={"reason": "r"}), "idempotent now"),
    "destructive of nothing": (lambda o: o["destructive"]["operations"].append("DropAll"), "no operation DropAll"),
    "rule without reason": (lambda o: o["rule"][0].pop("reason"), "needs a reason"),
    "rule on nothing": (lambda o: o["rule"][0].update(on=["GoneRequest"]), "no shape GoneRequest"),
    "rule about nothing": (lambda o: o["rule"][0].update(members=["launchTypo"]), "has no launchTypo"),
}  # fmt: skip


@pytest.mark.parametrize("edit, wanted", TABLE_REFUSED.values(), ids=TABLE_REFUSED)
def test_an_addition_that_fits_nowhere_is_refused(edit: Edit, wanted: str, source: Source) -> None:
    """Paginators, splits, tokens and rules must name what the model has and still lacks."""
    overrides = copy.deepcopy(source.overrides)
    edit(overrides)
    edited = Source(**{**{name: getattr(source, name) for name in source.__dataclass_fields__}, "overrides": overrides})

    with pytest.raises(CorrectionError, match=wanted):
        table.table(edited)


def test_the_command_reports_a_refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused correction ends the command with 1 and with its reason."""

    def refuse() -> Source:
        raise CorrectionError("Input.count: a correction needs a reason")

    monkeypatch.setattr(command, "load", refuse)

    assert command.main(["generate"]) == 1
    assert capsys.readouterr().err.endswith("Input.count: a correction needs a reason\n")


# -- the report of what a newer model changes --------------------------------------------------------


def _model(shapes: dict[str, Any], *operations: str) -> dict[str, Any]:
    names = operations or ("Do",)
    return {
        "operations": {name: {"input": {"shape": "In"}, "output": {"shape": "Out"}} for name in names},
        "shapes": shapes,
    }


def _shapes(**given: Any) -> dict[str, Any]:
    usual = {
        "In": {"type": "structure", "required": ["a"], "members": {"a": {"shape": "Text"}, "b": {"shape": "Number"}}},
        "Out": {"type": "structure", "members": {"items": {"shape": "Items"}}},
        "Items": {"type": "list", "member": {"shape": "Item"}},
        "Item": {"type": "structure", "members": {"state": {"shape": "State"}, "parent": {"shape": "Item"}}},
        "Text": {"type": "string"},
        "Number": {"type": "integer", "max": 10},
        "State": {"type": "string", "enum": ["UP", "DOWN"]},
    }
    return {**usual, **given}


OLD = _model(_shapes())
IN = OLD["shapes"]["In"]
CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "operation added": (_model(_shapes(), "Do", "Undo"), "added", "operation Undo"),
    "operation removed": (_model(_shapes(), "Other"), "removed", "operation Do"),
    "operation removed breaks": (_model(_shapes(), "Other"), "incompatible", "operation Do is gone"),
    "member added": (_model(_shapes(In={**IN, "members": {**IN["members"], "c": {"shape": "Text"}}})), "added", "member Do.input.c"),
    "member removed": (_model(_shapes(In={**IN, "members": {"a": {"shape": "Text"}}})), "removed", "member Do.input.b"),
    "member removed breaks": (_model(_shapes(In={**IN, "members": {"a": {"shape": "Text"}}})), "incompatible", "Do.input.b is gone"),
    "required": (_model(_shapes(In={**IN, "required": ["a", "b"]})), "incompatible", "Do.input.b is required now"),
    "type": (_model(_shapes(Number={"type": "string"})), "incompatible", "Do.input.b: the type has changed"),
    "maximum lower": (_model(_shapes(Number={"type": "integer", "max": 5})), "incompatible", "Do.input.b: max is tighter"),
    "maximum higher": (_model(_shapes(Number={"type": "integer", "max": 50})), "changed", "Do.input.b: max 10 is 50 now"),
    "minimum new": (_model(_shapes(Number={"type": "integer", "max": 10, "min": 1})), "incompatible", "Do.input.b: min is tighter"),
    "pattern": (_model(_shapes(Text={"type": "string", "pattern": "x+"})), "incompatible", "Do.input.a: the pattern has changed"),
    "enum grows": (_model(_shapes(State={"type": "string", "enum": ["UP", "DOWN", "SIDEWAYS"]})), "added", "value Do.output.items.[member].state = SIDEWAYS"),
    "enum shrinks": (_model(_shapes(State={"type": "string", "enum": ["UP"]})), "removed", "value Do.output.items.[member].state = DOWN"),
    "enum of an input": (_model(_shapes(Text={"type": "string", "enum": ["x"]})), "incompatible", "Do.input.a: fewer values are allowed"),
}  # fmt: skip


@pytest.mark.parametrize("new, kind, wanted", CHANGES.values(), ids=CHANGES)
def test_the_report_names_a_change(new: dict[str, Any], kind: str, wanted: str) -> None:
    """Each kind of change is found, and called incompatible exactly when a flow that worked may break."""
    found = report.compare(OLD, new).as_json()

    assert wanted in found[kind]
    if kind != "incompatible" and "break" not in wanted and "removed" != kind:
        assert found["incompatible"] == []


def test_the_report_of_a_model_against_itself_is_empty() -> None:
    """Nothing has changed in today's model since today, recursive shapes included."""
    real = json.loads(json.dumps(Loader().load_service_model("ecs", "service-2")))

    assert report.compare(real, real).as_json() == {"added": [], "removed": [], "changed": [], "incompatible": []}
    assert report.compare(OLD, OLD).as_json() == {"added": [], "removed": [], "changed": [], "incompatible": []}


def test_the_report_finds_what_was_taken_out_of_the_real_model() -> None:
    """Today's model is compared with one that lacks an operation, a member and an enum value, and has a tighter limit."""
    new = json.loads(json.dumps(Loader().load_service_model("ecs", "service-2")))
    old = copy.deepcopy(new)
    del old["operations"]["ContinueServiceDeployment"]
    del old["shapes"]["RunTaskRequest"]["members"]["enableExecuteCommand"]
    launch = old["shapes"]["LaunchType"]["enum"]
    launch.remove("EXTERNAL")

    found = report.compare(old, new).as_json()

    assert "operation ContinueServiceDeployment" in found["added"]
    assert "member RunTask.input.enableExecuteCommand" in found["added"]
    assert "value RunTask.input.launchType = EXTERNAL" in found["added"]
    assert found["incompatible"] == []
    assert "operation ContinueServiceDeployment is gone" in report.compare(new, old).as_json()["incompatible"]


def test_the_report_command_takes_data_folders(capsys: pytest.CaptureFixture[str]) -> None:
    """The report works from two data folders, as text and as JSON, and says whether the step is safe to take."""
    folder = str(Path(botocore.__file__).parent / "data")

    assert command.main(["report", folder, folder]) == 0
    assert capsys.readouterr().out.endswith("incompatible: nothing\nsafe to take\n")
    assert command.main(["report", folder, folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["incompatible"] == []


def test_a_folder_without_a_model_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A data folder that holds no ECS model ends the report with 1 and one line."""
    assert command.main(["report", str(tmp_path), str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"{tmp_path} holds no model of ecs\n"
