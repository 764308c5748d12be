"""Log lines in bunyan's shape."""

from __future__ import annotations

import json
import logging
import re

import pytest

from ecs_connector.redact import Redactor
from ecs_connector.sailor.log import ERROR, Bridge, Log, Output


class Lines:
    def __init__(self, **environment):
        self.raw = []
        self.output = Output(self.raw.append)
        self.log = Log.from_environment("component", environment, self.output)

    def read(self):
        return [json.loads(line) for line in self.raw]


def test_shape():
    """A line has bunyan's fields, the platform's context variables and the tag."""
    lines = Lines(ELASTICIO_FLOW_ID="f", ELASTICIO_STEP_ID="s", ELASTICIO_API_KEY="never", LOG_LEVEL="info")
    lines.log.child(messageId="m").info("Hello %s", "you")
    (line,) = lines.read()
    assert line["msg"] == "Hello you"
    assert (line["name"], line["level"], line["v"], line["tag"]) == ("component", 30, 0, "f")
    assert (line["ELASTICIO_FLOW_ID"], line["ELASTICIO_STEP_ID"], line["messageId"]) == ("f", "s", "m")
    assert {"hostname", "pid"} <= set(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert "ELASTICIO_API_KEY" not in line


@pytest.mark.parametrize(
    ("level", "written"),
    [("trace", 6), ("debug", 5), ("info", 4), ("warn", 3), ("error", 2), ("fatal", 1), ("nonsense", 4), ("WARN", 3)],
)
def test_levels(level, written):
    """Only lines of the level and above are written; an unknown level is info."""
    lines = Lines(LOG_LEVEL=level)
    for name in ("trace", "debug", "info", "warn", "error", "fatal"):
        getattr(lines.log, name)("x")
    assert [line["level"] for line in lines.read()] == [10, 20, 30, 40, 50, 60][-written:]


def test_a_message_need_not_be_a_text():
    """Anything is written as its text; arguments that do not fit are no error."""
    lines = Lines()
    lines.log.info({"a": 1})
    lines.log.info("%d", "x")
    assert [line["msg"] for line in lines.read()] == ["{'a': 1}", "%d ('x',)"]


def test_known_secrets_are_masked():
    """A secret of the configuration shows in no line."""
    lines = Lines()
    lines.output.redactor = Redactor({"s3cr3t-value"})
    lines.log.info("it is s3cr3t-value")
    assert "s3cr3t-value" not in str(lines.read())


def test_errors():
    """An error is an object of its own."""
    lines = Lines()
    lines.log.report(ERROR, {"name": "N", "message": "m", "stack": "s"}, "m")
    assert lines.read()[0]["err"] == {"name": "N", "message": "m", "stack": "s"}


def test_libraries_write_through_the_bridge():
    """Warnings of libraries become lines; their chatter does not."""
    lines = Lines()
    logger = logging.getLogger("somewhere")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [Bridge(lines.log)]
    logger.info("chatter")
    logger.warning("watch %s", "out")
    logger.error("wrong")
    assert [(line["level"], line["msg"]) for line in lines.read()] == [
        (40, "somewhere: watch out"),
        (50, "somewhere: wrong"),
    ]
