"""Gathers the configuration of a command and reads the inputs that its arguments name.

Strongest first: `--set`, the file of `--config`, the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ecs_connector.errors import ConfigError, InputError, Violation

#: Variable -> field. Where two variables name one field, the first that is set counts.
ENVIRONMENT = (
    ("AWS_ACCESS_KEY_ID", "accessKeyId"),
    ("AWS_SECRET_ACCESS_KEY", "secretAccessKey"),
    ("AWS_SESSION_TOKEN", "sessionToken"),
    ("AWS_REGION", "region"),
    ("AWS_DEFAULT_REGION", "region"),
    ("AWS_ENDPOINT_URL_ECS", "endpoint"),
    ("AWS_ENDPOINT_URL", "endpoint"),
    ("AWS_USE_FIPS_ENDPOINT", "useFips"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "useDualStack"),
)


def gather(
    known: Iterable[str], file: str | None, settings: Iterable[str], environ: Mapping[str, str]
) -> dict[str, Any]:
    """Return the configuration of a command.

    Args:
        known: The names of all configuration fields.
        settings: Texts of the form `field=value`.

    Raises:
        ConfigError: The file cannot be read, or a field is not known.
    """
    config: dict[str, Any] = {}
    for variable, field in ENVIRONMENT:
        if environ.get(variable):
            config.setdefault(field, environ[variable])
    explicit: dict[str, Any] = {}
    if file is not None:
        explicit.update(_read_config(file))
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {setting}: expected field=value.", field=name or None)
        explicit[name.strip()] = value
    names = list(known)
    for name in explicit:
        if name not in names:
            from difflib import get_close_matches

            near = get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" The fields are {', '.join(names)}."
            raise ConfigError(f"There is no configuration field {name!r}.{hint}", field=name)
    if "accessKeyId" in explicit and "sessionToken" not in explicit:
        # A session token belongs to the keys that it came with.
        config.pop("sessionToken", None)
    return {**config, **explicit}


def _read_config(path: str) -> dict[str, Any]:
    content = read_document(path, "--config", ConfigError)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"--config {path}: expected a mapping of field to value.")
    return content


def read_body(argument: str | None) -> Any:
    """Return the input that `--body` gives: JSON, @FILE, or - for standard input.

    Raises:
        InputError: It cannot be read, or is not JSON (or YAML, in a file that is named so).
    """
    if argument is None:
        return {}
    if argument.startswith("@"):
        return read_document(argument[1:], "--body", InputError)
    text = sys.stdin.read() if argument == "-" else argument
    return _json(text, "--body" if argument != "-" else "standard input", InputError)


def read_document(path: str, option: str, error: type[ConfigError | InputError]) -> Any:
    """Return a JSON or YAML file.

    Raises:
        ConfigError, InputError: As `error` says.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise error(f"{option} {path}: cannot be read: {reason}.") from problem
    if path.endswith(".json"):
        return _json(text, f"{option} {path}", error)
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as problem:
        raise error(f"{option} {path}: is not YAML: {' '.join(str(problem).split())}") from problem


def _json(text: str, where: str, error: type[ConfigError | InputError]) -> Any:
    import json  # its messages name line and column

    try:
        return json.loads(text)
    except ValueError as problem:
        message = f"{where}: is not JSON: {problem}."
        if error is InputError:
            raise InputError(message, violations=[Violation("", "json", message)]) from problem
        raise error(message) from problem


def environment() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ
