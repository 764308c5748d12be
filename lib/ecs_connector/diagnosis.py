"""Turn what ECS says about a stop, a failure or a service event into a cause and a remedy.

The rows are data, the most specific first: the first row that fits wins, whichever text it fits. A
text that no row knows gives None, and the caller shows it as ECS wrote it.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What most likely happened, and what to do about it."""

    id: str
    cause: str
    remedy: str
    #: Whether the same task may work later with nothing changed; None when that is not known.
    transient: bool | None
    #: Public page that documents it.
    source: str

    def report(self) -> dict[str, Any]:
        """Return the diagnosis as JSON."""
        return {
            "id": self.id,
            "cause": self.cause,
            "remedy": self.remedy,
            "transient": self.transient,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class _Row:
    #: None fits without any text.
    pattern: str | None
    #: Empty sets fit every code.
    exit_codes: frozenset[int]
    stop_codes: frozenset[str]
    diagnosis: Diagnosis

    def fits(self, texts: tuple[str, ...], stop_code: str | None, exit_code: int | None) -> bool:
        if self.exit_codes and exit_code not in self.exit_codes:
            return False
        if self.stop_codes and stop_code not in self.stop_codes:
            return False
        return self.pattern is None or any(_compiled(self.pattern).search(text) for text in texts)


def diagnose(*texts: str | None, stop_code: str | None = None, exit_code: int | None = None) -> Diagnosis | None:
    """Return the diagnosis of the texts and codes of one event, or None if they are unknown.

    Args:
        texts: Whatever ECS said: the stopped reason, container reasons, a failure's reason, an event.
        stop_code: `stopCode` of the task.
        exit_code: Exit code of the container that is to blame.
    """
    said = tuple(text.strip() for text in texts if text and text.strip())
    return next((row.diagnosis for row in _rows() if row.fits(said, stop_code, exit_code)), None)


@cache
def _rows() -> tuple[_Row, ...]:
    data = json.loads(Path(__file__).with_name("data").joinpath("diagnoses.json").read_text(encoding="utf-8"))
    return tuple(
        _Row(
            pattern=row.get("pattern"),
            exit_codes=frozenset(row.get("exitCodes", ())),
            stop_codes=frozenset(row.get("stopCodes", ())),
            diagnosis=Diagnosis(
                id=row["id"],
                cause=row["cause"],
                remedy=row["remedy"],
                transient=row["transient"],
                source=data["sources"][row["source"]],
            ),
        )
        for row in data["rows"]
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
