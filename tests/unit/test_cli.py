"""The command line: JSON lines on stdout and nothing else, words on stderr, and the documented exit codes."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ecs_connector import cli
from ecs_connector.model import Model
from ecs_connector.terminal.completion import COMMANDS
from ecs_connector.terminal.progress import Progress
from support.ecs_stub import Answer, EcsStub, refusal
from support.paged import Pages

ROOT = Path(__file__).parents[2]
MODEL = Model.load()
#: Runs a command in this process: arguments -> exit code, stdout, stderr.
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for handler in handlers:
        root.removeHandler(handler)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield command
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


@pytest.fixture
def at(ecs_stub: EcsStub) -> list[str]:
    """Return the options that point a command at the stub."""
    return [part for name, value in ecs_stub.config().items() for part in ("--set", f"{name}={value}")]


def lines(out: str) -> list[dict[str, Any]]:
    assert out == "" or out.endswith("\n")
    return [json.loads(line) for line in out.splitlines()]


# -- run ------------------------------------------------------------------------------------------------------


def test_each_emission_is_one_json_line(run: Run, at: list[str], ecs_stub: EcsStub) -> None:
    """Stdout has a line for each emission with kind, body and evidence, beyond ASCII as it is; stderr is quiet."""
    ecs_stub.play({"taskArns": ["a\u00fc", "b"], "nextToken": "2"}, {"taskArns": ["c"]})

    code, out, err = run("run", "ListTasks", "--set", "emitBehaviour=emitIndividually", *at)

    assert code == 0
    assert [line["body"] for line in lines(out)] == ["a\u00fc", "b", "c"]
    assert "\u00fc" in out
    assert {line["kind"] for line in lines(out)} == {"data"}
    assert lines(out)[0]["headers"]["operation"] == "ListTasks"
    assert err == ""


@pytest.mark.parametrize("form", ["argument", "file", "yaml", "stdin"])
def test_a_body_comes_from_anywhere(
    form: str, run: Run, at: list[str], ecs_stub: EcsStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The input is JSON on the command line, in a file (also YAML), or on standard input."""
    body = {"cluster": "blue", "family": "w\u00e9b"}
    path = tmp_path / ("body.yaml" if form == "yaml" else "body.json")
    path.write_text("cluster: blue\nfamily: w\u00e9b\n" if form == "yaml" else json.dumps(body), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(body)))
    given = {"argument": json.dumps(body), "stdin": "-"}.get(form, f"@{path}")

    code, _, err = run("run", "ListTasks", "--body", given, *at)

    assert (code, err) == (0, "")
    assert ecs_stub.received[0].json == body


def test_no_body_is_an_empty_object(run: Run, at: list[str], ecs_stub: EcsStub) -> None:
    """Without --body the input is {}."""
    assert run("run", "ListClusters", *at)[0] == 0
    assert ecs_stub.received[0].json == {}


def test_the_same_message_sends_the_same_token(run: Run, at: list[str], ecs_stub: EcsStub) -> None:
    """--message-id makes a second run the same effect; without it, each run is its own."""
    body = json.dumps({"name": "g", "infrastructureRoleArn": "r", "configuration": {"hostSharedAlb": {}}})
    for identity in (["--message-id", "m-1"], ["--message-id", "m-1"], ["--message-id", "m-2"], [], []):
        assert run("run", "CreateGateway", "--body", body, *identity, *at)[0] == 0

    tokens = [request.json["clientToken"] for request in ecs_stub.received]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 4


# -- exit codes ------------------------------------------------------------------------------------------------

