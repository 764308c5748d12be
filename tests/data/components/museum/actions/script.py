"""Does what the message's body says: a list of verbs with their arguments under `do`."""

import time

from ecs_connector import errors
from ecs_connector.values import Emission


def process(message, config, snapshot, context):
    for verb, *arguments in message.body.get("do", [["echo"]]) if isinstance(message.body, dict) else [["echo"]]:
        yield from VERBS[verb](message, config, snapshot, context, *arguments)


def data(message, config, snapshot, context, body, headers=None):
    yield Emission("data", body, headers or {})


def echo(message, config, snapshot, context):
    yield Emission(
        "data",
        {
            "body": message.body,
            "headers": dict(message.headers),
            "passthrough": dict(message.passthrough),
            "snapshot": snapshot,
            "config": config,
            "variables": dict(context.flow_variables),
        },
    )


def forward(message, config, snapshot, context):
    yield Emission("data", message.body)


def many(message, config, snapshot, context, count):
    for number in range(count):
        yield Emission("data", {"number": number})


def emit(message, config, snapshot, context, kind, body=None):
    yield Emission(kind, body)


def throw(message, config, snapshot, context, text):
    raise ValueError(text)
    yield


def refuse(message, config, snapshot, context, code, text, retryable=False):
    raise errors.ServiceError(
        f"RunTask was refused: {text}",
        operation="RunTask",
        code=code,
        message=text,
        status=400,
        request_id="6f9c1e8a-0000",
        retryable=retryable,
    )
    yield


def sleep(message, config, snapshot, context, seconds):
    time.sleep(seconds)
    return
    yield


def wait(message, config, snapshot, context, seconds):
    context.clock.sleep(seconds)
    return
    yield


def say(message, config, snapshot, context, text):
    context.logger.info("%s", text)
    return
    yield


def leave(message, config, snapshot, context):
    raise SystemExit(3)
    yield


VERBS = {
    "data": data,
    "echo": echo,
    "forward": forward,
    "many": many,
    "emit": emit,
    "throw": throw,
    "refuse": refuse,
    "sleep": sleep,
    "wait": wait,
    "say": say,
    "leave": leave,
}
