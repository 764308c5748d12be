"""What the README tells a stranger to do, and what it says there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ecs_connector.cli import main
from ecs_connector.terminal.completion import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Texts of AWS's own, which the troubleshooting table lists because people see them through us.
FROM_AWS = {
    "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "AccessDeniedException",
    "ClusterNotFoundException",
}  # fmt: skip


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    found: list[str] = []
    inside: str | None = None
    for line in README.splitlines():
        if line.startswith("```"):
            inside = line[3:] if inside is None else None
            if inside == language:
                found.append("")
        elif inside == language:
            found[-1] += line + "\n"
    return found


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`ecs-connector ([a-z]+)", README))))
def test_every_command_exists(command: str) -> None:
    """A command that the README names is one that the command line knows."""
    assert command in COMMANDS


def test_every_command_is_named() -> None:
    """No command is a secret."""
    assert set(COMMANDS) <= set(re.findall(r"`ecs-connector ([a-z]+)", README))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))))
def test_every_make_target_exists(target: str) -> None:
    """A target that the README names is in the Makefile."""
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(((?!https?://)[^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    """A file that the README links to is there."""
    assert (ROOT / link).exists()


def test_the_tree_is_real() -> None:
    """Every place of the tree is there."""
    tree = next(block for block in blocks("") if block.startswith("component.json"))
    for line in tree.splitlines():
        assert (ROOT / line.split()[0]).exists(), line


def test_the_python_example_runs_to_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example uses names that exist: with no network it fails on the way out and nowhere else."""
    (code,) = blocks("python")
    ast.parse(code)
    from ecs_connector import errors
    from ecs_connector.connection import ExchangeFailed
    from ecs_connector.transport import SwitchingTransport

    def refuse(*_: object, **__: object) -> None:
        raise ExchangeFailed("connect", "no network here", sent=False)

    monkeypatch.setattr(SwitchingTransport, "send", refuse)
    filled = code.replace('"..."', '"KEY"').replace("config | {", 'config | {"maxAttempts": 1} | {')
    with pytest.raises(errors.TransportError, match="no network here"):
        exec(compile(filled, "README.md", "exec"), {})


def test_the_shell_examples_parse(capsys: pytest.CaptureFixture[str]) -> None:
    """The options of the README's commands are options of the command line."""
    help_text = ""
    for command in ("run", "flow", "verify", "local", "skeleton"):
        assert main([command, "--help"]) == 0
        help_text += capsys.readouterr().out
    shown = "".join(block for block in blocks("") if "ecs-connector" in block)
    for option in set(re.findall(r"(?<!\S)(--[a-z-]+)", shown + section("Try it"))):
        assert option in help_text, option


def _texts() -> list[str]:
    rows = re.findall(r"^\| `([^`]+)` \|", section("Troubleshooting"), re.MULTILINE)
    assert len(rows) > 10
    return [row for row in rows if row not in FROM_AWS]


@pytest.mark.parametrize("text", _texts())
def test_every_text_of_the_troubleshooting_is_ours(text: str) -> None:
    """A text that the table explains is one that the program prints."""
    source = " ".join(
        re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        for path in (ROOT / "lib/ecs_connector").rglob("*.py")
    )
    fragments = [part.strip(" ;") for part in re.split(r"\bN\b|\.\.\.|;|nextToken|access key ID", text)]
    for fragment in fragments:
        assert fragment in source, fragment
    assert max(map(len, fragments)) > 8


def test_the_recorded_run_is_whole() -> None:
    """The failing task of the README shows its command, its cause, its remedy, its log and its exit code."""
    run = README.partition("<!-- failing-task")[2].partition("<!-- /failing-task")[0]
    for part in ("$ ecs-connector run RunTask", "WaitFailed", "cause:", "remedy:", "last lines of", "$ echo $?\n69"):
        assert part in run