THROTTLED = refusal("ThrottlingException", "Rate exceeded")
FAILURES: dict[str, tuple[list[str], list[Answer], int, str]] = {
    "no command": ([], [], 64, "usage:"),
    "unknown command": (["rnu"], [], 64, "rnu"),
    "unknown option": (["run", "ListTasks", "--bdoy", "{}"], [], 64, "--bdoy"),
    "no function": (["run"], [], 64, "FUNCTION"),
    "unknown function": (["run", "ListTask"], [], 64, "Did you mean ListTasks"),
    "function in lower case": (["describe", "runtask"], [], 64, "Did you mean RunTask"),
    "skeleton of nothing": (["skeleton", "Frobnicate"], [], 64, "no action 'Frobnicate'"),
    "bad JSON": (["run", "ListTasks", "--body", "{"], [], 65, "--body: is not JSON"),
    "missing file": (
        ["run", "ListTasks", "--body", "@/nowhere/body.json"],
        [],
        65,
        "/nowhere/body.json: cannot be read",
    ),
    "bad input": (["run", "StopTask", "--body", "{}"], [], 65, "task: is required"),
    "input is a list": (["run", "StopTask", "--body", "[]"], [], 65, "the body: an object is expected"),
    "refused": (
        ["run", "ListTasks"],
        [refusal("ClusterNotFoundException", "Cluster not found.")],
        69,
        "ClusterNotFoundException: Cluster not found.",
    ),
    "partial failure": (
        ["run", "DescribeTasks", "--body", '{"tasks":["a"]}'],
        [Answer({"tasks": [], "failures": [{"arn": "a", "reason": "MISSING"}]})],
        69,
        "MISSING",
    ),
    "token repeats": (
        ["run", "ListTasks"],
        [Answer({"taskArns": [], "nextToken": "a"}), Answer({"taskArns": [], "nextToken": "a"})],
        69,
        "same nextToken twice",
    ),
    "throttled": (["run", "ListTasks", "--set", "maxAttempts=1"], [THROTTLED], 75, "ThrottlingException"),
    "no JSON": (["run", "ListTasks"], [Answer(raw=b"<html>")], 75, "not a JSON object"),
    "unknown field": (["run", "ListTasks", "--set", "maxItem=3"], [], 78, "Did you mean maxItems?"),
    "field without value": (["run", "ListTasks", "--set", "maxItems"], [], 64, "expected field=value"),
    "bad field": (["run", "ListTasks", "--set", "maxItems=some"], [], 78, "maxItems: a number is expected"),
    "missing config": (
        ["run", "ListTasks", "--config", "/nowhere/config.yaml"],
        [],
        78,
        "/nowhere/config.yaml: cannot be read",
    ),
    "scenario without local": (["run", "ListTasks", "--scenario", "x.yaml"], [], 64, "add --local"),
    "no completion": (["completion", "tcsh"], [], 64, "tcsh"),
}


@pytest.mark.parametrize("arguments, answers, code, text", FAILURES.values(), ids=FAILURES)
def test_a_failure_has_its_exit_code_and_its_words(
    arguments: list[str], answers: list[Answer], code: int, text: str, run: Run, at: list[str], ecs_stub: EcsStub
) -> None:
    """64 usage, 65 input, 69 refused, 75 try again, 78 configuration; the words are on stderr, stdout stays empty."""
    ecs_stub.play(*answers)
    options = at if arguments[:1] == ["run"] and len(arguments) > 1 else []

    found, out, err = run(*arguments, *options)

    assert found == code, err
    assert text in err
    assert out == ""
    assert "Traceback" not in err
    assert len(ecs_stub.received) == len(answers)


def test_what_was_emitted_before_a_failure_stays(run: Run, at: list[str], ecs_stub: EcsStub) -> None:
    """Pages that were printed are not taken back when a later one fails."""
    ecs_stub.play({"taskArns": ["a"], "nextToken": "2"}, refusal("AccessDeniedException", "no"))

    code, out, err = run("run", "ListTasks", "--set", "emitBehaviour=emitPage", *at)

    assert code == 69
    assert [line["body"] for line in lines(out)] == [{"taskArns": ["a"]}]
    assert "AccessDeniedException" in err


def test_no_credentials_is_a_configuration_error(run: Run) -> None:
    """Without keys the first thing that is missing is named, and how to set it."""
    code, out, err = run("run", "ListClusters", "--set", "region=eu-central-1")

    assert (code, out) == (78, "")
    assert "accessKeyId" in err


# -- configuration ------------------------------------------------------------------------------------------


