"""The command line: `ecs-connector`.

Emissions are JSON lines on stdout, and nothing else is; messages, progress and logs go to stderr.
Exit codes: 0 done; 64 usage; 65 the input is wrong; 69 ECS refused or a wait failed; 75 try again later;
78 configuration; 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from ecs_connector.component import Component
from ecs_connector.errors import ConfigError, ConnectorError, DescriptorError, Signal, WaitError, outcome_of
from ecs_connector.terminal.progress import Progress

_USAGE, _INTERRUPTED = 64, 130
#: What `--local` fills in where nothing is set; the embedded endpoint accepts any key.
_LOCAL = {"accessKeyId": "local", "secretAccessKey": "local", "region": "us-east-1"}


class _Usage(ConfigError):
    """Options that do not go together."""

    exit_code = _USAGE


class _Parser(argparse.ArgumentParser):
    """A parser that ends with the exit code of sysexits.h."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["sailor"], ["service"]):
        return _platform(arguments)
    try:
        parsed = _parser().parse_args(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else _USAGE
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if getattr(parsed, "debug", False) else logging.INFO,
        format="%(message)s",
    )
    for noisy in ("botocore", "urllib3", "werkzeug", "moto", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        code: int = parsed.handler(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has had enough, which is theirs to decide; nothing may be written any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return _INTERRUPTED
    except (ConnectorError, Signal) as error:
        return _failed(error)
    return code


def _platform(arguments: list[str]) -> int:
    """Run the part of the platform's runtime that is asked for; its exit codes are the platform's."""
    command, methods = arguments[0], arguments[1:]
    if (command == "service") != bool(methods):
        wanted = "service METHOD" if command == "service" else "sailor"
        sys.stderr.write(f"usage: ecs-connector {wanted}\n")
        return _USAGE
    from ecs_connector.sailor.main import main as sailor

    return sailor(methods)


def _failed(error: ConnectorError | Signal) -> int:
    """Say what went wrong; return the exit code."""
    if not isinstance(error, ConnectorError):
        sys.stderr.write(f"{error or type(error).__name__}: try again later\n")
        return outcome_of(error).exit_code
    sys.stderr.write(f"{type(error).__name__}: {error.user_message}\n")
    if error.detail:
        sys.stderr.write(f"{error.detail}\n")
    if isinstance(error, WaitError):
        from ecs_connector.terminal.bundle import lines

        sys.stderr.writelines(f"{line}\n" for line in lines(error.last))
        logging.getLogger("ecs_connector").debug("%s", json.dumps(error.last, ensure_ascii=False, default=str))
    code = outcome_of(error).exit_code
    return _USAGE if isinstance(error, DescriptorError) and error.field == "function" else code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ecs-connector", description="Drive Amazon ECS: every operation, checked before it is sent.")
    parser.add_argument("--version", action="store_true", help="print the version and the AWS model's")
    parser.set_defaults(handler=_no_command, parser=parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, handler: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        made.set_defaults(handler=handler)
        made.add_argument("--debug", action="store_true", help="log every call on stderr (secrets are masked)")
        return made

    run = command("run", _run, "run one action; each emission is one JSON line on stdout")
    run.add_argument("function", metavar="FUNCTION", help="id of an action, see `ecs-connector list`")
    run.add_argument("--body", metavar="JSON|@FILE|-", help="input of the operation (default {})")
    run.add_argument(
        "--message-id", metavar="ID", help="identity of the input: run again with it, nothing is done twice"
    )
    _configurable(run)
    flow = command("flow", _flow, "run a flow file: steps in order, mapped in JSONata")
    flow.add_argument("file", metavar="FILE.yaml")
    flow.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="an input of the flow")
    _configurable(flow)
    lists = command("list", _list, "list the actions")
    lists.add_argument("--names", action="store_true", help="names only")
    describe = command("describe", _describe, "print the fields and the schema of an action")
    describe.add_argument("function", metavar="FUNCTION")
    skeleton = command("skeleton", _skeleton, "print an input to fill in")
    skeleton.add_argument("function", metavar="FUNCTION")
    skeleton.add_argument("--minimal", action="store_true", help="only what is required")
    verify = command("verify", _verify, "check the credentials: who am I, and may I call ECS")
    _configurable(verify)
    local = command("local", _local, "run the embedded ECS endpoint in the foreground")
    local.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    local.add_argument("--scenario", metavar="FILE", help="what tasks and services do, and which faults occur")
    completion = command("completion", _completion, "print a shell completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    for name, text in (("sailor", "run as a flow step on the platform"), ("service", "one platform service call")):
        commands.add_parser(name, help=text, add_help=False)
    return parser


def _setting(text: str) -> str:
    name, equals, _ = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"expected field=value, not {text!r}")
    return text


def _configurable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="YAML or JSON file with configuration fields")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="FIELD=VALUE",
        help="one field; stronger than the file",
    )
    parser.add_argument("--local", action="store_true", help="use an embedded ECS endpoint: no AWS account, no network")
    parser.add_argument("--scenario", metavar="FILE", help="scenario of the embedded endpoint (with --local)")


