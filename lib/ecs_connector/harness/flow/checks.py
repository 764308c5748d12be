"""Checks that every part of a flow file needs; each notes a problem and returns something to go on with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ecs_connector.harness.flow.source import Problems, escape


def check_keys(
    value: Mapping[str, Any], pointer: str, known: Sequence[str], problems: Problems, *, required: Iterable[str] = ()
) -> None:
    """Note keys that do not exist, and keys that are missing."""
    for key in value:
        if key not in known:
            hint = nearest(key, known) or f" Known here: {', '.join(known)}."
            problems.add(f"{pointer}/{escape(key)}", "unknown", f"there is no key {key!r}.{hint}")
    for key in required:
        if value.get(key) is None:
            problems.add(pointer, "required", f"the key {key!r} is missing")


def check_text(value: Mapping[str, Any], key: str, pointer: str, problems: Problems) -> str:
    """Return a text member, "" when it is absent; note it when it is something else."""
    text = value.get(key)
    if text is not None and (not isinstance(text, str) or not text.strip()):
        problems.add(f"{pointer}/{key}", "type", "must be text, and not empty")
    return text.strip() if isinstance(text, str) else ""


def check_flag(value: Mapping[str, Any], key: str, pointer: str, problems: Problems) -> bool:
    """Return a boolean member, False when it is absent; note it when it is something else."""
    flag = value.get(key, False)
    if not isinstance(flag, bool):
        problems.add(f"{pointer}/{key}", "type", "must be true or false")
    return flag is True


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is and anything else as an empty one, for checks that go on after a problem."""
    return value if isinstance(value, dict) else {}


def nearest(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return a hint that names what may have been meant, or nothing."""
    near = get_close_matches(name, sorted(known), n=2)
    return f" Did you mean {' or '.join(prefix + match for match in near)}?" if near else ""