def test_set_is_stronger_than_file_is_stronger_than_environment(
    run: Run, ecs_stub: EcsStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field comes from the strongest place that has it."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "env"),
        ("AWS_REGION", "us-west-2"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", ecs_stub.url)
    config = tmp_path / "config.yaml"
    config.write_text(
        "accessKeyId: AKIDFILE\nsecretAccessKey: file\nregion: eu-west-1\nmaxItems: 2\n", encoding="utf-8"
    )

    def scope(*arguments: str) -> list[str]:
        ecs_stub.received.clear()
        assert run("run", "ListClusters", *arguments)[0] == 0
        credential = ecs_stub.received[0].headers["authorization"].partition("Credential=")[2]
        return [credential.split("/")[0], credential.split("/")[2]]

    assert scope() == ["AKIDENV", "us-west-2"]
    assert scope("--config", str(config)) == ["AKIDFILE", "eu-west-1"]
    assert scope("--config", str(config), "--set", "region=ap-south-1") == ["AKIDFILE", "ap-south-1"]
    assert scope("--set", "region=eu-north-1", "--set", "region=ap-south-1") == ["AKIDENV", "ap-south-1"]


def test_a_session_token_stays_with_its_keys(
    run: Run, at: list[str], ecs_stub: EcsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's token is not sent with keys that were given otherwise."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-environment")

    run("run", "ListClusters", *at)

    assert "x-amz-security-token" not in ecs_stub.received[0].headers


@pytest.mark.parametrize(
    "name, text",
    [("c.yaml", "a: [1"), ("c.json", "{"), ("c.yaml", "- a\n- b\n"), ("c.yaml", "!!python/object:os.system {}")],
)
def test_a_config_file_that_is_none_is_refused(name: str, text: str, run: Run, tmp_path: Path) -> None:
    """A damaged file, one that is not a mapping, and one that would run code are configuration errors that name the file."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    code, out, err = run("run", "ListClusters", "--config", str(path))

    assert (code, out) == (78, "")
    assert str(path) in err


def test_an_empty_config_file_sets_nothing(run: Run, at: list[str], tmp_path: Path) -> None:
    """A file with only comments is a configuration like any other."""
    path = tmp_path / "c.yaml"
    path.write_text("# nothing yet\n", encoding="utf-8")

    assert run("run", "ListClusters", "--config", str(path), *at)[0] == 0


@pytest.mark.parametrize("debug", [False, True])
def test_secrets_stay_out_of_everything_that_is_printed(debug: bool, run: Run, ecs_stub: EcsStub) -> None:
    """Neither at debug level nor in an error does a key, a token or a sensitive member show."""
    marker = "MARKER5ecret"
    ecs_stub.play({"taskDefinition": {}}, refusal("InvalidParameterException", "no"))
    options = [
        part
        for name, value in ecs_stub.config(secretAccessKey=marker, sessionToken=marker).items()
        for part in ("--set", f"{name}={value}")
    ]
    body = {"family": "f", "containerDefinitions": [{"name": "a", "environment": [{"name": "n", "value": marker}]}]}
    flags = ["--debug"] if debug else []

    for wrong in ({}, {}, {"cpu": 7}):
        _, out, err = run("run", "RegisterTaskDefinition", "--body", json.dumps({**body, **wrong}), *flags, *options)
        assert marker not in out + err


# -- list, describe, skeleton, completion, version ------------------------------------------------------------


def test_the_list_has_every_action(run: Run) -> None:
    """`list` is one line for each action, `list --names` the names alone."""
    code, out, err = run("list", "--names")
    assert (code, err) == (0, "")
    assert set(MODEL.names) <= set(out.split())

    code, out, _ = run("list")
    described = dict(line.split(None, 1) for line in out.splitlines())
    assert described["StopTask"] == "Stops a running task."


@pytest.mark.parametrize("operation", MODEL.names)
def test_describe_reads_like_a_help_page(operation: str, run: Run) -> None:
    """Each action has a page with its link, its fields, every member of its input and output, in lines that fit."""
    code, out, err = run("describe", operation)

    assert (code, err) == (0, "")
    assert out.startswith(f"{operation} - ")
    assert f"API_{operation}.html" in out
    for heading in ("STEP FIELDS", "INPUT", "OUTPUT"):
        assert heading in out
    words = set(out.split())
    for side in ("in", "out"):
        schema = json.loads((ROOT / "schemas" / f"{operation}.{side}.json").read_text(encoding="utf-8"))
        assert set(schema["properties"]) <= words
    assert set(MODEL.operation(operation).fields) <= words
    longest = max((line for line in out.splitlines() if len(line.split()) > 3), key=len)
    assert len(longest) <= 110


def test_describe_shows_limits_and_what_is_required(run: Run) -> None:
    """The page says which members are required and which values they take."""
    out = run("describe", "UpdateTaskProtection")[1]

    assert "1 to 2880" in out
    assert "required" in out
    assert "one of EC2 | FARGATE" in run("describe", "RunTask")[1]


@pytest.mark.parametrize("operation", ["RunTask", "ListClusters", "CreateService"])
def test_a_skeleton_can_be_run(operation: str, run: Run, at: list[str], ecs_stub: EcsStub) -> None:
    """What `skeleton` prints is an input that `run` takes."""
    code, out, err = run("skeleton", operation, "--minimal")
    assert (code, err) == (0, "")

    assert run("run", operation, "--body", out, *at)[0] == 0
    sent = ecs_stub.received[-1].json
    assert {name: sent[name] for name in json.loads(out)} == json.loads(out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell: str, run: Run) -> None:
    """The script offers all commands, and function names by asking `list --names`."""
    code, out, err = run("completion", shell)

    assert (code, err) == (0, "")
    for command in COMMANDS:
        assert command in out
    assert "list --names" in out


def test_the_completion_script_is_bash(run: Run, tmp_path: Path) -> None:
    """Bash reads the script and completes the first letters of a command."""
    script = tmp_path / "complete.bash"
    script.write_text(run("completion", "bash")[1], encoding="utf-8")
    probe = f'source {script}; COMP_WORDS=(ecs-connector des); COMP_CWORD=1; _ecs_connector; echo "${{COMPREPLY[@]}}"'

    done = subprocess.run(["bash", "--norc", "-c", probe], capture_output=True, text=True, timeout=10, check=True)

    assert done.stdout.split() == ["describe"]


def test_the_version_names_the_model(run: Run) -> None:
    """--version prints the component's version and that of the AWS model."""
    code, out, _ = run("--version")

    assert code == 0
    assert (
        out
        == f"ecs-connector {json.loads((ROOT / 'component.json').read_text())['version']}, ECS model {MODEL.version}\n"
    )


def test_help_is_no_error(run: Run) -> None:
    """--help prints the commands and ends with 0."""
    code, out, _ = run("--help")

    assert code == 0
    for command in COMMANDS:
        assert command in out


# -- progress -------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals_only() -> None:
    """Nothing is written where nobody looks."""
    stream = io.StringIO()
    with Progress("work", stream):
        pass

    assert stream.getvalue() == ""


def test_progress_shows_after_a_while_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that takes longer says so on one line, which is gone at the end."""
    import threading

    monkeypatch.setattr("ecs_connector.terminal.progress._QUIET_S", 0.0)
    monkeypatch.setattr("ecs_connector.terminal.progress._EVERY_S", 0.001)
    stream, shown = Terminal(), threading.Event()
    write = stream.write
    monkeypatch.setattr(stream, "write", lambda text: (write(text), shown.set())[0])

    with Progress("RunTask", stream):
        assert shown.wait(5)

    assert "RunTask ... 0 s" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")


def test_progress_makes_way_for_a_log_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log record starts at the beginning of a line of its own, and afterwards nothing of the progress is left behind."""
    import threading

    monkeypatch.setattr("ecs_connector.terminal.progress._QUIET_S", 0.0)
    monkeypatch.setattr("ecs_connector.terminal.progress._EVERY_S", 60.0)
    stream, shown = Terminal(), threading.Event()
    write = stream.write
    monkeypatch.setattr(stream, "write", lambda text: (write(text), shown.set() if "RunTask" in text else None)[0])
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)

    with Progress("RunTask", stream):
        assert shown.wait(5)
        logging.getLogger("ecs_connector").warning("task stopped")
    logging.getLogger().removeHandler(handler)

    assert stream.getvalue() == "\r\033[KRunTask ... 0 s\r\033[Ktask stopped\n"
    assert handler.filters == []


# -- as a process ----------------------------------------------------------------------------------------------


def process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "lib"), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "ecs_connector", *arguments],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_reader_that_has_enough_ends_the_command(at: list[str], ecs_stub: EcsStub) -> None:
    """`| head -1`: the command ends with 0, without a word, and does not fetch the rest."""
    ecs_stub.reply(Pages("ListTasks", 100_000, 100))

    with process(
        "run", "ListTasks", "--set", "emitBehaviour=emitIndividually", "--set", "maxItems=100000", *at
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        first = json.loads(command.stdout.readline())
        command.stdout.close()
        err = command.stderr.read()
        code = command.wait(20)

    assert first["body"] == "item-0"
    assert (code, err) == (0, "")
    assert len(ecs_stub.received) < 900


def test_an_interrupt_ends_the_command_with_130(at: list[str], ecs_stub: EcsStub) -> None:
    """Ctrl-C: one word on stderr, no traceback, and the code that shells give it."""
    ecs_stub.play({"taskArns": ["a"], "nextToken": "2"}, Answer({"taskArns": ["b"]}, delay_s=5))

    with process("run", "ListTasks", "--set", "emitBehaviour=emitPage", *at) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.readline()
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=20)

    assert command.returncode == 130
    assert out == ""
    assert err.strip() == "interrupted"


def test_the_module_is_the_command() -> None:
    """`python -m ecs_connector` is `ecs-connector`, and gives the exit code on."""
    with process("run", "NoSuchThing") as command:
        _, err = command.communicate(timeout=20)

    assert command.returncode == 64
    assert "no action 'NoSuchThing'" in err
