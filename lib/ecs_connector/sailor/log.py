"""JSON lines on stdout in the shape of bunyan, which is what the platform's executions page reads.

Every text goes through the redactor. Not on `logging`: the platform's levels, fields and file
descriptor are given, and a line that is not written costs one comparison.

Source: https://github.com/trentm/node-bunyan#core-fields
"""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ecs_connector.redact import Redactor
from ecs_connector.sailor.jsontext import iso_timestamp

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50, 60
_LEVELS = {"trace": TRACE, "debug": DEBUG, "info": INFO, "warn": WARN, "error": ERROR, "fatal": FATAL}
_STDOUT = 1

#: Copied into every line when they are set.
_CONTEXT = tuple(
    "ELASTICIO_" + name
    for name in [
        "API_USERNAME",
        "COMP_ID",
        "COMP_NAME",
        "CONTAINER_ID",
        "CONTRACT_ID",
        "EXEC_ID",
        "EXEC_TYPE",
        "EXECUTION_RESULT_ID",
        "FLOW_ID",
        "FLOW_VERSION",
        "FUNCTION",
        "STEP_ID",
        "TASK_USER_EMAIL",
        "TENANT_ID",
        "USER_ID",
        "WORKSPACE_ID",
    ]
)


class Output:
    """Where the lines go, and what is masked in them; shared by all loggers of a process."""

    def __init__(self, write: Callable[[bytes], None] | None = None) -> None:
        self.redactor = Redactor()
        self._write = write or _to_stdout

    def line(self, record: Mapping[str, Any]) -> None:
        self._write(json.dumps(record, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")


_stdout_lock = threading.Lock()
#: How long a line waits for room in a pipe.
_FULL_PIPE_S = 1.0


def _to_stdout(line: bytes) -> None:
    with _stdout_lock:
        while line:
            try:
                line = line[os.write(_STDOUT, line) :]
            except BlockingIOError:
                # Somebody has made the pipe non-blocking, and its reader is slow.
                if not select.select([], [_STDOUT], [], _FULL_PIPE_S)[1]:
                    return
            except OSError:
                # Nobody reads any more: a step without a log still does its work.
                return


class Log:
    """A bunyan logger; `child` adds fields to each of its lines."""

    def __init__(self, output: Output, fields: Mapping[str, Any], level: int) -> None:
        self._output = output
        self._fields = dict(fields)
        self._level = level

    @classmethod
    def from_environment(cls, name: str, environment: Mapping[str, str], output: Output) -> Log:
        """Return a logger with the platform's context variables."""
        fields: dict[str, Any] = {"name": name, "hostname": socket.gethostname(), "pid": os.getpid()}
        fields.update({variable: environment[variable] for variable in _CONTEXT if environment.get(variable)})
        if environment.get("ELASTICIO_FLOW_ID"):
            fields["tag"] = environment["ELASTICIO_FLOW_ID"]
        return cls(output, fields, _LEVELS.get(environment.get("LOG_LEVEL", "").lower(), INFO))

    def child(self, **fields: Any) -> Log:
        """Return a logger that writes these fields too."""
        return Log(self._output, {**self._fields, **fields}, self._level)

    def enabled(self, level: int) -> bool:
        """Whether lines of a level are written."""
        return level >= self._level

    def trace(self, message: Any, /, *args: Any) -> None:
        self._log(TRACE, message, args)

    def debug(self, message: Any, /, *args: Any) -> None:
        self._log(DEBUG, message, args)

    def info(self, message: Any, /, *args: Any) -> None:
        self._log(INFO, message, args)

    def warning(self, message: Any, /, *args: Any) -> None:
        self._log(WARN, message, args)

    warn = warning

    def error(self, message: Any, /, *args: Any) -> None:
        self._log(ERROR, message, args)

    def fatal(self, message: Any, /, *args: Any) -> None:
        self._log(FATAL, message, args)

    def report(self, level: int, report: Mapping[str, Any], message: str) -> None:
        """Write a line with an error; its `message`, `name` and `stack` are masked already."""
        if level >= self._level:
            self._line(level, message, {"err": dict(report)})

    def _log(self, level: int, message: Any, args: tuple[Any, ...]) -> None:
        if level < self._level:
            return
        text = message if isinstance(message, str) else str(message)
        if args:
            try:
                text = text % args
            except (TypeError, ValueError):
                text = f"{text} {args}"
        self._line(level, text, {})

    def _line(self, level: int, text: str, more: Mapping[str, Any]) -> None:
        output = self._output
        output.line(
            {
                **self._fields,
                **more,
                "level": level,
                "msg": output.redactor.text(text),
                "time": iso_timestamp(datetime.now(UTC)),
                "v": 0,
            }
        )


class Bridge(logging.Handler):
    """Hands what libraries write to `logging` on to a bunyan logger."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        write("%s: %s", record.name, record.getMessage())
