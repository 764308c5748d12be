"""Tell which errors may pass by themselves, also where ECS hides them in others.

ECS calls EC2 and its own back ends, and wraps what they answer: a throttled EC2 call arrives as an
InvalidParameterException, a busy task family as a ClientException. Which code and text mean what is
data. None means that repeating the call cannot help; `LimitExceededException` is a quota of ECS.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

#: Kinds whose code decides before any text is looked at; "server" comes last, since it wraps the others.
_BEFORE_TEXT = ("throttle", "capacity", "credentials", "skew")


def kind_of(code: str, message: str, status: int) -> str | None:
    """Return why an error may pass: throttle, capacity, server, skew or credentials; else None.

    Args:
        code: AWS error code, with or without the prefix of its namespace; "" if the answer had none.
        message: AWS error text.
        status: HTTP status of the answer.
    """
    table = _table()
    code = code.rpartition("#")[2].partition(":")[0]
    if code in table.never:
        return None
    kind = table.codes.get(code)
    if kind in _BEFORE_TEXT:
        return kind
    for row in table.messages:
        if code in row.codes and row.pattern.search(message):
            return row.kind
    return kind or table.statuses.get(status)


def kind_of_failure(reason: str) -> str | None:
    """Return why an entry of a `failures` list may pass: throttle, capacity; else None."""
    table = _table()
    rows = (*table.failures, *(row for row in table.messages if "ClientException" in row.codes))
    return next((row.kind for row in rows if row.pattern.search(reason.strip())), None)


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    codes: frozenset[str]
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Table:
    never: frozenset[str]
    codes: dict[str, str]
    statuses: dict[int, str]
    messages: tuple[_Row, ...]
    failures: tuple[_Row, ...]


@cache
def _table() -> _Table:
    data = json.loads(Path(__file__).with_name("data").joinpath("throttle_messages.json").read_text(encoding="utf-8"))
    return _Table(
        never=frozenset(data["never"]),
        codes={code: kind for kind, codes in data["codes"].items() for code in codes},
        statuses={int(status): kind for status, kind in data["statuses"].items()},
        messages=tuple(map(_row, data["messages"])),
        failures=tuple(map(_row, data["failures"])),
    )


def _row(row: dict[str, Any]) -> _Row:
    return _Row(row["kind"], frozenset(row.get("codes", ())), re.compile("|".join(row["patterns"]), re.IGNORECASE))
