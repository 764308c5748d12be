"""An exception, or whatever a component emits as an error, as the platform's error object.

Only text that is safe to show leaves the process: messages are redacted, and the stack names places
in the code, no values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from ecs_connector.errors import ConnectorError, ServiceError
from ecs_connector.sailor.jsontext import dumps

NOT_AVAILABLE = "Not Available"
_MAX_FRAMES = 30
#: Folders of a file's path that a stack shows.
_SHOWN_PATH_PARTS = 3


def error_report(error: Any, redact: Callable[[str], str]) -> dict[str, str]:
    """Return `name`, `message` and `stack` of an error."""
    if isinstance(error, BaseException):
        name, message = type(error).__name__, redact(message_of(error))
        return {"name": name, "message": message, "stack": f"{name}: {message}{_places(error)}"}
    if isinstance(error, Mapping) and "message" in error:
        return {
            "name": redact(_text(error.get("name") or "Error")),
            "message": redact(_text(error["message"])),
            "stack": redact(_text(error.get("stack") or NOT_AVAILABLE)),
        }
    message = redact(_text(error)) if error not in (None, "") else NOT_AVAILABLE
    return {"name": "Error", "message": message, "stack": NOT_AVAILABLE}


def message_of(error: BaseException) -> str:
    """Return what a person should read of an error, with the AWS code and request id where it has them."""
    if not isinstance(error, ConnectorError):
        return str(error) or type(error).__name__
    text = error.user_message
    facts = []
    if isinstance(error, ServiceError) and error.code not in text:
        facts.append(f"code {error.code}")
    request_id = getattr(error, "request_id", None)
    if request_id and request_id not in text:
        facts.append(f"request id {request_id}")
    return f"{text} ({', '.join(facts)})" if facts else text


def reason_of(value: Any) -> str:
    """Return what a person should read of a rebound's reason, as a component emits it."""
    if isinstance(value, BaseException):
        return message_of(value)
    if isinstance(value, Mapping) and "message" in value:
        return str(value["message"])
    return NOT_AVAILABLE if value is None else str(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return dumps(value).decode()
    except (TypeError, ValueError):
        return str(value)


def _places(error: BaseException) -> str:
    lines = [f"\n    at {place}" for place in _frames(error.__traceback__)]
    cause = error.__cause__
    while cause is not None and len(lines) < 2 * _MAX_FRAMES:
        lines.append(f"\n  caused by {type(cause).__name__}")
        lines += [f"\n    at {place}" for place in _frames(cause.__traceback__)]
        cause = cause.__cause__
    return "".join(lines)


def _frames(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = "/".join(code.co_filename.split(os.sep)[-_SHOWN_PATH_PARTS:])
        places.append(f"{code.co_name} ({path}:{trace.tb_lineno})")
        trace = trace.tb_next
    return places[::-1][:_MAX_FRAMES]