def _no_command(parsed: argparse.Namespace) -> int:
    if parsed.version:
        component = Component.load()
        sys.stdout.write(f"ecs-connector {component.version}, ECS model {component.clients.model.version}\n")
        return 0
    parsed.parser.print_help(sys.stderr)
    return _USAGE


@contextlib.contextmanager
def _configured(parsed: argparse.Namespace, component: Component) -> Iterator[dict[str, Any]]:
    """Give the command's configuration, with the embedded endpoint around it where it is wanted."""
    from ecs_connector.terminal import settings

    config = settings.gather(component.clients.fields.names, parsed.config, parsed.set, settings.environment())
    if not parsed.local:
        if parsed.scenario:
            raise _Usage("--scenario is for the embedded endpoint: add --local.")
        yield config
        return
    with _embedded(parsed.scenario) as endpoint:
        yield {**_LOCAL, **config, "endpoint": endpoint}


@contextlib.contextmanager
def _embedded(scenario: str | None) -> Iterator[str]:
    try:
        from ecs_connector.harness.local import LocalEcs, Scenario
    except ImportError as error:
        raise ConfigError(f"The embedded ECS endpoint needs {error.name}: install ecs-connector[local].") from error
    loaded = Scenario.load(scenario) if scenario else Scenario()
    with LocalEcs(scenario=loaded) as ecs:
        yield ecs.url


def _run(parsed: argparse.Namespace) -> int:
    from ecs_connector.terminal import settings

    component = Component.load()
    component.action(parsed.function)
    body = settings.read_body(parsed.body)
    with _configured(parsed, component) as config, Progress(parsed.function) as progress, component:
        for emission in component.run(parsed.function, body=body, config=config, message_id=parsed.message_id):
            progress.clear()
            line = {"kind": emission.kind, "body": emission.body, "headers": dict(emission.headers)}
            sys.stdout.write(_line(line))
            sys.stdout.flush()
    return 0


def _line(value: Any) -> str:
    """Return a value as one line of JSON."""
    import orjson

    try:
        return orjson.dumps(value).decode() + "\n"
    except TypeError:  # numbers beyond 64 bits
        return json.dumps(value, ensure_ascii=False) + "\n"


def _flow(parsed: argparse.Namespace) -> int:
    try:
        from ecs_connector.harness.flow import load_flow, render_report, run_flow
    except ImportError as error:
        raise ConfigError(f"Flows need {error.name}: install ecs-connector[flow].") from error
    component = Component.load()
    flow = load_flow(parsed.file, component)
    inputs = dict(item.partition("=")[::2] for item in parsed.input)
    with _configured(parsed, component) as config, Progress(parsed.file) as progress, component:

        def said(text: str) -> None:
            progress.clear()
            sys.stderr.write(text + "\n")

        report = run_flow(flow, component, config, clock=component.clock, on_progress=said, inputs=inputs)
    sys.stderr.write(render_report(report) + "\n")
    sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=False) + "\n")
    return int(report.exit_code)


def _list(parsed: argparse.Namespace) -> int:
    component = Component.load()
    width = max(map(len, component.functions))
    for name in component.functions:
        entry = component.action(name).entry
        sys.stdout.write(f"{name}\n" if parsed.names else f"{name:<{width}}  {entry.get('description', '')}\n")
    return 0


def _describe(parsed: argparse.Namespace) -> int:
    from ecs_connector.terminal.describe import page

    component = Component.load()
    action = component.action(parsed.function)
    operation = component.clients.model.operation(action.id)
    sys.stdout.write(page(action, operation, component.clients.fields))
    return 0


def _skeleton(parsed: argparse.Namespace) -> int:
    from ecs_connector.prepare import input_schema
    from ecs_connector.terminal.skeleton import skeleton

    component = Component.load()
    operation = component.clients.model.operation(component.action(parsed.function).id)
    body = skeleton(operation, input_schema(operation).schema, minimal=parsed.minimal)
    sys.stdout.write(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    from ecs_connector.verify_credentials import check

    component = Component.load()
    with _configured(parsed, component) as config, Progress("verify"), component:
        identity = check(config, component.context())
    sys.stdout.write(json.dumps(identity.report(), ensure_ascii=False) + "\n")
    return 0


def _local(parsed: argparse.Namespace) -> int:
    try:
        from ecs_connector.harness.local import Scenario, serve
    except ImportError as error:
        raise ConfigError(f"The embedded ECS endpoint needs {error.name}: install ecs-connector[local].") from error
    serve("127.0.0.1", parsed.port, Scenario.load(parsed.scenario) if parsed.scenario else Scenario())
    return 0


def _completion(parsed: argparse.Namespace) -> int:
    from ecs_connector.terminal.completion import script

    sys.stdout.write(script(parsed.shell))
    return 0
